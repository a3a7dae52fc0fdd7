"""The Fréchet distance, against closed forms and scipy."""

import numpy as np
import pytest
import scipy.linalg

from ganzoo import metrics


def measure(real, fake):
    metric = metrics.FrechetDistance()
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return float(metric.result())


def literature(real, fake):
    """Equation 6 of Heusel et al. with a general matrix root, as common code has it."""
    means = [features.mean(axis=0) for features in (real, fake)]
    covariances = [np.cov(features, rowvar=False) for features in (real, fake)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return np.sum((means[0] - means[1]) ** 2) + np.trace(sum(covariances) - 2 * root)


def test_it_is_the_formula_of_the_literature():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(500, 20)) @ rng.normal(size=(20, 20))
    fake = rng.normal(size=(300, 20)) @ rng.normal(size=(20, 20)) + 1
    assert measure(real, fake) == pytest.approx(literature(real, fake), rel=1e-9)


def test_it_is_the_closed_form_of_gaussians_with_diagonal_covariances():
    rng = np.random.default_rng(1)
    widths = np.array([1.0, 2.0, 0.5]), np.array([3.0, 1.0, 0.5])
    shift = np.array([1.0, 0.0, -2.0])
    real = rng.normal(size=(200_000, 3)) * widths[0]
    fake = rng.normal(size=(200_000, 3)) * widths[1] + shift
    expected = np.sum(shift**2) + np.sum((widths[0] - widths[1]) ** 2)
    assert measure(real, fake) == pytest.approx(expected, rel=0.01)


def test_it_is_0_for_equal_features_however_few():
    features = np.random.default_rng(2).normal(size=(10, 50))  # The covariance is singular.
    assert measure(features, features) == pytest.approx(0, abs=1e-6)


def test_dead_features_do_no_harm():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(100, 4)), rng.normal(size=(100, 4)) + 1
    dead = np.zeros((100, 3))
    with_dead = measure(np.hstack([real, dead]), np.hstack([fake, dead]))
    assert with_dead == pytest.approx(measure(real, fake), rel=1e-9)
