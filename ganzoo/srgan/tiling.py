"""Large images, worked on in overlapping tiles so that memory stays bounded."""

import numpy as np


def upscale_in_tiles(upscale, pixels, scale, tile, overlap):
    """Upscales one image tile by tile.

    A tile is worked on in a window that is wider by `overlap` on every side, except at
    the image's own border, where the window ends as the image does. All windows have one
    size, so that a compiled function is traced once.

    Args:
        upscale: function of uint8 `(height, width, channels)` that returns `scale` times
            the size.
        pixels: uint8 `(height, width, channels)`.
        scale: int.
        tile: int. Side of a tile, in pixels of the input.
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
    """`(start, stop, window_start, window_stop)` of the tiles along one side."""
    window = min(tile + 2 * overlap, length)
    for start in range(0, length, tile):
        window_start = min(max(start - overlap, 0), length - window)
        yield start, min(start + tile, length), window_start, window_start + window
