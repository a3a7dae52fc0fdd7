"""Memory does not grow with the number of images."""

import tracemalloc

import numpy as np
import pytest

from ganzoo import metrics

BATCH = 500


def classify(pixels):
    features = pixels[:, :4, :4, 0].reshape(len(pixels), 16).astype("float32")
    return metrics.Embedding(features, np.eye(16)[features.argmax(axis=1)])


def peak(metric, num_images):
    """Bytes that a metric takes at most, and holds, over so many images of either kind."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (BATCH, 8, 8, 1), "uint8")
    tracemalloc.start()
    for _ in range(num_images // BATCH):
        for real in (True, False):
            extra = (np.zeros(BATCH, int),) if isinstance(metric, metrics.LabelAccuracy) else ()
            metric.update(pixels, real, *extra)
    metric.result()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (metrics.FrechetDistance, {}),
        (metrics.InceptionScore, {}),
        (metrics.LabelAccuracy, {}),
        (metrics.ModeCoverage, {}),
        # What compares image by image holds as many as it is told.
        (metrics.KernelDistance, {"max_images": 500}),
        (metrics.PrecisionRecall, {"max_images": 500}),
    ],
)
def test_fifty_thousand_images_take_no_more_than_a_thousand(kind, arguments):
    few, many = (peak(kind(classify, **arguments), count) for count in (1000, 50_000))
    assert many < few + 100_000
