"""Compare alternating steps and penalties on one replica and on several."""

import keras
import numpy as np
import tensorflow as tf
import tiny
from replicas import (
    IMAGES,
    batches_of,
    build,
    compare_steps,
    programs_in,
    random_numbers_from_images,
    sgd,
    strategy_of,
)

import ganzoo
from ganzoo import registry
from ganzoo.base import updates


def an_alternating_step_on_four_replicas_equals_one_on_the_whole_batch():
    compare_steps("alternating", num_replicas=4)


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
