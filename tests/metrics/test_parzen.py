"""Compare the Parzen estimate with SciPy and a closed form."""

import numpy as np
import pytest
import scipy.stats

import ganzoo
from ganzoo import metrics
from ganzoo.metrics.parzen import log_likelihoods


def test_the_density_is_that_of_a_mixture_of_gaussians():
    rng = np.random.default_rng(0)
    points, centers = rng.uniform(size=(7, 3)), rng.uniform(size=(5, 3))
    (found,) = log_likelihoods(points, centers, [0.3])
    densities = [
        np.mean([scipy.stats.multivariate_normal(c, 0.09).pdf(point) for c in centers])
        for point in points
    ]
    np.testing.assert_allclose(found, np.log(densities), rtol=1e-9)


def test_log_densities_stay_finite_where_the_density_underflows():
    (found,) = log_likelihoods(np.ones((1, 784)), np.zeros((1, 784)), [0.05])
    expected = -784 / (2 * 0.05**2) - 784 * np.log(0.05 * np.sqrt(2 * np.pi))
    assert found[0] == pytest.approx(expected)


def test_the_chosen_width_is_the_width_of_the_data():
    """Real images are fake images plus noise of 20 levels, so sigma is 20 / 255."""
    rng = np.random.default_rng(1)
    fake = rng.integers(80, 170, (30, 6, 6, 1))
    real = fake[rng.integers(0, 30, 900)] + rng.normal(size=(900, 6, 6, 1)) * 20
    metric = metrics.ParzenLogLikelihood(num_validation=300)
    metric.update(np.rint(real).astype("uint8"), real=True)
    metric.update(fake.astype("uint8"), real=False)
    result = metric.result()
    assert result.details["sigma"] == pytest.approx(20 / 255, rel=0.1)
    # The expected value is minus the entropy of a mixture whose components do not overlap.
    sigma = 20 / 255
    expected = -np.log(30) - 36 / 2 * np.log(2 * np.pi * np.e * sigma**2)
    assert abs(float(result) - expected) < 4 * result.standard_error + 0.3


@pytest.mark.datasets
def test_training_images_of_mnist_score_about_240_nats():
    """As in published results, 10,000 training images replace generated ones."""
    train, test = (ganzoo.data.load_arrays("mnist", split).pixels for split in ("train", "test"))
    metric = metrics.ParzenLogLikelihood()
    metric.update(train[-1000:], real=True)  # The first 1,000 images choose the width.
    metric.update(test, real=True)
    metric.update(train[:10_000], real=False)
    result = metric.result()
    assert float(result) == pytest.approx(240, abs=8)
    assert 1 < result.standard_error < 3
