"""Test the doctor's rules on synthetic histories that show one failure mode each."""

import inspect
import re

import numpy as np
import pytest
import typer

import ganzoo
from ganzoo import losses, regularizers
from ganzoo.base.checks import DIVERGENCE_ADVICE
from ganzoo.callbacks import Finding, Observation, Settings, diagnose
from ganzoo.cli import app
from ganzoo.losses import LOSSES
from ganzoo.regularizers import REGULARIZERS

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
    "held_out_auc": 0.53,
}


def history(count=20, **changed):
    """Return observations of a healthy run, except for the `changed` figures.

    A changed figure is a value, or a function of the time in [0, 1].
    """
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


FAILURES = {
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
    "discriminator_memorising": {"held_out_auc": late(0.6, 0.9)},
    "generator_winning": {"real_score": late(0.7, 0.3), "fake_score": late(0.3, 0.6)},
}


@pytest.mark.parametrize("failure_mode", FAILURES)
def test_each_failure_mode_is_the_only_finding(failure_mode):
    findings = diagnose(history(**FAILURES[failure_mode]))
    assert [finding.failure_mode for finding in findings] == [failure_mode]
    assert findings[0].step == 4000


# `no_equilibrium` is left out, because one swing already takes several observations.
@pytest.mark.parametrize("failure_mode", sorted(set(FAILURES) - {"no_equilibrium"}))
def test_a_single_observation_gives_no_finding(failure_mode):
    whole = history(**FAILURES[failure_mode])
    first = next(index for index in range(len(whole)) if index / 19 >= 0.6)
    assert diagnose(whole[: first + 1]) == []


def test_a_healthy_history_has_no_finding_at_any_step():
    for count in range(25):
        assert diagnose(history(25)[:count]) == []


def test_missing_figures_give_no_finding():
    """A super-resolution model has no diversity, and SRResNet has no scores."""
    assert diagnose([Observation(step, generator_loss=0.1) for step in range(30)]) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_nan_or_infinite_loss_is_divergence_at_once(value):
    (finding,) = diagnose([*history(2), Observation(600, discriminator_loss=value)])
    assert finding.failure_mode == "divergence"
    assert "discriminator's loss" in finding.evidence


def test_falling_coverage_is_mode_collapse():
    """Three distant modes of 25 are as far apart as all 25, so the diversity does not fall."""
    (finding,) = diagnose(history(coverage=late(0.8, 0.12)))
    assert finding.failure_mode == "mode_collapse"
    assert "12%" in finding.evidence


def test_falling_coverage_with_low_precision_is_not_mode_collapse():
    low_precision = late(0.95, 0.1)
    assert diagnose(history(coverage=late(0.8, 0.12), precision=low_precision)) == []


def test_a_huge_loss_is_divergence():
    (finding,) = diagnose([*history(2), Observation(600, generator_loss=-26_000.0)])
    assert finding.evidence == "the generator's loss is -2.6e+04"


def test_losses_of_hundreds_are_divergence_in_two_observations_in_a_row():
    exploded = history(3, discriminator_loss=late(0.9, 400.0), generator_loss=1.2)
    assert diagnose(exploded[:2]) == []
    (finding,) = diagnose([*exploded, Observation(800, discriminator_loss=350.0)])
    assert finding.failure_mode == "divergence"
    assert finding.evidence == "the discriminator's loss stays at 350"
    # A single explosion may recover, and Wasserstein losses may be as large.
    assert diagnose([*history(2), Observation(600, generator_loss=400.0)]) == []
    assert diagnose(exploded * 2, Settings(loss="wasserstein")) == []


def test_a_slow_cycle_is_not_reported_as_a_winning_generator():
    """In a slow cycle the generator leads for six observations, as the discriminator did before."""

    def wave(sign):
        return lambda time: 0.5 + sign * 0.4 * np.cos(2 * np.pi * 2.5 * time)

    found = []
    for count in range(4, 31):
        cycle = history(30, real_score=wave(1), fake_score=wave(-1))[:count]
        found += [finding.failure_mode for finding in diagnose(cycle)]
    assert set(found) == {"no_equilibrium"}


def test_an_untrained_generator_is_not_mode_collapse():
    assert diagnose(history(3, diversity=0.01, coverage=0.0)) == []
    # The images of a slow generator are similar for a long time, but become more diverse.
    for count in range(3, 20):
        assert diagnose(history(diversity=lambda time: 0.05 + 0.4 * time)[:count]) == []


def advice_for(failure_mode, **settings):
    (finding,) = diagnose(history(**FAILURES[failure_mode]), Settings(**settings))
    return finding.advice


