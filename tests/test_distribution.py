"""Two replicas train as one does with the whole batch.

In a process of its own, since logical devices are made before TensorFlow starts; in one
for all tests, since each costs an import of TensorFlow.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).parent

PROLOGUE = """
import contextlib
import json
import pathlib
import sys
import tempfile
import threading
import traceback

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

import ganzoo
import tiny
from ganzoo import callbacks

IMAGES = tiny.make_images(8)
ONE = tf.distribute.get_strategy()
TWO = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert TWO.num_replicas_in_sync == 2


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


def build(strategy, model_class=ganzoo.GAN, optimizers=dict, **arguments):
    keras.utils.set_random_seed(4)
    with strategy.scope():
        # Batch normalization is over a replica's images.
        generator = tiny.build_generator(batch_norm=False)
        gan = model_class(generator, tiny.build_discriminator(), seed=3)
        gan.compile(**optimizers(), **arguments)
    return gan


def sgd():
    return dict(
        generator_optimizer=keras.optimizers.SGD(0.5, momentum=0.9),
        discriminator_optimizer=keras.optimizers.SGD(0.25, momentum=0.9),
    )


def steps(optimizer):
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


# Reports, for every program, the end of its traceback, or nothing.
reports = {}
for name, program in json.load(sys.stdin).items():
    with tempfile.TemporaryDirectory() as folder:
        try:
            exec(compile(program, name, "exec"), {**globals(), "folder": pathlib.Path(folder)})
            reports[name] = ""
        except BaseException:
            reports[name] = traceback.format_exc()[-3000:]
    keras.config.set_dtype_policy("float32")
print("REPORTS" + json.dumps(reports))
"""

SAME_STEP = """
arguments = dict(update=UPDATE, regularizer="r1", ema_decay=0.5, discriminator_steps=2)
gans = [build(strategy, LatentsOfTheData, sgd, **arguments) for strategy in (ONE, TWO)]
start = tiny.copy_of(gans[0].trainable_variables + gans[0].ema_generator.weights)
histories = [
    gan.fit(tf.data.Dataset.from_tensor_slices(IMAGES).batch(8), epochs=3, verbose=0).history
    for gan in gans
]
for one, two in zip(gans[0].weights, gans[1].weights, strict=True):
    np.testing.assert_allclose(two.numpy(), one.numpy(), rtol=1e-4, atol=1e-6, err_msg=one.path)
assert tiny.differ(gans[1].trainable_variables + gans[1].ema_generator.weights, start)
for name, values in histories[0].items():
    np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, err_msg=name)
assert steps(gans[1].generator_optimizer) == 3
assert steps(gans[1].discriminator_optimizer) == 6
"""

PROGRAMS = {
    "a simultaneous step on two replicas equals one on the whole batch": SAME_STEP.replace(
        "UPDATE", "'simultaneous'"
    ),
    "an alternating step on two replicas equals one on the whole batch": SAME_STEP.replace(
        "UPDATE", "'alternating'"
    ),
    "latents differ between replicas and steps": """
gan = build(TWO)
draw = tf.function(lambda: TWO.run(lambda: gan.sample_latents(3)))
first, second = TWO.experimental_local_results(draw())
third, _ = TWO.experimental_local_results(draw())
for one, other in [(first, second), (first, third), (second, third)]:
    assert not np.any(one.numpy() == other.numpy())
""",
    "the default recipe trains, evaluates, saves and generates": """
gan = build(TWO)
gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0)
assert steps(gan.generator_optimizer) == 4
for variable in gan.ema_generator.weights:
    replicas = [v.numpy() for v in TWO.experimental_local_results(variable.value)]
    np.testing.assert_array_equal(replicas[0], replicas[-1], err_msg=variable.path)
gan.evaluate(IMAGES, batch_size=4, verbose=0)
gan.save(folder / "a.keras")
alone = ganzoo.load(folder / "a.keras")
np.testing.assert_array_equal(gan.generate(3, seed=0), alone.generate(3, seed=0))
tiny.assert_equal(alone.weights, gan.weights)
assert steps(alone.generator_optimizer) == 4
""",
    "a model built under a strategy compiles outside its scope": """
with TWO.scope():
    gan = ganzoo.GAN(tiny.build_generator(), tiny.build_discriminator(), seed=3)
gan.compile()
gan.fit(IMAGES, batch_size=4, verbose=0)
assert steps(gan.generator_optimizer) == 2
""",
    "the callbacks of a run work": """
gan = build(TWO)
watchers = [
    callbacks.StopAtStep(3),
    callbacks.MetricsFile(folder / "metrics.json", batch_size=4),
    callbacks.SampleGrid(folder, num_images=2),
    callbacks.Checkpoint(folder / "checkpoints"),
]
gan.fit(IMAGES, batch_size=4, epochs=4, callbacks=watchers, verbose=0)
names = [path.name for path in callbacks.checkpoints(folder / "checkpoints")]
assert names == ["step_00000002.keras", "step_00000003.keras"], names
last = callbacks.checkpoints(folder / "checkpoints")[-1]
progress = callbacks.read_progress(last)
with TWO.scope():
    again = ganzoo.load(last)
checkpoint = callbacks.Checkpoint(folder / "again", progress=progress)
seen = {}
note = keras.callbacks.LambdaCallback(
    on_epoch_begin=lambda epoch, logs: seen.update(checkpoint._collect()["means"])
)
again.fit(IMAGES, batch_size=4, callbacks=[checkpoint, note], verbose=0)
assert seen == progress["means"] and any(map(any, seen.values())), seen
""",
    "a loss that is not finite stops training": """
gan = build(TWO)
gan.discriminator.weights[-1].assign([np.nan])
with contextlib.suppress(FloatingPointError):
    gan.fit(IMAGES, batch_size=4, verbose=0)
    raise AssertionError("not stopped")
""",
    "XLA is refused": """
try:
    build(TWO, jit_compile=True)
except ValueError as error:
    assert "jit_compile=True" in str(error)
else:
    raise AssertionError("not refused")
assert build(TWO).jit_compile is False
""",
    "half precision trains": """
keras.config.set_dtype_policy("mixed_float16")
gan = build(TWO)
history = gan.fit(IMAGES, batch_size=4, verbose=0).history
assert np.isfinite(history["generator_loss"]).all()
assert steps(gan.discriminator_optimizer) == 2
""",
}


@pytest.fixture(scope="module")
def reports():
    outcome = subprocess.run(
        [sys.executable, "-c", PROLOGUE],
        input=json.dumps(PROGRAMS),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    return json.loads(outcome.stdout.partition("REPORTS")[2])


@pytest.mark.parametrize("claim", PROGRAMS)
def test_under_a_strategy(claim, reports):
    assert reports[claim] == ""
