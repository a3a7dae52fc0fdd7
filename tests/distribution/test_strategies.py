"""Everything else works under a strategy, and what does not is refused."""

import pytest
from replicas import run_programs

PROGRAMS = {
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


@pytest.fixture(scope="module")
def reports():
    return run_programs(PROGRAMS)


@pytest.mark.parametrize("claim", PROGRAMS)
def test_under_a_strategy(claim, reports):
    assert reports[claim] == ""
