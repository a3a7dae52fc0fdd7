"""Several replicas train as one does with the whole batch, in one process.

Replicas are tested in a process of its own, since logical devices are made before
TensorFlow starts; in one for all tests, since each costs an import of TensorFlow.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from ganzoo import registry

TESTS = pathlib.Path(__file__).parent

PROLOGUE = """
import contextlib
import gc
import json
import pathlib
import sys
import tempfile
import threading
import traceback
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)

import ganzoo
import tiny
from ganzoo import callbacks, registry, runs, training
from ganzoo.distribution import Site, share_batches

IMAGES = tiny.make_images(8)
ONE = tf.distribute.get_strategy()
TWO = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
# Collectives of two strategies cannot be told apart, and this is the other way there is.
FOUR = tf.distribute.MirroredStrategy(
    [f"CPU:{index}" for index in range(4)],
    cross_device_ops=tf.distribute.ReductionToOneDevice(),
)
assert (TWO.num_replicas_in_sync, FOUR.num_replicas_in_sync) == (2, 4)


@contextlib.contextmanager
def chance_of_the_data():
    '''Replicas draw numbers of their own by design; here they follow from the images.'''
    # A replica is a thread.
    replica = threading.local()
    unpack = training.TwoPlayerModel.unpack

    def unpack_and_note(self, data):
        real_images, condition = unpack(self, data)
        replica.flat = tf.reshape(real_images, (tf.shape(real_images)[0], -1))
        return real_images, condition

    def sample_latents(self, num_latents, seed=None):
        size = self.latent_shape[0]
        return tf.tile(replica.flat, (1, -(-size // replica.flat.shape[1])))[:, :size]

    with (
        mock.patch.object(training.TwoPlayerModel, "unpack", unpack_and_note),
        mock.patch.object(ganzoo.GAN, "sample_latents", sample_latents),
        mock.patch.object(tf.random, "stateless_uniform", lambda shape, seed: tf.fill(shape, 0.3)),
    ):
        yield


def build(strategy, optimizers=dict, batch_norm=False, **arguments):
    keras.utils.set_random_seed(4)
    with strategy.scope():
        # Batch normalization is over a replica's images.
        generator = tiny.build_generator(batch_norm=batch_norm)
        gan = ganzoo.GAN(generator, tiny.build_discriminator(), seed=3)
        gan.compile(**optimizers(), **arguments)
    return gan


def batches_of(*arrays, size=8):
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size, drop_remainder=True)


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
gans = [build(strategy, sgd, **arguments) for strategy in (ONE, STRATEGY)]
start = tiny.copy_of(gans[0].trainable_variables + gans[0].ema_generator.weights)
with chance_of_the_data():
    histories = [gan.fit(batches_of(IMAGES), epochs=3, verbose=0).history for gan in gans]
tiny.assert_close(gans[1].weights, gans[0].weights, rtol=1e-4)
assert tiny.differ(gans[1].trainable_variables + gans[1].ema_generator.weights, start)
for name, values in histories[0].items():
    np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, err_msg=name)
assert steps(gans[1].generator_optimizer) == 3
assert steps(gans[1].discriminator_optimizer) == 6
"""

SAME_GRADIENTS = """
def gradients(strategy, regularizer):
    rate_1 = lambda: dict(
        generator_optimizer=keras.optimizers.SGD(1.0),
        discriminator_optimizer=keras.optimizers.SGD(1.0),
    )
    gan = build(strategy, rate_1, regularizer=regularizer, run_eagerly=True)
    before = tiny.copy_of(gan.trainable_variables)
    with chance_of_the_data():
        gan.fit(batches_of(IMAGES), verbose=0)
    return [old - new for old, new in zip(before, tiny.copy_of(gan.trainable_variables))]


plain = gradients(ONE, "none")
for regularizer in REGULARIZERS:
    one = gradients(ONE, regularizer)
    assert tiny.differ(one, plain)
    for strategy in (TWO, FOUR):
        tiny.assert_close(gradients(strategy, regularizer), one, rtol=1e-5, atol=1e-6)
"""

SAME_FAMILY = """
family = registry.get_family(FAMILY)


def train(strategy):
    keras.utils.set_random_seed(4)
    with strategy.scope():
        model = family.build_smallest(seed=3)
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            keras.optimizers.SGD(0.05, momentum=0.9),
            sync_batch_norm=True,
            run_eagerly=True,
        )
    data = tiny.make_data(model, 16)
    with chance_of_the_data():
        history = model.fit(batches_of(*data), verbose=0).history
    return model, history


