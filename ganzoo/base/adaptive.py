"""Adapt the amount of an augmentation to the discriminator while it trains."""

import keras
import tensorflow as tf

from ganzoo.base import updates


class AdaptiveAmount:
    """State of an adaptive augmentation, for each level of a model.

    Keras does not track this object, so it is not part of the model's weights: a model with it has
    as many weights as one without. `GAN` saves it.

    Args:
        num_levels: int. Discriminators that adapt independently.

    Attributes:
        variables: dict of Keras variables. `amounts` and `sign_sums` have one value per level.
            `num_images` counts the real images in the sums since the amounts last changed.
    """

    def __init__(self, num_levels: int):
        shapes = {"amounts": (num_levels,), "sign_sums": (num_levels,), "num_images": ()}
        self.variables = {
            name: keras.Variable(
                tf.zeros(shape),
                dtype="float32",
                trainable=False,
                aggregation="only_first_replica",
                name=f"augment_{name}",
            )
            for name, shape in shapes.items()
        }

    def update(self, augmentation, margins: list, step, discriminator_steps: int) -> None:
        """Count the signs of a step, and change the amounts at every n-th step.

        All replicas count together, so that they have equal amounts.

        Args:
            augmentation: adaptive augmentation.
            margins: logits of real images `(batch, ...)` of each level. They are positive for
                images that the discriminator takes for real.
            step: scalar int tensor. Number of steps, including this one.
            discriminator_steps: int. Updates of the discriminator in a step, which saw as many
                images each as there are margins.
        """
        signs = [_sum_over_images(tf.sign(level)) for level in margins]
        count = tf.cast(tf.shape(margins[0])[0], "float32")
        *signs, count = tf.unstack(updates.sum_over_replicas(tf.stack([*signs, count])))
        amounts, sign_sums, num_images = (v.value for v in self.variables.values())
        sign_sums, num_images = sign_sums + tf.stack(signs), num_images + count
        adapted = augmentation.adapt(
            amounts, sign_sums / num_images, discriminator_steps * num_images
        )
        now = tf.equal(step % augmentation.every, 0)
        after, kept = (adapted, 0.0, 0.0), (amounts, sign_sums, num_images)
        for variable, new, old in zip(self.variables.values(), after, kept, strict=True):
            variable.assign(tf.where(now, new, old))


def _sum_over_images(values):
    """Return the sum over images of the mean over each image's patches."""
    return tf.reduce_sum(tf.reduce_mean(tf.reshape(values, (tf.shape(values)[0], -1)), axis=1))