def test_advice_against_mode_collapse_is_a_penalty_or_another_loss():
    advice = advice_for("mode_collapse")
    assert "regularizer='r1' (--regularizer r1)" in advice
    assert "loss='relativistic'" in advice


def test_advice_does_not_repeat_the_current_settings():
    advice = advice_for(
        "mode_collapse", loss="relativistic", regularizer="r1_r2", regularizer_weight=0.5
    )
    assert "regularizer='r1" not in advice
    assert "relativistic" not in advice
    assert "a larger weight" in advice
    # The advice multiplies the weight by ten, and keeps the interval.
    advice = advice_for(
        "no_equilibrium", regularizer="r1", regularizer_weight=0.01, regularizer_every=8
    )
    assert "regularizer=ganzoo.regularizers.R1(0.1, every=8)" in advice
    assert "--regularizer r1 --regularizer-weight 0.1 --regularizer-every 8" in advice
    assert "loss=" not in advice_for("vanishing_generator_gradient", loss="non_saturating")
    assert "--loss non_saturating" in advice_for("vanishing_generator_gradient", loss="minimax")


def test_advised_learning_rates_are_multiples_of_the_current_ones():
    rates = {"generator_rate": 0.1, "discriminator_rate": 2e-3}
    assert "--compile discriminator_optimizer.learning_rate=0.02)" in advice_for(
        "generator_winning", **rates
    )
    advice = advice_for("divergence", **rates)
    assert "--compile generator_optimizer.learning_rate=0.01 " in advice
    assert "--compile discriminator_optimizer.learning_rate=0.0002)" in advice


def options_of_train():
    command = typer.main.get_command(app).commands["train"]
    return {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }


SETTINGS = [
    {"loss": loss, "regularizer": regularizer, "regularizer_weight": weight}
    for loss in (*LOSSES, "none")
    for regularizer in (*REGULARIZERS, "none")
    for weight in (0.0, 0.01, 10.0)
]


@pytest.mark.parametrize("failure_mode", FAILURES)
def test_advice_can_be_followed_on_the_command_line(failure_mode):
    options = options_of_train()
    parameters = inspect.signature(ganzoo.GAN.compile).parameters
    for settings in SETTINGS:
        advice = advice_for(failure_mode, **settings)
        found = re.findall(r"(--[\w-]+)(?: ([\w.]+)=([\w.+-]+))?", advice)
        assert found, advice
        for option, key, value in found:
            assert option in options, advice
            assert (option in ("--compile", "--model")) == bool(key), advice
            if option == "--compile":
                assert key.split(".")[0] in parameters, advice
                assert float(value) > 0, advice


@pytest.mark.parametrize("failure_mode", FAILURES)
def test_advice_can_be_followed_in_python(failure_mode):
    """`compile` accepts every argument that is advised with a value."""
    parameters = inspect.signature(ganzoo.GAN.compile).parameters
    for settings in SETTINGS:
        advice = re.sub(r"\(--[^)]*\)", "", advice_for(failure_mode, **settings))
        for name, value in re.findall(r"\b(loss|regularizer)=('\w+'|[\w.]+\([^)]*\))", advice):
            assert name in parameters
            get = {"loss": losses.get, "regularizer": regularizers.get}[name]
            get(eval(value, {"ganzoo": ganzoo}))
        for name in re.findall(r"\w+_optimizer", advice):
            assert name in parameters, advice


def test_advice_after_nan_names_existing_options():
    options = options_of_train()
    parameters = inspect.signature(ganzoo.GAN.compile).parameters
    found = re.findall(r"(--[\w-]+)(?: ([\w]+)\.)?", DIVERGENCE_ADVICE)
    assert len(found) == 3
    for option, argument in found:
        assert option in options
        assert not argument or argument in parameters


def test_a_finding_is_printed_as_evidence_and_advice():
    (finding,) = diagnose(
        history(**FAILURES["vanishing_generator_gradient"]), Settings(loss="minimax")
    )
    text = str(finding)
    assert text.startswith("Step 4000: vanishing generator gradient: the discriminator is sure")
    assert "Try loss='non_saturating' (--loss non_saturating), regularizer=" in text
    assert "\n" not in text


def test_findings_and_observations_of_older_versions_are_read():
    old = {"illness": "mode_collapse", "step": 200, "evidence": "12 %", "remedies": "r1"}
    assert Finding.from_dict(old) == Finding("mode_collapse", 200, "12 %", "r1")
    assert Finding.from_dict(vars(Finding.from_dict(old))) == Finding.from_dict(old)
    assert Observation.from_dict({"step": 50, "real_score": 0.7, "memory": 0.9}) == Observation(
        50, real_score=0.7, held_out_auc=0.9
    )
