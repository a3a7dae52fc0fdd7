"""Gradient penalties that keep the discriminator smooth.

Each says at which points the discriminator's slope counts and what it costs;
who computes the slope is no concern of this module. Penalties are added to
the discriminator's loss. They assume that the discriminator judges every image
by itself: batch normalization in it mixes the images' gradients.
"""

import abc

import keras
from keras import ops

from ganzoo import registry


class GradientRegularizer(abc.ABC):
    """A penalty on the gradient of the discriminator's output by its input.

    Args:
        weight: float, at least 0. Factor of the penalty.
        every: int, at least 1. Steps of the discriminator from one that is penalized to
            the next, with `every` times the weight: a penalty costs as much as the rest
            of a step, and need not be applied at all of them (Karras et al., 2020,
            arXiv:1912.04958, section 3.1, "lazy regularization").
    """

    def __init__(self, weight, every=1):
        if weight < 0:
            raise ValueError(
                "`weight` must be at least 0, or the penalty would reward steepness. "
                f"Received: weight={weight}. Try 10."
            )
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"`every` must be an integer of at least 1. Received: every={every}.")
        self.weight = weight
        self.every = every

    @abc.abstractmethod
    def points(self, real_images, fake_images, draw):
        """Batches of images at which the slope counts; their penalties are added.

        Args:
            real_images: `(batch, height, width, channels)`.
            fake_images: the same shape.
            draw: function from a shape to numbers uniform in [0, 1), for points that are
                chosen by chance; others at each call.
        """

    @abc.abstractmethod
    def penalty(self, gradients):
        """The penalty, a scalar, for the gradients at one batch of points."""

    def get_config(self):
        return {"weight": self.weight, "every": self.every}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _squared_norms(gradients):
    return ops.sum(ops.square(ops.reshape(gradients, (ops.shape(gradients)[0], -1))), axis=1)


def _one_each(images):
    """The shape of a number for each image."""
    return (ops.shape(images)[0], 1, 1, 1)


class _UnitSlope(GradientRegularizer):
    """A slope of norm 1 costs nothing: `weight * mean((norm - 1)**2)`."""

    def __init__(self, weight=10.0, every=1):
        super().__init__(weight, every)

    def penalty(self, gradients):
        # The root's own gradient is infinite at 0; the constant is lost in rounding elsewhere.
        norms = ops.sqrt(_squared_norms(gradients) + 1e-12)
        return self.weight * ops.mean(ops.square(norms - 1.0))


@keras.saving.register_keras_serializable(package="ganzoo")
class GradientPenalty(_UnitSlope):
    """WGAN-GP: unit slope on straight lines between a real and a fake image.

    Reference: Gulrajani et al., 2017 (arXiv:1704.00028), equation 3.
    """

    def points(self, real_images, fake_images, draw):
        mix = draw(_one_each(real_images))
        return [mix * real_images + (1.0 - mix) * fake_images]


@keras.saving.register_keras_serializable(package="ganzoo")
class DRAGAN(_UnitSlope):
    """Unit slope around the data: between real images and the same with noise added.

    The noise is uniform in [0, 0.5] standard deviations of the batch, and a point lies a
    random part of the way to it, as in the authors' code; the paper's noise is normal, and
    added whole. Each of several replicas takes those of its own part of the batch.

    Reference: Kodali et al., 2017 (arXiv:1705.07215), section 2.4.
    """

    def points(self, real_images, fake_images, draw):
        noise = 0.5 * ops.std(real_images) * draw(ops.shape(real_images))
        return [real_images + draw(_one_each(real_images)) * noise]


@keras.saving.register_keras_serializable(package="ganzoo")
class R1(GradientRegularizer):
    """Flat at real images: `weight / 2 * mean(norm**2)`.

    Args:
        weight: float, at least 0. The paper's gamma.
        every: int, at least 1. Steps from one penalty to the next.

    Reference: Mescheder et al., 2018 (arXiv:1801.04406), equation 9.
    """

    def __init__(self, weight=10.0, every=1):
        super().__init__(weight, every)

    def points(self, real_images, fake_images, draw):
        return [real_images]

    def penalty(self, gradients):
        return 0.5 * self.weight * ops.mean(_squared_norms(gradients))


@keras.saving.register_keras_serializable(package="ganzoo")
class R1R2(R1):
    """Flat at real images (R1) and at fake images (R2).

    Reference: Huang et al., 2025 (arXiv:2501.05441), section 2.2.
    """

    def points(self, real_images, fake_images, draw):
        return [real_images, fake_images]


REGULARIZERS = {
    "dragan": DRAGAN,
    "gradient_penalty": GradientPenalty,
    "r1": R1,
    "r1_r2": R1R2,
}


def get(identifier, **settings):
    """The regularizer of a name, or the given one; `"none"` is no regularizer, None.

    Args:
        identifier: a key of `REGULARIZERS`, `"none"`, or a `GradientRegularizer`.
        **settings: `weight` and `every` of the one that is named.

    Raises:
        ValueError: If it is none of them.

    Example:
        >>> ganzoo.regularizers.get("r1", weight=0.5).weight
        0.5
    """
    if isinstance(identifier, GradientRegularizer):
        return identifier
    if identifier == "none":
        return None
    if isinstance(identifier, str) and identifier in REGULARIZERS:
        return REGULARIZERS[identifier](**settings)
    raise ValueError(registry.unknown("regularizer", identifier, {*REGULARIZERS, "none"}))
