"""Recognize failure modes of GAN training, by rules on observations of both networks.

A rule takes the observations so far and the settings. It returns its evidence as text, or None.
Most rules need several observations in a row, because a single one may be noise.
"""

import dataclasses
import math
import statistics
from collections.abc import Sequence

from ganzoo.callbacks.progress import rename_old_fields

# Consecutive observations that a rule needs.
_IN_A_ROW = 3
# Observations in which the discriminator must not have led, before the generator has won.
_LEAD = 8
# Observations in which swings are counted, and the fewest that are enough for it.
_WINDOW = 24
_FEWEST_IN_WINDOW = 12
# Losses are a few nats; Wasserstein losses reach some hundreds. Above this a run has diverged.
_LARGEST_LOSS = 1000
# Other losses of this size, in two observations in a row, do not recover.
_LARGE_LOSS = 100
_UNBOUNDED = ("wasserstein", "none")


@dataclasses.dataclass(frozen=True)
class Observation:
    """The state of both networks at a step. A figure that does not exist is None.

    Attributes:
        step: int.
        generator_loss: float. Mean since the last observation.
        discriminator_loss: float. Mean since the last observation.
        real_score: float in [0, 1]. Mean probability that the discriminator gives real images
            of being real, since the last observation.
        fake_score: float in [0, 1]. The same for fake images.
        generator_gradient_norm: float. Mean since the last observation.
        discriminator_gradient_norm: float. Mean since the last observation.
        diversity: float, at least 0. Mean distance between fake images, divided by the mean
            distance between real images.
        precision: float in [0, 1]. Share of fake images with a real image nearby.
        coverage: float in [0, 1]. Share of real images with a fake image nearby.
        held_out_auc: float in [0, 1]. Probability that the discriminator scores a training image
            above a held-out image; 0.5 if it has memorized nothing.
    """

    step: int
    generator_loss: float | None = None
    discriminator_loss: float | None = None
    real_score: float | None = None
    fake_score: float | None = None
    generator_gradient_norm: float | None = None
    discriminator_gradient_norm: float | None = None
    diversity: float | None = None
    precision: float | None = None
    coverage: float | None = None
    held_out_auc: float | None = None

    @classmethod
    def from_dict(cls, fields: dict) -> "Observation":
        """Return the observation that a file holds. Files of older versions are read, too."""
        return cls(**rename_old_fields(fields))


@dataclasses.dataclass(frozen=True)
class Finding:
    """A failure mode, the evidence for it, and advice.

    Attributes:
        failure_mode: str. A key of `FAILURE_MODES`.
        step: int. Step at which it was found.
        evidence: str.
        advice: str. Arguments of `compile` and `fit`, with the options of `ganzoo train`.
    """

    failure_mode: str
    step: int
    evidence: str
    advice: str

    def __str__(self) -> str:
        return (
            f"Step {self.step}: {self.failure_mode.replace('_', ' ')}: {self.evidence}. "
            f"Try {self.advice}."
        )

    @classmethod
    def from_dict(cls, fields: dict) -> "Finding":
        """Return the finding that a file holds. Files of older versions are read, too."""
        return cls(**rename_old_fields(fields))


@dataclasses.dataclass(frozen=True)
class Settings:
    """Arguments of `compile` that advice depends on. The defaults are those of `ganzoo.GAN`.

    Attributes:
        loss: str. Name of the adversarial loss, or `"none"` for an unnamed one.
        regularizer: str. Name of the gradient penalty, or `"none"`.
        regularizer_weight: float. Current weight of the penalty.
        regularizer_every: int. Steps from one penalty to the next.
        generator_rate: float. Current learning rate of the generator.
        discriminator_rate: float. Current learning rate of the discriminator.
        augment: str. Name of the augmentation, or `"none"`.
    """

    loss: str = "non_saturating"
    regularizer: str = "none"
    regularizer_weight: float = 10.0
    regularizer_every: int = 1
    generator_rate: float = 2e-4
    discriminator_rate: float = 2e-4
    augment: str = "none"


def diagnose(
    observations: Sequence[Observation], settings: Settings | None = None
) -> list[Finding]:
    """Return the failure modes that the observations show.

    Args:
        observations: list of `Observation`, oldest first.
        settings: `Settings` of the run. Advice never repeats what is already used. None takes
            the defaults.

    Returns:
        List of `Finding`, at most one of each failure mode.

    Example:
        >>> healthy = [Observation(100 * i, real_score=0.7, fake_score=0.3) for i in range(9)]
        >>> diagnose(healthy)
        []
    """
    if not observations:
        return []
    settings = settings or Settings()
    findings = []
    for failure_mode, (rule, advise) in FAILURE_MODES.items():
        evidence = rule(observations, settings)
        if evidence:
            advice = advise(settings)
            findings.append(Finding(failure_mode, observations[-1].step, evidence, advice))
    return findings


