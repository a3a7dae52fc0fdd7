"""Compute Laplacian pyramids: a small image, and bands of increasingly fine detail.

The kernel is (1, 3, 3, 1) / 8 along each axis, with repeated borders. `downsample` blurs the image
and keeps every second pixel, so a coarse pixel lies at the center of the four pixels it replaces.
`upsample` is linear interpolation, which uses the same kernel times two. A band is the difference
between an image and its downsampled and upsampled version. Adding the bands therefore restores the
image exactly, for any kernel.

Reference: Burt & Adelson, 1983 (doi:10.1109/TCOM.1983.1095851); Denton et al., 2015
(arXiv:1506.05751), section 2.2.
"""

import itertools

import keras
from keras import ops


def laplacian_pyramid(images: keras.KerasTensor, num_levels: int) -> list[keras.KerasTensor]:
    """Split images into a small image and bands of detail.

    Args:
        images: `(batch, height, width, channels)`, of any range. Floats keep their dtype. Integers
            become float32.
        num_levels: int, at least 1. Number of levels, including the small image.

    Returns:
        List, coarse to fine: the small image, then `num_levels - 1` bands. Each has twice the
        height and width of the previous one. The last has the size of the images.

    Raises:
        ValueError: If `num_levels` is below 1, or a side cannot be halved that often.

    Example:
        >>> pyramid = laplacian_pyramid(np.ones((1, 28, 28, 1), "float32"), num_levels=3)
        >>> [tuple(level.shape) for level in pyramid]
        [(1, 7, 7, 1), (1, 14, 14, 1), (1, 28, 28, 1)]
    """
    coarse_to_fine = gaussian_pyramid(images, num_levels)
    bands = [fine - upsample(coarse) for coarse, fine in itertools.pairwise(coarse_to_fine)]
    return [coarse_to_fine[0], *bands]


def gaussian_pyramid(images: keras.KerasTensor, num_levels: int) -> list[keras.KerasTensor]:
    """Return the images at each size, coarse to fine.

    Arguments are those of `laplacian_pyramid`.

    Raises:
        ValueError: As for `laplacian_pyramid`.
    """
    images = ops.convert_to_tensor(images)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype)):
        images = ops.cast(images, "float32")
    if num_levels < 1:
        raise ValueError(f"`num_levels` must be at least 1. Received: num_levels={num_levels}.")
    parts = 2 ** (num_levels - 1)
    if len(images.shape) != 4 or images.shape[1] % parts or images.shape[2] % parts:
        raise ValueError(
            f"A pyramid of {num_levels} levels needs images (batch, height, width, channels) with "
            f"sides divisible by {parts}. Received: images of shape {tuple(images.shape)}. Resize "
            "them, or use fewer levels."
        )
    fine_to_coarse = [images]
    for _ in range(num_levels - 1):
        fine_to_coarse.append(downsample(fine_to_coarse[-1]))
    return fine_to_coarse[::-1]


def reconstruct(pyramid: list[keras.KerasTensor]) -> keras.KerasTensor:
    """Compute the images from their Laplacian pyramid. The result is exact up to rounding.

    Args:
        pyramid: list, coarse to fine, as returned by `laplacian_pyramid`.

    Returns:
        Tensor `(batch, height, width, channels)` with the size of the last level.

    Raises:
        ValueError: If a level does not have twice the sides of the previous one.

    Example:
        >>> images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3))
        >>> bool(np.allclose(reconstruct(laplacian_pyramid(images, 2)), images, atol=1e-12))
        True
    """
    images = ops.convert_to_tensor(pyramid[0])
    for band in pyramid[1:]:
        low_pass = upsample(images)
        if tuple(low_pass.shape) != tuple(band.shape):
            raise ValueError(
                "Each level of a pyramid must have twice the height and width of the previous one, "
                f"coarse to fine. Received: {tuple(images.shape)}, then {tuple(band.shape)}."
            )
        images = low_pass + band
    return images


# These functions add slices, because convolutions are rounded to 10 bits on GPUs with TF32.


def downsample(images: keras.KerasTensor) -> keras.KerasTensor:
    """Blur images with (1, 3, 3, 1) / 8 and keep every second pixel. Sides must be even."""
    for axis in (1, 2):
        padded = _repeat_border(images, axis)
        near = _take(padded, axis, 1, -2, 2) + _take(padded, axis, 2, -1, 2)
        far = _take(padded, axis, 0, -3, 2) + _take(padded, axis, 3, None, 2)
        images = 0.375 * near + 0.125 * far
    return images


def upsample(images: keras.KerasTensor) -> keras.KerasTensor:
    """Double the sides of images. A new pixel is 3/4 of the nearest and 1/4 of the next old one."""
    for axis in (1, 2):
        padded = _repeat_border(images, axis)
        before = 0.25 * _take(padded, axis, 0, -2) + 0.75 * images
        after = 0.75 * images + 0.25 * _take(padded, axis, 2, None)
        pairs = ops.stack([before, after], axis=axis + 1)
        shape = [-1, *images.shape[1:]]
        shape[axis] *= 2
        images = ops.reshape(pairs, shape)
    return images


def _repeat_border(images, axis):
    return ops.concatenate(
        [_take(images, axis, 0, 1), images, _take(images, axis, -1, None)], axis=axis
    )


def _take(images, axis, *bounds):
    return images[(slice(None),) * axis + (slice(*bounds),)]


@keras.saving.register_keras_serializable(package="ganzoo")
class Downsample(keras.layers.Layer):
    """Layer for `downsample`: `(batch, height, width, channels)` to half the sides."""

    def call(self, images):
        return downsample(images)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


@keras.saving.register_keras_serializable(package="ganzoo")
class Upsample(keras.layers.Layer):
    """Layer for `upsample`: `(batch, height, width, channels)` to twice the sides."""

    def call(self, images):
        return upsample(images)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)
