"""Invert a generator: find latents that reproduce given images, by gradient descent."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf


def invert(
    synthesize: Callable,
    images: np.ndarray,
    latents: tf.Tensor,
    condition: tuple = (),
    num_steps: int = 200,
    learning_rate: float = 0.1,
    num_starts: int = 4,
) -> tuple[np.ndarray, np.ndarray]:
    """Find latents from which a generator reproduces images.

    Adam minimizes the mean squared error of the pixels, from several random starts per image. The
    best result of each image is kept. The added term `1e-3 * mean(latents**2)` keeps latents near
    the sphere where a normal distribution has its mass.

    Args:
        synthesize: function of `(latents, condition)` that returns float images.
        images: float32 `(num_images, height, width, channels)` in [-1, 1].
        latents: float32 `(num_starts * num_images, ...)`. Start of the search.
        condition: tuple of tensors `(num_images, ...)`, such as labels.
        num_steps: int. Steps of Adam.
        learning_rate: float. Initial learning rate. It decays to 0 along a cosine.
        num_starts: int. Starts per image.

    Returns:
        `(latents, errors)`: float32 `(num_images, ...)`, and the mean squared error `(num_images,)`
        of each image.

    Reference: Creswell & Bharath, 2016 (arXiv:1611.05644).
    """
    targets = tf.repeat(tf.constant(images, "float32"), num_starts, axis=0)
    condition = tuple(tf.repeat(value, num_starts, axis=0) for value in condition)
    found = tf.Variable(latents, dtype="float32")
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, num_steps)
    optimizer = keras.optimizers.Adam(schedule)
    optimizer.build([found])

    def errors_of(latents):
        return tf.reduce_mean(tf.square(synthesize(latents, condition) - targets), axis=(1, 2, 3))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            # Sum over images, so that the gradient of an image does not depend on their number.
            prior = tf.reduce_mean(tf.square(found), axis=tf.range(1, tf.rank(found)))
            loss = tf.reduce_sum(errors_of(found) + 1e-3 * prior)
        optimizer.apply_gradients([(tape.gradient(loss, found), found)])

    for _ in range(num_steps):
        step()
    errors = errors_of(found).numpy().reshape(-1, num_starts)
    best = np.arange(len(errors)) * num_starts + errors.argmin(axis=1)
    return found.numpy()[best], errors.min(axis=1)
