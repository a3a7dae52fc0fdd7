"""Measure precision, recall, density and coverage of a generator."""

import numpy as np

from ganzoo.metrics.features import Extractor
from ganzoo.metrics.pairs import blocks_of_squares
from ganzoo.metrics.streaming import BankMetric


class PrecisionRecall(BankMetric):
    """Precision, recall, density and coverage of fake images in feature space.

    Each image has a ball around it that reaches to its `num_neighbours`-th nearest image of the
    same kind, real or fake. The value of the result is the precision. `details` hold all four:

    - `precision`, in [0, 1]: share of fake images inside the ball of a real image.
    - `recall`, in [0, 1]: share of real images inside the ball of a fake image.
    - `density`, at least 0: mean number of real balls that a fake image is in, divided by
      `num_neighbours`. It is 1 for the real distribution, and robust to real outliers.
    - `coverage`, in [0, 1]: share of real images with a fake image inside their ball.

    Higher is better for all of them. All depend on the number of images, so compare at equal
    counts.

    Args:
        extractor: see `StreamingMetric`.
        num_neighbours: int, at least 1. The paper of precision and recall uses 3, that of density
            and coverage uses 5.
        max_images: int. Number of real and of fake images to use, the first ones.
        **kwargs: `split` and `seed`, for the record.

    Reference: Kynkäänniemi et al., 2019 (arXiv:1904.06991), section 3; Naeem et al., 2020
    (arXiv:2002.09797), equations 3 and 5.
    """

    name = "precision_recall"
    higher_is_better = True
    has_floor = True
    shown_details = ("precision", "recall", "density", "coverage")

    def __init__(
        self,
        extractor: Extractor = None,
        num_neighbours: int = 3,
        max_images: int = 10_000,
        **kwargs,
    ):
        super().__init__(extractor, max_images, **kwargs)
        if num_neighbours < 1:
            raise ValueError(f"`num_neighbours` must be at least 1. Received: {num_neighbours}.")
        self.num_neighbours = num_neighbours
        self._fewest_real = self._fewest_fake = num_neighbours + 1

    def _result(self):
        real, fake = self.real.rows, self.fake.rows
        real_radii = _squared_radii(real, self.num_neighbours)
        fake_radii = _squared_radii(fake, self.num_neighbours)
        num_balls = np.zeros(len(fake), int)
        recalled = np.empty(len(real), bool)
        covered = np.empty(len(real), bool)
        for rows, squares in blocks_of_squares(real, fake):
            near = squares <= real_radii[rows, None]
            num_balls += near.sum(axis=0)
            covered[rows] = near.any(axis=1)
            recalled[rows] = (squares <= fake_radii).any(axis=1)
        precision = float(np.mean(num_balls > 0))
        details = {
            "precision": precision,
            "recall": float(recalled.mean()),
            "density": float(num_balls.mean() / self.num_neighbours),
            "coverage": float(covered.mean()),
        }
        return {"value": precision, "details": details}


def _squared_radii(features, num_neighbours):
    """Return the squared distance of each row to its k-th nearest other row."""
    radii = np.empty(len(features))
    for rows, squares in blocks_of_squares(features, features):
        # A row must be nearest to itself. Rounding may make this distance positive.
        own = np.arange(len(squares))
        squares[own, rows.start + own] = -1
        radii[rows] = np.partition(squares, num_neighbours, axis=1)[:, num_neighbours]
    return radii
