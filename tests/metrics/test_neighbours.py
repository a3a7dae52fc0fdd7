"""Test the check for copies of training images on known copies, and compare it with SciPy."""

import numpy as np
import pytest
import scipy.stats

from ganzoo import metrics

RNG = np.random.default_rng(0)
TRAINING, UNSEEN = RNG.normal(size=(2000, 4)), RNG.normal(size=(500, 4))


def measure(fake, unseen=UNSEEN):
    metric = metrics.TrainingNeighbours()
    metric.update(TRAINING, real=True)
    metric.update(fake, real=False)
    metric.update_unseen(unseen)
    return metric


def test_copies_of_training_images_are_detected():
    metric = measure(TRAINING[:500] + 1e-4)
    result = metric.result()
    assert float(result) > 0.99
    assert result.details["z"] > 20
    assert metric.nearest(1)[:, 0].tolist() == list(range(500))


def test_new_images_from_the_training_distribution_do_not_count_as_copies():
    result = measure(RNG.normal(size=(500, 4))).result()
    assert abs(result.details["z"]) < 3


def test_a_mixture_of_copies_and_new_images_scores_in_between():
    fake = np.concatenate([TRAINING[:250], RNG.normal(size=(250, 4))])
    assert float(measure(fake).result()) == pytest.approx(0.75, abs=0.04)


def test_the_value_is_the_mann_whitney_statistic():
    fake = RNG.normal(size=(60, 4)) * 0.8
    fake[:5] = UNSEEN[:5]  # Equal images give equal distances, which are ties.
    unseen = UNSEEN[:40]

    def distances(points):
        return [np.linalg.norm(TRAINING - point, axis=1).min() for point in points]

    expected = scipy.stats.mannwhitneyu(distances(unseen), distances(fake))
    result = measure(fake, unseen).result()
    assert float(result) == pytest.approx(expected.statistic / (60 * 40), abs=1e-9)
