"""Test precision and recall where they are known, and compare them with loops."""

import numpy as np
import pytest

from ganzoo import metrics


def measure(real, fake, **kwargs):
    metric = metrics.PrecisionRecall(**kwargs)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.result().details


def cluster(center, count, seed):
    return np.random.default_rng(seed).normal(size=(count, 2)) * 0.1 + center


def test_precision_is_one_half_if_half_of_the_fakes_are_far_from_the_data():
    real = cluster(0, 400, 0)
    fake = np.concatenate([cluster(0, 200, 1), cluster(50, 200, 2)])
    details = measure(real, fake)
    assert details["precision"] == pytest.approx(0.5, abs=0.03)
    assert details["recall"] > 0.9
    assert details["density"] == pytest.approx(0.5, abs=0.1)


def test_recall_is_one_half_if_half_of_the_modes_are_missing():
    real = np.concatenate([cluster(0, 200, 0), cluster(50, 200, 1)])
    details = measure(real, cluster(0, 400, 2))
    assert details["precision"] > 0.9
    assert details["recall"] == pytest.approx(0.5, abs=0.03)
    assert details["coverage"] == pytest.approx(0.5, abs=0.03)


def test_distributions_that_do_not_overlap_score_0():
    details = measure(cluster(0, 50, 0), cluster(50, 50, 1))
    assert details == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_copies_of_the_real_images_score_1():
    real = cluster(0, 60, 0)
    details = measure(real, real)
    assert details["precision"] == details["recall"] == details["coverage"] == 1


def test_a_real_outlier_inflates_precision_but_not_density():
    """The neighborhood of the outlier contains all fakes (Naeem et al., figure 1)."""
    real = np.concatenate([cluster(0, 100, 0), [[10.0, 10.0]]])
    details = measure(real, cluster(5, 100, 1))
    assert details["precision"] == 1
    assert details["density"] < 0.5
    assert details["coverage"] < 0.05


def test_all_four_values_equal_their_definitions():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) * 1.3
    k = 4

    def radius(points, index):
        return sorted(np.linalg.norm(points - points[index], axis=1))[k]

    def is_within(point, points):
        return [np.linalg.norm(point - p) <= radius(points, i) for i, p in enumerate(points)]

    details = measure(real, fake, num_neighbours=k)
    counts = [sum(is_within(point, real)) for point in fake]
    assert details["precision"] == pytest.approx(np.mean([count > 0 for count in counts]))
    assert details["density"] == pytest.approx(np.mean(counts) / k)
    assert details["recall"] == pytest.approx(np.mean([any(is_within(p, fake)) for p in real]))
    covered = [
        np.linalg.norm(fake - p, axis=1).min() <= radius(real, i) for i, p in enumerate(real)
    ]
    assert details["coverage"] == pytest.approx(np.mean(covered))
