"""Latents that reproduce given images: a generator, inverted by gradient descent."""

import keras
import numpy as np
import tensorflow as tf


def invert(
    synthesize, images, latents, condition=(), num_steps=200, learning_rate=0.1, num_starts=4
):
    """Searches for each image the latents from which a generator makes it.

    Adam on the mean squared error of pixels, from several starts at once; the best
    end of each image is kept. Latents stay near the sphere of a normal distribution's
    mass by an added `1e-3 * mean(latents**2)`.

    Args:
        synthesize: function of `(latents, condition)` that returns float images.
        images: float32 `(num_images, height, width, channels)` in [-1, 1].
        latents: float32 `(num_starts * num_images, ...)`, where the search starts.
        condition: tuple of tensors `(num_images, ...)`, such as labels.
        num_steps: int. Steps of Adam; the rate falls to 0 by a cosine.
        learning_rate: float. Its first rate.
        num_starts: int. Starts for each image.

    Returns:
        `(latents, errors)`: float32 `(num_images, ...)`, and the mean squared error
        `(num_images,)` of each image in [-1, 1].

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
            # Summed over images, so that one image's search does not slow another's.
            prior = tf.reduce_mean(tf.square(found), axis=tf.range(1, tf.rank(found)))
            loss = tf.reduce_sum(errors_of(found) + 1e-3 * prior)
        optimizer.apply_gradients([(tape.gradient(loss, found), found)])

    for _ in range(num_steps):
        step()
    errors = errors_of(found).numpy().reshape(-1, num_starts)
    best = np.arange(len(errors)) * num_starts + errors.argmin(axis=1)
    return found.numpy()[best], errors.min(axis=1)
