"""Programs on several replicas, in a process of their own.

Logical devices are made before TensorFlow starts. One process runs all programs of a module,
since each costs an import of TensorFlow.
"""

import json
import os
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).parent.parent

PROLOGUE = """
import contextlib
import gc
import json
import os
import pathlib
import sys
import tempfile
import threading
import traceback
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)

import ganzoo
import tiny
from ganzoo import callbacks, registry, runs, training
from ganzoo.distribution import Site, share_batches

# Iterators that Keras makes of arrays hold up whatever deletes them (ganzoo.data.tuning):
# here nothing does.
gc.disable()
IMAGES = tiny.make_images(8)
ONE = tf.distribute.get_strategy()
TWO = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
# Collectives of two strategies cannot be told apart, and this is the other way there is.
FOUR = tf.distribute.MirroredStrategy(
    [f"CPU:{index}" for index in range(4)],
    cross_device_ops=tf.distribute.ReductionToOneDevice(),
)
assert (TWO.num_replicas_in_sync, FOUR.num_replicas_in_sync) == (2, 4)


@contextlib.contextmanager
def chance_of_the_data():
    '''Replicas draw numbers of their own by design; here they follow from the images.'''
    # A replica is a thread.
    replica = threading.local()
    unpack = training.TwoPlayerModel.unpack

    def unpack_and_note(self, data):
        real_images, condition = unpack(self, data)
        replica.flat = tf.reshape(real_images, (tf.shape(real_images)[0], -1))
        return real_images, condition

    def sample_latents(self, num_latents, seed=None):
        size = self.latent_shape[0]
        return tf.tile(replica.flat, (1, -(-size // replica.flat.shape[1])))[:, :size]

    with (
        mock.patch.object(training.TwoPlayerModel, "unpack", unpack_and_note),
        mock.patch.object(ganzoo.GAN, "sample_latents", sample_latents),
        mock.patch.object(tf.random, "stateless_uniform", lambda shape, seed: tf.fill(shape, 0.3)),
    ):
        yield


def build(strategy, optimizers=dict, batch_norm=False, **arguments):
    keras.utils.set_random_seed(4)
    with strategy.scope():
        # Batch normalization is over a replica's images.
        generator = tiny.build_generator(batch_norm=batch_norm)
        gan = ganzoo.GAN(generator, tiny.build_discriminator(), seed=3)
        gan.compile(**optimizers(), **arguments)
    return gan


def batches_of(*arrays, size=8):
    arrays = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(arrays).batch(size, drop_remainder=True)


def sgd():
    return dict(
        generator_optimizer=keras.optimizers.SGD(0.5, momentum=0.9),
        discriminator_optimizer=keras.optimizers.SGD(0.25, momentum=0.9),
    )


def steps(optimizer):
    return int(keras.ops.convert_to_numpy(optimizer.iterations))


# Reports, for every program, the end of its traceback, or nothing.
reports = {}
for name, program in json.load(sys.stdin).items():
    with tempfile.TemporaryDirectory() as folder:
        try:
            exec(compile(program, name, "exec"), {**globals(), "folder": pathlib.Path(folder)})
            reports[name] = ""
        except BaseException:
            reports[name] = traceback.format_exc()[-3000:]
    keras.config.set_dtype_policy("float32")
print("REPORTS" + json.dumps(reports), flush=True)
os._exit(0)
"""


def environment(**changes):
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": path, **changes}


def run_programs(programs):
    """The end of the traceback of each program by its name; empty where it ran through."""
    outcome = subprocess.run(
        [sys.executable, "-c", PROLOGUE],
        input=json.dumps(programs),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # What hangs should end in a failure.
    )
    assert outcome.returncode == 0, outcome.stderr[-3000:]
    return json.loads(outcome.stdout.partition("REPORTS")[2])
