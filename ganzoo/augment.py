"""Augment images in front of the discriminator, for training on few images.

A discriminator that sees few images memorizes them. With augmentation it sees every image, real or
generated, through a random transformation `T`: `D(T(x))` and `D(T(G(z)))`. Both networks are
trained through `T`, which is differentiable, so that generated images do not look augmented.
A gradient penalty is taken with respect to the images before `T`, as in the authors' code of both
papers.

The transformations are those of `ganzoo.transforms`, which defines them for images with alpha, too.
"""

import abc
import math
from collections.abc import Callable
from typing import ClassVar

import keras
from keras import ops

from ganzoo import schedules, transforms
from ganzoo.messages import unknown

POLICY = ("color", "translation", "cutout")


class Augmentation(abc.ABC):
    """Random transformation of every image that the discriminator sees in training.

    Args:
        amount: float in [0, 1], or a schedule of the discriminator's updates. How much images are
            transformed; 0 leaves them unchanged. None adapts it to the discriminator, see `adapt`.

    Raises:
        ValueError: If the amount is out of range.
    """

    # Name of the amount in the logs of `fit`. None does not log it.
    log_name: ClassVar[str | None] = None

    def __init__(self, amount: schedules.Schedule | None):
        self.amount = amount

    @abc.abstractmethod
    def __call__(
        self, images: keras.KerasTensor, amount: float | keras.KerasTensor, draw: Callable
    ) -> keras.KerasTensor:
        """Return transformed images.

        Args:
            images: float tensor `(batch, height, width, channels)` in [-1, 1].
            amount: float or scalar tensor in [0, 1].
            draw: function from a shape to uniform random numbers in [0, 1).
        """

    def amount_at(self, step: int | keras.KerasTensor) -> float | keras.KerasTensor:
        """Return the amount at a step. It must not be adaptive."""
        if self.amount is None:
            raise ValueError("The amount is adaptive. `adapt` changes it.")
        return schedules.value_at(self.amount, step)


