"""Metrics rank real images of clothes that are damaged more and more."""

import numpy as np
import pytest
import scipy.ndimage

from ganzoo import data, metrics

# Embedding 9000 images takes ten seconds.
pytestmark = pytest.mark.slow
COUNT = 1000


@pytest.fixture(scope="module")
def embeddings():
    """Return the embeddings of real images, and of damaged ones."""
    sample = data.load_arrays("sample")
    order = np.random.default_rng(0).permutation(len(sample.pixels))
    real, pixels = sample.pixels[order[:COUNT]], sample.pixels[order[COUNT : 2 * COUNT]]
    remaining = sample.take(order[COUNT:])
    rng = np.random.default_rng(1)

    def blurred(width):
        return scipy.ndimage.gaussian_filter(pixels, (0, width, width, 0))

    def noisy(levels):
        return np.clip(pixels + rng.normal(0, levels, pixels.shape), 0, 255).astype("uint8")

    def of_classes(count):
        return remaining.pixels[remaining.labels < count][:COUNT]

    image_sets = {
        "real": real,
        "unseen": pixels,
        "blurred a little": blurred(0.7),
        "blurred": blurred(1.5),
        "noisy a little": noisy(10),
        "noisy": noisy(40),
        "half the classes": of_classes(5),
        "one class": of_classes(1),
        "static": rng.integers(0, 256, pixels.shape, "uint8"),
    }
    extractor = metrics.get_extractor("fashion_mnist")
    return {name: extractor(images) for name, images in image_sets.items()}


def measure(kind, embeddings, name):
    metric = kind("fashion_mnist")
    metric.update_embedding(embeddings["real"], real=True)
    metric.update_embedding(embeddings[name], real=False)
    return metric.result()


@pytest.mark.parametrize("kind", [metrics.FrechetDistance, metrics.KernelDistance])
@pytest.mark.parametrize(
    "names",
    [
        ("unseen", "blurred a little", "blurred", "static"),
        ("unseen", "noisy a little", "noisy", "static"),
        ("unseen", "half the classes", "one class"),
    ],
    ids=["blur", "noise", "classes"],
)
def test_distances_grow_with_the_damage(embeddings, kind, names):
    distances = [float(measure(kind, embeddings, name)) for name in names]
    assert distances == sorted(distances)
    assert distances[1] > 3 * distances[0]


def test_missing_classes_lower_recall_and_noise_lowers_precision(embeddings):
    unseen, half, noisy = (
        measure(metrics.PrecisionRecall, embeddings, name).details
        for name in ("unseen", "half the classes", "noisy")
    )
    assert half["precision"] > 0.95 * unseen["precision"]
    assert half["recall"] < 0.7 * unseen["recall"]
    assert half["coverage"] < 0.7 * unseen["coverage"]
    assert noisy["precision"] < 0.8 * unseen["precision"]
    assert noisy["density"] < 0.8 * unseen["density"]


def test_mode_coverage_detects_missing_classes(embeddings):
    unseen, half = (
        measure(metrics.ModeCoverage, embeddings, name) for name in ("unseen", "half the classes")
    )
    assert float(unseen) == 10
    assert unseen.details["kl"] < 0.02
    # The extractor misclassifies a few images, so the value is not exactly log(2).
    assert half.details["kl"] == pytest.approx(np.log(2), abs=0.15)


def test_the_inception_score_grows_with_the_number_of_classes(embeddings):
    scores = [
        float(measure(metrics.InceptionScore, embeddings, name))
        for name in ("one class", "half the classes", "unseen")
    ]
    assert scores == sorted(scores)
    assert scores[0] < 2
    assert scores[2] > 7