model, history = train(ONE)
assert steps(model.generator_optimizer) == 2
for strategy in (TWO, FOUR):
    shared, shared_history = train(strategy)
    tiny.assert_close(shared.weights, model.weights, rtol=1e-3, atol=1e-5)
    # A mean of replicas' decibels is none of the whole batch's.
    for name in set(history) - {"psnr"}:
        np.testing.assert_allclose(shared_history[name], history[name], rtol=1e-4, err_msg=name)
"""

PROGRAMS = {
    "a simultaneous step on two replicas equals one on the whole batch": SAME_STEP.replace(
        "UPDATE", "'simultaneous'"
    ).replace("STRATEGY", "TWO"),
    "an alternating step on four replicas equals one on the whole batch": SAME_STEP.replace(
        "UPDATE", "'alternating'"
    ).replace("STRATEGY", "FOUR"),
    "penalties have the same gradients": SAME_GRADIENTS.replace(
        "REGULARIZERS", "('r1_r2', 'gradient_penalty')"
    ),
    "batch normalization is the whole batch's where it is synchronized, and only there": """
ends = {}
for strategy, sync_batch_norm in [(ONE, False), (TWO, True), (TWO, False)]:
    arguments = dict(batch_norm=True, sync_batch_norm=sync_batch_norm, run_eagerly=True)
    gan = build(strategy, sgd, **arguments)
    with chance_of_the_data():
        gan.fit(batches_of(IMAGES), epochs=2, verbose=0)
    ends[strategy, sync_batch_norm] = tiny.copy_of(gan.weights)
tiny.assert_close(ends[TWO, True], ends[ONE, False], rtol=1e-3, atol=1e-5)
generator = slice(0, len(gan.generator.weights))
apart = zip(ends[TWO, False][generator], ends[ONE, False][generator], strict=True)
assert max(np.abs(one - other).max() for one, other in apart) > 1e-3
means = [v for v in gan.generator.non_trainable_variables if "moving" in v.name]
for variable in means:
    first, second = TWO.experimental_local_results(variable.value)
    np.testing.assert_array_equal(first.numpy(), second.numpy())
assert len(means) == 2
""",
    "replicas share the batches of one": """
dataset = batches_of(np.arange(48), size=8)
iterator = iter(share_batches(FOUR, dataset))
for wanted in [*dataset, *dataset]:
    parts = [part.numpy() for part in FOUR.experimental_local_results(next(iterator))]
    assert [len(part) for part in parts] == [2] * 4
    np.testing.assert_array_equal(np.concatenate(parts), wanted)
""",
    "data of a tf.data service train": """
service = tf.data.experimental.service
dispatcher = service.DispatchServer()
address = dispatcher.target.partition("://")[2]
worker = service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
dataset = batches_of(IMAGES, size=4).apply(
    service.distribute(service.ShardingPolicy.DYNAMIC, dispatcher.target)
)
gan = build(TWO, run_eagerly=True)
checked, gan.real_examples = gan.check_data(dataset, None)
gan.fit(share_batches(TWO, checked), steps_per_epoch=3, verbose=0)
assert gan.step == 3
assert len(gan.real_examples) == 8
# Readers, then the worker, then the dispatcher: a worker without one may wait for it for ever.
del gan, checked, dataset
gc.collect()
del worker, dispatcher
""",
    "a run on two replicas leaves what one on one does": """
