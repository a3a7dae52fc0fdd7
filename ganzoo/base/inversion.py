"""Invert a generator: find latents that reproduce given images, by gradient descent."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ganzoo.layers import dtype_policy
from ganzoo.messages import unknown
from ganzoo.perceptual import EnlargedLPIPS

# Features that images are compared by, beside their pixels.
FEATURES = ("alexnet",)


def invert(
    synthesize: Callable,
    images: np.ndarray,
    latents: tf.Tensor,
    condition: tuple = (),
    num_steps: int = 200,
    learning_rate: float = 0.1,
    num_starts: int = 4,
    distance: Callable | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find latents from which a generator reproduces images.

    Adam minimizes the mean squared error of the pixels, from several starts per image. The best
    result of each image is kept. The added term `1e-3 * mean(latents**2)` keeps latents near the
    sphere where a normal distribution has its mass.

    Args:
        synthesize: function of `(latents, condition)` that returns float images.
        images: float32 `(num_images, height, width, channels)` in [-1, 1].
        latents: float32 `(num_starts * num_images, ...)`. Start of the search.
        condition: tuple of tensors `(num_images, ...)`, such as labels.
        num_steps: int. Steps of Adam.
        learning_rate: float. Initial learning rate. It decays to 0 along a cosine.
        num_starts: int. Starts per image.
        distance: function of two batches of images that returns a distance of each pair. It is
            added to the error of the pixels. None adds nothing.

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

    def errors_of(made):
        return tf.reduce_mean(tf.square(made - targets), axis=(1, 2, 3))

    def distances_of(made):
        return errors_of(made) + (0.0 if distance is None else distance(made, targets))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            # Sum over images, so that the gradient of an image does not depend on their number.
            prior = tf.reduce_mean(tf.square(found), axis=tf.range(1, tf.rank(found)))
            loss = tf.reduce_sum(distances_of(synthesize(found, condition)) + 1e-3 * prior)
        optimizer.apply_gradients([(tape.gradient(loss, found), found)])

    for _ in range(num_steps):
        step()
    made = synthesize(found, condition)
    distances = np.asarray(distances_of(made)).reshape(-1, num_starts)
    best = np.arange(len(distances)) * num_starts + distances.argmin(axis=1)
    return found.numpy()[best], errors_of(made).numpy()[best]


def begin_at_the_mean(latents: tf.Tensor, num_starts: int) -> tf.Tensor:
    """Replace the first start of each image by the mean of the latents, which is 0.

    Args:
        latents: float `(num_starts * num_images, ...)`.
        num_starts: int. Starts per image.
    """
    first = tf.range(len(latents)) % num_starts == 0
    return tf.where(tf.reshape(first, (-1, *[1] * (len(latents.shape) - 1))), 0.0, latents)


def get_distance(features: str | None) -> Callable | None:
    """Return the distance of images by the features of a network, or None for pixels only.

    Raises:
        ValueError: If the name is not in `FEATURES`.
    """
    if features is None:
        return None
    if features not in FEATURES:
        raise ValueError(unknown("features", features, FEATURES))
    # The search must not depend on the precision that a model is trained in.
    with dtype_policy("float32"):
        return EnlargedLPIPS()
