"""Build the multilayer perceptrons of the vanilla GAN.

Arguments without a description are those of `VanillaGAN`.
"""

import math

import keras
from keras import layers

from ganzoo.layers import Maxout


def build_generator(image_shape: tuple, latent_dim: int, hidden_units: int) -> keras.Model:
    """Build a generator with two hidden layers, from latents to images in [-1, 1]."""
    latents = keras.Input((latent_dim,), name="latents")
    x = latents
    for index in range(2):
        x = layers.Dense(hidden_units, use_bias=False, name=f"dense_{index}")(x)
        x = layers.BatchNormalization(name=f"norm_{index}")(x)
        x = layers.ReLU(name=f"relu_{index}")(x)
    x = layers.Dense(math.prod(image_shape), name="to_images")(x)
    x = layers.Reshape(image_shape, name="reshape")(x)
    # Use float32 even under mixed precision, so that the images are not rounded.
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_discriminator(image_shape: tuple, hidden_units: int) -> keras.Model:
    """Build a discriminator with two hidden layers, from images to one logit each."""
    images = keras.Input(image_shape, name="images")
    x = layers.Flatten(name="flatten")(images)
    for index in range(2):
        x = layers.Dense(hidden_units, name=f"dense_{index}")(x)
        x = layers.LeakyReLU(0.2, name=f"leaky_relu_{index}")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")


def build_paper_generator(image_shape: tuple, latent_dim: int, hidden_units: int) -> keras.Model:
    """Build the generator of the code published with the 2014 paper.

    The sigmoid output in [0, 1] is rescaled to [-1, 1], the range of ganzoo's images. The output
    biases start at 0. The published code starts them at the mean log-odds of the pixels, but a
    model has seen no data when it is built.
    """
    initializer = keras.initializers.RandomUniform(-0.05, 0.05)
    latents = keras.Input((latent_dim,), name="latents")
    # The published code draws latents with variance 1.
    x = layers.Rescaling(math.sqrt(3), name="unit_variance")(latents)
    for index in range(2):
        x = layers.Dense(
            hidden_units,
            activation="relu",
            kernel_initializer=initializer,
            name=f"dense_{index}",
        )(x)
    x = layers.Dense(math.prod(image_shape), kernel_initializer=initializer, name="to_images")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    x = layers.Rescaling(2.0, offset=-1.0, dtype="float32", name="rescale")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model(latents, images, name="generator")


def build_paper_discriminator(image_shape: tuple) -> keras.Model:
    """Build the maxout and dropout discriminator of the code published with the 2014 paper."""
    initializer = keras.initializers.RandomUniform(-0.005, 0.005)
    images = keras.Input(image_shape, name="images")
    # The published code uses pixels in [0, 1]. Dropout then makes a pixel black.
    x = layers.Rescaling(0.5, offset=0.5, name="rescale")(images)
    x = layers.Flatten(name="flatten")(x)
    for index, rate in enumerate((0.2, 0.5)):
        x = layers.Dropout(rate, name=f"dropout_{index}")(x)
        x = Maxout(240, 5, kernel_initializer=initializer, name=f"maxout_{index}")(x)
    x = layers.Dropout(0.5, name="dropout_2")(x)
    logits = layers.Dense(1, kernel_initializer=initializer, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")
