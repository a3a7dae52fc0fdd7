"""Test `callbacks.Evaluate`, which computes a metric during training."""

import json

import numpy as np
import pytest
import tiny

import ganzoo
from ganzoo import callbacks, evaluation, metrics


def quarters(pixels):
    """Embed images by the mean levels of their quarters."""
    rows = pixels.reshape(len(pixels), 2, 4, 2, 4, -1)
    return rows.mean(axis=(2, 4, 5)).reshape(len(pixels), 4) / 64


@pytest.fixture
def references(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=40, side=8)
    return evaluation.open_references(folder, (8, 8, 1), quarters)


def make_gan():
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=4, base_filters=2, seed=0)
    gan.compile()
    return gan


def fit(gan, callback, epochs=3):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 8, 8, 1), "uint8")
    return gan.fit(pixels, batch_size=8, epochs=epochs, callbacks=[callback], verbose=0)


def test_the_best_generator_is_kept_with_its_record(references, tmp_path):
    gan = make_gan()
    evaluate = callbacks.Evaluate(references, tmp_path / "run", num_images=50)
    history = fit(gan, evaluate)
    values = history.history["fid"]
    assert len(values) == 3
    record = json.loads((tmp_path / "run" / "best.json").read_text())
    assert record["result"]["value"] == min(values) == float(evaluate.best)
    assert record["step"] == 4 * (1 + int(np.argmin(values)))
    best = ganzoo.load(tmp_path / "run" / "best.keras")
    again = evaluation.evaluate(best, references, ["fid"], 50).results["fid"]
    assert float(again) == pytest.approx(min(values), rel=1e-4)


@pytest.mark.slow
def test_a_resumed_run_keeps_its_best_result(references, tmp_path):
    gan = make_gan()
    fit(gan, callbacks.Evaluate(references, tmp_path, num_images=50), epochs=1)
    record = json.loads((tmp_path / "best.json").read_text())
    record["result"]["value"] = 0.0
    (tmp_path / "best.json").write_text(json.dumps(record))
    fit(gan, callbacks.Evaluate(references, tmp_path, num_images=50), epochs=1)
    assert json.loads((tmp_path / "best.json").read_text()) == record


def test_the_metric_is_computed_every_n_epochs(references, tmp_path):
    history = fit(make_gan(), callbacks.Evaluate(references, tmp_path, every=2, num_images=20), 4)
    assert len(history.history["fid"]) == 2


@pytest.mark.slow
def test_training_ends_after_measurements_without_a_better_one(references, tmp_path, monkeypatch):
    values = iter([5.0, 3.0, 4.0, 2.0, 2.0, 9.0, 1.0])

    def measure(gan, *_, **kwargs):
        result = metrics.Result("fid", next(values), "quarters", num_real=9, num_fake=9)
        return evaluation.Evaluation("quarters", {"fid": result}, {})

    monkeypatch.setattr(evaluation, "evaluate", measure)
    evaluate = callbacks.Evaluate(references, tmp_path, patience=2)
    assert fit(make_gan(), evaluate, epochs=7).history["fid"] == [5, 3, 4, 2, 2, 9]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"metric": "fdi"}, "Did you mean 'fid'"),
        ({"metric": "all"}, "Unknown metric: 'all'"),
        ({"every": 0}, "every=0"),
        ({"num_images": 0}, "num_images=0"),
    ],
)
def test_invalid_arguments_are_refused_by_name(arguments, named, tmp_path):
    with pytest.raises(ValueError, match=named):
        callbacks.Evaluate("sample", tmp_path, **arguments)


def test_too_few_images_are_refused_before_the_first_step(references, tmp_path):
    gan = make_gan()
    # One image in ten of 40 is held out.
    evaluate = callbacks.Evaluate(references, tmp_path, "precision_recall", num_images=3)
    with pytest.raises(ValueError, match="4 generated images"):
        fit(gan, evaluate)
    assert gan.step == 0


def test_lower_distances_and_higher_likelihoods_are_better():
    def result(metric, value):
        return metrics.Result(metric, value, None, 10, 10)

    assert evaluation.is_better(result("fid", 1.0), result("fid", 2.0))
    assert evaluation.is_better(result("parzen", 2.0), result("parzen", 1.0))
    assert not evaluation.is_better(result("kid", 1.0), result("kid", 1.0))


@pytest.mark.slow
def test_a_super_resolution_model_is_measured_on_photographs(tmp_path):
    photo = np.random.default_rng(0).integers(0, 256, (40, 36, 3), "uint8")
    ganzoo.images.write_png(tmp_path / "photos" / "a.png", photo)
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    gan.compile(content_only=True)
    evaluate = callbacks.EvaluateSuperResolution(tmp_path / "photos", tmp_path / "run")
    logs = gan.fit(photo[None, :32, :32], epochs=2, callbacks=[evaluate], verbose=0).history
    # The photograph is too small for NIQE.
    assert {name for name in logs if name.startswith("val_")} == {
        "val_psnr",
        "val_ssim",
        "val_lpips",
    }
    record = json.loads((tmp_path / "run" / "best.json").read_text())
    assert record["result"]["metric"] == "lpips"
    assert record["result"]["value"] == min(logs["val_lpips"])
    best = ganzoo.load(tmp_path / "run" / "best.keras")
    mean = evaluation.evaluate_super_resolution(best, tmp_path / "photos").mean
    assert mean.lpips == pytest.approx(min(logs["val_lpips"]), rel=1e-5)


def test_photographs_for_measurements_are_checked_before_the_first_step(tmp_path):
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    gan.compile(content_only=True)
    (tmp_path / "photos").mkdir()
    evaluate = callbacks.EvaluateSuperResolution(tmp_path / "photos", tmp_path / "run")
    with pytest.raises(ValueError, match="holds no images"):
        gan.fit(np.zeros((1, 16, 16, 3), "uint8"), callbacks=[evaluate], verbose=0)
    assert gan.step == 0
    with pytest.raises(ValueError, match="Unknown metric: 'fid'"):
        callbacks.EvaluateSuperResolution(tmp_path, tmp_path / "run", metric="fid")
