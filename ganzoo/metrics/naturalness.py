"""NIQE: the quality of an image without an original to compare it with."""

import functools
import math

import numpy as np

from ganzoo.images import resize_bicubic
from ganzoo.metrics.features import as_pixels
from ganzoo.registry import File
from ganzoo.saving import weights

# Mean and covariance of the statistics of sharp blocks of 255 photographs, by
# `scripts/fit_niqe.py`. The values of NIQE depend on them.
PHOTOGRAPHS = File(
    "niqe_photographs.npz",
    sha256="d262d41f196ad411ad27808d1a057f4279c272c662e17b591542f1df0179cb9a",
    size=11_170,
)
# Side of a block in pixels of the image.
BLOCK = 96
# Side and standard deviation of the Gaussian window, in pixels.
_WINDOW, _SIGMA = 7, 7 / 6
# Neighbors whose products are modeled: right, below, and the two diagonals.
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
# Weights of Matlab's `rgb2gray`.
_GRAY = np.array([0.2989, 0.5870, 0.1140])
# Shapes of the distribution to choose from.
_SHAPES = np.arange(200, 10_001) / 1000


def niqe(images: np.ndarray) -> np.floating | np.ndarray:
    """Compute the natural image quality evaluator (NIQE), which needs no original.

    Lower is better. It is the distance between statistics of an image and those of sharp
    photographs, both modeled as Gaussians. Blur, noise and compression raise it. The authors'
    model of photographs is not free, so ganzoo has fitted one to other photographs. Values can
    therefore be compared with each other, but not with those of other programs.

    Args:
        images: `(height, width, channels)`, or a batch of them. uint8 pixels or float images in
            [-1, 1]. RGB or gray. Sides of at least 96 pixels. The value is reliable if the image
            has many blocks of 96 x 96 pixels.

    Returns:
        float, at least 0. NaN if every block of the image is flat. `(num_images,)` for a batch.

    Raises:
        ValueError: If the images are too small, or are neither uint8 nor in [-1, 1].

    Example:
        >>> noise = np.random.default_rng(0).integers(0, 256, (192, 192, 1), "uint8")
        >>> bool(ganzoo.metrics.niqe(noise) > 20)
        True

    Reference: Mittal et al., 2013 (doi:10.1109/LSP.2012.2227726).
    """
    images = np.asarray(images)
    if images.ndim == 3:
        return np.asarray(niqe(images[None]))[0]
    pixels = as_pixels(images)
    if min(pixels.shape[1:3]) < BLOCK:
        raise ValueError(
            f"NIQE needs sides of at least {BLOCK} pixels. Received: {pixels.shape[1]} x "
            f"{pixels.shape[2]}. Use larger images."
        )
    return np.array([_distance(*fit_gaussian(measure_blocks(each)[0])) for each in pixels])


