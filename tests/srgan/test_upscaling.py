"""Test the upscaling of images of any size, at once and in tiles."""

import numpy as np
import pytest
from PIL import Image
from small_srgan import build, make_pixels

from ganzoo.srgan import tiling


@pytest.mark.parametrize("network", ["srresnet", "compact"])
@pytest.mark.parametrize(("scale", "tile"), [(2, 16), (4, 33)])
def test_upscaling_in_tiles_equals_upscaling_at_once(scale, tile, network):
    gan = build(scale, num_blocks=2, network=network)
    last = gan.generator.get_layer("to_images")
    last.kernel.assign(np.random.default_rng(0).normal(0, 0.2, last.kernel.shape))
    pixels = make_pixels(50, 71, 3)
    whole = gan.upscale(pixels, tile=1000)
    tiled = gan.upscale(pixels, tile=tile)
    assert whole.shape == (50 * scale, 71 * scale, 3)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_overlapping_tiles_leave_no_seams():
    """Each output pixel depends on neighbors up to three pixels away."""

    def sharpen_and_double(pixels):
        padded = np.pad(pixels, [(3, 3), (3, 3), (0, 0)]).astype(int)
        neighbors = sum(
            np.roll(padded, shift, axis) for axis in (0, 1) for shift in (-3, -2, -1, 1, 2, 3)
        )
        return (
            ((padded * 5 + neighbors) % 256).astype("uint8")[3:-3, 3:-3].repeat(2, 0).repeat(2, 1)
        )

    pixels = make_pixels(40, 29, 3)
    tiled = tiling.upscale_in_tiles(sharpen_and_double, pixels, scale=2, tile=8, overlap=3)
    np.testing.assert_array_equal(tiled, sharpen_and_double(pixels))


@pytest.mark.parametrize("length", [*range(1, 60), 512])
def test_tiles_cover_an_image_and_overlap(length):
    spans = list(tiling._spans(length, tile=8, overlap=3))
    covered = [pixel for start, stop, *_ in spans for pixel in range(start, stop)]
    assert covered == list(range(length))
    for start, stop, window_start, window_stop in spans:
        assert 0 <= window_start <= max(0, start - 3)
        assert min(length, stop + 3) <= window_stop <= length
        assert window_stop - window_start <= 8 + 2 * 3
    assert len({stop - start for *_, start, stop in spans}) == 1


def test_tiles_have_equal_sizes():
    """Tiles of 192 pixels, with a remainder of 128, would need three windows of 224."""
    windows = [stop - start for *_, start, stop in tiling._spans(512, tile=192, overlap=16)]
    assert windows == [192, 192, 192]


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (5, 4, 1), (5, 4, 4), (5, 4, 2)])
def test_images_of_any_size_and_number_of_channels_are_upscaled(srgan, shape):
    made = srgan.upscale(make_pixels(*shape))
    assert made.shape == (2 * shape[0], 2 * shape[1], shape[2])
    assert made.dtype == "uint8"


def test_batches_gray_and_transparent_images_are_upscaled_like_single_rgb_images(srgan):
    pixels = make_pixels(2, 6, 5, 3)
    expected = np.stack([srgan.upscale(one) for one in pixels])
    np.testing.assert_array_equal(srgan.upscale(pixels), expected)
    gray = srgan.upscale(pixels[0, ..., :1].repeat(3, axis=-1)).mean(axis=-1, keepdims=True)
    np.testing.assert_array_equal(srgan.upscale(pixels[0, ..., :1]), np.rint(gray))
    alpha = make_pixels(6, 5)[..., None] | 1  # No pixel is fully transparent.
    made = srgan.upscale(np.concatenate([pixels[0], alpha], axis=-1))
    np.testing.assert_array_equal(made[..., :3], expected[0])
    larger = Image.fromarray(alpha[..., 0]).resize((10, 12), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(made[..., 3], np.asarray(larger))


@pytest.mark.parametrize(
    ("image", "arguments", "named"),
    [
        (np.zeros((4, 4, 3)), {}, "float64"),
        (np.zeros((4, 4), "uint8"), {}, r"\(4, 4\)"),
        (np.zeros((4, 4, 5), "uint8"), {}, r"\(4, 4, 5\)"),
        (np.zeros((0, 4, 3), "uint8"), {}, "empty"),
        (np.zeros((4, 4, 3), "uint8"), {"tile": 8}, "tile=8"),
    ],
)
def test_invalid_images_and_tiles_are_refused(srgan, image, arguments, named):
    with pytest.raises(ValueError, match=named):
        srgan.upscale(image, **arguments)


def test_upscaling_uses_the_averaged_weights_by_default():
    gan = build()
    gan.generator.set_weights([w * 0 for w in gan.generator.get_weights()])
    pixels = make_pixels(4, 4, 3)
    assert np.ptp(gan.upscale(pixels, use_ema=False)) == 0
    assert np.ptp(gan.upscale(pixels)) > 0
