"""Downscale images bicubically, as the super-resolution literature does.

The kernel is Keys's cubic with a = -0.5. It is stretched by the scale to avoid aliasing, and the
border is mirrored. The result equals Matlab's `imresize` up to rounding.

Reference: Keys, 1981 (doi:10.1109/TASSP.1981.1163711).
"""

import keras
import numpy as np
from keras import ops


def downscale(images: keras.KerasTensor, scale: int) -> keras.KerasTensor:
    """Return images at `1 / scale` of their height and width.

    Args:
        images: float `(batch, height, width, channels)`. Sides are multiples of `scale`, and at
            least `2 * scale`.
        scale: int, even. Ratio of the sizes.

    Returns:
        Tensor `(batch, height / scale, width / scale, channels)`. Values may slightly exceed the
        range of the images at edges.
    """
    weights = kernel(scale)
    # Pixels that the kernel covers on each side of the block that becomes one pixel.
    reach = (len(weights) - scale) // 2
    for axis in (1, 2):
        padding = [(0, 0)] * 4
        padding[axis] = (reach, reach)
        padded = ops.pad(images, padding, mode="symmetric")
        length = ops.shape(images)[axis]
        # Add slices, because convolutions are rounded to 10 bits on GPUs with TF32.
        images = sum(
            weight * _strided_slice(padded, axis, start, start + length, scale)
            for start, weight in enumerate(weights)
        )
    return images


def kernel(scale: int) -> np.ndarray:
    """Return the weights of the `4 * scale` pixels around a pixel of the smaller image."""
    distance = np.abs(np.arange(4 * scale) - (4 * scale - 1) / 2) / scale
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance <= 1, near, far)
    return (weights / weights.sum()).astype("float32")


def _strided_slice(images, axis, start, stop, step):
    return images[(slice(None),) * axis + (slice(start, stop, step),)]
