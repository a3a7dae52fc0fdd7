"""Write captions above the columns of a grid."""

import numpy as np
import pytest

from ganzoo import images


def make_pixels(channels=1, side=28, count=4):
    return np.zeros((count, side, side, channels), "uint8")


def ink_of(band):
    """Return the columns of pixels that hold text."""
    return np.flatnonzero((band[..., 0] < 128).any(axis=0))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_captions_stand_above_their_columns_and_leave_the_grid_unchanged(channels):
    grid = images.make_grid(make_pixels(channels), columns=2)
    one, other = (images.add_captions(grid, texts) for texts in (["bag", ""], ["", "bag"]))
    added = len(one) - len(grid)
    np.testing.assert_array_equal(one[added:], grid)
    assert 0 < ink_of(one[:added]).max() < grid.shape[1] / 2
    assert ink_of(other[:added]).min() > grid.shape[1] / 2
    if channels in (2, 4):
        assert (one[:added, :, -1] == 255).all()


def test_long_captions_are_turned_and_cut():
    grid = images.make_grid(make_pixels(), columns=2)
    flat = len(images.add_captions(grid, ["a", "b"])) - len(grid)
    turned = len(images.add_captions(grid, ["a", "Ankle boot"])) - len(grid)
    assert turned > 2 * flat
    cut = images.add_captions(grid, ["a", "x" * 1000])
    assert len(cut) - len(grid) < 300


def test_columns_too_narrow_for_text_get_none():
    grid = images.make_grid(make_pixels(side=4), columns=4)
    assert images.add_captions(grid, list("abcd")) is grid


def test_letters_that_the_font_lacks_become_the_number_of_the_column():
    grid = images.make_grid(make_pixels(), columns=2)
    shown = [images.add_captions(grid, captions) for captions in (["a", "\u72ac"], ["a", "1"])]
    np.testing.assert_array_equal(*shown)


def test_a_drawn_grid_is_the_enlarged_grid_below_its_captions():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), "uint8")
    grid = images.make_grid(pixels, columns=3)
    zoom = images.zoom_for(grid)
    plain = images.draw_grid(pixels, columns=3)
    np.testing.assert_array_equal(plain[::zoom, ::zoom], grid)
    captioned = images.draw_grid(pixels, columns=3, captions=["a", "b", "c"])
    np.testing.assert_array_equal(captioned[-len(plain) :], plain)