def _values(observations, name):
    """Return the values of a field that exist, oldest first."""
    found = (getattr(observation, name) for observation in observations)
    return [value for value in found if value is not None]


def _diverged(observations, settings):
    last = observations[-1]
    for player in ("generator", "discriminator"):
        loss = getattr(last, f"{player}_loss")
        norm = getattr(last, f"{player}_gradient_norm")
        for name, value in (("loss", loss), ("gradient norm", norm)):
            if value is not None and not math.isfinite(value):
                return f"the {player}'s {name} is {value}"
        if loss is not None and abs(loss) > _LARGEST_LOSS:
            return f"the {player}'s loss is {loss:.3g}"
        recent = _values(observations, f"{player}_loss")[-2:]
        large = len(recent) == 2 and min(map(abs, recent)) > _LARGE_LOSS
        if large and settings.loss not in _UNBOUNDED:
            return f"the {player}'s loss stays at {loss:.3g}"
        norms = _values(observations, f"{player}_gradient_norm")
        if len(norms) > 2 * _IN_A_ROW:
            usual = statistics.median(norms[:-_IN_A_ROW])
            if usual > 0 and min(norms[-_IN_A_ROW:]) > 100 * usual:
                return (
                    f"the {player}'s gradient norm is {norms[-1]:.3g}, {norms[-1] / usual:.0f} "
                    "times its earlier median"
                )
    return None


def _vanished(observations, _):
    recent = observations[-_IN_A_ROW:]
    real, fake = _values(recent, "real_score"), _values(recent, "fake_score")
    norms = _values(observations, "generator_gradient_norm")
    if min(len(real), len(fake)) < _IN_A_ROW or len(norms) < _IN_A_ROW:
        return None
    saturated = min(real) > 0.95 and max(fake) < 0.05
    vanished = max(norms[-_IN_A_ROW:]) < max(0.05 * max(norms), 1e-8)
    # A run may start with a vanished gradient. The discriminator's is then far larger.
    others = _values(recent, "discriminator_gradient_norm")
    if saturated and (vanished or (others and max(norms[-_IN_A_ROW:]) < 0.01 * min(others))):
        # Rounding may leave a mean just below 0.
        scores = f"real {real[-1]:.3f}, fake {abs(fake[-1]):.3f}"
        return (
            f"the discriminator is sure of every image ({scores}), and the generator's gradient "
            f"norm fell from {max(norms):.2g} to {norms[-1]:.2g}"
        )
    return None


def _collapsed(observations, _):
    diversity, precision, coverage = (
        _values(observations, name) for name in ("diversity", "precision", "coverage")
    )
    recent = diversity[-2 * _IN_A_ROW :]
    if len(recent) == 2 * _IN_A_ROW and max(recent) < 0.3 and not _rises(recent):
        return (
            f"the distance between fake images is {diversity[-1]:.0%} of that between real images"
        ) + (f", down from {max(diversity):.0%}" if max(diversity) >= 0.3 else "")
    # Low coverage with low precision is no collapse: the images are far from all real ones.
    if len(coverage) >= 2 * _IN_A_ROW and min(precision[-_IN_A_ROW:], default=1) > 0.5:
        best = max(coverage)
        if best >= 0.2 and max(coverage[-_IN_A_ROW:]) < 0.4 * best:
            return f"fake images cover {coverage[-1]:.0%} of the real images, down from {best:.0%}"
    return None


def _rises(values):
    """Return True if the later half is above the earlier half.

    The images of an untrained generator are nearly equal, and become diverse with training.
    """
    half = len(values) // 2
    return statistics.mean(values[half:]) > 1.1 * statistics.mean(values[:half])


def _oscillates(observations, _):
    leads = _leads(observations)
    swings = _swings(leads, least=0.4) if len(leads) >= _FEWEST_IN_WINDOW else 0
    if swings >= 3:
        return (
            "the discriminator's lead (real score minus fake score) changed its direction "
            f"{swings} times, between {min(leads):.2f} and {max(leads):.2f}, in the last "
            f"{len(leads)} observations"
        )
    return None


def _leads(observations):
    """Return the real score minus the fake score of each recent observation."""
    recent = observations[-_WINDOW:]
    real, fake = _values(recent, "real_score"), _values(recent, "fake_score")
    return [r - f for r, f in zip(real, fake, strict=True)]


