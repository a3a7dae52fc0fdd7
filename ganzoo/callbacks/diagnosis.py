"""What ails a training of two players: rules over what was observed of it.

A rule looks at the observations so far and returns its evidence in words, or None. It
must hold for several observations in a row: a single one proves nothing.
"""

import dataclasses
import math
import statistics

# Observations in a row that a rule asks for.
_IN_A_ROW = 3
# Observations over which the generator must not have been behind, to have won.
_LEAD = 8
# Observations among which swings are counted.
_WINDOW = 24
_FEWEST_IN_WINDOW = 12
# Losses are a few nats, those of wasserstein some hundred; beyond this nothing is learned.
_LARGEST_LOSS = 1000


@dataclasses.dataclass(frozen=True)
class Observation:
    """The state of the game at a step; None where a figure does not exist.

    Attributes:
        step: int.
        generator_loss: float, mean since the observation before.
        discriminator_loss: float, likewise.
        real_score: float in [0, 1]: the discriminator's for real images, likewise.
        fake_score: float in [0, 1]: for fake images, likewise.
        generator_gradient_norm: float, likewise.
        discriminator_gradient_norm: float, likewise.
        diversity: float, at least 0: mean distance between fake images, over that
            between real ones.
        precision: float in [0, 1]: fake images that have a real one near them.
        coverage: float in [0, 1]: real images that have a fake one near them.
        memory: float in [0, 1]: the chance that the discriminator scores a training
            image above a held-out one; 0.5 where it knows neither.
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
    memory: float | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """An illness, with what speaks for it and what to do.

    Attributes:
        illness: str, a key of `ILLNESSES`.
        step: int. When it was found.
        evidence: str.
        remedies: str. Arguments of `compile`, and options of `ganzoo train`.
    """

    illness: str
    step: int
    evidence: str
    remedies: str

    def __str__(self):
        return (
            f"Step {self.step}: {self.illness.replace('_', ' ')}: {self.evidence}. "
            f"Try {self.remedies}."
        )


def diagnose(observations, loss="non_saturating", regularizer="none"):
    """What ails a training, as far as the observations show it.

    Args:
        observations: list of `Observation`, oldest first.
        loss: str. Name of the adversarial loss, so that what is used already is not
            advised.
        regularizer: str. Name of the gradient penalty, likewise.

    Returns:
        list of `Finding`, at most one of each illness.

    Example:
        >>> healthy = [Observation(100 * i, real_score=0.7, fake_score=0.3) for i in range(9)]
        >>> diagnose(healthy)
        []
    """
    if not observations:
        return []
    findings = []
    for illness, (rule, advise) in ILLNESSES.items():
        evidence = rule(observations)
        if evidence:
            remedies = advise(loss, regularizer)
            findings.append(Finding(illness, observations[-1].step, evidence, remedies))
    return findings


def _values(observations, name):
    """The figures of a name that exist, oldest first."""
    found = (getattr(observation, name) for observation in observations)
    return [value for value in found if value is not None]


def _diverged(observations):
    last = observations[-1]
    for player in ("generator", "discriminator"):
        loss = getattr(last, f"{player}_loss")
        norm = getattr(last, f"{player}_gradient_norm")
        for name, value in (("loss", loss), ("gradient norm", norm)):
            if value is not None and not math.isfinite(value):
                return f"the {player}'s {name} is {value}"
        if loss is not None and abs(loss) > _LARGEST_LOSS:
            return f"the {player}'s loss is {loss:.3g}"
        norms = _values(observations, f"{player}_gradient_norm")
        if len(norms) > 2 * _IN_A_ROW:
            usual = statistics.median(norms[:-_IN_A_ROW])
            if usual > 0 and min(norms[-_IN_A_ROW:]) > 100 * usual:
                return (
                    f"the {player}'s gradient norm is {norms[-1]:.3g}, {norms[-1] / usual:.0f} "
                    f"times what it was before"
                )
    return None


def _vanished(observations):
    recent = observations[-_IN_A_ROW:]
    real, fake = _values(recent, "real_score"), _values(recent, "fake_score")
    norms = _values(observations, "generator_gradient_norm")
    if min(len(real), len(fake)) < _IN_A_ROW or len(norms) < _IN_A_ROW:
        return None
    saturated = min(real) > 0.95 and max(fake) < 0.05
    # Beside the discriminator's, which has something to learn from as long as it moves.
    others = _values(recent, "discriminator_gradient_norm")
    vanished = max(norms[-_IN_A_ROW:]) < max(0.05 * max(norms), 1e-8)
    if saturated and (vanished or (others and max(norms[-_IN_A_ROW:]) < 0.01 * min(others))):
        return (
            f"the discriminator is sure of itself (real {real[-1]:.3f}, fake {fake[-1]:.3f}) and "
            f"the generator's gradient norm has fallen to {norms[-1]:.2g}, from {max(norms):.2g}"
        )
    return None


def _collapsed(observations):
    diversity, precision, coverage = (
        _values(observations, name) for name in ("diversity", "precision", "coverage")
    )
    recent = diversity[-2 * _IN_A_ROW :]
    if len(recent) == 2 * _IN_A_ROW and max(recent) < 0.3 and not _rises(recent):
        return f"fake images differ by {diversity[-1]:.0%} of what real ones do" + (
            f", at best it was {max(diversity):.0%}" if max(diversity) >= 0.3 else ""
        )
    # Images far from all real ones cover none of them either: they have strayed, not collapsed.
    if len(coverage) >= 2 * _IN_A_ROW and min(precision[-_IN_A_ROW:], default=1) > 0.5:
        best = max(coverage)
        if best >= 0.2 and max(coverage[-_IN_A_ROW:]) < 0.4 * best:
            return f"they cover {coverage[-1]:.0%} of the real images, at best it was {best:.0%}"
    return None


def _rises(values):
    """Whether the later half is above the earlier: a generator begins with images all alike."""
    half = len(values) // 2
    return statistics.mean(values[half:]) > 1.1 * statistics.mean(values[:half])


def _oscillates(observations):
    leads = _leads(observations)
    swings = _swings(leads, least=0.4) if len(leads) >= _FEWEST_IN_WINDOW else 0
    if swings >= 3:
        return (
            f"the discriminator's lead swung {swings} times between {min(leads):.2f} and "
            f"{max(leads):.2f} in the last {len(leads)} observations"
        )
    return None


def _leads(observations):
    """By how much the discriminator scored real images above fake ones, of late."""
    recent = observations[-_WINDOW:]
    real, fake = _values(recent, "real_score"), _values(recent, "fake_score")
    return [r - f for r, f in zip(real, fake, strict=True)]


def _swings(values, least):
    """How often a series turns back by at least so much."""
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


def _memorised(observations):
    memory = _values(observations, "memory")[-_IN_A_ROW:]
    if len(memory) == _IN_A_ROW and min(memory) > 0.75:
        return (
            f"in {memory[-1]:.0%} of pairs the discriminator scores a training image above one "
            "that was held out"
        )
    return None


def _generator_wins(observations):
    leads = _leads(observations)[-_LEAD:]
    # A lead that comes and goes is no victory.
    if len(leads) >= _IN_A_ROW and max(leads[-_IN_A_ROW:]) < -0.1 and max(leads) < 0.2:
        last = observations[-1]
        return (
            f"the discriminator takes fake images for real ({last.fake_score:.2f}) rather than "
            f"real ones ({last.real_score:.2f})"
        )
    return None


# What is advised was tried on runs made ill on purpose; the table is in docs/metrics.md.


def _penalty(regularizer):
    """A gradient penalty, or more of the one that is there."""
    if regularizer in ("r1", "r1_r2"):
        return "a larger weight of the gradient penalty, such as ganzoo.regularizers.R1(10)"
    return "regularizer='r1' (--regularizer r1)"


def _for_divergence(loss, regularizer):
    return "the recommended optimizers, or a tenth of the learning rates"


def _for_vanishing(loss, regularizer):
    other = "" if loss == "non_saturating" else "loss='non_saturating' (--loss non_saturating), "
    return f"{other}{_penalty(regularizer)} or a lower rate in discriminator_optimizer"


def _for_collapse(loss, regularizer):
    both = " or loss='relativistic' with regularizer='r1_r2'"
    return _penalty(regularizer) + (
        "" if (loss, regularizer) == ("relativistic", "r1_r2") else both
    )


def _for_oscillation(loss, regularizer):
    return _penalty(regularizer)


def _for_memorising(loss, regularizer):
    return "more training images, or fewer epochs: callbacks.Evaluate keeps the best generator"


def _for_generator(loss, regularizer):
    return "the recommended optimizers, or a higher rate in discriminator_optimizer"


# Each with its rule and its remedies.
ILLNESSES = {
    "divergence": (_diverged, _for_divergence),
    "vanishing_generator_gradient": (_vanished, _for_vanishing),
    "mode_collapse": (_collapsed, _for_collapse),
    "no_equilibrium": (_oscillates, _for_oscillation),
    "discriminator_memorising": (_memorised, _for_memorising),
    "generator_winning": (_generator_wins, _for_generator),
}
