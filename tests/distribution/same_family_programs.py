"""Compare the training of every family on one, two and four replicas."""

import functools

import keras
import numpy as np
import tiny
from replicas import batches_of, random_numbers_from_images, strategy_of, updates_of

from ganzoo import registry


def train(family, num_replicas):
    keras.utils.set_random_seed(4)
    with strategy_of(num_replicas).scope():
        model = family.build_test_model(seed=3)
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            keras.optimizers.SGD(0.05, momentum=0.9),
            sync_batch_norm=True,
            run_eagerly=True,
        )
    data = tiny.make_data(model, 16)
    with random_numbers_from_images():
        history = model.fit(batches_of(*data), verbose=0).history
    return model, history


def compare(family):
    model, history = train(family, 1)
    assert updates_of(model.generator_optimizer) == 2
    for num_replicas in (2, 4):
        shared, shared_history = train(family, num_replicas)
        tiny.assert_close(shared.weights, model.weights, rtol=1e-3, atol=1e-5)
        for name in history:
            np.testing.assert_allclose(shared_history[name], history[name], rtol=1e-4, err_msg=name)


PROGRAMS = {family.name: functools.partial(compare, family) for family in registry.families()}
