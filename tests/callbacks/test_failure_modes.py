"""Train runs that fail by design. The doctor must find each failure mode, and its advice must help.

Print the rows of the tables in docs/experiments/metrics.md with:

    python -m pytest -m slow -s tests/callbacks/test_failure_modes.py
"""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

import ganzoo
from ganzoo import data, images
from ganzoo.metrics import FrechetDistance
from ganzoo.regularizers import R1

EVERY = 50
# The ring has 25 Gaussians. Their standard deviation is about a sixth of their distance.
ANGLES = 2 * np.pi * np.arange(25) / 25
CENTERS = 0.8 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
SPREAD = 0.03


def draw_ring():
    rng = np.random.default_rng(0)
    points = CENTERS[rng.integers(0, 25, 51_200)] + SPREAD * rng.normal(size=(51_200, 2))
    return points.astype("float32").reshape(-1, 1, 1, 2)


def draw_cloud():
    points = 0.1 * np.random.default_rng(0).normal(size=(6400, 1, 1, 2))
    return points.astype("float32")


def draw_clothes(count=9000):
    return data.load_arrays("sample").pixels[:count]


def build_vanilla():
    return ganzoo.VanillaGAN((28, 28, 1), hidden_units=256, seed=0)


def build_textbook():
    """Build perceptrons for points. They have no normalization, as in many tutorials."""
    generator = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(2),
            layers.Reshape((1, 1, 2)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((1, 1, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(1),
        ]
    )
    return ganzoo.GAN(generator, discriminator, seed=0)


def build_dirac():
    """Build a generator that can only move its points, and a linear discriminator.

    Without a penalty the two oscillate (Mescheder et al., 2018,
    arXiv:1801.04406, section 2).
    """
    generator = keras.Sequential(
        [
            keras.Input((2,)),
            layers.BatchNormalization(scale=False, beta_initializer=keras.initializers.Constant(7)),
            layers.Rescaling(0.1),
            layers.Reshape((1, 1, 2)),
        ]
    )
    discriminator = keras.Sequential(
        [keras.Input((1, 1, 2)), layers.Flatten(), layers.Dense(1, use_bias=False)]
    )
    return ganzoo.GAN(generator, discriminator, seed=0)


def fid(gan, doctor):
    """Return the FID of 2,000 generated images to 5,000 real ones."""
    metric = FrechetDistance("fashion_mnist")
    metric.update(draw_clothes(5000), real=True)
    metric.update(gan.generate(2000, seed=0), real=False)
    return float(metric.result())


def missing_modes(gan, doctor):
    """Return how many of 25 modes have less than a tenth of their share within three sigma."""
    latents = gan.sample_latents(5000, seed=(1, 0))
    points = np.asarray(gan.generator(latents, training=False)).reshape(-1, 1, 2)
    distances = np.linalg.norm(points - CENTERS, axis=-1)
    near = distances.min(axis=1) < 3 * SPREAD
    counts = np.bincount(distances.argmin(axis=1)[near], minlength=25)
    return int(np.sum(counts < 20))


def held_out_auc(gan, doctor):
    return np.mean([seen.held_out_auc for seen in doctor.observations[-3:]])


def largest_lead(gan, doctor):
    return max(abs(seen.real_score - seen.fake_score) for seen in doctor.observations[-6:])


def adam(generator, discriminator):
    return {
        "generator_optimizer": Adam(generator, beta_1=0.5),
        "discriminator_optimizer": Adam(discriminator, beta_1=0.5),
    }


def sgd(rate):
    return {"generator_optimizer": SGD(rate), "discriminator_optimizer": SGD(rate)}


@dataclasses.dataclass(frozen=True)
class Case:
    """A recipe that fails, the advice of the doctor, and a figure that shows the effect."""

    build: Callable
    draw: Callable
    sick: Callable  # It returns arguments of `compile`, because each run needs new optimizers.
    advice: Callable
    figure: Callable  # A lower figure is better.
    within: float  # The ratio of the figure with the advice to that without is at most this.
    steps: int = 1000
    batch_size: int = 64
    draw_more: Callable | None = None  # It draws other data, if these are the advice.
    held_out: Callable = lambda: None


CASES = {
    "vanishing_generator_gradient": Case(
        build_vanilla,
        draw_clothes,
        sick=lambda: {**adam(1e-3, 4e-3), "loss": "minimax", "regularizer": "none"},
        advice=lambda: {"loss": "non_saturating", "regularizer": "r1"},
        figure=fid,
        within=0.5,
    ),
    "mode_collapse": Case(
        build_textbook,
        draw_ring,
        sick=lambda: {**adam(1e-3, 1e-3), "regularizer": "none"},
        advice=lambda: {"regularizer": "r1"},
        figure=missing_modes,
        within=0.1,
        steps=2000,
        batch_size=256,
    ),
    "divergence": Case(
        build_vanilla,
        draw_clothes,
        sick=lambda: adam(0.1, 0.1),
        advice=lambda: adam(1e-3, 1e-3),
        figure=fid,
        within=0.5,
    ),
    "discriminator_memorising": Case(
        build_vanilla,
        lambda: draw_clothes(200),
        sick=lambda: {"regularizer": "none"},
        advice=dict,
        draw_more=draw_clothes,
        figure=held_out_auc,
        within=0.8,
        steps=2000,
        held_out=lambda: draw_clothes(10_000)[-256:],
    ),
    "generator_winning": Case(
        build_vanilla,
        draw_clothes,
        sick=lambda: adam(1e-3, 1e-6),
        advice=lambda: adam(1e-3, 1e-3),
        figure=fid,
        within=0.5,
    ),
    "no_equilibrium": Case(
        build_dirac,
        draw_cloud,
        sick=lambda: {**sgd(0.05), "loss": "wasserstein", "regularizer": "none"},
        advice=lambda: {"regularizer": R1(1.0)},
        figure=largest_lead,
        within=0.5,
        steps=1500,
    ),
}


def train(gan, dataset, steps, held_out=None):
    """Train with a doctor, and return it. A NaN may have stopped the training."""
    doctor = ganzoo.callbacks.Doctor(every=EVERY, held_out=held_out, report=lambda finding: None)
    try:
        gan.fit(dataset, steps_per_epoch=steps, callbacks=[doctor], verbose=0)
    except FloatingPointError:
        assert doctor.findings
    return doctor


def stream(arrays, batch_size):
    count = len(tf.nest.flatten(arrays)[0])
    whole = tf.data.Dataset.from_tensor_slices(arrays).shuffle(count, seed=0).repeat()
    return whole.batch(batch_size, drop_remainder=True).prefetch(2)


def run(case, arguments, draw):
    keras.utils.set_random_seed(0)
    gan = case.build()
    gan.compile(**arguments)
    doctor = train(gan, stream((draw(),), case.batch_size), case.steps, case.held_out())
    return doctor, case.figure(gan, doctor)


@pytest.mark.slow
@pytest.mark.parametrize("failure_mode", CASES)
def test_a_failure_mode_is_found_and_the_advice_helps(failure_mode):
    case = CASES[failure_mode]
    sick, before = run(case, case.sick(), case.draw)
    advised = {**case.sick(), **case.advice()}
    fixed, after = run(case, advised, case.draw_more or case.draw)
    named = {finding.failure_mode: finding for finding in sick.findings}
    print(f"\n| {failure_mode} | {case.figure.__name__} {before:.3g} | {after:.3g} |", end=" ")
    print(
        f"{[f.failure_mode for f in sick.findings]} | {[f.failure_mode for f in fixed.findings]} |"
    )
    print(*sick.findings, sep="\n")
    assert failure_mode in named
    assert failure_mode not in [finding.failure_mode for finding in fixed.findings]
    assert after < case.within * before


@pytest.mark.slow
def test_augmentation_keeps_the_discriminator_from_memorizing_few_images():
    case = CASES["discriminator_memorising"]
    _, before = run(case, case.sick(), case.draw)
    fixed, after = run(case, {**case.sick(), "augment": "diffaugment"}, case.draw)
    print(f"\n| discriminator_memorising | diffaugment | {before:.3g} | {after:.3g} |")
    assert not fixed.findings
    assert after < case.within * before


# The doctor does not give this advice: `(failure mode, changed case, arguments)`.
ADVICE_NOT_GIVEN = [
    ("mode_collapse", {}, lambda: {"loss": "relativistic"}),
    ("mode_collapse", {"batch_size": 1024}, dict),
    ("no_equilibrium", {"steps": 6000}, lambda: sgd(0.0125)),
    ("divergence", {}, lambda: {"regularizer": "r1"}),
    ("discriminator_memorising", {}, lambda: {"regularizer": "r1"}),
    ("generator_winning", {"batch_size": 128}, lambda: {"discriminator_steps": 2}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("failure_mode", "changed", "advice"), ADVICE_NOT_GIVEN)
def test_advice_that_is_not_given_would_not_help(failure_mode, changed, advice):
    case = CASES[failure_mode]
    _, before = run(case, case.sick(), case.draw)
    case = dataclasses.replace(case, **changed)
    doctor, after = run(case, {**case.sick(), **advice()}, case.draw)
    print(f"\n| {failure_mode} | {changed} {advice()} | {before:.3g} | {after:.3g} |", end=" ")
    print(f"{[f.failure_mode for f in doctor.findings]} |")
    assert after > 0.8 * before


def photographs(tmp_path):
    """Write grids of clothes, which are as large as photographs, and load crops of them."""
    pixels = draw_clothes(6000)
    for index, sheet in enumerate(np.split(pixels, 60)):
        images.write_png(tmp_path / f"{index}.png", images.make_grid(sheet, columns=10))
    return data.load_crops(tmp_path, crop_size=32, batch_size=8)


def labeled():
    sample = data.load_arrays("sample")
    return sample.pixels[:9000], sample.labels[:9000].astype("int32")


HEALTHY = {
    "vanilla": lambda _: (build_vanilla(), stream((draw_clothes(),), 64)),
    "cgan": lambda _: (
        ganzoo.CGAN((28, 28, 1), num_classes=10, base_filters=16, seed=0),
        stream(labeled(), 32),
    ),
    "dcgan": lambda _: (
        ganzoo.DCGAN((28, 28, 1), base_filters=16, seed=0),
        stream((draw_clothes(),), 32),
    ),
    "lapgan": lambda _: (
        ganzoo.LAPGAN((28, 28, 1), base_size=7, filters=16, seed=0),
        stream((draw_clothes(),), 32),
    ),
    "srgan": lambda tmp_path: (
        ganzoo.SRGAN(4, num_blocks=2, filters=16, seed=0),
        photographs(tmp_path),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", HEALTHY)
def test_a_healthy_run_has_no_findings(family, tmp_path):
    """Each family trains with its own recipe, but with fewer filters."""
    keras.utils.set_random_seed(0)
    gan, dataset = HEALTHY[family](tmp_path)
    gan.compile()
    held_out = None if family in ("cgan", "srgan") else draw_clothes(10_000)[-256:]
    doctor = train(gan, dataset.repeat(), 1500, held_out)
    last = doctor.observations[-1]
    print(f"\n| {family} | {len(doctor.observations)} observations | {last} |")
    assert len(doctor.observations) == 30
    assert doctor.findings == []
