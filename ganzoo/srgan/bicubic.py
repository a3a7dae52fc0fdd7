"""Bicubic downscaling as the super-resolution literature does it.

The kernel is Keys's cubic with a = -0.5, widened by the scale so that nothing
aliases, and the border is mirrored: what Matlab's `imresize` computes, to rounding.

Reference: Keys, 1981 (doi:10.1109/TASSP.1981.1163711).
"""

import numpy as np
from keras import ops


def downscale(images, scale):
    """Images at `1 / scale` of their height and width.

    Args:
        images: float `(batch, height, width, channels)`; sides are multiples of `scale`
            and at least `2 * scale`.
        scale: int, even.

    Returns:
        `(batch, height / scale, width / scale, channels)`. A value may leave the range
        of the images a little, as bicubic interpolation does at edges.
    """
    taps = kernel(scale)
    # Half of what the taps reach beyond the block of pixels that they shrink to one.
    reach = (len(taps) - scale) // 2
    for axis in (1, 2):
        padding = [(0, 0)] * 4
        padding[axis] = (reach, reach)
        padded = ops.pad(images, padding, mode="symmetric")
        length = ops.shape(images)[axis]
        # Sums of slices, not a convolution: those are rounded to 10 bits on GPUs with TF32.
        images = sum(
            tap * _every(padded, axis, start, start + length, scale)
            for start, tap in enumerate(taps)
        )
    return images


def kernel(scale):
    """The weights of the `4 * scale` pixels around a pixel of the smaller image."""
    distance = np.abs(np.arange(4 * scale) - (4 * scale - 1) / 2) / scale
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance <= 1, near, far)
    return (weights / weights.sum()).astype("float32")


def _every(images, axis, start, stop, step):
    return images[(slice(None),) * axis + (slice(start, stop, step),)]
