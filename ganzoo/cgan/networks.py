"""Build the networks of the CGAN.

A generator consists of two models. `synthesis` takes latents and class weights `(batch,
num_classes)`. The outer model converts labels to one-hot class weights. Other weights mix classes.

Arguments without a description are those of `CGAN`.
"""

import math

import keras
from keras import layers

from ganzoo.layers import (
    Maxout,
    OneHot,
    convolutional_features,
    convolutional_generator,
    project_on_class,
)


def whole_generator(synthesis: keras.Model, latent_dim: int, num_classes: int) -> keras.Model:
    """Build the generator from `[latents, labels]` to images around `synthesis`."""
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    class_weights = OneHot(num_classes, name="one_hot")(labels)
    return keras.Model([latents, labels], synthesis([latents, class_weights]), name="generator")


def build_generator(
    image_shape: tuple, num_classes: int, latent_dim: int, base_filters: int
) -> keras.Model:
    """Build the convolutional generator.

    It takes the latents concatenated with a class embedding. See `layers.convolutional_generator`.
    """
    latents = keras.Input((latent_dim,), name="latents")
    class_weights = keras.Input((num_classes,), name="class_weights")
    embedding = layers.Dense(latent_dim, use_bias=False, name="class_embedding")(class_weights)
    joined = layers.Concatenate(name="join")([latents, embedding])
    images = convolutional_generator(joined, image_shape, base_filters)
    synthesis = keras.Model([latents, class_weights], images, name="synthesis")
    return whole_generator(synthesis, latent_dim, num_classes)


def build_discriminator(image_shape: tuple, num_classes: int, base_filters: int) -> keras.Model:
    """Build the projection discriminator, from images and labels to one logit each.

    See `layers.project_on_class`.
    """
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    features = convolutional_features(images, base_filters)
    logits = project_on_class(features, labels, num_classes)
    return keras.Model([images, labels], logits, name="discriminator")


def build_paper_generator(image_shape: tuple, num_classes: int, latent_dim: int) -> keras.Model:
    """Build the generator of the paper.

    Latents and labels have a hidden layer each, whose outputs are concatenated. The sigmoid
    output in [0, 1] is rescaled to [-1, 1], the range of ganzoo's images.
    """
    latents = keras.Input((latent_dim,), name="latents")
    class_weights = keras.Input((num_classes,), name="class_weights")
    hidden_latents = layers.Dense(200, activation="relu", name="latents_dense")(latents)
    hidden_class = layers.Dense(1000, activation="relu", name="class_dense")(class_weights)
    x = layers.Concatenate(name="join")([hidden_latents, hidden_class])
    x = layers.Dropout(0.5, name="join_dropout")(x)
    x = layers.Dense(1200, activation="relu", name="dense")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.Dense(math.prod(image_shape), name="to_images")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="sigmoid")(x)
    x = layers.Rescaling(2.0, offset=-1.0, dtype="float32", name="rescale")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    synthesis = keras.Model([latents, class_weights], images, name="synthesis")
    return whole_generator(synthesis, latent_dim, num_classes)


def build_paper_discriminator(image_shape: tuple, num_classes: int) -> keras.Model:
    """Build the discriminator of the paper.

    Images and labels have a maxout layer each, whose outputs are concatenated.
    """
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = layers.Rescaling(0.5, offset=0.5, name="rescale")(images)
    x = layers.Flatten(name="flatten")(x)
    x = Maxout(240, 5, name="image_maxout")(x)
    y = Maxout(50, 5, name="label_maxout")(OneHot(num_classes, name="one_hot")(labels))
    x = layers.Concatenate(name="join")([x, y])
    x = layers.Dropout(0.5, name="join_dropout")(x)
    x = Maxout(240, 4, name="joint_maxout")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model([images, labels], logits, name="discriminator")
