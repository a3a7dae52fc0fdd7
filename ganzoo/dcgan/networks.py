"""The convolutional networks of the DCGAN, at any resolution."""

import keras
from keras import layers

from ganzoo.layers import (
    BatchNormalization,
    convolutional_features,
    convolutional_generator,
    count_doublings,
    leaky_relu,
    start_side,
)


def build_generator(image_shape, latent_dim, base_filters):
    """Latents to images; see `layers.convolutional_generator`."""
    latents = keras.Input((latent_dim,), name="latents")
    images = convolutional_generator(latents, image_shape, base_filters)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_shape, base_filters, norm):
    """Images to one logit; see `layers.convolutional_features`."""
    images = keras.Input(image_shape, name="images")
    features = convolutional_features(images, base_filters, norm)
    logits = layers.Dense(1, dtype="float32", name="logits")(features)
    return keras.Model(images, logits, name="discriminator")


def build_paper_generator(image_shape, latent_dim, base_filters):
    """Latents projected to the smallest side, then transposed convolutions.

    The last hidden block has `base_filters`, each before it twice as many: 1024 to
    128 for a side of 64.
    """
    side, _, channels = image_shape
    num_doublings = count_doublings(side)
    initializer = keras.initializers.RandomNormal(stddev=0.02)
    start = start_side(side)
    filters = base_filters * 2 ** (num_doublings - 1)

    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Dense(
        start * start * filters, use_bias=False, kernel_initializer=initializer, name="project"
    )(latents)
    x = layers.Reshape((start, start, filters), name="reshape")(x)
    x = layers.BatchNormalization(name="project_norm")(x)
    x = layers.ReLU(name="project_relu")(x)
    for index in reversed(range(num_doublings - 1)):  # 7 -> 14 for a side of 28
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
    # No normalization at the generator's output (guideline 2).
    x = layers.Conv2DTranspose(
        channels, 5, strides=2, padding="same", kernel_initializer=initializer, name="to_images"
    )(x)
    # float32 even under mixed precision: metrics and PNGs see unrounded images.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_paper_discriminator(image_shape, base_filters):
    """Strided convolutions down to the smallest side, then one logit."""
    num_halvings = count_doublings(image_shape[0])
    initializer = keras.initializers.RandomNormal(stddev=0.02)

    images = keras.Input(image_shape, name="images")
    x = images
    for index in range(num_halvings):
        x = layers.Conv2D(
            base_filters * 2**index,
            5,
            strides=2,
            padding="same",
            # Batch normalization has a bias of its own; the input layer has none of it.
            use_bias=index == 0,
            kernel_initializer=initializer,
            name=f"down_{index}_conv",
        )(x)
        if index > 0:  # No normalization at the discriminator's input (guideline 2).
            x = BatchNormalization(name=f"down_{index}_norm")(x)
        x = leaky_relu(name=f"down_{index}_relu")(x)
    x = layers.Flatten(name="flatten")(x)
    logits = layers.Dense(1, kernel_initializer=initializer, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")
