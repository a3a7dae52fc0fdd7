"""The doctor's rules, over histories that were made up to show one thing each."""

import numpy as np
import pytest

from ganzoo.callbacks import Observation, diagnose

HEALTHY = {
    "generator_loss": 1.2,
    "discriminator_loss": 0.9,
    "real_score": 0.7,
    "fake_score": 0.3,
    "generator_gradient_norm": 2.0,
    "discriminator_gradient_norm": 3.0,
    "diversity": 0.9,
    "precision": 0.95,
    "coverage": 0.8,
    "memory": 0.53,
}


def history(count=20, **changed):
    """Healthy observations but for the named figures: a value each, or a function of 0...1."""
    rng = np.random.default_rng(0)
    made = []
    for index in range(count):
        figures = {name: value * rng.uniform(0.9, 1.1) for name, value in HEALTHY.items()}
        for name, value in changed.items():
            figures[name] = value(index / (count - 1)) if callable(value) else value
        made.append(Observation(200 * (index + 1), **figures))
    return made


def late(before, after):
    return lambda time: before if time < 0.6 else after


SICK = {
    "vanishing_generator_gradient": {
        "real_score": late(0.7, 0.999),
        "fake_score": late(0.3, 0.001),
        "generator_gradient_norm": late(2.0, 0.001),
    },
    "mode_collapse": {"diversity": late(0.9, 0.1)},
    "no_equilibrium": {
        "real_score": lambda time: 0.9 if int(time * 100) // 10 % 2 else 0.5,
        "fake_score": lambda time: 0.1 if int(time * 100) // 10 % 2 else 0.5,
    },
    "divergence": {"generator_gradient_norm": late(2.0, 900.0)},
    "discriminator_memorising": {"memory": late(0.6, 0.9)},
    "generator_winning": {"real_score": late(0.7, 0.3), "fake_score": late(0.3, 0.6)},
}


@pytest.mark.parametrize("illness", SICK)
def test_each_illness_is_named_alone(illness):
    findings = diagnose(history(**SICK[illness]))
    assert [finding.illness for finding in findings] == [illness]
    assert findings[0].step == 4000


# Swings are many observations by themselves.
@pytest.mark.parametrize("illness", sorted(set(SICK) - {"no_equilibrium"}))
def test_a_single_observation_proves_nothing(illness):
    whole = history(**SICK[illness])
    first = next(index for index in range(len(whole)) if index / 19 >= 0.6)
    assert diagnose(whole[: first + 1]) == []


def test_a_healthy_history_has_no_finding_at_any_time():
    for count in range(25):
        assert diagnose(history(25)[:count]) == []


def test_figures_that_are_missing_are_not_missed():
    """A super-resolution model has no diversity, and SRResNet no scores."""
    assert diagnose([Observation(step, generator_loss=0.1) for step in range(30)]) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_divergence_at_once(value):
    (finding,) = diagnose([*history(2), Observation(600, discriminator_loss=value)])
    assert finding.illness == "divergence"
    assert "discriminator's loss" in finding.evidence


def test_falling_coverage_is_a_collapse_onto_fewer_modes():
    """Three far modes of 25 are as far apart as all of them: diversity shows nothing."""
    (finding,) = diagnose(history(coverage=late(0.8, 0.12)))
    assert finding.illness == "mode_collapse"
    assert "12%" in finding.evidence


def test_images_that_stray_from_the_real_ones_have_not_collapsed():
    strayed = late(0.95, 0.1)
    assert diagnose(history(coverage=late(0.8, 0.12), precision=strayed)) == []


def test_a_loss_that_is_no_loss_any_more_is_divergence():
    (finding,) = diagnose([*history(2), Observation(600, generator_loss=-26_000.0)])
    assert finding.evidence == "the generator's loss is -2.6e+04"


def test_a_lead_that_comes_and_goes_is_no_victory():
    """A slow cycle: the generator leads for six observations, as the discriminator did."""

    def wave(sign):
        return lambda time: 0.5 + sign * 0.4 * np.cos(2 * np.pi * 2.5 * time)

    found = []
    for count in range(4, 31):
        cycle = history(30, real_score=wave(1), fake_score=wave(-1))[:count]
        found += [finding.illness for finding in diagnose(cycle)]
    assert set(found) == {"no_equilibrium"}


def test_images_that_are_alike_at_first_are_no_collapse():
    assert diagnose(history(3, diversity=0.01, coverage=0.0)) == []
    # A slow generator: its images are alike for long, and less so all the time.
    for count in range(3, 20):
        assert diagnose(history(diversity=lambda time: 0.05 + 0.4 * time)[:count]) == []


def test_what_is_used_already_is_not_advised():
    (collapse,) = diagnose(history(**SICK["mode_collapse"]))
    assert "regularizer='r1'" in collapse.remedies
    assert "loss='relativistic'" in collapse.remedies
    (collapse,) = diagnose(
        history(**SICK["mode_collapse"]), loss="relativistic", regularizer="r1_r2"
    )
    assert "regularizer=" not in collapse.remedies
    assert "relativistic" not in collapse.remedies
    assert "a larger weight" in collapse.remedies


def test_a_finding_is_one_sentence_of_evidence_and_one_of_advice():
    (finding,) = diagnose(history(**SICK["vanishing_generator_gradient"]), loss="minimax")
    text = str(finding)
    assert text.startswith("Step 4000: vanishing generator gradient: the discriminator is sure")
    assert "Try loss='non_saturating' (--loss non_saturating), regularizer=" in text
    assert "\n" not in text
