"""Compare training steps on one replica and on several."""

import numpy as np
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


PROGRAMS = programs_in(__name__)
