"""LPIPS of pairs of images."""

import functools

import numpy as np
from keras import ops

from ganzoo.images import from_pixels
from ganzoo.layers import dtype_policy
from ganzoo.metrics.features import as_pixels
from ganzoo.perceptual import LPIPS, SMALLEST_SIDE

# Pixels per forward pass, so that memory does not grow with the number of images.
_PIXELS = 2**22


def lpips(images_a: np.ndarray, images_b: np.ndarray) -> np.floating | np.ndarray:
    """Compute the learned perceptual distance of images (LPIPS v0.1 with AlexNet).

    Lower is better. It agrees with the judgment of people more often than PSNR and SSIM do: blur
    is a large distance. No border is left out, as in papers on super-resolution. The weights come
    with ganzoo.

    Args:
        images_a: `(height, width, channels)`, or a batch of them. uint8 pixels or float images in
            [-1, 1]. RGB, or gray, which is repeated to RGB. With alpha, images are composited on
            white. Sides of at least 31 pixels.
        images_b: images of the same shape.

    Returns:
        float, at least 0; 0 for equal images. `(num_images,)` for a batch.

    Raises:
        ValueError: If the images differ in shape, are too small, or are neither uint8 nor in
            [-1, 1].

    Example:
        >>> black = np.zeros((64, 64, 3), "uint8")
        >>> float(ganzoo.metrics.lpips(black, black))
        0.0

    Reference: Zhang et al., 2018 (arXiv:1801.03924), equation 1.
    """
    pair = np.asarray(images_a), np.asarray(images_b)
    shape = pair[0].shape
    if shape != pair[1].shape or len(shape) not in (3, 4):
        raise ValueError(
            "`images_a` and `images_b` must have the same shape (height, width, channels), or be "
            f"batches of it. Received: {shape} and {pair[1].shape}."
        )
    height, width = shape[-3:-1]
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(
            f"LPIPS needs sides of at least {SMALLEST_SIDE} pixels. Received: {height} x {width}. "
            "Use larger images."
        )
    if len(shape) == 3:
        return np.asarray(lpips(*(image[None] for image in pair)))[0]
    batches = [as_pixels(images) for images in pair]
    count = max(1, _PIXELS // (height * width))
    distances = [
        _measure(*(pixels[start : start + count] for pixels in batches))
        for start in range(0, len(batches[0]), count)
    ]
    return np.concatenate([np.zeros(0, "float32"), *distances])


def _measure(*pair):
    pair = [from_pixels(np.broadcast_to(pixels, (*pixels.shape[:3], 3))) for pixels in pair]
    return ops.convert_to_numpy(_build()(*pair))


@functools.cache
def _build():
    # A metric must not depend on the precision that a model is trained in.
    with dtype_policy("float32"):
        return LPIPS()
