"""Logs of a training step: names, values per level, and sums over replicas."""

import keras
import numpy as np
import tensorflow as tf

LOGS = ("generator_loss", "discriminator_loss", "real_score", "fake_score")


class RunningMean(keras.metrics.Mean):
    """Mean of a log over images. A subclass may log another figure that follows from the mean."""

    def convert(self, mean):
        """Return the logged figure, a number or tensor like the mean."""
        return mean

    def result(self):
        return self.convert(super().result())


class Untracked:
    """State that Keras must not track: the step counter and the mean gradient norms."""

    def __init__(self):
        self.steps = keras.Variable(
            0, dtype="int64", trainable=False, aggregation="only_first_replica", name="steps"
        )
        self.gradient_norms = {
            player: keras.metrics.Mean(dtype="float32") for player in ("generator", "discriminator")
        }


def count_images(logits) -> tf.Tensor:
    """Return the number of images of logits, or of a list of logits, as a float32 scalar.

    It is the weight of a batch in the logs, so that they are means over images, as in Keras.
    """
    return tf.cast(tf.shape(tf.nest.flatten(logits)[0])[0], "float32")


def per_level(function, real_logits, fake_logits):
    """Return a function of the logits of each level, stacked. Most families have one level.

    The gradient of the stacked losses is the gradient of their sum.
    """
    pairs = zip(tf.nest.flatten(real_logits), tf.nest.flatten(fake_logits), strict=True)
    return tf.stack([function(real, fake) for real, fake in pairs])


def read_local_sum(gan, variable) -> float:
    """Return a metric variable summed over the replicas of this machine.

    Reading it across workers is a collective operation that all workers must join.
    """
    # float32, so that `assign_local_sum` restores the same value.
    return float(np.sum([np.float32(part) for part in _local_parts(gan, variable)]))


def assign_local_sum(gan, variable, value: float) -> None:
    """Set a metric variable to a sum that `read_local_sum` returned."""
    first, *others = _local_parts(gan, variable)
    first.assign(value)
    for part in others:
        part.assign(0.0)


def _local_parts(gan, variable):
    return gan.distribute_strategy.experimental_local_results(variable.value)
