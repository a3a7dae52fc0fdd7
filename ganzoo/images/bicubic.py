"""Resize images by bicubic interpolation, as Matlab does."""

import math

import numpy as np


def resize_bicubic(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image by bicubic interpolation (a = -0.5), as Matlab's `imresize` does.

    To shrink an image, the kernel is widened against aliasing. The border is mirrored, while
    Pillow leaves out what lies beyond it. Papers on super-resolution use Matlab.

    Args:
        pixels: `(height, width, ...)`, uint8 or float.
        height: int, at least 1. New height.
        width: int, at least 1. New width.

    Returns:
        float64 `(height, width, ...)`, not rounded. Values may exceed the range at edges.

    Example:
        >>> resize_bicubic(np.array([[0.0, 8.0]]), 1, 4).round(2).tolist()
        [[-0.75, 1.62, 6.38, 8.75]]

    Reference: Keys, 1981 (doi:10.1109/TASSP.1981.1163711).
    """
    pixels = np.asarray(pixels, "float64")
    for axis, size in enumerate((height, width)):
        pixels = np.moveaxis(_resize_rows(np.moveaxis(pixels, axis, 0), size), 0, axis)
    return pixels


def _resize_rows(rows, size):
    old = len(rows)
    stretch = max(1, old / size)
    reach = math.ceil(2 * stretch)
    center = (np.arange(size) + 0.5) * old / size - 0.5
    taps = np.floor(center)[:, None] + np.arange(1 - reach, reach + 1)
    weights = _kernel((center[:, None] - taps) / stretch)
    weights /= weights.sum(axis=1, keepdims=True)
    # Positions 0 to `old` - 1, and back.
    mirrored = np.concatenate([np.arange(old), np.arange(old)[::-1]])
    taps = mirrored[taps.astype(int) % (2 * old)]
    weights = weights.reshape(*weights.shape, *[1] * (rows.ndim - 1))
    return sum(weights[:, index] * rows[taps[:, index]] for index in range(2 * reach))


def _kernel(distance):
    distance = np.abs(distance)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    return np.where(distance <= 1, near, np.where(distance < 2, far, 0))
