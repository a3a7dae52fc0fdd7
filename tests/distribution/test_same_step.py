"""A step on several replicas is the one of a single replica with the whole batch."""

import pytest
from replicas import run_programs

from ganzoo import registry

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
}

FAMILIES = {
    family.name: SAME_FAMILY.replace("FAMILY", repr(family.name)) for family in registry.families()
}


@pytest.fixture(scope="module")
def reports():
    return run_programs(PROGRAMS)


@pytest.fixture(scope="module")
def family_reports():
    return run_programs(FAMILIES)


@pytest.mark.parametrize("claim", PROGRAMS)
def test_on_several_replicas(claim, reports):
    assert reports[claim] == ""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_comes_to_the_same_weights_on_one_two_and_four_replicas(family, family_reports):
    assert family_reports[family] == ""
