"""Compare bicubic interpolation with Pillow's inside of images, and mirror images at the border."""

import numpy as np
import pytest
from PIL import Image

from ganzoo.images import resize_bicubic


@pytest.mark.parametrize("size", [(10, 15), (80, 120), (25, 37), (40, 60)])
def test_resizing_equals_pillows_inside_the_border(size):
    plane = np.random.default_rng(0).uniform(size=(40, 60))
    made = resize_bicubic(np.dstack([plane, 2 * plane]), *size)
    picture = Image.fromarray(plane.astype("float32"))
    expected = np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC))
    border = 2 if size == (10, 15) else 4
    inside = (slice(border, -border), slice(border, -border))
    np.testing.assert_allclose(made[(*inside, 0)], expected[inside], atol=1e-6)
    np.testing.assert_allclose(made[..., 1], 2 * made[..., 0])


@pytest.mark.parametrize("size", [(4, 6), (16, 24)])
def test_the_border_is_mirrored(size):
    plane = np.random.default_rng(0).uniform(size=(8, 12))
    mirrored = np.pad(plane, ((8, 8), (12, 12)), mode="symmetric")
    height, width = size
    expected = resize_bicubic(mirrored, 3 * height, 3 * width)[height:-height, width:-width]
    np.testing.assert_allclose(resize_bicubic(plane, *size), expected, atol=1e-12)
