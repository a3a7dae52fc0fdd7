"""Compute the kernel distance between features (KID)."""

import math

import numpy as np

from ganzoo.metrics.streaming import BankMetric

# Rows of a kernel matrix to hold in memory at once.
_ROWS = 1000


class KernelDistance(BankMetric):
    """Squared maximum mean discrepancy between real and fake features, without bias.

    The kernel is `(x . y / dim + 1)^3`. Lower is better. The expected value for equal
    distributions is 0, so that estimates of it may be negative. Equal numbers of real and fake
    images are used, the first ones. The standard error is that of the U-statistic.

    Args:
        extractor: see `StreamingMetric`.
        max_images: int. Number of real and of fake images to use, the first ones.
        **kwargs: `split` and `seed`, for the record.

    Example:
        >>> kid = ganzoo.metrics.KernelDistance()
        >>> normal = np.random.default_rng(0).normal
        >>> kid.update(normal(size=(500, 4)), real=True)
        >>> kid.update(normal(size=(500, 4)), real=False)
        >>> result = kid.result()
        >>> abs(float(result)) < 3 * result.standard_error
        True

    Reference: Bińkowski et al., 2018 (arXiv:1801.01401), section 4. Estimate: Gretton et al.,
    2012 (JMLR 13), lemma 6. Variance: Serfling, 1980, section 5.2.1.
    """

    name = "kid"
    higher_is_better = False
    has_floor = True
    # The variance over pairs of pairs needs three images.
    _fewest_real = _fewest_fake = 3

    def _result(self):
        count = min(self.counts)
        found = _unbiased_discrepancy(self.real.rows[:count], self.fake.rows[:count])
        return {**found, "num_real": count, "num_fake": count}


def _unbiased_discrepancy(real, fake):
    real, fake = np.asarray(real, "float64"), np.asarray(fake, "float64")
    count, dim = real.shape
    row_sums = np.empty(count)
    squares = 0.0
    for start in range(0, count, _ROWS):
        rows = slice(start, start + _ROWS)
        # h((real i, fake i), (real j, fake j)) of the paper.
        compared = (
            _kernel(real[rows], real, dim)
            + _kernel(fake[rows], fake, dim)
            - _kernel(real[rows], fake, dim)
            - _kernel(fake[rows], real, dim)
        )
        index = np.arange(len(compared))
        compared[index, start + index] = 0  # The sum leaves out i = j.
        row_sums[rows] = compared.sum(axis=1)
        squares += np.sum(compared**2)
    value = row_sums.sum() / (count * (count - 1))
    # Variance of h, and of its mean given one pair. The row means add noise to the latter.
    of_pairs = squares / (count * (count - 1)) - value**2
    of_rows = np.var(row_sums / (count - 1), ddof=1) - of_pairs / (count - 1)
    variance = 4 * max(of_rows, 0.0) / count + 2 * of_pairs / (count * (count - 1))
    return {"value": float(value), "standard_error": math.sqrt(max(variance, 0.0))}


def _kernel(first, second, dim):
    return (first @ second.T / dim + 1) ** 3
