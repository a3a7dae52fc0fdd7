"""Estimate log-likelihoods with Parzen windows."""

import math
from collections.abc import Sequence

import numpy as np

from ganzoo.metrics.features import Embedding, as_pixels
from ganzoo.metrics.pairs import blocks_of_squares
from ganzoo.metrics.streaming import BankMetric

# Rows of a distance matrix to hold in memory at once.
_ROWS = 500
# Candidates for the width, for intensities in [0, 1]. The published code tried 0.1 to 1.
_SIGMAS = np.geomspace(0.05, 1.0, 25)


class ParzenLogLikelihood(BankMetric):
    """Mean log-likelihood of real images under Gaussians around the fake images.

    The value is in nats, and higher is better. It has a high variance and says little about how
    images look: training images score below many models (Theis et al., 2016, arXiv:1511.01844).
    Use it only to compare with papers that report it. They use 10,000 fake images, the test set
    as real images, and intensities in [0, 1].

    The first real images choose the width of the Gaussians, by cross-validation. The likelihood
    is that of the others, and its standard error that of their mean. `details["sigma"]` is the
    width.

    Args:
        num_validation: int. Number of real images that choose the width.
        max_images: int. Number of real and of fake images to use, the first ones.
        **kwargs: `split` and `seed`, for the record.

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), section 5.
    """

    name = "parzen"
    higher_is_better = True

    def __init__(self, num_validation: int = 1000, max_images: int = 11_000, **kwargs):
        super().__init__(scaled_pixels, max_images, **kwargs)
        if not 1 <= num_validation <= max_images - 2:
            raise ValueError(
                "`num_validation` must be at least 1 and at most `max_images` - 2. Received: "
                f"num_validation={num_validation}, max_images={max_images}."
            )
        self.num_validation = num_validation
        self._fewest_real = num_validation + 2
        self._fewest_fake = 1

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        pixels = embedding.require_pixels()
        (self.real if real else self.fake).update(pixels.reshape(len(pixels), -1))

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        self.update_embedding(sample[: self.num_validation], real=True)
        self.update_embedding(held_out, real=True)

    def _result(self):
        fake = self.fake.rows / 255.0
        validation, measured = np.split(self.real.rows / 255.0, [self.num_validation])
        scores = [score.mean() for score in log_likelihoods(validation, fake, _SIGMAS)]
        sigma = _SIGMAS[int(np.argmax(scores))]
        (likelihoods,) = log_likelihoods(measured, fake, [sigma])
        return {
            "value": float(likelihoods.mean()),
            "standard_error": float(likelihoods.std(ddof=1) / math.sqrt(len(likelihoods))),
            "details": {"sigma": float(sigma)},
        }


def scaled_pixels(pixels: np.ndarray) -> np.ndarray:
    """Return intensities in [0, 1], float32 `(num_images, dim)`."""
    pixels = as_pixels(pixels)
    return pixels.reshape(len(pixels), -1) / np.float32(255)


def log_likelihoods(
    points: np.ndarray, centres: np.ndarray, sigmas: Sequence[float]
) -> list[np.ndarray]:
    """Compute log-densities of a mixture of isotropic Gaussians, for each of several widths.

    Args:
        points: float `(num_points, dim)`.
        centres: float `(num_centres, dim)`. Means of the Gaussians, of equal weight.
        sigmas: floats above 0. Standard deviations.

    Returns:
        List of `(num_points,)` in nats, one for each width.
    """
    constants = [
        math.log(len(centres)) + points.shape[1] * math.log(s * math.sqrt(2 * math.pi))
        for s in sigmas
    ]
    parts = []
    for _, squares in blocks_of_squares(points, centres, _ROWS):
        # Log-sum-exp: without the smallest distance, all exponentials may underflow.
        least = squares.min(axis=1)
        squares -= least[:, None]
        parts.append(
            [
                np.log(np.exp(squares / (-2 * s**2)).sum(axis=1)) - least / (2 * s**2) - constant
                for s, constant in zip(sigmas, constants, strict=True)
            ]
        )
    return [np.concatenate(of_sigma) for of_sigma in zip(*parts, strict=True)]
