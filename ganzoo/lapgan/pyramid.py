"""The Laplacian pyramid: images as a coarse picture and bands of ever finer detail.

The kernel is (1, 3, 3, 1) / 8 along each axis, with the border repeated. Going
down, every second blurred pixel is kept, so that a coarse pixel lies in the middle
of the four that it stands for; going up, twice the same kernel over the spread
pixels is linear interpolation. A band is what going down and up again loses, hence
adding the bands gives the image back whatever the kernel is.

Reference: Burt & Adelson, 1983 (doi:10.1109/TCOM.1983.1095851); Denton et al., 2015
(arXiv:1506.05751), section 2.2.
"""

import itertools

import keras
from keras import ops


def laplacian_pyramid(images, num_levels):
    """Splits images into a coarse picture and bands of detail.

    Args:
        images: `(batch, height, width, channels)`, of any range; floats keep their
            dtype, integers become float32.
        num_levels: int, at least 1. Levels, the coarse picture counted.

    Returns:
        A list, coarse to fine: the coarse picture, then `num_levels - 1` bands, each
        of twice the height and width of what comes before. The last has the images'.

    Raises:
        ValueError: If there are no levels, or a side cannot be halved so often.

    Example:
        >>> pyramid = laplacian_pyramid(np.ones((1, 28, 28, 1), "float32"), num_levels=3)
        >>> [tuple(level.shape) for level in pyramid]
        [(1, 7, 7, 1), (1, 14, 14, 1), (1, 28, 28, 1)]
    """
    coarse_to_fine = gaussian_pyramid(images, num_levels)
    bands = [fine - upsample(coarse) for coarse, fine in itertools.pairwise(coarse_to_fine)]
    return [coarse_to_fine[0], *bands]


def gaussian_pyramid(images, num_levels):
    """The images at every size, coarse to fine; arguments as `laplacian_pyramid`."""
    images = ops.convert_to_tensor(images)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(images.dtype)):
        images = ops.cast(images, "float32")
    if num_levels < 1:
        raise ValueError(f"`num_levels` must be at least 1. Received: num_levels={num_levels}.")
    parts = 2 ** (num_levels - 1)
    if len(images.shape) != 4 or images.shape[1] % parts or images.shape[2] % parts:
        raise ValueError(
            f"A pyramid of {num_levels} levels needs images (batch, height, width, channels) of "
            f"sides divisible by {parts}. Received: images of shape {tuple(images.shape)}. Resize "
            "them, or take fewer levels."
        )
    fine_to_coarse = [images]
    for _ in range(num_levels - 1):
        fine_to_coarse.append(downsample(fine_to_coarse[-1]))
    return fine_to_coarse[::-1]


def reconstruct(pyramid):
    """The images of a Laplacian pyramid, exact to rounding.

    Args:
        pyramid: list, coarse to fine, as `laplacian_pyramid` makes it.

    Returns:
        `(batch, height, width, channels)`, of the size of the last level.

    Raises:
        ValueError: If a level has not twice the sides of the one before.

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
                "Each level of a pyramid must have twice the height and width of the one before, "
                f"coarse to fine. Received: {tuple(images.shape)}, then {tuple(band.shape)}."
            )
        images = low_pass + band
    return images


# Sums of slices, not convolutions: those are rounded to 10 bits on GPUs with TF32.


def downsample(images):
    """Blurs images with (1, 3, 3, 1) / 8 and keeps every second pixel; sides are even."""
    for axis in (1, 2):
        padded = _repeat_border(images, axis)
        near = _take(padded, axis, 1, -2, 2) + _take(padded, axis, 2, -1, 2)
        far = _take(padded, axis, 0, -3, 2) + _take(padded, axis, 3, None, 2)
        images = 0.375 * near + 0.125 * far
    return images


def upsample(images):
    """Doubles the sides of images: the new pixels lie between the old, 3 to 1."""
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
    """`downsample` as a layer. Shape: `(batch, side, side, channels)` to half the side."""

    def call(self, images):
        return downsample(images)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


@keras.saving.register_keras_serializable(package="ganzoo")
class Upsample(keras.layers.Layer):
    """`upsample` as a layer. Shape: `(batch, side, side, channels)` to twice the side."""

    def call(self, images):
        return upsample(images)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)
