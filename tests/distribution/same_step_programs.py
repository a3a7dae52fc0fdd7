"""Compare training steps on one replica and on several."""

import keras
import numpy as np
import tensorflow as tf
import tiny
from replicas import (
    IMAGES,
    batches_of,
    build,
    order_for_replicas,
    programs_in,
    random_numbers_from_images,
    sgd,
    strategy_of,
    updates_of,
)

import ganzoo
from ganzoo import registry
from ganzoo.base import updates


def a_simultaneous_step_on_two_replicas_equals_one_on_the_whole_batch():
    _compare_steps("simultaneous", num_replicas=2)


def an_alternating_step_on_four_replicas_equals_one_on_the_whole_batch():
    _compare_steps("alternating", num_replicas=4)


def _compare_steps(update, num_replicas):
    arguments = {"update": update, "regularizer": "r1", "ema_decay": 0.5, "discriminator_steps": 2}
    gans = [build(count, sgd, **arguments) for count in (1, num_replicas)]
    start = tiny.copy_of(gans[0].trainable_variables + gans[0].ema_generator.weights)
    batches = IMAGES, order_for_replicas(IMAGES, num_replicas, 2)
    with random_numbers_from_images():
        histories = [
            gan.fit(batches_of(batch), epochs=3, verbose=0).history
            for gan, batch in zip(gans, batches, strict=True)
        ]
    tiny.assert_close(gans[1].weights, gans[0].weights, rtol=1e-4)
    assert tiny.differ(gans[1].trainable_variables + gans[1].ema_generator.weights, start)
    for name, values in histories[0].items():
        np.testing.assert_allclose(histories[1][name], values, rtol=1e-4, err_msg=name)
    assert updates_of(gans[1].generator_optimizer) == 3
    assert updates_of(gans[1].discriminator_optimizer) == 6


def penalties_have_the_gradients_of_the_whole_batch():
    plain = _gradients(1, "none")
    for regularizer in ("r1_r2", "gradient_penalty"):
        one = _gradients(1, regularizer)
        assert tiny.differ(one, plain)
        for num_replicas in (2, 4):
            tiny.assert_close(_gradients(num_replicas, regularizer), one, rtol=1e-5, atol=1e-6)


def _gradients(num_replicas, regularizer):
    def rate_1():
        return {
            "generator_optimizer": keras.optimizers.SGD(1.0),
            "discriminator_optimizer": keras.optimizers.SGD(1.0),
        }

    gan = build(num_replicas, rate_1, regularizer=regularizer, run_eagerly=True)
    before = tiny.copy_of(gan.trainable_variables)
    with random_numbers_from_images():
        gan.fit(batches_of(IMAGES), verbose=0)
    after = tiny.copy_of(gan.trainable_variables)
    return [old - new for old, new in zip(before, after, strict=True)]


def batch_normalization_is_over_the_whole_batch_only_if_synchronized():
    ends = {}
    for num_replicas, sync_batch_norm in [(1, False), (2, True), (2, False)]:
        arguments = {"batch_norm": True, "sync_batch_norm": sync_batch_norm, "run_eagerly": True}
        gan = build(num_replicas, sgd, **arguments)
        with random_numbers_from_images():
            gan.fit(batches_of(IMAGES), epochs=2, verbose=0)
        ends[num_replicas, sync_batch_norm] = tiny.copy_of(gan.weights)
    tiny.assert_close(ends[2, True], ends[1, False], rtol=1e-3, atol=1e-5)
    generator = slice(0, len(gan.generator.weights))
    pairs = zip(ends[2, False][generator], ends[1, False][generator], strict=True)
    assert max(np.abs(one - other).max() for one, other in pairs) > 1e-3
    means = [v for v in gan.generator.non_trainable_variables if "moving" in v.name]
    for variable in means:
        first, second = strategy_of(2).experimental_local_results(variable.value)
        np.testing.assert_array_equal(first.numpy(), second.numpy())
    assert len(means) == 2


def gradient_norms_are_those_of_the_whole_batch():
    gans = [build(num_replicas, sgd) for num_replicas in (1, 2)]
    with random_numbers_from_images():
        for gan in gans:
            # With equal images on both replicas, the mean of two norms is the norm of the mean.
            gan.fit(batches_of(np.tile(IMAGES[:4], (2, 1, 1, 1))), verbose=0)
    one, two = (gan.take_gradient_norms() for gan in gans)
    assert set(one) == {"generator", "discriminator"}
    np.testing.assert_allclose(list(two.values()), list(one.values()), rtol=1e-4)
    assert gans[1].take_gradient_norms() == {}


def compiling_again_ends_synchronized_normalization():
    gan = build(2, batch_norm=True, sync_batch_norm=True)
    layers = list(ganzoo.layers.normalizations(gan.generator))
    assert layers and all(layer.synchronized for layer in layers)
    with strategy_of(2).scope():
        gan.compile()
    assert not any(layer.synchronized for layer in layers)


def replicas_with_synchronized_normalization_train_with_lazy_penalties():
    for name in ("cgan", "lapgan"):
        model = _train_with_lazy_penalty(registry.get_family(name))
        assert model.step == 3
        for network in (model.generator, model.discriminator, model.ema_generator):
            for weight in network.get_weights():
                assert np.isfinite(weight).all()


def _train_with_lazy_penalty(family):
    keras.utils.set_random_seed(4)
    with strategy_of(2).scope():
        model = family.build_test_model(seed=3)
        regularizer = ganzoo.regularizers.R1(0.1, every=2)
        model.compile(sync_batch_norm=True, regularizer=regularizer, **sgd())
    model.fit(batches_of(*tiny.make_data(model, 24)), verbose=0)
    return model


def statistics_change_only_at_the_steps_that_compute_a_value():
    two = strategy_of(2)
    network = build(2, batch_norm=True, sync_batch_norm=True).generator
    (layer,) = ganzoo.layers.normalizations(network)
    assert layer.synchronized

    @tf.function
    def at_times(now):
        def compute():
            layer.moving_mean.assign(layer.moving_mean + 1.0)
            return 7.0

        return two.run(lambda: updates.every_n_steps(now, compute, network))

    for now, moved, value in ((tf.constant(True), 1.0, 7.0), (tf.constant(False), 0.0, 0.0)):
        before = layer.moving_mean.numpy()
        values = two.experimental_local_results(at_times(now))
        assert [float(v) for v in values] == [value] * 2
        np.testing.assert_allclose(layer.moving_mean.numpy() - before, moved, atol=1e-6)


PROGRAMS = programs_in(__name__)
