"""Compare training steps on one replica and on several."""

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


def a_simultaneous_step_on_two_replicas_equals_one_on_the_whole_batch():
    compare_steps("simultaneous", num_replicas=2)


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
    gans = [build(num_replicas, sgd, run_eagerly=True) for num_replicas in (1, 2)]
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


def an_adaptive_augmentation_sees_the_signs_of_the_whole_batch():
    amounts, logs = [], []
    for num_replicas in (1, 2):
        ada = ganzoo.augment.ADA(target=0.25, every=2, ramp_images=64)
        gan = build(num_replicas, sgd, augment=ada, run_eagerly=True)
        with random_numbers_from_images():
            history = gan.fit(batches_of(IMAGES), epochs=3, verbose=0).history
        (found,) = gan.distribute_strategy.run(gan.augment_amounts)
        parts = gan.distribute_strategy.experimental_local_results(found)
        amounts += [part.numpy() for part in parts]
        logs.append(history["augment_probability"])
    np.testing.assert_array_equal(amounts, [amounts[0]] * 3)
    np.testing.assert_array_equal(logs[1], logs[0])
    assert logs[0][1] > 0


def replicas_augment_differently():
    gan = build(2, sgd, augment="diffaugment")
    found = strategy_of(2).run(lambda: gan.augment_images(tf.ones((4, 8, 8, 3))))
    first, second = strategy_of(2).experimental_local_results(found)
    assert np.abs(first - second).max() > 0.1


PROGRAMS = programs_in(__name__)
