"""Compute the Fréchet distance between features (FID)."""

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor
from ganzoo.metrics.streaming import Moments, TwoSidedMetric


class FrechetDistance(TwoSidedMetric):
    """Squared Fréchet distance between two Gaussians fitted to real and fake features.

    The value is at least 0, and lower is better. It is biased: fewer images give a larger value,
    so compare at equal counts. Values of different extractors cannot be compared. Keras's
    `"inception_v3"` has other weights than the network of published FIDs.

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
    has_floor = True

    def __init__(
        self, extractor: Extractor = None, split: str | None = None, seed: int | None = None
    ):
        super().__init__(Moments, extractor, split=split, seed=seed)

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        self.update_embedding(training, real=True)

    def _result(self):
        return {"value": frechet_distance(self.real, self.fake)}


def frechet_distance(first: Moments, second: Moments) -> float:
    """Return the squared Fréchet distance between the Gaussians of two `Moments`."""
    root = _symmetric_root(first.covariance)
    # C1 C2 has the eigenvalues of this symmetric matrix. The overlap is the trace of its root.
    shared = np.linalg.eigvalsh(root @ second.covariance @ root)
    overlap = np.sqrt(np.clip(shared, 0, None)).sum()
    apart = np.sum((first.mean - second.mean) ** 2)
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    # Rounding may make the distance of equal Gaussians negative.
    return float(max(apart + traces - 2 * overlap, 0.0))


def _symmetric_root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
