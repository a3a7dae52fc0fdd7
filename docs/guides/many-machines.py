# %% [markdown]
# # Many GPUs, many machines
#
# A batch can be split among several devices. Each *replica* computes the gradients of its part, and
# all replicas apply the sum. The result is that of one device with the whole batch. This guide shows
# it on any computer, by cutting the processor into two virtual devices.
#
# ## From the shell
# ```sh
# ganzoo train dcgan --data fashion_mnist --out runs/a                          # all GPUs of this machine
# ganzoo train dcgan --data fashion_mnist --out runs/a --distribute mirrored    # the same, or an error
# TF_CONFIG='{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}' \
#   ganzoo train dcgan --data fashion_mnist --out /shared/a                     # on each host, with its index
# ```
#
# ## In Python
# Build and compile the model in the scope of a strategy. On a machine with GPUs,
# `tf.distribute.MirroredStrategy()` finds them. Here we name two virtual devices:

# %%
import keras
import numpy as np
import tensorflow as tf

import ganzoo

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
print(strategy.num_replicas_in_sync, "replicas")

# %% [markdown]
# We train the same small model twice: on one device, and on two. The latents are drawn for each
# replica, so we make a generator that ignores them, to compare the weights exactly.


# %%
def build():
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Rescaling(0.0, offset=1.0),
            keras.layers.Dense(64, activation="tanh"),
            keras.layers.Reshape((8, 8, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
            keras.layers.LeakyReLU(),
            keras.layers.Dense(1),
        ]
    )
    gan = ganzoo.GAN(generator, discriminator, seed=0)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), jit_compile=False)
    return gan


images = np.random.default_rng(0).uniform(-1, 1, (256, 8, 8, 1)).astype("float32")
data = tf.data.Dataset.from_tensor_slices(images).batch(32)

one = build()
one.fit(data, epochs=2, verbose=0)
with strategy.scope():
    two = build()
two.fit(data, epochs=2, verbose=0)

pairs = zip(one.get_weights(), two.get_weights(), strict=True)
print(f"largest difference of a weight: {max(np.abs(a - b).max() for a, b in pairs):.1e}")

# %% [markdown]
# Virtual devices share the cores, so nothing gets faster here. With real GPUs each one computes its
# part at the same time.
#
# ## Sample on many machines
# Images come in blocks, and each block has its own seed. So eight machines write the same files as
# one. `--shards 8 --shard 3` is what the fourth machine runs:

# %%
# !ganzoo sample vanilla_mnist -n 2048 --format npz --out drawn --shards 2 --shard 0
# !ganzoo sample vanilla_mnist -n 2048 --format npz --out drawn --shards 2 --shard 1

# %%
import pathlib

print(sorted(path.name for path in pathlib.Path("drawn").iterdir()))

# %% [markdown]
# ## Read on
# [Many devices, many machines](../scale.md) has the rules of replicas and batches, how workers share
# the data, what happens when a machine is lost, what it costs, and an example with 3 million
# images.
#
# ## On a GPU
# The code is the same. `pip install . 'tensorflow[and-cuda]'` brings what NVIDIA GPUs need on Linux.
# ganzoo is tested on processors only.
