"""Compute the adversarial losses of the generator and the discriminator.

A loss is a pair of functions of the discriminator's logits for real and fake images. Both
functions see both logits, because relativistic losses compare them. `get` returns a loss by name.

Logits have shape `(batch, ...)`. A patch discriminator returns several logits per image, which
all have the same weight. A loss is a mean over all logits, in their dtype. Losses that are
log-likelihoods are in nats.
"""

import abc
from collections.abc import Callable

import keras
from keras import ops

from ganzoo.messages import unknown


class AdversarialLoss(abc.ABC):
    """Pair of losses, one for each network.

    A subclass defines `discriminator` and `generator`. Each takes `(real_logits, fake_logits)` and
    returns a scalar.
    """

    # True if `generator` reads `real_logits`. An alternating step then computes them again with
    # the updated discriminator.
    generator_uses_real_logits: bool = True

    @abc.abstractmethod
    def discriminator(
        self, real_logits: keras.KerasTensor, fake_logits: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the loss of the discriminator, a scalar.

        Args:
            real_logits: float tensor `(batch, ...)`. Discriminator output for real images.
            fake_logits: float tensor of the same shape. Discriminator output for generated images.
        """

    @abc.abstractmethod
    def generator(
        self, real_logits: keras.KerasTensor, fake_logits: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the loss of the generator, a scalar. Arguments are those of `discriminator`."""

    def margins(
        self, real_logits: keras.KerasTensor, fake_logits: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return a number per real logit, positive if the discriminator takes it for real."""
        return real_logits

    def scores(
        self, real_logits: keras.KerasTensor, fake_logits: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return the means of `D(x)` and `D(G(z))` as probabilities.

        Both are 0.5 at equilibrium.
        """
        return ops.mean(ops.sigmoid(real_logits)), ops.mean(ops.sigmoid(fake_logits))

    def get_config(self) -> dict:
        return {}

    @classmethod
    def from_config(cls, config: dict):
        return cls(**config)


class _CrossEntropyLoss(AdversarialLoss):
    """Discriminator loss of Goodfellow et al., 2014: binary cross-entropy of real and fake.

    Args:
        label_smoothing: float in [0, 0.5). The target of a real image is `1 - label_smoothing`.
            The target of a fake image stays 0 (one-sided label smoothing, Salimans et al., 2016,
            arXiv:1606.03498, section 3.4).

    Raises:
        ValueError: If `label_smoothing` is out of range.
    """

    generator_uses_real_logits = False

    def __init__(self, label_smoothing: float = 0.0):
        if not 0 <= label_smoothing < 0.5:
            raise ValueError(
                "`label_smoothing` must be at least 0 and below 0.5. Received: "
                f"label_smoothing={label_smoothing}. Try 0.1."
            )
        self.label_smoothing = label_smoothing

    def discriminator(self, real_logits, fake_logits):
        """Return `-mean(log D(x)) - mean(log(1 - D(G(z))))`, with smoothed targets."""
        real = ops.softplus(-real_logits) + self.label_smoothing * real_logits
        return ops.mean(real) + ops.mean(ops.softplus(fake_logits))

    def get_config(self):
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="ganzoo")
class Minimax(_CrossEntropyLoss):
    """Zero-sum game `min_G max_D E[log D(x)] + E[log(1 - D(G(z)))]`.

    The generator's gradient vanishes if the discriminator is sure that an image is fake. Use
    `NonSaturating` to avoid this.

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), equation 1.
    """

    def generator(self, real_logits, fake_logits):
        """Return `mean(log(1 - D(G(z))))`, at most 0."""
        return -ops.mean(ops.softplus(fake_logits))


@keras.saving.register_keras_serializable(package="ganzoo")
class NonSaturating(_CrossEntropyLoss):
    """Binary cross-entropy, with a generator that maximizes `log D(G(z))`.

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), section 3.
    """

    def generator(self, real_logits, fake_logits):
        """Return `-mean(log D(G(z)))`, at least 0."""
        return ops.mean(ops.softplus(-fake_logits))


@keras.saving.register_keras_serializable(package="ganzoo")
class LeastSquares(AdversarialLoss):
    """Least-squares regression of real images on 1 and of fake images on 0.

    Reference: Mao et al., 2016 (arXiv:1611.04076), equation 9.
    """

    generator_uses_real_logits = False

    def discriminator(self, real_logits, fake_logits):
        real, fake = ops.square(real_logits - 1.0), ops.square(fake_logits)
        return 0.5 * (ops.mean(real) + ops.mean(fake))

    def generator(self, real_logits, fake_logits):
        return 0.5 * ops.mean(ops.square(fake_logits - 1.0))

    def margins(self, real_logits, fake_logits):
        """Return the difference to 0.5, halfway between the targets."""
        return real_logits - 0.5

    def scores(self, real_logits, fake_logits):
        """Return the means of the outputs, which estimate probabilities, clipped to [0, 1]."""
        real, fake = ops.clip(real_logits, 0.0, 1.0), ops.clip(fake_logits, 0.0, 1.0)
        return ops.mean(real), ops.mean(fake)


@keras.saving.register_keras_serializable(package="ganzoo")
class Hinge(AdversarialLoss):
    """Hinge loss, which pushes real logits above 1 and fake logits below -1, and no further.

    Reference: Lim & Ye, 2017 (arXiv:1705.02894); Miyato et al., 2018
    (arXiv:1802.05957), equations 16 and 17.
    """

    generator_uses_real_logits = False

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)


class _ComparativeLoss(AdversarialLoss):
    """Loss in which only the difference between real and fake logits has a meaning."""

    def margins(self, real_logits, fake_logits):
        """Return the difference between the logits of each pair."""
        return real_logits - fake_logits

    def scores(self, real_logits, fake_logits):
        """Return the probability that real images rank above fake ones, and its complement."""
        real = ops.mean(ops.sigmoid(real_logits - fake_logits))
        return real, 1.0 - real


@keras.saving.register_keras_serializable(package="ganzoo")
class Wasserstein(_ComparativeLoss):
    """Wasserstein loss, whose critic estimates the Wasserstein-1 distance up to a constant factor.

    The critic must be Lipschitz continuous. Use `regularizer="gradient_penalty"`, too.

    Reference: Arjovsky et al., 2017 (arXiv:1701.07875), equation 2.
    """

    generator_uses_real_logits = False

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)


@keras.saving.register_keras_serializable(package="ganzoo")
class Relativistic(_ComparativeLoss):
    """Relativistic pairing loss: the discriminator tells a real image from a fake one in each pair.

    Needs as many real as fake logits. R3GAN adds `regularizer="r1_r2"`.

    Reference: Jolicoeur-Martineau, 2018 (arXiv:1807.00734); Huang et al., 2025
    (arXiv:2501.05441), equation 2.
    """

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(fake_logits - real_logits))

    def generator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(real_logits - fake_logits))


LOSSES: dict[str, Callable[[], AdversarialLoss]] = {
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "relativistic": Relativistic,
    "wasserstein": Wasserstein,
}


def get(identifier: AdversarialLoss | str) -> AdversarialLoss:
    """Return an adversarial loss by name. A loss object is returned unchanged.

    Args:
        identifier: a key of `LOSSES`, or an `AdversarialLoss`.

    Raises:
        ValueError: If it is neither.

    Example:
        >>> loss = ganzoo.losses.get("hinge")
        >>> float(loss.generator(np.array([[0.0]]), np.array([[0.5]])))
        -0.5
    """
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if isinstance(identifier, str) and identifier in LOSSES:
        return LOSSES[identifier]()
    raise ValueError(unknown("loss", identifier, LOSSES))
