"""The Fréchet distance of features: FID."""

import numpy as np

from ganzoo.metrics.streaming import Moments, TwoSidedMetric


class FrechetDistance(TwoSidedMetric):
    """Squared Fréchet distance of two Gaussians fitted to real and fake features.

    0 for equal ones, lower is better. Biased upwards where images are few: compare at
    equal counts, and beside the floor, real images against other real ones. With the
    extractor `"inception_v3"` this is FID in another network than the literature's, and
    with a small classifier a scale of its own: neither compares with published figures.

    Args:
        extractor: see `StreamingMetric`.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.

    Example:
        >>> fid = ganzoo.metrics.FrechetDistance()  # Of features, with no extractor.
        >>> normal = np.random.default_rng(0).normal
        >>> fid.update(normal(size=(1000, 2)), real=True)
        >>> fid.update(normal(loc=3, size=(1000, 2)), real=False)
        >>> round(float(fid.result()))  # 3 squared, in each of 2 dimensions.
        18

    Reference: Heusel et al., 2017 (arXiv:1706.08500), equation 6.
    """

    name = "fid"
    higher_is_better = False

    def __init__(self, extractor=None, split=None, seed=None):
        super().__init__(Moments, extractor, split=split, seed=seed)

    def _result(self):
        return {"value": frechet_distance(self.real, self.fake)}


def frechet_distance(first, second):
    """Squared Fréchet distance of the Gaussians of two `Moments`; never below 0."""
    root = _symmetric_root(first.covariance)
    # The trace of (C1 C2)^(1/2), by a symmetric matrix with the same eigenvalues.
    shared = np.linalg.eigvalsh(root @ second.covariance @ root)
    overlap = np.sqrt(np.clip(shared, 0, None)).sum()
    apart = np.sum((first.mean - second.mean) ** 2)
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return float(max(apart + traces - 2 * overlap, 0.0))


def _symmetric_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
