"""Test that the pyramid is exact, and that it is the documented one."""

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from ganzoo.lapgan import pyramid

KERNEL = np.array([1, 3, 3, 1]) / 8


def make_images(*shape, dtype="float64"):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


def blur(images):
    """Apply the kernel along both axes, with a repeated border. Entry i is centered on i + 1/2."""
    for axis in (1, 2):
        images = scipy.ndimage.convolve1d(images, KERNEL, axis=axis, mode="nearest")
    return images


def reduce_by_hand(images):
    return blur(images)[:, ::2, ::2]


def expand_by_hand(images):
    """Spread the pixels with zeros between them, then apply twice the kernel along each axis."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    batch, height, width, channels = padded.shape
    spread = np.zeros((batch, 2 * height, 2 * width, channels))
    spread[:, ::2, ::2] = 4 * padded
    # The border is two entries wide, and the center of the kernel is half an entry late.
    return blur(spread)[:, 1 : 1 + 2 * images.shape[1], 1 : 1 + 2 * images.shape[2]]


def test_downsample_applies_the_documented_kernel():
    images = make_images(2, 6, 10, 3)
    np.testing.assert_allclose(pyramid.downsample(images), reduce_by_hand(images), atol=1e-14)


def test_downsampling_a_row_gives_values_computed_by_hand():
    row = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]).reshape(1, 1, 6, 1).repeat(2, axis=1)
    # A coarse pixel is (1 x0 + 3 x1 + 3 x2 + 1 x3) / 8, with a repeated border.
    expected = [(1 + 3 + 6 + 4) / 8, (2 + 12 + 24 + 16) / 8, (8 + 48 + 96 + 32) / 8]
    np.testing.assert_allclose(np.asarray(pyramid.downsample(row))[0, 0, :, 0], expected)


def test_upsample_applies_twice_the_documented_kernel():
    images = make_images(2, 3, 5, 3)
    np.testing.assert_allclose(pyramid.upsample(images), expand_by_hand(images), atol=1e-14)


def test_upsample_is_bilinear():
    images = make_images(2, 7, 5, 3, dtype="float32")
    expected = keras.layers.UpSampling2D(interpolation="bilinear")(images)
    np.testing.assert_allclose(pyramid.upsample(images), expected, atol=1e-6)


def test_a_coarse_pixel_lies_at_the_center_of_its_four_pixels():
    """An image and its mirror image have mirrored pyramids, because no level is shifted."""
    images = make_images(1, 16, 8, 1)
    for level, mirrored in zip(
        pyramid.laplacian_pyramid(images, 3),
        pyramid.laplacian_pyramid(images[:, ::-1, ::-1], 3),
        strict=True,
    ):
        np.testing.assert_allclose(np.asarray(level)[:, ::-1, ::-1], mirrored, atol=1e-14)


@pytest.mark.parametrize(("side", "num_levels"), [(28, 3), (32, 3), (64, 4), (20, 1)])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 5e-7), ("float64", 1e-15)])
def test_reconstruction_is_exact_to_rounding(side, num_levels, dtype, tolerance):
    images = make_images(2, side, side, 3, dtype=dtype)
    levels = pyramid.laplacian_pyramid(images, num_levels)
    sides = [side // 2**i for i in reversed(range(num_levels))]
    assert [tuple(level.shape) for level in levels] == [(2, s, s, 3) for s in sides]
    restored = pyramid.reconstruct(levels)
    assert restored.dtype == dtype
    np.testing.assert_allclose(restored, images, rtol=0, atol=tolerance)


def test_pixels_of_images_that_are_not_square_are_reconstructed():
    pixels = np.random.default_rng(1).integers(0, 256, (2, 8, 20, 1), "uint8")
    restored = pyramid.reconstruct(pyramid.laplacian_pyramid(pixels, 3))
    assert np.array_equal(np.rint(restored), pixels)


def test_levels_are_differences_of_the_gaussian_pyramid():
    images = make_images(1, 16, 16, 1)
    coarse, *bands = pyramid.laplacian_pyramid(images, 3)
    half = reduce_by_hand(images)
    quarter = reduce_by_hand(half)
    np.testing.assert_allclose(coarse, quarter, atol=1e-14)
    np.testing.assert_allclose(bands[0], half - expand_by_hand(quarter), atol=1e-14)
    np.testing.assert_allclose(bands[1], images - expand_by_hand(half), atol=1e-14)


def test_a_constant_image_has_no_detail():
    coarse, *bands = pyramid.laplacian_pyramid(np.full((1, 8, 8, 1), 0.3), 2)
    np.testing.assert_allclose(coarse, 0.3)
    np.testing.assert_allclose(bands[0], 0.0, atol=1e-15)


@pytest.mark.slow
def test_the_pyramid_and_its_gradient_compile_under_xla():
    images = make_images(2, 8, 8, 1, dtype="float32")

    def detail(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            _, *bands = pyramid.laplacian_pyramid(images, 3)
            total = sum(tf.reduce_sum(band**2) for band in bands)
        return tape.gradient(total, images)

    images = tf.constant(images)
    compiled = tf.function(detail, jit_compile=True)(images)
    np.testing.assert_allclose(compiled, detail(images), rtol=1e-4, atol=1e-5)
    # The total is a quadratic form, so its gradient times the images is twice the total.
    _, *bands = pyramid.laplacian_pyramid(images, 3)
    total = sum(float(tf.reduce_sum(band**2)) for band in bands)
    assert float(tf.reduce_sum(compiled * images)) == pytest.approx(2 * total, rel=1e-4)


def test_batches_of_unknown_size_are_accepted():
    model_input = keras.Input((8, 8, 1))
    model = keras.Model(model_input, pyramid.Upsample()(pyramid.Downsample()(model_input)))
    images = make_images(3, 8, 8, 1, dtype="float32")
    expected = expand_by_hand(reduce_by_hand(images))
    np.testing.assert_allclose(model(images), expected, atol=1e-6)


def test_sides_that_cannot_be_halved_are_refused():
    with pytest.raises(ValueError, match=r"divisible by 4\. Received: .*\(1, 30, 28, 1\)"):
        pyramid.laplacian_pyramid(np.zeros((1, 30, 28, 1)), 3)
    with pytest.raises(ValueError, match="num_levels=0"):
        pyramid.laplacian_pyramid(np.zeros((1, 28, 28, 1)), 0)


def test_levels_in_the_wrong_order_are_refused():
    levels = pyramid.laplacian_pyramid(np.zeros((1, 8, 8, 1)), 2)
    with pytest.raises(ValueError, match="coarse to fine"):
        pyramid.reconstruct(levels[::-1])
