"""Precision and recall, on supports where they are known, and against loops."""

import numpy as np
import pytest

from ganzoo import metrics


def measure(real, fake, **kwargs):
    metric = metrics.PrecisionRecall(**kwargs)
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.result().details


def cluster(centre, count, seed):
    return np.random.default_rng(seed).normal(size=(count, 2)) * 0.1 + centre


def test_half_of_the_fakes_beside_the_point_is_half_precision():
    real = cluster(0, 400, 0)
    fake = np.concatenate([cluster(0, 200, 1), cluster(50, 200, 2)])
    details = measure(real, fake)
    assert details["precision"] == pytest.approx(0.5, abs=0.03)
    assert details["recall"] > 0.9
    assert details["density"] == pytest.approx(0.5, abs=0.1)


def test_half_of_the_modes_missed_is_half_recall():
    real = np.concatenate([cluster(0, 200, 0), cluster(50, 200, 1)])
    details = measure(real, cluster(0, 400, 2))
    assert details["precision"] > 0.9
    assert details["recall"] == pytest.approx(0.5, abs=0.03)
    assert details["coverage"] == pytest.approx(0.5, abs=0.03)


def test_supports_apart_have_none_of_either():
    details = measure(cluster(0, 50, 0), cluster(50, 50, 1))
    assert details == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_copies_have_all():
    real = cluster(0, 60, 0)
    details = measure(real, real)
    assert details["precision"] == details["recall"] == details["coverage"] == 1


def test_an_outlier_among_the_real_spoils_precision_but_not_density():
    """Figure 1 of Naeem et al.: the outlier's reach takes in the fakes between."""
    real = np.concatenate([cluster(0, 100, 0), [[10.0, 10.0]]])
    details = measure(real, cluster(5, 100, 1))
    assert details["precision"] == 1
    assert details["density"] < 0.5
    assert details["coverage"] < 0.05


def test_it_is_the_definition():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(40, 3)), rng.normal(size=(30, 3)) * 1.3
    k = 4

    def reach(points, index):
        return sorted(np.linalg.norm(points - points[index], axis=1))[k]

    def within(point, points):
        return [np.linalg.norm(point - p) <= reach(points, i) for i, p in enumerate(points)]

    details = measure(real, fake, num_neighbours=k)
    counts = [sum(within(point, real)) for point in fake]
    assert details["precision"] == pytest.approx(np.mean([count > 0 for count in counts]))
    assert details["density"] == pytest.approx(np.mean(counts) / k)
    assert details["recall"] == pytest.approx(np.mean([any(within(p, fake)) for p in real]))
    covered = [np.linalg.norm(fake - p, axis=1).min() <= reach(real, i) for i, p in enumerate(real)]
    assert details["coverage"] == pytest.approx(np.mean(covered))
