"""Upscale large images in overlapping tiles, so that memory use stays bounded."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np


def upscale_in_tiles(
    upscale: Callable, pixels: np.ndarray, scale: int, tile: int, overlap: int
) -> np.ndarray:
    """Upscale one image tile by tile.

    Each tile is computed from a window that contains it and at least `overlap` more pixels on each
    side. At the border of the image, the window ends with the image. All windows have the same
    size, so that a compiled function is traced once.

    Args:
        upscale: function from uint8 `(height, width, channels)` to uint8 `(scale * height,
            scale * width, channels)`.
        pixels: uint8 `(height, width, channels)`.
        scale: int. Ratio of the sizes.
        tile: int. Longest side of a tile away from the border, in input pixels.
        overlap: int. Input pixels around a tile that its window includes. With the radius of the
            network's receptive field, the result does not depend on the tiles.

    Returns:
        uint8 `(scale * height, scale * width, channels)`.
    """
    height, width, channels = pixels.shape
    whole = np.empty((height * scale, width * scale, channels), "uint8")
    for top, bottom, window_top, window_bottom in _spans(height, tile, overlap):
        for left, right, window_left, window_right in _spans(width, tile, overlap):
            made = upscale(pixels[window_top:window_bottom, window_left:window_right])
            whole[top * scale : bottom * scale, left * scale : right * scale] = made[
                (top - window_top) * scale : (bottom - window_top) * scale,
                (left - window_left) * scale : (right - window_left) * scale,
            ]
    return whole


def _spans(length, tile, overlap):
    """Yield `(start, stop, window_start, window_stop)` of the tiles along one axis.

    All windows have the same length, so the tiles share the axis evenly. A narrow last tile would
    need a window as long as the others.
    """
    count = max(1, math.ceil((length - 2 * overlap) / tile))
    window = min(length, math.ceil((length - 2 * overlap) / count) + 2 * overlap)
    starts = [round(index * (length - window) / max(1, count - 1)) for index in range(count)]
    # The boundary of two tiles is the center of the overlap of their windows.
    edges = [0, *((later + earlier + window) // 2 for earlier, later in pairwise(starts)), length]
    for start, (left, right) in zip(starts, pairwise(edges), strict=True):
        yield left, right, start, start + window