photos = tiny.write_folder(folder / "photos", num_images=20)
recipe = runs.Recipe("vanilla", str(photos), epochs=2, batch_size=6, mixed_precision=False)
outcome = runs.train(recipe, folder / "run", site=Site(TWO), verbose=0)
assert outcome.step == 6
epochs = json.loads((folder / "run/metrics.json").read_text())["epochs"]
assert [row["step"] for row in epochs] == [3, 6]
assert (folder / "run/samples/real.png").is_file()
config = json.loads((folder / "run/config.json").read_text())
assert config["site"] == {"replicas": 2, "workers": 1}
assert ganzoo.load(folder / "run").step == 6
# One device goes on where two were.
assert runs.resume(folder / "run", epochs=3, site=Site(ONE), verbose=0).step == 9
try:
    runs.train(recipe, folder / "other", site=Site(FOUR), verbose=0)
except ValueError as error:
    assert "4 replicas share a batch evenly. Received: batch_size=6" in str(error)
else:
    raise AssertionError("not refused")
assert not (folder / "other").exists()
""",
    "norms of gradients are those of the whole batch": """
gans = [build(strategy, sgd) for strategy in (ONE, TWO)]
with chance_of_the_data():
    for gan in gans:
        # The same images for both replicas: their gradients are one, and no mean of two.
        gan.fit(batches_of(np.tile(IMAGES[:4], (2, 1, 1, 1))), verbose=0)
one, two = (gan.take_gradient_norms() for gan in gans)
assert set(one) == {"generator", "discriminator"}
np.testing.assert_allclose(list(two.values()), list(one.values()), rtol=1e-4)
assert gans[1].take_gradient_norms() == {}
""",
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
    "XLA is refused, and left out where it was compiled for one replica": """
try:
    build(TWO, jit_compile=True)
except ValueError as error:
    assert "jit_compile=True" in str(error)
else:
    raise AssertionError("not refused")
assert build(TWO).jit_compile is False
# What was asked for is kept, not what came of it here.
build(TWO).save(folder / "two.keras")
assert ganzoo.load(folder / "two.keras").get_compile_config()["jit_compile"] == "auto"
build(ONE, jit_compile=True).save(folder / "one.keras")
with TWO.scope():
    assert ganzoo.load(folder / "one.keras").jit_compile is False
""",
    "batches that do not divide are refused": """
def pairs(size):
    return ((IMAGES[:size],) for _ in range(2))

class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return IMAGES[:3]

wrong = {
    "array, each batch": (IMAGES, 3),
    "array, the last batch": (IMAGES[:7], 4),
    "smaller than a batch": (IMAGES[:3], None),
    "pipeline": (tf.data.Dataset.from_tensor_slices(IMAGES[:7]).batch(4), None),
    "generator": (pairs(3), None),
    "PyDataset": (Batches(), None),
}
for kind, (x, batch_size) in wrong.items():
    gan = build(TWO)
    try:
        gan.fit(x, batch_size=batch_size, verbose=0)
    except ValueError as error:
        assert "must divide among the 2 replicas" in str(error), (kind, error)
    else:
        raise AssertionError(kind)
    assert all(np.isfinite(weight).all() for weight in gan.get_weights()), kind
build(TWO).fit(IMAGES[:6], batch_size=4, verbose=0)
build(TWO).fit(tf.data.Dataset.from_tensor_slices(IMAGES[:6]).batch(4), verbose=0)
""",
    "normalization is over a replica's images again when it is compiled so": """
gan = build(TWO, batch_norm=True, sync_batch_norm=True)
layers = list(ganzoo.layers.normalizations(gan.generator))
assert layers and all(layer.synchronized for layer in layers)
with TWO.scope():
    gan.compile()
assert not any(layer.synchronized for layer in layers)
""",
    "replicas that normalize together do at times, in a graph, what they do at once": """
