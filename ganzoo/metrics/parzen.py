"""The Parzen-window log-likelihood of the first GAN papers."""

import math

import numpy as np

from ganzoo.metrics.features import as_pixels
from ganzoo.metrics.pairs import blocks_of_squares
from ganzoo.metrics.streaming import BankMetric

# Real images whose distances are in memory at once.
_ROWS = 500
# Widths that are tried, of intensities in [0, 1]; the published code tried 0.1 to 1.
_SIGMAS = np.geomspace(0.05, 1.0, 25)


class ParzenLogLikelihood(BankMetric):
    """Mean log-likelihood of real images under Gaussians around the fake ones.

    In nats, higher is better. The papers took 10,000 fake images, and as real images the
    test set; intensities are in [0, 1]. It has a high variance and says little of how
    images look: training images themselves score below many models (Theis et al., 2016,
    arXiv:1511.01844). It is here to compare with those papers.

    The first real images choose the width of the Gaussians, by cross-validation; the
    likelihood is that of the others, and its standard error that of their mean. The
    chosen width is `details["sigma"]`.

    Args:
        num_validation: int. Real images that choose the width.
        max_images: int. The first so many real and fake images are used.
        **kwargs: `split` and `seed`, for the record.

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), section 5.
    """

    name = "parzen"
    higher_is_better = True

    def __init__(self, num_validation=1000, max_images=11_000, **kwargs):
        super().__init__(scaled_pixels, max_images, **kwargs)
        if not 1 <= num_validation <= max_images - 2:
            raise ValueError(
                "`num_validation` must be at least 1 and leave two of `max_images`. Received: "
                f"num_validation={num_validation}, max_images={max_images}."
            )
        self.num_validation = num_validation
        self._fewest_real = num_validation + 2
        self._fewest_fake = 1

    def update_embedding(self, embedding, real):
        pixels = embedding.require_pixels()
        (self.real if real else self.fake).update(pixels.reshape(len(pixels), -1))

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


def scaled_pixels(pixels):
    """Intensities in [0, 1], an image a row."""
    pixels = as_pixels(pixels)
    return pixels.reshape(len(pixels), -1) / np.float32(255)


def log_likelihoods(points, centres, sigmas):
    """Log-densities of an equal mixture of isotropic Gaussians, for each of several widths.

    Args:
        points: float `(num_points, dim)`.
        centres: float `(num_centres, dim)`.
        sigmas: floats above 0, standard deviations.

    Returns:
        list of `(num_points,)`, in nats, one for each width.
    """
    constants = [
        math.log(len(centres)) + points.shape[1] * math.log(s * math.sqrt(2 * math.pi))
        for s in sigmas
    ]
    parts = []
    for _, squares in blocks_of_squares(points, centres, _ROWS):
        # Of the nearest centre, so that the largest exponential of a row is 1.
        least = squares.min(axis=1)
        squares -= least[:, None]
        parts.append(
            [
                np.log(np.exp(squares / (-2 * s**2)).sum(axis=1)) - least / (2 * s**2) - constant
                for s, constant in zip(sigmas, constants, strict=True)
            ]
        )
    return [np.concatenate(of_sigma) for of_sigma in zip(*parts, strict=True)]
