"""Test the conversion of pixels, grids of images, and PNG files."""

import io

import numpy as np
import pytest
from PIL import Image

from ganzoo import images


def test_pixels_survive_the_conversion_to_floats_and_back():
    pixels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(images.to_pixels(images.from_pixels(pixels)), pixels)


def test_from_pixels_maps_0_to_255_linearly_to_minus_1_to_1():
    pixels = np.array([0, 51, 102, 255], "uint8")
    converted = np.asarray(images.from_pixels(pixels))
    assert converted.dtype == "float32"
    np.testing.assert_allclose(converted, [-1, -0.6, -0.2, 1], atol=1e-6)


def test_to_pixels_rounds_to_the_nearest_and_clips():
    values = np.array([-3.0, -1.0, -0.996, -0.997, 0.4, 0.999, 1.0, 7.0])
    assert images.to_pixels(values).tolist() == [0, 0, 1, 0, 178, 255, 255, 255]
    assert images.to_pixels(values).dtype == "uint8"


def some_rgba():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 4), dtype="uint8")
    pixels[0, :2, :, 3] = 0
    return pixels


def test_colors_of_images_with_alpha_are_premultiplied():
    pixels = some_rgba()
    premultiplied = np.asarray(Image.fromarray(pixels[0], "RGBA").convert("RGBa"))
    converted = (np.asarray(images.from_pixels(pixels))[0] + 1) * 127.5
    # Pillow rounds to integers.
    np.testing.assert_allclose(converted, premultiplied, atol=0.51)
    back = images.to_pixels(images.from_pixels(pixels))
    seen = pixels[..., 3:] > 0
    np.testing.assert_array_equal(back, np.where(seen, pixels, 0))


def test_pixels_with_alpha_are_composited_on_white():
    pixels = some_rgba()
    white = Image.new("RGBA", (16, 16), "white")
    expected = Image.alpha_composite(white, Image.fromarray(pixels[0], "RGBA")).convert("RGB")
    difference = images.on_white(pixels)[0].astype(int) - np.asarray(expected)
    assert np.abs(difference).max() <= 1
    gray = pixels[..., 2:]  # The last channel is alpha.
    np.testing.assert_array_equal(images.on_white(gray), images.on_white(pixels)[..., 2:])
    np.testing.assert_array_equal(images.on_white(pixels[..., :3]), pixels[..., :3])


def test_points_in_the_plane_have_no_alpha():
    points = np.array([[[[-0.5, 0.0]]]], "float32")
    np.testing.assert_array_equal(images.to_pixels(points), [[[[64, 128]]]])


def test_a_grid_is_filled_row_by_row_with_white_gaps():
    pixels = np.stack([np.full((3, 5, 1), 10 * (i + 1), "uint8") for i in range(5)])
    grid = images.make_grid(pixels, columns=3)
    assert grid.shape == (2 * 5 + 2, 3 * 7 + 2, 1)
    for index in range(5):
        row, column = divmod(index, 3)
        top, left = 2 + 5 * row, 2 + 7 * column
        assert np.all(grid[top : top + 3, left : left + 5] == 10 * (index + 1))
    covered = np.isin(grid, [10, 20, 30, 40, 50])
    assert covered.sum() == 5 * 15
    assert np.all(grid[~covered] == 255)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 2), (5, 3), (64, 8)])
def test_a_grid_is_as_square_as_possible(count, columns):
    grid = images.make_grid(np.zeros((count, 4, 4, 3), "uint8"))
    assert grid.shape[1] == columns * 6 + 2
    assert grid.shape[0] == -(-count // columns) * 6 + 2


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_file_holds_the_pixels_exactly(tmp_path, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, channels), "uint8")
    path = tmp_path / "new" / "folder" / "a.png"
    images.write_png(path, pixels)
    with Image.open(path) as image:
        read = np.asarray(image).reshape(pixels.shape)
    np.testing.assert_array_equal(read, pixels)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.png"]


def test_zoom_repeats_pixels():
    pixels = np.array([[[1], [2]], [[3], [4]], [[5], [6]]], "uint8")
    with Image.open(io.BytesIO(images.encode_png(pixels, zoom=3))) as image:
        zoomed = np.asarray(image)
    assert zoomed.shape == (9, 6)
    np.testing.assert_array_equal(zoomed[1::3, 1::3], pixels[..., 0])
    np.testing.assert_array_equal(zoomed, np.kron(pixels[..., 0], np.ones((3, 3), "uint8")))


def test_small_grids_are_zoomed_and_large_grids_are_not():
    assert images.zoom_for(np.zeros((10, 100, 1))) == 6
    assert images.zoom_for(np.zeros((10, 641, 1))) == 1


@pytest.mark.parametrize(
    ("shape", "drawable"),
    [
        ((8, 8, 1), True),
        ((8, 8, 2), True),
        ((8, 8, 4), True),
        ((8, 8, 5), False),
        ((1, 1, 2), False),
    ],
)
def test_points_and_images_of_many_channels_are_not_drawable(shape, drawable):
    assert images.is_drawable(shape) is drawable
