"""Build the networks of the CGAN.

A generator consists of two models. `synthesis` takes latents and a vector `(batch, size)`. The
outer model encodes labels as this vector: classes are one-hot, and numbers are standardized. Other
vectors mix classes.

`conditions` are those of the model. Other arguments without a description are those of `CGAN`.
"""

import math
from collections.abc import Sequence

import keras
from keras import layers

from ganzoo.conditions import Condition
from ganzoo.layers import (
    Maxout,
    convolutional_features,
    convolutional_generator,
    encode_labels,
    label_inputs,
    project_on_labels,
    vector_size,
)


def whole_generator(
    synthesis: keras.Model, latent_dim: int, conditions: Sequence[Condition]
) -> keras.Model:
    """Build the generator from `[latents, *labels]` to images around `synthesis`."""
    latents = keras.Input((latent_dim,), name="latents")
    labels = label_inputs(conditions)
    vector = encode_labels(conditions, labels)
    return keras.Model([latents, *labels], synthesis([latents, vector]), name="generator")


def build_generator(
    image_shape: tuple, conditions: Sequence[Condition], latent_dim: int, base_filters: int
) -> keras.Model:
    """Build the convolutional generator.

    It takes the latents concatenated with an embedding of the labels. See
    `layers.convolutional_generator`.
    """
    latents = keras.Input((latent_dim,), name="latents")
    class_weights = keras.Input((vector_size(conditions),), name="class_weights")
    embedding = layers.Dense(latent_dim, use_bias=False, name="class_embedding")(class_weights)
    joined = layers.Concatenate(name="join")([latents, embedding])
    images = convolutional_generator(joined, image_shape, base_filters)
    synthesis = keras.Model([latents, class_weights], images, name="synthesis")
    return whole_generator(synthesis, latent_dim, conditions)


def build_discriminator(
    image_shape: tuple, conditions: Sequence[Condition], base_filters: int
) -> keras.Model:
    """Build the projection discriminator, from images and labels to one logit each.

    See `layers.project_on_labels`.
    """
    images = keras.Input(image_shape, name="images")
    labels = label_inputs(conditions)
    features = convolutional_features(images, base_filters)
    logits = project_on_labels(features, encode_labels(conditions, labels, dtype="float32"))
    return keras.Model([images, *labels], logits, name="discriminator")


def build_paper_generator(
    image_shape: tuple, conditions: Sequence[Condition], latent_dim: int
) -> keras.Model:
    """Build the generator of the paper.

    Latents and labels have a hidden layer each, whose outputs are concatenated. The sigmoid
    output in [0, 1] is rescaled to [-1, 1], the range of ganzoo's images.
    """
    latents = keras.Input((latent_dim,), name="latents")
    class_weights = keras.Input((vector_size(conditions),), name="class_weights")
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
    return whole_generator(synthesis, latent_dim, conditions)


def build_paper_discriminator(image_shape: tuple, conditions: Sequence[Condition]) -> keras.Model:
    """Build the discriminator of the paper.

    Images and labels have a maxout layer each, whose outputs are concatenated.
    """
    images = keras.Input(image_shape, name="images")
    labels = label_inputs(conditions)
    x = layers.Rescaling(0.5, offset=0.5, name="rescale")(images)
    x = layers.Flatten(name="flatten")(x)
    x = Maxout(240, 5, name="image_maxout")(x)
    y = Maxout(50, 5, name="label_maxout")(encode_labels(conditions, labels))
    x = layers.Concatenate(name="join")([x, y])
    x = layers.Dropout(0.5, name="join_dropout")(x)
    x = Maxout(240, 4, name="joint_maxout")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model([images, *labels], logits, name="discriminator")
