"""Compare the training of every family on one, two and four replicas."""

import functools

import keras
import numpy as np
import tiny
from replicas import batches_of, random_numbers_from_images, strategy_of, updates_of

from ganzoo import registry

COLUMNS = [
    {"name": "age", "mean": 0.5, "std": 0.3},
    {"name": "gender", "num_classes": 2},
]


def train(family, num_replicas, **arguments):
    keras.utils.set_random_seed(4)
    with strategy_of(num_replicas).scope():
        model = family.build_test_model(seed=3, **arguments)
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9),
            keras.optimizers.SGD(0.05, momentum=0.9),
            sync_batch_norm=True,
            run_eagerly=True,
        )
    data = tiny.make_data(model, 16)
    if len(model.conditions) > 1:
        labels = {"age": np.linspace(0, 1, 16, dtype="float32"), "gender": np.arange(16) % 2}
        data = (*data, labels)
    with random_numbers_from_images():
        history = model.fit(batches_of(*data), verbose=0).history
    return model, history


def compare(family, **arguments):
    model, history = train(family, 1, **arguments)
    assert updates_of(model.generator_optimizer) == 2
    for num_replicas in (2, 4):
        shared, shared_history = train(family, num_replicas, **arguments)
        tiny.assert_close(shared.weights, model.weights, rtol=1e-3, atol=1e-5)
        for name in history:
            np.testing.assert_allclose(shared_history[name], history[name], rtol=1e-4, err_msg=name)


PROGRAMS = {family.name: functools.partial(compare, family) for family in registry.families()}
PROGRAMS["cgan of several conditions"] = functools.partial(
    compare, registry.get_family("cgan"), num_classes=None, conditions=COLUMNS
)
