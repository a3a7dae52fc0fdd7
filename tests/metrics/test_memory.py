"""The memory of a metric does not grow with the number of images."""

import tracemalloc

import numpy as np
import pytest

from ganzoo import metrics

BATCH = 500


def classify(pixels):
    features = pixels[:, :4, :4, 0].reshape(len(pixels), 16).astype("float32")
    return metrics.Embedding(features, np.eye(16)[features.argmax(axis=1)])


def measure_peak_bytes(metric, num_images):
    """Return the most memory that a metric takes for `num_images` real and as many fake images."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (BATCH, 8, 8, 1), "uint8")
    tracemalloc.start()
    for _ in range(num_images // BATCH):
        for real in (True, False):
            extra = (np.zeros(BATCH, int),) if isinstance(metric, metrics.LabelAccuracy) else ()
            metric.update(pixels, real, *extra)
    metric.result()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak_bytes


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (metrics.FrechetDistance, {}),
        (metrics.InceptionScore, {}),
        (metrics.LabelAccuracy, {}),
        (metrics.ModeCoverage, {}),
        # These metrics compare single images, and keep at most `max_images` of them.
        (metrics.KernelDistance, {"max_images": 500}),
        (metrics.PrecisionRecall, {"max_images": 500}),
    ],
)
def test_fifty_thousand_images_take_no_more_memory_than_a_thousand(kind, arguments):
    few, many = (measure_peak_bytes(kind(classify, **arguments), count) for count in (1000, 50_000))
    assert many < few + 100_000
