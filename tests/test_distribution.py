"""Two replicas train as one does with the whole batch.

In processes of their own, since logical devices are made before TensorFlow starts.
"""

import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).parent

PROLOGUE = """
import threading

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import ganzoo
import tiny

IMAGES = tiny.make_images(8)

class LatentsOfTheData(ganzoo.GAN):
    '''Replicas draw latents of their own by design; here they follow from the images.'''

    # A replica is a thread.
    replica = threading.local()

    def unpack(self, data):
        unpacked = super().unpack(data)
        self.replica.latents = tf.reshape(unpacked[0], (-1, 6))[:, :4]
        return unpacked

    def sample_latents(self, num_latents, seed=None):
        return self.replica.latents

def build(strategy, model_class=LatentsOfTheData, optimizers=None, **arguments):
    keras.utils.set_random_seed(4)
    with strategy.scope():
        # Batch normalization is over a replica's images.
        generator = tiny.build_generator(batch_norm=False)
        gan = model_class(generator, tiny.build_discriminator(), seed=3)
        gan.compile(**(optimizers() if optimizers else {}), **arguments)
    return gan

def steps(optimizer):
    return int(keras.ops.convert_to_numpy(optimizer.iterations))

def sgd():
    return dict(
        generator_optimizer=keras.optimizers.SGD(0.5, momentum=0.9),
        discriminator_optimizer=keras.optimizers.SGD(0.25, momentum=0.9),
    )

ONE = tf.distribute.get_strategy()
TWO = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert TWO.num_replicas_in_sync == 2
"""


def run(program):
    outcome = subprocess.run(
        [sys.executable, "-c", PROLOGUE + program],
        cwd=TESTS,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout[-1000:] + outcome.stderr[-3000:]
    return outcome.stdout


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_a_step_on_two_replicas_equals_one_on_the_whole_batch(update):
    run(f"""
arguments = dict(update={update!r}, regularizer="r1", ema_decay=0.5, discriminator_steps=2)
gans = [build(strategy, optimizers=sgd, **arguments) for strategy in (ONE, TWO)]
histories = [
    gan.fit(tf.data.Dataset.from_tensor_slices(IMAGES).batch(8), epochs=3, verbose=0).history
    for gan in gans
]
for one, two in zip(gans[0].weights, gans[1].weights, strict=True):
    np.testing.assert_allclose(two.numpy(), one.numpy(), rtol=1e-4, atol=1e-6, err_msg=one.path)
start = build(ONE, optimizers=sgd)
assert tiny.differ(start.discriminator.weights, gans[1].discriminator.weights)
assert tiny.differ(start.ema_generator.weights, gans[1].ema_generator.weights)
for name, values in histories[0].items():
    np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, err_msg=name)
assert steps(gans[1].generator_optimizer) == 3
assert steps(gans[1].discriminator_optimizer) == 6
""")


def test_the_default_recipe_trains_saves_and_generates_under_a_strategy():
    run("""
import pathlib, tempfile
gan = build(TWO, ganzoo.GAN)
gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0)
assert steps(gan.generator_optimizer) == 4
for variable in gan.ema_generator.weights:
    replicas = [v.numpy() for v in TWO.experimental_local_results(variable.value)]
    np.testing.assert_array_equal(replicas[0], replicas[-1], err_msg=variable.path)
gan.evaluate(IMAGES, batch_size=4, verbose=0)
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "a.keras"
    gan.save(path)
    alone = ganzoo.load(path)
np.testing.assert_array_equal(gan.generate(3, seed=0), alone.generate(3, seed=0))
tiny.assert_equal(alone.weights, gan.weights)
assert steps(alone.generator_optimizer) == 4
""")


def test_a_model_built_under_a_strategy_compiles_outside_its_scope():
    run("""
with TWO.scope():
    gan = ganzoo.GAN(tiny.build_generator(), tiny.build_discriminator(), seed=3)
gan.compile()
gan.fit(IMAGES, batch_size=4, verbose=0)
assert steps(gan.generator_optimizer) == 2
""")


def test_the_callbacks_of_a_run_work_under_a_strategy():
    run("""
import pathlib, tempfile
from ganzoo import callbacks
gan = build(TWO, ganzoo.GAN)
with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    watchers = [
        callbacks.StopAtStep(3),
        callbacks.MetricsFile(folder / "metrics.json", batch_size=4),
        callbacks.SampleGrid(folder, num_images=2),
        callbacks.Checkpoint(folder / "checkpoints"),
    ]
    gan.fit(IMAGES, batch_size=4, epochs=4, callbacks=watchers, verbose=0)
    names = [path.name for path in callbacks.checkpoints(folder / "checkpoints")]
assert names == ["step_00000002.keras", "step_00000003.keras"], names
""")


def test_latents_differ_between_replicas_and_steps():
    run("""
gan = build(TWO, ganzoo.GAN)
draw = tf.function(lambda: TWO.run(lambda: gan.sample_latents(3)))
first, second = TWO.experimental_local_results(draw())
third, _ = TWO.experimental_local_results(draw())
for one, other in [(first, second), (first, third), (second, third)]:
    assert not np.any(one.numpy() == other.numpy())
""")


def test_xla_under_a_strategy_is_refused():
    run("""
try:
    build(TWO, jit_compile=True)
except ValueError as error:
    assert "jit_compile=True" in str(error)
else:
    raise AssertionError("not refused")
assert build(TWO).jit_compile is False
""")


def test_half_precision_trains_under_a_strategy():
    run("""
keras.config.set_dtype_policy("mixed_float16")
gan = build(TWO, ganzoo.GAN)
history = gan.fit(IMAGES, batch_size=4, verbose=0).history
assert np.isfinite(history["generator_loss"]).all()
assert steps(gan.discriminator_optimizer) == 2
""")
