"""Test how upscaling treats the colors, the transparency and the metadata of a photo."""

import numpy as np
import pytest
from pictures import ALPHA, RGB, SRGB, repeat, save
from PIL import ExifTags, Image

from ganzoo.images import upscaling
from ganzoo.images.photos import Photo


def test_alpha_is_upscaled_like_a_gray_image_and_metadata_is_kept():
    seen = []

    def upscale(pixels):
        seen.append(pixels)
        return repeat(pixels)

    opaque = np.maximum(ALPHA, 1)
    photo = Photo(RGB, opaque, SRGB, b"Exif\0\0")
    larger = upscaling.upscale_photo(photo, upscale)
    np.testing.assert_array_equal(seen[0], RGB)
    np.testing.assert_array_equal(seen[1], opaque[..., None])
    np.testing.assert_array_equal(larger.pixels, np.kron(RGB, np.ones((2, 2, 1), "uint8")))
    np.testing.assert_array_equal(larger.alpha, repeat(opaque))
    assert (larger.icc_profile, larger.exif) == (SRGB, b"Exif\0\0")


def test_opaque_and_transparent_parts_stay_so_whatever_the_network_returns():
    """A network rings at edges, and is a level off in flat parts."""
    noise = np.random.default_rng(0)

    def distort(pixels):
        moved = repeat(pixels).astype(int) + noise.integers(-9, 10, (16, 24, pixels.shape[-1]))
        return moved.clip(0, 255).astype("uint8")

    alpha = np.zeros((8, 12), "uint8")
    alpha[:, 6:] = 255
    made = upscaling.upscale_photo(Photo(np.zeros((8, 12, 3), "uint8"), alpha), distort).alpha
    assert not made[:, :10].any()
    assert (made[:, 14:] == 255).all()
    assert len(np.unique(made[:, 10:14])) > 2
    opaque = np.full((8, 12), 255, "uint8")
    assert (
        upscaling.upscale_photo(Photo(np.zeros((8, 12, 3), "uint8"), opaque), distort).alpha
    ).all()


@pytest.mark.parametrize("size", [(64, 64), (7, 300), (33, 2), (1, 2)])
@pytest.mark.parametrize("color", [(200, 30, 90), (250,)])
def test_colors_of_transparent_pixels_leave_no_fringe(size, color):
    # A black, transparent image has one opaque pixel in a corner. Only this pixel is visible.
    pixels = np.zeros((*size, len(color)), "uint8")
    alpha = np.zeros(size, "uint8")
    pixels[-1, -1] = color
    alpha[-1, -1] = 255
    given = []
    larger = upscaling.upscale_photo(Photo(pixels, alpha), lambda p: given.append(p) or repeat(p))
    # Every coarser image may round the color. Black would be 250 away.
    assert np.abs(given[0].astype(int) - color).max() <= 12
    assert larger.pixels.shape == (2 * size[0], 2 * size[1], len(color))
    assert larger.alpha[0, 0] < 255 or size == (1, 2)


def test_visible_pixels_keep_their_colors():
    alpha = np.where(ALPHA < 128, 0, ALPHA).astype("uint8")
    given = []
    upscaling.upscale_photo(Photo(RGB, alpha), lambda p: given.append(p) or repeat(p))
    np.testing.assert_array_equal(given[0][alpha > 0], RGB[alpha > 0])
    assert np.any(given[0][alpha == 0] != RGB[alpha == 0])


def test_fully_transparent_images_are_upscaled():
    larger = upscaling.upscale_photo(Photo(RGB, np.zeros((4, 5), "uint8")), repeat)
    assert larger.pixels.shape == (8, 10, 3)
    assert not larger.alpha.any()


@pytest.mark.parametrize("kind", ["jpg", "webp", "png"])
def test_date_and_author_are_kept_and_outdated_metadata_is_removed(kind, tmp_path):
    base = ExifTags.Base
    exif = Image.Exif()
    exif[base.Orientation] = 6
    exif[base.Artist] = "Ada"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[base.DateTimeOriginal] = "2020:02:03 04:05:06"
    details[base.ExifImageWidth] = 5
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    source = save(tmp_path / f"a.{kind}", RGB, exif=exif)
    target = tmp_path / f"b.{kind}"
    upscaling.upscale_file(source, target, repeat, 2)
    with Image.open(target) as image:
        assert image.size == (8, 10)
        found = image.getexif()
        assert base.Orientation not in found
        assert found[base.Artist] == "Ada"
        details = found.get_ifd(ExifTags.IFD.Exif)
        assert details == {base.DateTimeOriginal: "2020:02:03 04:05:06"}
        assert found.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}
