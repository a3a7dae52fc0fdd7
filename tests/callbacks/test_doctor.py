"""The doctor at the bedside: what it observes, and where it says what it found."""

import json

import keras
import numpy as np
import pytest
import tiny

import ganzoo
from ganzoo import callbacks
from ganzoo.callbacks import doctor as doctor_module

PIXELS = np.random.default_rng(0).integers(0, 256, (96, 8, 8, 1), "uint8")


def make_gan(**kwargs):
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=4, base_filters=2, seed=0)
    gan.compile(**kwargs)
    return gan


def test_it_observes_both_players(tmp_path):
    doctor = callbacks.Doctor(tmp_path, every=12, held_out=PIXELS[:20])
    make_gan().fit(PIXELS, batch_size=8, epochs=2, callbacks=[doctor], verbose=0)
    assert [seen.step for seen in doctor.observations] == [12, 24]
    for seen in doctor.observations:
        assert all(value is not None and np.isfinite(value) for value in vars(seen).values())
        assert seen.generator_gradient_norm > 0
        assert 0 <= seen.coverage <= 1
    assert list((tmp_path / "logs" / "doctor").glob("events*"))


@pytest.mark.parametrize("steps_per_execution", [1, 4])
def test_epochs_shorter_than_its_rounds_are_watched(steps_per_execution):
    doctor = callbacks.Doctor(every=16)
    gan = make_gan(steps_per_execution=steps_per_execution)
    gan.fit(PIXELS, batch_size=8, epochs=4, callbacks=[doctor], verbose=0)
    assert [seen.step for seen in doctor.observations] == [16, 32, 48]


def test_the_norms_are_those_of_the_gradients():
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


def test_watching_changes_nothing():
    """The same weights, to the bit, with the doctor and without."""
    weights = []
    for watchers in ([], [callbacks.Doctor(every=2, held_out=PIXELS[:20])]):
        keras.utils.set_random_seed(0)
        gan = make_gan()
        gan.fit(PIXELS, batch_size=8, callbacks=watchers, verbose=0)
        weights.append(gan.get_weights())
    for first, second in zip(*weights, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_finding_is_said_once(monkeypatch):
    sick = callbacks.Finding("mode_collapse", 1, "evidence", "remedies")
    monkeypatch.setattr(doctor_module, "diagnose", lambda *_, **__: [sick])
    said = []
    doctor = callbacks.Doctor(every=2, report=said.append)
    make_gan().fit(PIXELS, batch_size=8, epochs=2, callbacks=[doctor], verbose=0)
    assert said == [str(sick)]
    assert doctor.findings == [sick]


def test_a_loss_that_is_no_number_is_named_before_training_stops():
    said = []
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(1e30),
        discriminator_optimizer=keras.optimizers.SGD(1e30),
    )
    with pytest.raises(FloatingPointError):
        gan.fit(PIXELS, batch_size=8, callbacks=[callbacks.Doctor(report=said.append)], verbose=0)
    assert any("divergence" in line for line in said)


def test_copies_of_one_image_have_no_diversity():
    features = doctor_module.average_squares(PIXELS)
    assert doctor_module.mean_distance(features) > 0
    assert doctor_module.mean_distance(features[:1].repeat(20, axis=0)) == pytest.approx(
        0, abs=1e-6
    )


def test_the_mean_distance_is_that_of_all_pairs():
    features = np.random.default_rng(1).normal(size=(9, 3))
    pairs = [
        np.linalg.norm(a - b)
        for i, a in enumerate(features)
        for j, b in enumerate(features)
        if i < j
    ]
    assert doctor_module.mean_distance(features) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("shape", [(28, 28, 1), (5, 12, 3), (8, 8, 1), (1, 1, 2)])
def test_squares_are_averaged(shape):
    pixels = np.random.default_rng(2).integers(0, 256, (3, *shape), "uint8")
    made = doctor_module.average_squares(pixels).reshape(3, min(shape[0], 8), min(shape[1], 8), -1)
    assert made.shape[-1] == shape[-1]
    # The first square, by its definition.
    rows, columns = (max(side // min(side, 8), 1) for side in shape[:2])
    np.testing.assert_allclose(made[:, 0, 0] * 255, pixels[:, :rows, :columns].mean(axis=(1, 2)))


def test_findings_are_kept_beside_the_epochs(tmp_path, monkeypatch):
    sick = callbacks.Finding("mode_collapse", 1, "evidence", "remedies")
    monkeypatch.setattr(doctor_module, "diagnose", lambda *_, **__: [sick])
    doctor = callbacks.Doctor(every=2, report=lambda text: None)
    file = callbacks.MetricsFile(tmp_path / "metrics.json", 8, doctor)
    make_gan().fit(PIXELS, batch_size=8, callbacks=[doctor, file], verbose=0)
    kept = json.loads((tmp_path / "metrics.json").read_text())
    assert kept["findings"] == [vars(sick)]


@pytest.mark.parametrize("arguments", [{"every": 0}, {"num_images": 5}])
def test_what_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))}="):
        callbacks.Doctor(**arguments)
