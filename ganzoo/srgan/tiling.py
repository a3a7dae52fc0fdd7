"""Upscale large images in overlapping tiles, so that memory use stays bounded."""

import math
import pathlib
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import keras
import numpy as np
import psutil

# Limits of a tile's side, in input pixels. Larger tiles are not faster.
_SMALLEST, _LARGEST = 32, 512
# Feature maps of the widest layer that are in memory at the same time. Measured: 3 to 4.
_MAPS = 5
_CGROUP = pathlib.Path("/sys/fs/cgroup")


class Footprint(NamedTuple):
    """Size of what a network needs to compute one output pixel.

    Attributes:
        radius: int. Radius of the receptive field, in input pixels.
        bytes_per_pixel: int. Estimated peak memory for each input pixel.
    """

    radius: int
    bytes_per_pixel: int


def measure_network(network: keras.Model) -> Footprint:
    """Return the receptive field of a convolutional network, and its memory for each pixel.

    The network has stride 1, and layers with an attribute `factor` increase the resolution. The
    radius is an upper bound: parallel branches are counted as if they followed each other.

    Args:
        network: Keras model from images to larger images.

    Example:
        >>> x = inputs = keras.Input((None, None, 3))
        >>> for _ in range(2):
        ...     x = keras.layers.Conv2D(8, 5, padding="same")(x)
        >>> measure_network(keras.Model(inputs, x)).radius
        4
    """
    scale, radius, widest = 1, 0.0, 3
    for layer in _flat_layers(network):
        scale *= getattr(layer, "factor", 1)
        size = getattr(layer, "kernel_size", None)
        if size is not None:
            radius += (max(size) - 1) * max(layer.dilation_rate) / 2 / scale
            channels = getattr(layer, "filters", None) or 3
            widest = max(widest, channels * scale**2)
    return Footprint(math.ceil(radius), 4 * _MAPS * widest)


def _flat_layers(layer):
    """Yield the layers of a network and of its nested layers, in order."""
    nested = getattr(layer, "layers", None)
    if nested is None:
        nested = getattr(layer, "_layers", ())
    if not nested:
        yield layer
    for each in nested:
        yield from _flat_layers(each)


def choose_tile(footprint: Footprint, reserved: int = 0) -> int:
    """Return a side of tiles for which half of the free memory is enough.

    Args:
        footprint: `Footprint` of the network.
        reserved: int. Bytes that will be needed for something else, such as the result.

    Returns:
        Side in input pixels, from 32 to 512.
    """
    free = max(0, free_memory() - reserved) / 2
    window = math.isqrt(int(free / footprint.bytes_per_pixel))
    return min(max(window - 2 * footprint.radius, _SMALLEST), _LARGEST)


def free_memory() -> int:
    """Return the bytes of memory that this process may still take without swapping."""
    return min(psutil.virtual_memory().available, _container_memory())


def _container_memory():
    """Return the free bytes of the control group, such as a container's. May be infinite."""
    try:
        limit, used = (
            int((_CGROUP / f"memory.{name}").read_text().strip()) for name in ("max", "current")
        )
    # Without a limit, the file has the word "max".
    except (OSError, ValueError):
        return math.inf
    return max(0, limit - used)


def upscale_in_tiles(
    upscale: Callable, pixels: np.ndarray, scale: int, tile: int, overlap: int
) -> np.ndarray:
    """Upscale one image tile by tile.

    Each tile is computed from a window that contains it and at least `overlap` more pixels on each
    side. At the border of the image, the window ends with the image. All windows have the same
    size, so that a compiled function is traced once.

    Args:
        upscale: function from pixels `(height, width, channels)` to pixels `(scale * height,
            scale * width, channels)` of the same dtype.
        pixels: uint8 or uint16 `(height, width, channels)`.
        scale: int. Ratio of the sizes.
        tile: int. Longest side of a tile away from the border, in input pixels.
        overlap: int. Input pixels around a tile that its window includes. With the radius of the
            network's receptive field, the result does not depend on the tiles.

    Returns:
        Pixels `(scale * height, scale * width, channels)`.
    """
    height, width, channels = pixels.shape
    whole = np.empty((height * scale, width * scale, channels), pixels.dtype)
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
