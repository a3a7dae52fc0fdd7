"""The Parzen estimate, against scipy and a closed form."""

import numpy as np
import pytest
import scipy.stats

import ganzoo
from ganzoo import metrics
from ganzoo.metrics.parzen import log_likelihoods


def test_densities_are_those_of_a_mixture_of_gaussians():
    rng = np.random.default_rng(0)
    points, centres = rng.uniform(size=(7, 3)), rng.uniform(size=(5, 3))
    (found,) = log_likelihoods(points, centres, [0.3])
    densities = [
        np.mean([scipy.stats.multivariate_normal(c, 0.09).pdf(point) for c in centres])
        for point in points
    ]
    np.testing.assert_allclose(found, np.log(densities), rtol=1e-9)


def test_densities_below_the_smallest_float_are_still_finite():
    (found,) = log_likelihoods(np.ones((1, 784)), np.zeros((1, 784)), [0.05])
    expected = -784 / (2 * 0.05**2) - 784 * np.log(0.05 * np.sqrt(2 * np.pi))
    assert found[0] == pytest.approx(expected)


def test_the_chosen_width_is_the_one_the_data_were_made_with():
    """Real images are fakes with noise of 20 levels: sigma is 20 / 255."""
    rng = np.random.default_rng(1)
    fake = rng.integers(80, 170, (30, 6, 6, 1))
    real = fake[rng.integers(0, 30, 900)] + rng.normal(size=(900, 6, 6, 1)) * 20
    metric = metrics.ParzenLogLikelihood(num_validation=300)
    metric.update(np.rint(real).astype("uint8"), real=True)
    metric.update(fake.astype("uint8"), real=False)
    result = metric.result()
    assert result.details["sigma"] == pytest.approx(20 / 255, rel=0.1)
    # The entropy of such a mixture, whose parts do not overlap.
    sigma = 20 / 255
    expected = -np.log(30) - 36 / 2 * np.log(2 * np.pi * np.e * sigma**2)
    assert abs(float(result) - expected) < 4 * result.standard_error + 0.3


@pytest.mark.datasets
def test_training_images_of_mnist_score_about_240_nats():
    """As published: 10,000 training images stand in for a generator's."""
    train, test = (ganzoo.data.read("mnist", split).pixels for split in ("train", "test"))
    metric = metrics.ParzenLogLikelihood()
    metric.update(train[-1000:], real=True)  # They choose the width.
    metric.update(test, real=True)
    metric.update(train[:10_000], real=False)
    result = metric.result()
    assert float(result) == pytest.approx(240, abs=8)
    assert 1 < result.standard_error < 3
