"""Compute gradient penalties that keep the discriminator smooth.

A regularizer chooses the points at which the discriminator's gradient is penalized, and computes
the penalty. The training step computes the gradient, and adds the penalty to the discriminator's
loss. The logit of an image must not depend on the other images. Batch normalization in the
discriminator mixes their gradients.
"""

import abc
from collections.abc import Callable

import keras
from keras import ops

from ganzoo import schedules
from ganzoo.messages import unknown


class GradientRegularizer(abc.ABC):
    """Penalty on the gradient of the discriminator's output by its input.

    Args:
        weight: float, at least 0, or a schedule of the discriminator's updates. Factor of the
            penalty.
        every: int, at least 1. Apply the penalty at every n-th update of the discriminator, with n
            times the weight: lazy regularization (Karras et al., 2020, arXiv:1912.04958, section
            3.1). It saves time, because a penalty takes as long as the rest of a step.

    Raises:
        ValueError: If a value is out of range.
    """

    def __init__(self, weight: schedules.Schedule, every: int = 1):
        # A negative weight would reward large gradients.
        schedules.check("weight", weight, least=0)
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"`every` must be an integer of at least 1. Received: every={every}.")
        self.weight = weight
        self.every = every

    @abc.abstractmethod
    def points(
        self, real_images: keras.KerasTensor, fake_images: keras.KerasTensor, draw: Callable
    ) -> list[keras.KerasTensor]:
        """Return batches of images at which the gradient is penalized. Their penalties are added.

        Args:
            real_images: float tensor `(batch, height, width, channels)` in [-1, 1].
            fake_images: float tensor of the same shape.
            draw: function from a shape to uniform random numbers in [0, 1). Each call returns new
                numbers.
        """

    @abc.abstractmethod
    def penalty(
        self, gradients: keras.KerasTensor, step: int | keras.KerasTensor = 0
    ) -> keras.KerasTensor:
        """Return the penalty, a scalar.

        Args:
            gradients: float tensor `(batch, height, width, channels)`. Gradients at one batch of
                points.
            step: int or scalar tensor. Updates of the discriminator so far, for a scheduled weight.
        """

    def weight_at(self, step: int | keras.KerasTensor) -> float | keras.KerasTensor:
        """Return the weight at a step."""
        return schedules.value_at(self.weight, step)

    def get_config(self) -> dict:
        return {"weight": schedules.serialize(self.weight), "every": self.every}

    @classmethod
    def from_config(cls, config: dict):
        return cls(**{**config, "weight": schedules.deserialize(config["weight"])})


def _squared_norms(gradients):
    return ops.sum(ops.square(ops.reshape(gradients, (ops.shape(gradients)[0], -1))), axis=1)


def _per_image_shape(images):
    """Return the shape of one number per image, for broadcasting."""
    return (ops.shape(images)[0], 1, 1, 1)


class _UnitSlope(GradientRegularizer):
    """Penalty `weight * mean((norm - 1)**2)` on gradient norms other than 1."""

    def __init__(self, weight: schedules.Schedule = 10.0, every: int = 1):
        super().__init__(weight, every)

    def penalty(self, gradients, step=0):
        # The gradient of the square root is infinite at 0. The constant is negligible elsewhere.
        norms = ops.sqrt(_squared_norms(gradients) + 1e-12)
        return self.weight_at(step) * ops.mean(ops.square(norms - 1.0))


@keras.saving.register_keras_serializable(package="ganzoo")
class GradientPenalty(_UnitSlope):
    """WGAN-GP penalty: gradient norm 1 at random points between a real and a fake image.

    Reference: Gulrajani et al., 2017 (arXiv:1704.00028), equation 3.
    """

    def points(self, real_images, fake_images, draw):
        mix = draw(_per_image_shape(real_images))
        return [mix * real_images + (1.0 - mix) * fake_images]


@keras.saving.register_keras_serializable(package="ganzoo")
class DRAGAN(_UnitSlope):
    """DRAGAN penalty: gradient norm 1 near real images, which are perturbed with noise.

    The noise is uniform in [0, 0.5] standard deviations of the batch. Each image is moved towards
    its perturbed version by a random fraction, as in the authors' code. In the paper the noise is
    normal, and added in full. Each replica uses the standard deviation of its part of the batch.

    Reference: Kodali et al., 2017 (arXiv:1705.07215), section 2.4.
    """

    def points(self, real_images, fake_images, draw):
        noise = 0.5 * ops.std(real_images) * draw(ops.shape(real_images))
        return [real_images + draw(_per_image_shape(real_images)) * noise]


@keras.saving.register_keras_serializable(package="ganzoo")
class R1(GradientRegularizer):
    """R1 penalty: zero gradient at real images, `weight / 2 * mean(norm**2)`.

    Args:
        weight: float, at least 0, or a schedule. The paper's gamma.
        every: int, at least 1. Apply the penalty at every n-th update, with n times the weight.

    Reference: Mescheder et al., 2018 (arXiv:1801.04406), equation 9.
    """

    def __init__(self, weight: schedules.Schedule = 10.0, every: int = 1):
        super().__init__(weight, every)

    def points(self, real_images, fake_images, draw):
        return [real_images]

    def penalty(self, gradients, step=0):
        return 0.5 * self.weight_at(step) * ops.mean(_squared_norms(gradients))


@keras.saving.register_keras_serializable(package="ganzoo")
class R1R2(R1):
    """R1 and R2 penalties: zero gradient at real images (R1) and at fake images (R2).

    Reference: Huang et al., 2025 (arXiv:2501.05441), section 2.2.
    """

    def points(self, real_images, fake_images, draw):
        return [real_images, fake_images]


REGULARIZERS: dict[str, Callable[..., GradientRegularizer]] = {
    "dragan": DRAGAN,
    "gradient_penalty": GradientPenalty,
    "r1": R1,
    "r1_r2": R1R2,
}


def get(identifier: GradientRegularizer | str, **settings) -> GradientRegularizer | None:
    """Return a regularizer by name. A regularizer object is returned unchanged.

    Args:
        identifier: a key of `REGULARIZERS`, `"none"`, or a `GradientRegularizer`.
        **settings: `weight` and `every`, if `identifier` is a key of `REGULARIZERS`.

    Returns:
        The regularizer, or None for `"none"`.

    Raises:
        ValueError: If `identifier` is none of them.

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
    raise ValueError(unknown("regularizer", identifier, {*REGULARIZERS, "none"}))
