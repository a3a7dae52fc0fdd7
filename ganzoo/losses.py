"""Adversarial losses: what each of the two players minimises.

Every loss is a pair over the discriminator's raw outputs ("logits") for real
and for fake images. Both players see both, because a relativistic generator
compares itself with the data. `get` finds a loss by name.

Logits have shape `(batch, ...)`; where a discriminator judges patches, every
patch weighs the same. Losses are means over all logits, computed in the logits'
dtype, in nats where they are log-likelihoods.
"""

import abc

import keras
from keras import ops

from ganzoo import registry


class AdversarialLoss(abc.ABC):
    """A pair of losses, one for each player.

    A subclass defines `discriminator` and `generator`; each takes
    `(real_logits, fake_logits)` and returns a scalar.
    """

    @abc.abstractmethod
    def discriminator(self, real_logits, fake_logits):
        """The discriminator's loss, a scalar."""

    @abc.abstractmethod
    def generator(self, real_logits, fake_logits):
        """The generator's loss, a scalar."""

    def scores(self, real_logits, fake_logits):
        """Mean `(D(x), D(G(z)))` as probabilities; 0.5 each is the equilibrium."""
        return ops.mean(ops.sigmoid(real_logits)), ops.mean(ops.sigmoid(fake_logits))

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class _CrossEntropyLoss(AdversarialLoss):
    """The discriminator of the 2014 paper: a classifier of real against fake.

    Args:
        label_smoothing: float in [0, 0.5). The target of a real image is
            `1 - label_smoothing`, that of a fake stays 0 ("one-sided", Salimans
            et al., 2016, arXiv:1606.03498, section 3.4).
    """

    def __init__(self, label_smoothing=0.0):
        if not 0 <= label_smoothing < 0.5:
            raise ValueError(
                "`label_smoothing` must be at least 0 and below 0.5, where real and fake "
                f"would get the same target. Received: label_smoothing={label_smoothing}. "
                "Try 0.1."
            )
        self.label_smoothing = label_smoothing

    def discriminator(self, real_logits, fake_logits):
        """`-mean(log D(x)) - mean(log(1 - D(G(z))))`, with the real target smoothed."""
        real = ops.softplus(-real_logits) + self.label_smoothing * real_logits
        return ops.mean(real) + ops.mean(ops.softplus(fake_logits))

    def get_config(self):
        return {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable(package="ganzoo")
class Minimax(_CrossEntropyLoss):
    """The zero-sum game `min_G max_D E[log D(x)] + E[log(1 - D(G(z)))]`.

    The generator's gradient vanishes where the discriminator is sure that an
    image is fake; `NonSaturating` mends that.

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), equation 1.
    """

    def generator(self, real_logits, fake_logits):
        """`mean(log(1 - D(G(z))))`, at most 0."""
        return -ops.mean(ops.softplus(fake_logits))


@keras.saving.register_keras_serializable(package="ganzoo")
class NonSaturating(_CrossEntropyLoss):
    """The 2014 discriminator, and a generator that maximises `log D(G(z))`.

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), section 3.
    """

    def generator(self, real_logits, fake_logits):
        """`-mean(log D(G(z)))`, at least 0."""
        return ops.mean(ops.softplus(-fake_logits))


@keras.saving.register_keras_serializable(package="ganzoo")
class LeastSquares(AdversarialLoss):
    """Regression of real images on 1 and fake images on 0.

    Reference: Mao et al., 2016 (arXiv:1611.04076), equation 9.
    """

    def discriminator(self, real_logits, fake_logits):
        real, fake = ops.square(real_logits - 1.0), ops.square(fake_logits)
        return 0.5 * (ops.mean(real) + ops.mean(fake))

    def generator(self, real_logits, fake_logits):
        return 0.5 * ops.mean(ops.square(fake_logits - 1.0))

    def scores(self, real_logits, fake_logits):
        """The outputs estimate the probability itself: they are only clipped to it."""
        real, fake = ops.clip(real_logits, 0.0, 1.0), ops.clip(fake_logits, 0.0, 1.0)
        return ops.mean(real), ops.mean(fake)


@keras.saving.register_keras_serializable(package="ganzoo")
class Hinge(AdversarialLoss):
    """Real logits are pushed above 1 and fake ones below -1, and no further.

    Reference: Lim & Ye, 2017 (arXiv:1705.02894); Miyato et al., 2018
    (arXiv:1802.05957), equations 16 and 17.
    """

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.relu(1.0 - real_logits)) + ops.mean(ops.relu(1.0 + fake_logits))

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)


class _ComparativeLoss(AdversarialLoss):
    """A loss in which only the difference between real and fake logits has a meaning."""

    def scores(self, real_logits, fake_logits):
        """The probability that a real image is ranked above a fake one, and the reverse."""
        real = ops.mean(ops.sigmoid(real_logits - fake_logits))
        return real, 1.0 - real


@keras.saving.register_keras_serializable(package="ganzoo")
class Wasserstein(_ComparativeLoss):
    """The critic estimates the Wasserstein-1 distance, up to its Lipschitz constant.

    Needs a critic of bounded slope: give `regularizer="gradient_penalty"` too.

    Reference: Arjovsky et al., 2017 (arXiv:1701.07875), equation 2.
    """

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(fake_logits) - ops.mean(real_logits)

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)


@keras.saving.register_keras_serializable(package="ganzoo")
class Relativistic(_ComparativeLoss):
    """Each fake image is paired with a real one, and the two are told apart.

    Needs as many real as fake logits. R3GAN adds `regularizer="r1_r2"`.

    Reference: Jolicoeur-Martineau, 2018 (arXiv:1807.00734); Huang et al., 2025
    (arXiv:2501.05441), equation 2.
    """

    def discriminator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(fake_logits - real_logits))

    def generator(self, real_logits, fake_logits):
        return ops.mean(ops.softplus(real_logits - fake_logits))


LOSSES = {
    "hinge": Hinge,
    "least_squares": LeastSquares,
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "relativistic": Relativistic,
    "wasserstein": Wasserstein,
}


def get(identifier):
    """The adversarial loss of a name, or the given one.

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
    raise ValueError(registry.unknown("loss", identifier, LOSSES))
