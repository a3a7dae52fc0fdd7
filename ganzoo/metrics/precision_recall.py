"""Precision and recall of a generator, by the nearest neighbours of features."""

import numpy as np

from ganzoo.metrics.pairs import blocks_of_squares
from ganzoo.metrics.streaming import BankMetric


class PrecisionRecall(BankMetric):
    """Whether fake images look real, and whether they are as diverse as the real ones.

    The result's value is the precision; its `details` hold all four figures:

    - `precision`, in [0, 1]: fake images within reach of a real one.
    - `recall`, in [0, 1]: real images within reach of a fake one.
    - `density`, at least 0: as precision, but each fake image counts as often as it is
      in reach of a real one, over `num_neighbours`; 1 for the real distribution. An
      outlier among the real images does not spoil it.
    - `coverage`, in [0, 1]: real images with a fake one within their reach.

    Higher is better for all of them. An image reaches as far as its `num_neighbours`-th
    nearest of its own kind. All rise and fall with the number of images: compare at
    equal counts.

    Args:
        extractor: see `StreamingMetric`.
        num_neighbours: int, at least 1. 3 for precision and recall in their paper; 5 for
            density and coverage in theirs.
        max_images: int. The first so many real and fake images are used.
        **kwargs: `split` and `seed`, for the record.

    Reference: Kynkäänniemi et al., 2019 (arXiv:1904.06991), section 3; Naeem et al., 2020
    (arXiv:2002.09797), equations 3 and 5.
    """

    name = "precision_recall"
    higher_is_better = True

    def __init__(self, extractor=None, num_neighbours=3, max_images=10_000, **kwargs):
        super().__init__(extractor, max_images, **kwargs)
        if num_neighbours < 1:
            raise ValueError(f"`num_neighbours` must be at least 1. Received: {num_neighbours}.")
        self.num_neighbours = num_neighbours
        self._fewest_real = self._fewest_fake = num_neighbours + 1

    def _result(self):
        real, fake = self.real.rows, self.fake.rows
        real_reach = _reach(real, self.num_neighbours)
        fake_reach = _reach(fake, self.num_neighbours)
        in_real = np.zeros(len(fake), int)  # Of how many real images each fake is in reach.
        recalled = np.empty(len(real), bool)
        covered = np.empty(len(real), bool)
        for rows, squares in blocks_of_squares(real, fake):
            near = squares <= real_reach[rows, None]
            in_real += near.sum(axis=0)
            covered[rows] = near.any(axis=1)
            recalled[rows] = (squares <= fake_reach).any(axis=1)
        precision = float(np.mean(in_real > 0))
        details = {
            "precision": precision,
            "recall": float(recalled.mean()),
            "density": float(in_real.mean() / self.num_neighbours),
            "coverage": float(covered.mean()),
        }
        return {"value": precision, "details": details}


def _reach(features, num_neighbours):
    """Squared distance of each row to its k-th nearest other row."""
    reach = np.empty(len(features))
    for rows, squares in blocks_of_squares(features, features):
        # Each row itself is the nearest, at a distance that rounding may not make 0.
        own = np.arange(len(squares))
        squares[own, rows.start + own] = -1
        reach[rows] = np.partition(squares, num_neighbours, axis=1)[:, num_neighbours]
    return reach
