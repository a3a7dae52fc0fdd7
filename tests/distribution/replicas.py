"""Run programs on several replicas, in a new process.

TensorFlow makes logical devices only before it starts. One process runs all programs of
several modules, because each process imports TensorFlow.
"""

import contextlib
import functools
import inspect
import json
import os
import pathlib
import subprocess
import sys
import threading
from unittest import mock

import keras
import numpy as np
import tensorflow as tf
import tiny

import ganzoo
from ganzoo import base

IMAGES = tiny.make_images(8)
TESTS = pathlib.Path(__file__).parent.parent


# The following functions run in the process of the tests.


def programs_in(module_name):
    """Return the public functions of a module by name, in their order."""
    return {
        name: found
        for name, found in vars(sys.modules[module_name]).items()
        if inspect.isfunction(found)
        and found.__module__ == module_name
        and not name.startswith("_")
    }


def run_programs(*module_names):
    """Run the `PROGRAMS` of modules in one process, and return a report of each by name.

    A report is the end of the traceback, or empty if the program succeeded.
    """
    outcome = subprocess.run(
        [sys.executable, pathlib.Path(__file__).parent / "run_programs.py", *module_names],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # A program that hangs must end as a failure.
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    return json.loads(outcome.stdout.partition("REPORTS")[2])


def environment(**changes):
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path, **changes}


# The following functions run in the process of the programs.


@functools.cache
def strategy_of(num_replicas):
    """Return a strategy with some of the four logical devices."""
    if num_replicas == 1:
        return tf.distribute.get_strategy()
    devices = [f"CPU:{index}" for index in range(num_replicas)]
    # The collectives of two strategies in one process would be mistaken for each other.
    ops = tf.distribute.ReductionToOneDevice() if num_replicas > 2 else None
    strategy = tf.distribute.MirroredStrategy(devices, cross_device_ops=ops)
    assert strategy.num_replicas_in_sync == num_replicas
    return strategy


@contextlib.contextmanager
def random_numbers_from_images():
    """Make latents a function of the images, and all other random numbers equal.

    By design, each replica draws its own random numbers. Here they do not depend on the replica.
    """
    # A replica is a thread.
    replica = threading.local()
    unpack = base.GAN.unpack

    def unpack_and_record(self, data):
        real_images, condition = unpack(self, data)
        replica.flat = tf.reshape(real_images, (tf.shape(real_images)[0], -1))
        return real_images, condition

    def sample_latents(self, num_latents, seed=None):
        size = self.latent_shape[0]
        return tf.tile(replica.flat, (1, -(-size // replica.flat.shape[1])))[:, :size]

    def equal_numbers(shape, seed):
        return tf.fill(shape, 0.3)

    with (
        mock.patch.object(base.GAN, "unpack", unpack_and_record),
        mock.patch.object(base.LatentGAN, "sample_latents", sample_latents),
        mock.patch.object(tf.random, "stateless_uniform", equal_numbers),
        mock.patch.object(tf.random, "stateless_normal", equal_numbers),
    ):
        yield


def build(num_replicas, optimizers=dict, batch_norm=False, **arguments):
    """Return a compiled GAN of the smallest networks, with equal weights at every call."""
    keras.utils.set_random_seed(4)
    with strategy_of(num_replicas).scope():
        # By default, batch normalization is over the images of one replica.
        generator = tiny.build_generator(batch_norm=batch_norm)
        gan = ganzoo.GAN(generator, tiny.build_discriminator(), seed=3)
        gan.compile(**optimizers(), **arguments)
    return gan


def batches_of(*arrays, size=8):
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size, drop_remainder=True)


def order_for_replicas(images, num_replicas, discriminator_steps):
    """Order a batch so that all replicas together see, at each update, what one replica sees.

    Each replica splits its own part of the batch among the discriminator updates.
    """
    shape = images.shape[1:]
    split = images.reshape(discriminator_steps, num_replicas, -1, *shape)
    return np.swapaxes(split, 0, 1).reshape(-1, *shape)


def sgd():
    return {
        "generator_optimizer": keras.optimizers.SGD(0.5, momentum=0.9),
        "discriminator_optimizer": keras.optimizers.SGD(0.25, momentum=0.9),
    }


def updates_of(optimizer):
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


def compare_steps(update, num_replicas):
    """Check that a step on several replicas equals one step on the whole batch."""
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
