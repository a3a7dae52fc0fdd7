"""Resize pixels with the Lanczos filter."""

import numpy as np
from PIL import Image


def resize_lanczos(pixels: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize an image with the Lanczos filter of 3 lobes, which is widened against aliasing.

    Args:
        pixels: uint8 or uint16 `(old_height, old_width, channels)`.
        height: int, at least 1. New height.
        width: int, at least 1. New width.

    Returns:
        Array `(height, width, channels)` of the same dtype.

    Example:
        >>> resize_lanczos(np.full((4, 6, 3), 9, "uint8"), 5, 2).shape
        (5, 2, 3)
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    # Pillow resizes deep pixels as floats only, and floats in single channels.
    deep = pixels.dtype != np.uint8
    planes = []
    for index in range(pixels.shape[-1]):
        plane = pixels[..., index].astype("float32") if deep else pixels[..., index]
        image = Image.fromarray(np.ascontiguousarray(plane))
        plane = np.asarray(image.resize((width, height), Image.Resampling.LANCZOS))
        if deep:
            plane = np.rint(plane.clip(0, np.iinfo(pixels.dtype).max)).astype(pixels.dtype)
        planes.append(plane)
    return np.stack(planes, axis=-1)


def scaled_side(side: int, factor: float) -> int:
    """Return the length of a side after scaling, rounded, at least 1.

    Example:
        >>> scaled_side(7, 2.5), scaled_side(1, 0.1)
        (18, 1)
    """
    return max(1, round(side * factor))
