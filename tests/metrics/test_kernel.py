"""Compare the kernel distance with loops over its definition and with repeated draws."""

import numpy as np
import pytest

from ganzoo import metrics
from ganzoo.metrics import kernel


def measure(real, fake):
    metric = metrics.KernelDistance()
    metric.update(real, real=True)
    metric.update(fake, real=False)
    return metric.result()


def by_definition(real, fake):
    """Return the estimate for equal counts, pair by pair (Gretton et al., lemma 6)."""
    count, dim = real.shape

    def k(a, b):
        return (a @ b / dim + 1) ** 3

    total = 0.0
    for i in range(count):
        for j in range(count):
            if i != j:
                total += k(real[i], real[j]) + k(fake[i], fake[j])
                total -= k(real[i], fake[j]) + k(real[j], fake[i])
    return total / (count * (count - 1))


@pytest.mark.parametrize("rows", [7, 1000])
def test_the_distance_is_the_unbiased_estimate(rows, monkeypatch):
    monkeypatch.setattr(kernel, "_ROWS", rows)
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(30, 6)), rng.normal(size=(30, 6)) + 0.5
    assert float(measure(real, fake)) == pytest.approx(by_definition(real, fake), rel=1e-9)


@pytest.mark.parametrize("shift", [0.0, 1.0], ids=["same_distribution", "different_distributions"])
def test_the_standard_error_matches_the_spread_over_repeated_draws(shift):
    rng = np.random.default_rng(1)
    results = [
        measure(rng.normal(size=(100, 5)), rng.normal(size=(100, 5)) + shift) for _ in range(400)
    ]
    values = np.array([float(result) for result in results])
    errors = np.array([result.standard_error for result in results])
    if shift == 0:
        # The distributions are equal, so the mean of an unbiased estimate is near 0.
        assert abs(values.mean()) < 4 * values.std() / 20
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(values.std(), rel=0.25)


def test_the_larger_set_is_cut_to_the_size_of_the_smaller_one():
    rng = np.random.default_rng(2)
    real, fake = rng.normal(size=(50, 3)), rng.normal(size=(30, 3))
    assert float(measure(real, fake)) == pytest.approx(float(measure(real[:30], fake)))
