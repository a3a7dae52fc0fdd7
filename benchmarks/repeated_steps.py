"""Check that a training step gives the same result when it is repeated from the same state.

    python benchmarks/repeated_steps.py --traces 4 --repeats 100

A step with a gradient penalty (`r1_r2`) is traced several times. Each trace runs repeatedly from
one state, on all threads. For each trace, the script prints in how many runs any bit of a weight
differs from the first run. With `--unordered`, updates do not wait for the losses, as in a plain
training loop.
"""

import argparse
import os
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from ganzoo import registry
from ganzoo.base import updates

MODELS = [
    ("vanilla", "default"),
    ("vanilla", "paper"),
    ("cgan", "default"),
    ("cgan", "paper"),
    ("lapgan", "default"),
]


def count_differences(gan, repeats):
    """Return the number of repeated steps whose result differs from the first one."""
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (8, *gan.image_shape)).astype("float32")
    labels = () if gan.num_classes is None else (tf.range(8) % gan.num_classes,)
    data = (tf.constant(images), *labels)
    step = tf.function(gan.train_step)
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    variables = [*gan.variables, *(v for one in optimizers for v in one.variables)]
    start = [variable.numpy() for variable in variables]
    ends = []
    for _ in range(repeats):
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        step(data)
        ends.append(b"".join(weight.tobytes() for weight in gan.get_weights()))
    return sum(end != ends[0] for end in ends)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--unordered", action="store_true", help="updates do not wait for losses")
    arguments = parser.parse_args()
    wait_for = (lambda losses, gradients: gradients) if arguments.unordered else updates.wait_for
    with mock.patch.object(updates, "wait_for", wait_for):
        for family, recipe in MODELS:
            counts = []
            for _ in range(arguments.traces):
                keras.utils.set_random_seed(0)
                gan = registry.get_family(family).build_test_model(seed=2, recipe=recipe)
                rates = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
                gan.compile(*rates, update="simultaneous", regularizer="r1_r2")
                counts.append(count_differences(gan, arguments.repeats))
            print(f"{family}, {recipe}: {counts} of {arguments.repeats - 1} differ", flush=True)


if __name__ == "__main__":
    main()
