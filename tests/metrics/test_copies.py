"""Test the share of images that copy a training image."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from ganzoo import metrics


def make_features(count, seed, dim=30):
    return np.random.default_rng(seed).normal(size=(count, dim))


def make_metric(training, fake):
    metric = metrics.TrainingCopies()
    metric.update(training, real=True)
    metric.update(fake, real=False)
    return metric


def test_the_share_agrees_with_all_distances():
    training = make_features(300, 0)
    noise = np.linspace(0, 2, 40)[:, None] * make_features(40, 1)
    fake = training[:40] + noise  # The first ones are exact copies, the last ones are not.
    distances = np.sort(cdist(fake, training), axis=1)
    ratios = distances[:, 0] / distances[:, :50].mean(axis=1)
    result = make_metric(training, fake).result()
    assert 0.1 < np.mean(ratios < 0.5) < 0.9
    assert float(result) == np.mean(ratios < 0.5)
    assert result.details["smallest_ratio"] == pytest.approx(ratios.min(), abs=1e-6)


def test_new_images_of_the_same_distribution_are_no_copies():
    assert float(make_metric(make_features(300, 0), make_features(100, 1)).result()) == 0


def test_the_worst_pairs_are_the_clearest_copies_with_their_training_images():
    training, fake = make_features(90, 0), make_features(20, 1)
    fake[[7, 3]] = training[[41, 88]] + [[0.0], [0.1]]
    fakes, originals = make_metric(training, fake).worst_pairs(2)
    assert fakes.tolist() == [7, 3]
    assert originals.tolist() == [41, 88]
