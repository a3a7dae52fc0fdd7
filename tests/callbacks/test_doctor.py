"""Test the observations of the doctor and the reports of its findings."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow
from events import read_scalars

import ganzoo
from ganzoo import callbacks
from ganzoo.callbacks import doctor as doctor_module

PIXELS = np.random.default_rng(0).integers(0, 256, (96, 8, 8, 1), "uint8")


def make_gan(**kwargs):
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=4, base_filters=2, seed=0)
    gan.compile(**kwargs)
    return gan


def test_an_observation_has_all_figures_of_both_networks(tmp_path):
    doctor = callbacks.Doctor(tmp_path, every=12, held_out=PIXELS[:20])
    make_gan().fit(PIXELS, batch_size=8, epochs=2, callbacks=[doctor], verbose=0)
    assert [seen.step for seen in doctor.observations] == [12, 24]
    for seen in doctor.observations:
        assert all(value is not None and np.isfinite(value) for value in vars(seen).values())
        assert seen.generator_gradient_norm > 0
        assert 0 <= seen.coverage <= 1
    scalars = read_scalars(tmp_path / "logs" / "doctor")
    for name, value in vars(doctor.observations[0]).items():
        if name != "step":
            assert scalars[f"doctor/{name}"][12] == pytest.approx(value)


@pytest.mark.parametrize("steps_per_execution", others_slow([1, 4], 4))
def test_observations_are_counted_across_short_epochs(steps_per_execution):
    doctor = callbacks.Doctor(every=16)
    gan = make_gan(steps_per_execution=steps_per_execution)
    gan.fit(PIXELS, batch_size=8, epochs=4, callbacks=[doctor], verbose=0)
    assert [seen.step for seen in doctor.observations] == [16, 32, 48]


@pytest.mark.parametrize("steps_per_execution", others_slow([1, 6], 6))
def test_a_training_is_observed_early_and_then_in_equal_distances(steps_per_execution):
    doctor = callbacks.Doctor(every=60)
    gan = make_gan(steps_per_execution=steps_per_execution)
    # Epochs of 12 steps.
    gan.fit(PIXELS, batch_size=8, epochs=10, callbacks=[doctor], verbose=0)
    early = {1: [25, 50], 6: [30, 54]}[steps_per_execution]
    assert [seen.step for seen in doctor.observations] == [*early, 60, 120]
    # A longer training is not young again.
    gan.fit(PIXELS, batch_size=8, epochs=10, callbacks=[doctor], verbose=0)
    assert [seen.step for seen in doctor.observations][4:] == [180, 240]


def test_recorded_norms_are_those_of_the_gradients():
    """Plain gradient descent at rate 1 moves the weights by the gradient itself."""
    gan = tiny.build_gan(batch_norm=False)
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    before = {
        name: [np.array(v) for v in getattr(gan, name).trainable_variables]
        for name in ("generator", "discriminator")
    }
    gan.fit(tiny.make_images(4), batch_size=4, verbose=0)
    norms = gan.take_gradient_norms()
    assert gan.take_gradient_norms() == {}
    for name, weights in before.items():
        moved = zip(weights, getattr(gan, name).trainable_variables, strict=True)
        norm = np.sqrt(sum(np.sum((old - np.asarray(new)) ** 2) for old, new in moved))
        assert norms[name] == pytest.approx(norm, rel=1e-4)


@pytest.mark.slow
def test_weights_are_bit_identical_with_and_without_the_doctor():
    weights = []
    for doctors in ([], [callbacks.Doctor(every=2, held_out=PIXELS[:20])]):
        keras.utils.set_random_seed(0)
        gan = make_gan()
        gan.fit(PIXELS, batch_size=8, callbacks=doctors, verbose=0)
        weights.append(gan.get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_finding_is_reported_once(monkeypatch):
    finding = callbacks.Finding("mode_collapse", 1, "evidence", "advice")
    monkeypatch.setattr(doctor_module, "diagnose", lambda *_, **__: [finding])
    reports = []
    doctor = callbacks.Doctor(every=2, report=reports.append)
    make_gan().fit(PIXELS, batch_size=8, epochs=2, callbacks=[doctor], verbose=0)
    assert reports == [str(finding)]
    assert doctor.findings == [finding]


def test_a_nan_or_infinite_loss_is_reported_before_training_stops():
    reports = []
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(1e30),
        discriminator_optimizer=keras.optimizers.SGD(1e30),
    )
    with pytest.raises(FloatingPointError):
        gan.fit(
            PIXELS, batch_size=8, callbacks=[callbacks.Doctor(report=reports.append)], verbose=0
        )
    assert any("divergence" in line for line in reports)


def test_copies_of_one_image_have_no_diversity():
    features = doctor_module.average_cells(PIXELS)
    assert doctor_module.mean_distance(features) > 0
    assert doctor_module.mean_distance(features[:1].repeat(20, axis=0)) == pytest.approx(
        0, abs=1e-6
    )


def test_the_mean_distance_is_over_all_pairs():
    features = np.random.default_rng(1).normal(size=(9, 3))
    pairs = [
        np.linalg.norm(a - b)
        for i, a in enumerate(features)
        for j, b in enumerate(features)
        if i < j
    ]
    assert doctor_module.mean_distance(features) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 12, 3), (8, 8, 1), (1, 1, 2)])
def test_images_are_averaged_over_a_grid_of_cells(shape):
    pixels = np.random.default_rng(2).integers(0, 256, (3, *shape), "uint8")
    made = doctor_module.average_cells(pixels).reshape(3, min(shape[0], 8), min(shape[1], 8), -1)
    assert made.shape[-1] == shape[-1]
    # Compare the first cell with its definition.
    rows, columns = (max(side // min(side, 8), 1) for side in shape[:2])
    np.testing.assert_allclose(made[:, 0, 0] * 255, pixels[:, :rows, :columns].mean(axis=(1, 2)))


def test_findings_are_written_to_the_metrics_file(tmp_path, monkeypatch):
    finding = callbacks.Finding("mode_collapse", 1, "evidence", "advice")
    monkeypatch.setattr(doctor_module, "diagnose", lambda *_, **__: [finding])
    doctor = callbacks.Doctor(every=2, report=lambda text: None)
    file = callbacks.MetricsFile(tmp_path / "metrics.json", 8, doctor)
    make_gan().fit(PIXELS, batch_size=8, callbacks=[doctor, file], verbose=0)
    kept = json.loads((tmp_path / "metrics.json").read_text())
    assert kept["findings"] == [vars(finding)]


def test_findings_of_older_versions_stay_in_the_file(tmp_path):
    old = {"illness": "divergence", "step": 1, "evidence": "a loss of NaN", "remedies": "less"}
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({"epochs": [], "findings": [old, {**old, "step": 900}]}))
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    images = tiny.make_images(4)
    gan.fit(images, batch_size=2, verbose=0)
    gan.fit(images, batch_size=2, callbacks=[callbacks.MetricsFile(path, 2)], verbose=0)
    # The finding of step 900 is later than the model, so it is from another run.
    assert json.loads(path.read_text())["findings"] == [
        {"failure_mode": "divergence", "step": 1, "evidence": "a loss of NaN", "advice": "less"}
    ]


@pytest.mark.parametrize("arguments", [{"every": 0}, {"num_images": 5}])
def test_arguments_out_of_range_are_refused_by_name(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}="):
        callbacks.Doctor(**arguments)


@pytest.mark.slow
def test_super_resolution_models_are_observed_without_samples():
    doctor = callbacks.Doctor(every=2)
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    gan.compile(content="pixel", run_eagerly=True)
    gan.fit(tiny.make_images(24, (8, 8, 3)), batch_size=12, callbacks=[doctor], verbose=0)
    (seen,) = doctor.observations
    assert seen.step == 2
    assert seen.diversity is None
    assert seen.real_score is not None


def test_diagnosis_receives_the_settings_of_the_training(monkeypatch):
    found = []
    monkeypatch.setattr(doctor_module, "diagnose", lambda _, settings: found.append(settings) or [])
    gan = tiny.build_gan()
    gan.compile(
        loss="hinge",
        regularizer=ganzoo.regularizers.R1R2(0.5, every=4),
        generator_optimizer=keras.optimizers.Adam(1e-3),
        discriminator_optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.PiecewiseConstantDecay([1], [4e-4, 1e-4])
        ),
        run_eagerly=True,
    )
    doctor = callbacks.Doctor(every=2)
    gan.fit(tiny.make_images(8), batch_size=4, callbacks=[doctor], verbose=0)
    assert found == [
        callbacks.Settings("hinge", "r1_r2", 0.5, 4, pytest.approx(1e-3), pytest.approx(1e-4))
    ]


def test_settings_are_read_under_a_distribution_strategy():
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        gan = tiny.build_gan()
        schedule = keras.optimizers.schedules.CosineDecay(1e-3, 10)
        gan.compile(regularizer="r1", discriminator_optimizer=keras.optimizers.Adam(schedule))
    settings = doctor_module.settings_of(gan)
    assert settings.generator_rate == pytest.approx(2e-4)
    assert settings.discriminator_rate == pytest.approx(1e-3)
    assert settings.regularizer_weight == 10.0


def test_the_default_settings_are_those_of_a_compiled_gan():
    gan = tiny.build_gan()
    gan.compile()
    settings = doctor_module.settings_of(gan)
    expected = callbacks.Settings()
    assert settings.generator_rate == pytest.approx(expected.generator_rate)
    assert settings.discriminator_rate == pytest.approx(expected.discriminator_rate)
    assert (settings.loss, settings.regularizer) == (expected.loss, expected.regularizer)
