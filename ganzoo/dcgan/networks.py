"""Build the convolutional networks of the DCGAN for any resolution.

Arguments without a description are those of `DCGAN`.
"""

import keras
from keras import layers

from ganzoo.layers import (
    BatchNormalization,
    convolutional_features,
    convolutional_generator,
    leaky_relu,
)
from ganzoo.sizes import count_doublings, require_start_size


def build_generator(image_shape: tuple, latent_dim: int, base_filters: int) -> keras.Model:
    """Build the generator. See `layers.convolutional_generator`."""
    latents = keras.Input((latent_dim,), name="latents")
    images = convolutional_generator(latents, image_shape, base_filters)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_shape: tuple, base_filters: int, norm: str) -> keras.Model:
    """Build the discriminator. See `layers.convolutional_features`."""
    images = keras.Input(image_shape, name="images")
    features = convolutional_features(images, base_filters, norm)
    logits = layers.Dense(1, dtype="float32", name="logits")(features)
    return keras.Model(images, logits, name="discriminator")


def build_paper_generator(image_shape: tuple, latent_dim: int, base_filters: int) -> keras.Model:
    """Build the generator of the paper: a dense layer, then transposed convolutions.

    The largest hidden resolution has `base_filters` filters. Each smaller resolution has twice as
    many: for a side of 64 and 128 base filters, 1024 to 128.
    """
    num_doublings = count_doublings(image_shape)
    initializer = keras.initializers.RandomNormal(stddev=0.02)
    height, width = require_start_size(image_shape)
    filters = base_filters * 2 ** (num_doublings - 1)

    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(
        height * width * filters, use_bias=False, kernel_initializer=initializer, name="project"
    )(latents)
    x = layers.Reshape((height, width, filters), name="reshape")(x)
    x = layers.BatchNormalization(name="project_norm")(x)
    x = layers.ReLU(name="project_relu")(x)
    for index in reversed(range(num_doublings - 1)):
        x = layers.Conv2DTranspose(
            base_filters * 2**index,
            5,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=initializer,
            name=f"up_{index}_conv",
        )(x)
        x = layers.BatchNormalization(name=f"up_{index}_norm")(x)
        x = layers.ReLU(name=f"up_{index}_relu")(x)
    # The paper does not normalize the output of the generator (section 3).
    x = layers.Conv2DTranspose(
        image_shape[-1],
        5,
        strides=2,
        padding="same",
        kernel_initializer=initializer,
        name="to_images",
    )(x)
    # Use float32 even under mixed precision, so that the images are not rounded.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_paper_discriminator(image_shape: tuple, base_filters: int) -> keras.Model:
    """Build the discriminator of the paper: strided convolutions, then a dense layer."""
    num_halvings = count_doublings(image_shape)
    initializer = keras.initializers.RandomNormal(stddev=0.02)

    images = keras.Input(image_shape, name="images")
    x = images
    for index in range(num_halvings):
        x = layers.Conv2D(
            base_filters * 2**index,
            5,
            strides=2,
            padding="same",
            # Batch normalization adds a bias. The first layer has no normalization.
            use_bias=index == 0,
            kernel_initializer=initializer,
            name=f"down_{index}_conv",
        )(x)
        # The paper does not normalize the input layer of the discriminator (section 3).
        if index > 0:
            x = BatchNormalization(name=f"down_{index}_norm")(x)
        x = leaky_relu(name=f"down_{index}_relu")(x)
    x = layers.Flatten(name="flatten")(x)
    logits = layers.Dense(1, kernel_initializer=initializer, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")