def _swings(values, least):
    """Return how many times a series changes its direction by at least `least`."""
    count, direction, extreme = 0, 0, values[0]
    for value in values[1:]:
        beyond = (value - extreme) * direction
        if direction == 0 and abs(value - extreme) >= least:
            direction = 1 if value > extreme else -1
            extreme = value
        elif beyond > 0:
            extreme = value
        elif -beyond >= least:
            count, direction, extreme = count + 1, -direction, value
    return count


def _memorized(observations, _):
    aucs = _values(observations, "held_out_auc")[-_IN_A_ROW:]
    if len(aucs) == _IN_A_ROW and min(aucs) > 0.75:
        return (
            "the discriminator scores a training image above a held-out image in "
            f"{aucs[-1]:.0%} of pairs"
        )
    return None


def _generator_wins(observations, _):
    leads = _leads(observations)[-_LEAD:]
    # If the discriminator led shortly before, the two oscillate.
    if len(leads) >= _IN_A_ROW and max(leads[-_IN_A_ROW:]) < -0.1 and max(leads) < 0.2:
        last = observations[-1]
        return (
            f"the discriminator scores fake images ({last.fake_score:.2f}) above real images "
            f"({last.real_score:.2f})"
        )
    return None


# The advice below was tested on runs that fail by design; see docs/experiments/metrics.md.

_CLASSES = {"r1": "R1", "r1_r2": "R1R2"}


def _penalty(settings):
    """Advise a gradient penalty, or ten times the weight of the one that is used."""
    name = settings.regularizer
    if name not in _CLASSES:
        return "regularizer='r1' (--regularizer r1)"
    # A scheduled weight may be 0 now.
    weight = 10 * settings.regularizer_weight or 10.0
    every = settings.regularizer_every
    return (
        "a larger weight of the gradient penalty, "
        f"regularizer=ganzoo.regularizers.{_CLASSES[name]}({weight:g}, every={every}) "
        f"(--regularizer {name} --regularizer-weight {weight:g} --regularizer-every {every})"
    )


def _rate_option(player, rate):
    return f"--compile {player}_optimizer.learning_rate={rate:.1g}"


def _discriminator_rate(settings, factor):
    rate = factor * settings.discriminator_rate
    return f"{rate:.1g} in discriminator_optimizer ({_rate_option('discriminator', rate)})"


_DEFAULT_OPTIMIZERS = (
    "the default optimizers (leave generator_optimizer and discriminator_optimizer out)"
)


def _for_divergence(settings):
    rates = settings.generator_rate / 10, settings.discriminator_rate / 10
    options = (
        _rate_option(player, rate)
        for player, rate in zip(("generator", "discriminator"), rates, strict=True)
    )
    return (
        f"{_DEFAULT_OPTIMIZERS}, or a tenth of the learning rates: {rates[0]:.1g} in "
        f"generator_optimizer and {rates[1]:.1g} in discriminator_optimizer ({' '.join(options)})"
    )


def _for_vanishing(settings):
    loss = "loss='non_saturating' (--loss non_saturating), "
    return (
        f"{'' if settings.loss == 'non_saturating' else loss}{_penalty(settings)}, or a lower "
        f"learning rate, {_discriminator_rate(settings, 0.1)}"
    )


def _for_collapse(settings):
    both = (
        ", or loss='relativistic' with regularizer='r1_r2' (--loss relativistic --regularizer "
        "r1_r2)"
    )
    used = (settings.loss, settings.regularizer) == ("relativistic", "r1_r2")
    return _penalty(settings) + ("" if used else both)


def _for_memorizing(settings):
    augment = "augment='diffaugment' (--augment diffaugment), "
    return (
        f"{augment if settings.augment == 'none' else ''}more training images, or fewer epochs: "
        "`epochs` of `fit` (--epochs). The callback `Evaluate` (--evaluate-every 1) keeps the best "
        "generator of a run"
    )


def _for_generator(settings):
    return f"{_DEFAULT_OPTIMIZERS}, or a higher learning rate, {_discriminator_rate(settings, 10)}"


# A rule and its advice for each failure mode.
FAILURE_MODES = {
    "divergence": (_diverged, _for_divergence),
    "vanishing_generator_gradient": (_vanished, _for_vanishing),
    "mode_collapse": (_collapsed, _for_collapse),
    "no_equilibrium": (_oscillates, _penalty),
    "discriminator_memorising": (_memorized, _for_memorizing),
    "generator_winning": (_generator_wins, _for_generator),
}