@keras.saving.register_keras_serializable(package="ganzoo")
class DiffAugment(Augmentation):
    """Change the color of every image, shift it, and cut a rectangle out of it.

    - `"color"`: brightness by up to 0.5, saturation by a factor in [0, 2], contrast by a factor in
      [0.5, 1.5]. Colors are not clipped.
    - `"translation"`: by up to an eighth of each side, in whole pixels.
    - `"cutout"`: a rectangle of half the height and half the width, with its center anywhere in
      the image.

    Args:
        policy: tuple with some of `"color"`, `"translation"` and `"cutout"`.
        strength: float in [0, 1], or a schedule of the discriminator's updates. 1 is the paper's.
            It is a factor of the ranges above, and of the sides of the rectangle.

    Raises:
        ValueError: If an entry of the policy is unknown, or the strength is out of range.

    Example:
        >>> diffaugment = ganzoo.augment.DiffAugment(policy=("color", "translation"))
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.compile(augment=diffaugment)

    Reference: Zhao et al., 2020 (arXiv:2006.10738), sections 3.2 and 4.
    """

    def __init__(self, policy: tuple[str, ...] = POLICY, strength: schedules.Schedule = 1.0):
        if not isinstance(policy, (tuple, list)) or not policy:
            raise ValueError(
                f"`policy` must be a tuple with some of {POLICY}. Received: policy={policy!r}."
            )
        for name in policy:
            if name not in POLICY:
                raise ValueError(unknown("policy", name, POLICY))
        schedules.check("strength", strength, most=1)
        super().__init__(strength)
        self.policy = tuple(policy)
        self.strength = strength

    def __call__(self, images, amount, draw):
        numbers = _Numbers(images, draw, count=7)
        color = {
            "brightness": amount * numbers.uniform(-0.5, 0.5),
            "saturation": 1 + amount * numbers.uniform(-1, 1),
            "contrast": 1 + amount * numbers.uniform(-0.5, 0.5),
        }
        shifts, starts, lengths = [], [], []
        for side in _sides(images):
            most = ops.floor(amount * side / 8 + 0.5)
            shifts.append(ops.floor(numbers.uniform() * (2 * most + 1)) - most)
            length = ops.floor(amount * side / 2 + 0.5)
            center = ops.floor(numbers.uniform() * (side + 1 - length % 2))
            starts.append(center - length // 2)
            lengths.append(length)
        if "color" in self.policy:
            images = transforms.jitter_color(images, **color)
        if "translation" in self.policy:
            images = transforms.translate(images, *shifts)
        if "cutout" in self.policy:
            images = transforms.cut(images, *starts, *lengths)
        return images

    def get_config(self) -> dict:
        return {"policy": list(self.policy), "strength": schedules.serialize(self.strength)}

    @classmethod
    def from_config(cls, config: dict) -> "DiffAugment":
        return cls(**{**config, "strength": schedules.deserialize(config["strength"])})


@keras.saving.register_keras_serializable(package="ganzoo")
class ADA(Augmentation):
    """Apply many transformations, each with a probability that adapts to the discriminator.

    The probability starts at 0. It rises while the discriminator is too sure of real images, and
    falls otherwise. The transformations have four groups:

    - `blit`: flips, quarter turns, and shifts by up to an eighth of each side in whole pixels. An
      image that is not square gets half turns.
    - `geometry`: scaling, rotation by any angle, scaling of one axis against the other, and shifts
      by fractions of pixels.
    - `color`: brightness, contrast, inverted luma, hue and saturation. An image without colors has
      no hue and saturation.
    - `cutout`: a rectangle of half the height and half the width. It is off by default, as in the
      paper's main results. So are the paper's filters and noise, which this class leaves out.

    All shifts, turns and scalings together are one bilinear interpolation with reflected borders.
    The paper also filters against aliasing.

    Args:
        target: float from -1 to 1. Mean sign of the logits of real images at which the probability
            does not change. It is 0 if the discriminator guesses, and 1 if it is sure of all. For
            losses that compare real with fake logits, it is the sign of the difference.
        every: int, at least 1. Steps from one change of the probability to the next.
        ramp_images: int, at least 1. Number of real images in which the probability rises from 0
            to 1 if it always rises.
        probability: float in [0, 1], or a schedule of the discriminator's updates. Probability of
            each transformation. None adapts it.
        blit: float in [0, 1]. Factor of the probability of these transformations. 0 turns them off.
        geometry: float in [0, 1]. The same for these transformations.
        color: float in [0, 1]. The same for these transformations.
        cutout: float in [0, 1]. The same for this transformation.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> ada = ganzoo.augment.ADA(target=0.5, color=0.5)
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.compile(augment=ada)
        >>> logs = gan.fit(np.zeros((8, 8, 8, 1), "uint8"), verbose=0).history
        >>> logs["augment_probability"]
        [0.0]

    Reference: Karras et al., 2020 (arXiv:2006.06676), sections 2 and 3 and appendix B.
    """

    log_name = "augment_probability"

    def __init__(
        self,
        target: float = 0.6,
        every: int = 4,
        ramp_images: int = 500_000,
        probability: schedules.Schedule | None = None,
        blit: float = 1.0,
        geometry: float = 1.0,
        color: float = 1.0,
        cutout: float = 0.0,
    ):
        factors = {"blit": blit, "geometry": geometry, "color": color, "cutout": cutout}
        for name, value in factors.items():
            if not 0 <= value <= 1:
                raise ValueError(f"`{name}` must be from 0 to 1. Received: {name}={value!r}.")
        if not -1 <= target <= 1:
            raise ValueError(f"`target` must be from -1 to 1. Received: target={target!r}.")
        for name, value in {"every": every, "ramp_images": ramp_images}.items():
            if not isinstance(value, int) or value < 1:
                raise ValueError(
                    f"`{name}` must be an integer of at least 1. Received: {name}={value!r}."
                )
        if probability is not None:
            schedules.check("probability", probability, most=1)
        super().__init__(probability)
        self.target = target
        self.every = every
        self.ramp_images = ramp_images
        self.probability = probability
        self.blit = blit
        self.geometry = geometry
        self.color = color
        self.cutout = cutout

    def __call__(self, images, amount, draw):
        numbers = _Numbers(images, draw, count=31)
        sides = _sides(images)
        if self.blit or self.geometry:
            moves = {
                **self._blit(self.blit * amount, numbers, sides, images.shape),
                **self._geometry(self.geometry * amount, numbers, sides),
            }
            images = transforms.affine(images, **moves)
        if self.color:
            images = transforms.recolor(images, **self._color(self.color * amount, numbers))
        if self.cutout:
            share = numbers.choose(self.cutout * amount, 0.5, 0.0)
            lengths = [share * side for side in sides]
            centers = [numbers.uniform() * side for side in sides]
            starts = [c - length / 2 for c, length in zip(centers, lengths, strict=True)]
            images = transforms.cut(images, *starts, *lengths)
        return images

    def _blit(self, p, numbers, sides, shape):
        turns = ops.floor(numbers.uniform(0, 4))
        if shape[1] is None or shape[1] != shape[2]:
            turns = 2 * ops.floor(turns / 2)
        shifts = [ops.round(numbers.uniform(-1, 1) * side / 8) for side in sides]
        return {
            "flip": numbers.choose(p, numbers.sign(), 1.0),
            "quarter_turns": numbers.choose(p, turns, 0.0),
            "whole_shift": numbers.choose_together(p, shifts, 0.0),
        }

    def _geometry(self, p, numbers, sides):
        # The probability that at least one of two rotations is chosen is p.
        p_rotation = 1 - ops.sqrt(ops.maximum(1 - p, 0.0))
        shifts = [numbers.normal(1 / 8) * side for side in sides]
        return {
            "scale": numbers.choose(p, 2 ** numbers.normal(0.2), 1.0),
            "first_angle": numbers.choose(p_rotation, numbers.angle(), 0.0),
            "stretch": numbers.choose(p, 2 ** numbers.normal(0.2), 1.0),
            "last_angle": numbers.choose(p_rotation, numbers.angle(), 0.0),
            "shift": numbers.choose_together(p, shifts, 0.0),
        }

    def _color(self, p, numbers):
        return {
            "brightness": numbers.choose(p, numbers.normal(0.2), 0.0),
            "contrast": numbers.choose(p, 2 ** numbers.normal(0.5), 1.0),
            "luma_sign": numbers.choose(p, numbers.sign(), 1.0),
            "hue": numbers.choose(p, numbers.angle(), 0.0),
            "saturation": numbers.choose(p, 2 ** numbers.normal(1.0), 1.0),
        }

    def adapt(
        self,
        probability: float | keras.KerasTensor,
        mean_sign: float | keras.KerasTensor,
        num_images: int | keras.KerasTensor,
    ) -> keras.KerasTensor:
        """Return the next probability.

        Args:
            probability: float or tensor in [0, 1]. Current probability.
            mean_sign: float or tensor from -1 to 1. Mean sign of the discriminator's logits of
                real images since the last change.
            num_images: int or tensor. Number of real images since the last change.

        Example:
            >>> ada = ganzoo.augment.ADA(ramp_images=1000)
            >>> float(ada.adapt(0.5, mean_sign=0.9, num_images=250))
            0.75
        """
        change = ops.sign(mean_sign - self.target) * (num_images / self.ramp_images)
        return ops.clip(probability + change, 0.0, 1.0)

    def get_config(self) -> dict:
        return {
            "target": self.target,
            "every": self.every,
            "ramp_images": self.ramp_images,
            "probability": schedules.serialize(self.probability),
            "blit": self.blit,
            "geometry": self.geometry,
            "color": self.color,
            "cutout": self.cutout,
        }

    @classmethod
    def from_config(cls, config: dict) -> "ADA":
        return cls(**{**config, "probability": schedules.deserialize(config["probability"])})


AUGMENTATIONS = {"ada": ADA, "diffaugment": DiffAugment}


def get(identifier: Augmentation | str) -> Augmentation | None:
    """Return an augmentation by name. An augmentation object is returned unchanged.

    Args:
        identifier: a key of `AUGMENTATIONS`, `"none"`, or an `Augmentation`.

    Returns:
        The augmentation, or None for `"none"`.

    Raises:
        ValueError: If `identifier` is none of them.

    Example:
        >>> ganzoo.augment.get("ada").target
        0.6
    """
    if isinstance(identifier, Augmentation):
        return identifier
    if identifier == "none":
        return None
    if isinstance(identifier, str) and identifier in AUGMENTATIONS:
        return AUGMENTATIONS[identifier]()
    raise ValueError(unknown("augmentation", identifier, {*AUGMENTATIONS, "none"}))


def _sides(images):
    """Return the height and the width as float32."""
    return [ops.cast(side, "float32") for side in ops.shape(images)[1:3]]


class _Numbers:
    """Random numbers `(batch, 1, 1, 1)`, one per image."""

    def __init__(self, images, draw, count):
        # One call for all numbers is fast.
        numbers = ops.reshape(draw((ops.shape(images)[0], count)), (-1, 1, 1, 1, count))
        self._left = iter(ops.unstack(numbers, count, axis=-1))

    def uniform(self, least=0.0, most=1.0):
        return least + (most - least) * next(self._left)

    def normal(self, deviation):
        # Within 4.9 standard deviations.
        bounded = ops.clip(self.uniform(-1, 1), -1 + 1e-6, 1 - 1e-6)
        return deviation * math.sqrt(2) * ops.erfinv(bounded)

    def sign(self):
        return ops.where(self.uniform() < 0.5, -1.0, 1.0)

    def angle(self):
        return self.uniform(-math.pi, math.pi)

    def choose(self, probability, value, neutral):
        """Return the value with a probability, else the neutral value."""
        return self.choose_together(probability, [value], neutral)[0]

    def choose_together(self, probability, values, neutral):
        """Return all values or none."""
        chosen = self.uniform() < probability
        return [ops.where(chosen, value, neutral) for value in values]