def measure_blocks(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Measure the statistics of each block of an image.

    Args:
        pixels: uint8 `(height, width, channels)`, 1 or 3 channels. Pixels at the right and the
            bottom that fill no block are left out.

    Returns:
        `(statistics, sharpness)`: float64 `(num_blocks, 36)`, 18 at full and 18 at half
        resolution, and `(num_blocks,)`, the mean local deviation.
    """
    height, width = (side - side % BLOCK for side in pixels.shape[:2])
    plane = pixels[:height, :width].astype("float64")
    plane = plane[..., 0] if plane.shape[-1] == 1 else np.rint(plane @ _GRAY)
    statistics = []
    for side in (BLOCK, BLOCK // 2):
        contrast, deviation = _normalize(plane)
        if side == BLOCK:
            sharpness = _blocks(deviation, side).mean(axis=(1, 2))
        statistics += _statistics(_blocks(contrast, side))
        plane = resize_bicubic(plane, height // 2, width // 2)
    return np.stack(statistics, axis=-1), sharpness


def fit_aggd(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit an asymmetric generalized Gaussian distribution by its moments.

    Its density is proportional to `exp(-(-x / left)**shape)` for negative x, and to
    `exp(-(x / right)**shape)` for others.

    Args:
        samples: float `(..., num_samples)`.

    Returns:
        `(shape, left, right)`, each `(...)`. NaN if no sample is negative, or none positive.

    Reference: Lasmar et al., 2009, Multiscale skewed heavy tailed model for texture analysis.
    """
    squares = samples**2
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = (
            np.sqrt(np.sum(squares * side, axis=-1) / np.sum(side, axis=-1))
            for side in (samples < 0, samples > 0)
        )
        skew = left / right
        ratio = np.mean(np.abs(samples), axis=-1) ** 2 / np.mean(squares, axis=-1)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    once, twice, thrice = _gammas()
    # The ratio rises with the shape. Choose the nearest one.
    ratios = twice**2 / (once * thrice)
    index = np.searchsorted((ratios[1:] + ratios[:-1]) / 2, ratio)
    spread = np.sqrt(once / thrice)[index]
    shape = np.where(np.isfinite(ratio), _SHAPES[index], np.nan)
    return shape, left * spread, right * spread


def fit_gaussian(statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean `(36,)` and covariance `(36, 36)` of the statistics of blocks.

    Flat blocks are left out. NaN if all are flat. The covariance of a single block is zero.

    Args:
        statistics: `(num_blocks, 36)`, as `measure_blocks` returns them.
    """
    statistics = statistics[np.isfinite(statistics).all(axis=1)]
    size = statistics.shape[1]
    if len(statistics) == 0:
        return np.full(size, np.nan), np.zeros((size, size))
    mean = statistics.mean(axis=0)
    deviations = statistics - mean
    return mean, deviations.T @ deviations / max(1, len(statistics) - 1)


def _normalize(plane):
    """Return the local contrast of a plane, about -3 to 3, and its local deviation."""
    mean = _smooth(plane)
    deviation = np.sqrt(np.abs(_smooth(plane**2) - mean**2))
    return (plane - mean) / (deviation + 1), deviation


def _smooth(plane):
    distance = np.arange(_WINDOW) - _WINDOW // 2
    taps = np.exp(-(distance**2) / (2 * _SIGMA**2))
    taps /= taps.sum()
    plane = np.pad(plane, _WINDOW // 2, mode="edge")
    for axis in (0, 1):
        plane = np.lib.stride_tricks.sliding_window_view(plane, _WINDOW, axis) @ taps
    return plane


def _blocks(plane, side):
    """Return the blocks of a plane, row by row, `(num_blocks, side, side)`."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    blocks = plane.reshape(rows, side, columns, side).swapaxes(1, 2)
    return blocks.reshape(-1, side, side)


def _statistics(blocks) -> list[np.ndarray]:
    """Return 18 statistics of local contrast, each `(num_blocks,)`."""
    flat = blocks.reshape(len(blocks), -1)
    shape, left, right = fit_aggd(flat)
    found = [shape, (left + right) / 2]
    for shift in _NEIGHBOURS:
        products = flat * np.roll(blocks, shift, axis=(1, 2)).reshape(flat.shape)
        shape, left, right = fit_aggd(products)
        # The mean of the distribution.
        ratio = [math.gamma(2 / each) / math.gamma(1 / each) for each in shape]
        found += [shape, (right - left) * ratio, left, right]
    return found


@functools.cache
def _gammas():
    """Return the gamma function at one, two and three over each shape."""
    return np.array([[math.gamma(count / shape) for shape in _SHAPES] for count in (1, 2, 3)])


@functools.cache
def _photographs():
    with np.load(weights.find_asset(PHOTOGRAPHS), allow_pickle=False) as arrays:
        return arrays["mean"], arrays["covariance"]


def _distance(mean, covariance):
    """Return the distance to the model of photographs."""
    photographs_mean, photographs_covariance = _photographs()
    apart = mean - photographs_mean
    # Few blocks give a covariance without an inverse.
    inverse = np.linalg.pinv((covariance + photographs_covariance) / 2)
    return np.sqrt(apart @ inverse @ apart)
