"""Compare the Fréchet distance with closed forms and with SciPy."""

import numpy as np
import pytest
import scipy.linalg

from ganzoo import metrics


def measure(real, fake):
    metric = metrics.FrechetDistance()
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return float(metric.result())


def published_formula(real, fake):
    """Return equation 6 of Heusel et al. with a general matrix square root, as in common code."""
    means = [features.mean(axis=0) for features in (real, fake)]
    covariances = [np.cov(features, rowvar=False) for features in (real, fake)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return np.sum((means[0] - means[1]) ** 2) + np.trace(sum(covariances) - 2 * root)


def test_the_distance_equals_the_published_formula():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(500, 20)) @ rng.normal(size=(20, 20))
    fake = rng.normal(size=(300, 20)) @ rng.normal(size=(20, 20)) + 1
    assert measure(real, fake) == pytest.approx(published_formula(real, fake), rel=1e-9)


def test_the_distance_of_axis_aligned_gaussians_equals_its_closed_form():
    rng = np.random.default_rng(1)
    widths = np.array([1.0, 2.0, 0.5]), np.array([3.0, 1.0, 0.5])
    shift = np.array([1.0, 0.0, -2.0])
    real = rng.normal(size=(200_000, 3)) * widths[0]
    fake = rng.normal(size=(200_000, 3)) * widths[1] + shift
    expected = np.sum(shift**2) + np.sum((widths[0] - widths[1]) ** 2)
    assert measure(real, fake) == pytest.approx(expected, rel=0.01)


def test_equal_features_have_distance_0_even_if_their_covariance_is_singular():
    # Ten vectors of 50 features have a singular covariance.
    features = np.random.default_rng(2).normal(size=(10, 50))
    assert measure(features, features) == pytest.approx(0, abs=1e-6)


def test_features_that_are_always_zero_do_not_change_the_distance():
    rng = np.random.default_rng(3)
    real, fake = rng.normal(size=(100, 4)), rng.normal(size=(100, 4)) + 1
    dead = np.zeros((100, 3))
    with_dead = measure(np.hstack([real, dead]), np.hstack([fake, dead]))
    assert with_dead == pytest.approx(measure(real, fake), rel=1e-9)
