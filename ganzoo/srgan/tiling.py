"""Large images, worked on in overlapping tiles so that memory stays bounded."""

import math
from itertools import pairwise

import numpy as np


def upscale_in_tiles(upscale, pixels, scale, tile, overlap):
    """Upscales one image tile by tile.

    A tile is worked on in a window that is wider by `overlap` or more on every side, except
    at the image's own border, where the window ends as the image does. All windows have one
    size, so that a compiled function is traced once.

    Args:
        upscale: function of uint8 `(height, width, channels)` that returns `scale` times
            the size.
        pixels: uint8 `(height, width, channels)`.
        scale: int.
        tile: int. Longest side of a tile away from the border, in pixels of the input.
        overlap: int. Pixels around a tile that are seen with it; where they are as many
            as the network's receptive field reaches, tiles leave no trace.

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
    """`(start, stop, window_start, window_stop)` of the tiles along one side.

    Windows share the side evenly: a last tile that is a narrow rest would be worked on in
    a window as wide as all others.
    """
    count = max(1, math.ceil((length - 2 * overlap) / tile))
    window = min(length, math.ceil((length - 2 * overlap) / count) + 2 * overlap)
    starts = [round(index * (length - window) / max(1, count - 1)) for index in range(count)]
    # Two tiles meet in the middle of what both windows see.
    edges = [0, *((later + earlier + window) // 2 for earlier, later in pairwise(starts)), length]
    for start, (left, right) in zip(starts, pairwise(edges), strict=True):
        yield left, right, start, start + window