def train(family, **arguments):
    keras.utils.set_random_seed(4)
    with TWO.scope():
        model = family.build_smallest(seed=3, **arguments)
        model.compile(sync_batch_norm=True, **recommended(model))
    model.fit(batches_of(*tiny.make_data(model, 24)), verbose=0)
    return model


def recommended(model):
    every = ganzoo.regularizers.R1(0.1, every=2)
    return {"regularizer": every} | sgd()


for name in ("cgan", "lapgan"):
    family = registry.get_family(name)
    model = train(family)
    assert model.step == 3
    for network in (model.generator, model.discriminator, model.ema_generator):
        for weight in network.get_weights():
            assert np.isfinite(weight).all()
network = model.ema_generator
layer = next(iter(ganzoo.layers.normalizations(network)))
layer.synchronized = True
with TWO.scope():
    seen = keras.Variable(0.0, trainable=False, aggregation="mean")


@tf.function
def at_times(now):
    def compute():
        layer.moving_mean.assign(layer.moving_mean + 1.0)
        return 7.0

    return TWO.run(lambda: model.compute_at_times(now, compute, network))


for now, moved, value in ((tf.constant(True), 1.0, 7.0), (tf.constant(False), 0.0, 0.0)):
    before = layer.moving_mean.numpy()
    values = TWO.experimental_local_results(at_times(now))
    assert [float(v) for v in values] == [value] * 2
    np.testing.assert_allclose(layer.moving_mean.numpy() - before, moved, atol=1e-6)
""",
    "an overflow on one replica is one of all": """
class Overflowing(ganzoo.losses.NonSaturating):
    def generator(self, real_logits, fake_logits):
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        factor = tf.where(tf.equal(replica, 1), np.inf, 1.0)
        return super().generator(real_logits, fake_logits) * factor


keras.config.set_dtype_policy("mixed_float16")
gan = build(TWO, sgd, loss=Overflowing())
before = tiny.copy_of(gan.generator.trainable_variables)
try:
    gan.fit(IMAGES, batch_size=8, verbose=0)
except FloatingPointError:
    pass  # The loss that is logged is infinite, too.
tiny.assert_equal(gan.generator.trainable_variables, before)
assert (steps(gan.generator_optimizer), steps(gan.discriminator_optimizer)) == (0, 1)
""",
    "an optimizer from outside of the scope is named": """
for optimizer in (keras.optimizers.Adam(), keras.optimizers.SGD()):
    try:
        build(TWO).compile(optimizer, "adam")
    except ValueError as error:
        assert "strategy.scope()" in str(error)
    else:
        raise AssertionError(optimizer)
build(TWO).compile("adam", "sgd")
""",
    "half precision trains": """
keras.config.set_dtype_policy("mixed_float16")
gan = build(TWO)
history = gan.fit(IMAGES, batch_size=4, verbose=0).history
assert np.isfinite(history["generator_loss"]).all()
assert steps(gan.discriminator_optimizer) == 2
""",
}


def environment(**changes):
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path, **changes}


FAMILIES = {
    family.name: SAME_FAMILY.replace("FAMILY", repr(family.name)) for family in registry.families()
}


@pytest.fixture(scope="module")
def reports():
    return run_programs(PROGRAMS)


@pytest.fixture(scope="module")
def family_reports():
    return run_programs(FAMILIES)


def run_programs(programs):
    outcome = subprocess.run(
        [sys.executable, "-c", PROLOGUE],
        input=json.dumps(programs),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # What hangs should end in a failure.
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    return json.loads(outcome.stdout.partition("REPORTS")[2])


@pytest.mark.parametrize("claim", PROGRAMS)
def test_under_a_strategy(claim, reports):
    assert reports[claim] == ""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_comes_to_the_same_weights_on_one_two_and_four_replicas(family, family_reports):
    assert family_reports[family] == ""
