"""Test the degradation of photographs."""

import dataclasses
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from ganzoo import data
from ganzoo.data import degradation
from ganzoo.data.degradation import Round, degrade

# Ranges that leave an image as it is, except for its size.
NOTHING = Round(0.0, (1, 1), (1, 1), 0.0, (0, 0), (0, 0), 0.0, (95, 95))


@pytest.fixture(scope="module")
def photo():
    """Return a smooth image with an edge, `(64, 48, 3)`."""
    rows, columns = np.mgrid[:64, :48]
    waves = np.stack([np.sin(rows / 9), np.cos(columns / 7), np.sin((rows + columns) / 11)], -1)
    pixels = 128 + 80 * waves
    pixels[:, 24:] -= 40
    return pixels.astype("uint8")


def only(**changes):
    """Return one round without compression and without the final filter."""
    return (dataclasses.replace(NOTHING, **changes),)


def test_equal_seeds_give_equal_images_and_other_seeds_others(photo):
    first = degrade(photo, 4, [0, 1])
    assert first.dtype == tf.uint8
    assert first.shape == (16, 12, 3)
    np.testing.assert_array_equal(first, degrade(photo, 4, [0, 1]))
    assert np.any(first != degrade(photo, 4, [0, 2]))


def test_a_graph_gives_the_images_of_eager_execution(photo):
    graph = tf.function(degrade)
    for number in range(4):
        seed = tf.constant([3, number])
        compiled, eager = graph(photo, 4, seed), degrade(photo, 4, seed)
        # Rounding may turn out differently.
        assert np.mean(np.abs(np.asarray(compiled, int) - np.asarray(eager, int))) < 0.1


def test_white_stays_white_without_noise():
    white = np.full((32, 32, 3), 255, "uint8")
    rounds = only(blur_probability=1.0, blur=(1, 3), jpeg_probability=1.0)
    assert np.min(degrade(white, 4, [0, 0], rounds)) >= 254


def test_an_isotropic_blur_is_that_of_scipy(photo):
    grid = degradation._grid()
    kernel = tf.exp(-0.5 * (grid[0] ** 2 + grid[1] ** 2) / 1.5**2)
    blurred = degradation._filter(tf.cast(photo, "float32"), kernel)
    expected = ndimage.gaussian_filter(photo.astype(float), (1.5, 1.5, 0), truncate=6)
    np.testing.assert_allclose(blurred[10:-10, 10:-10], expected[10:-10, 10:-10], atol=0.01)


def test_noise_has_the_given_deviation():
    gray = tf.fill((256, 256, 3), 128.0)
    (part,) = only(gaussian=(6, 6), poisson=(0.5, 0.5))
    deviations = set()
    for number in range(8):
        draws = degradation._Draws(tf.constant([0, number], "int64"))
        deviations.add(round(float(np.std(degradation._add_noise(gray, draws, part))), 1))
    # Gaussian noise of 6, or Poisson noise of 0.5 * sqrt(128) = 5.7.
    assert deviations <= {5.6, 5.7, 5.8, 5.9, 6.0, 6.1}
    assert min(deviations) < 5.8 < 5.9 <= max(deviations)


def test_compression_is_that_of_jpeg_files(photo):
    # Decoders differ in how they enlarge colors.
    gray = np.repeat(photo[..., :1], 3, axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "JPEG", quality=50)
    expected = np.asarray(Image.open(buffer), int)
    draws = degradation._Draws(tf.constant([0, 0], "int64"))
    (part,) = only(jpeg=(50, 50))
    made = degradation._compress(tf.cast(gray, "float32"), draws, part)
    assert np.mean(np.abs(np.asarray(made) - expected)) < 0.5


@pytest.fixture
def folder(tmp_path):
    """Write four photographs of noise."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), "uint8")
    for index, photo in enumerate(pixels):
        Image.fromarray(photo).save(tmp_path / f"{index}.png")
    return tmp_path


@pytest.mark.slow
def test_crops_come_with_degraded_images_of_their_scale(folder):
    arguments = {"crop_size": 24, "batch_size": 4, "crops_per_image": 2, "seed": 3}
    low_res, high_res = next(iter(data.load_crops(folder, degrade=True, **arguments)))
    assert low_res.shape == (4, 6, 6, 3)
    np.testing.assert_array_equal(high_res, next(iter(data.load_crops(folder, **arguments))))
    again, _ = next(iter(data.load_crops(folder, degrade=True, **arguments)))
    np.testing.assert_array_equal(low_res, again)


def test_crops_that_the_scale_does_not_divide_are_refused(folder):
    with pytest.raises(ValueError, match=r"multiple of 4.*crop_size=26"):
        data.load_crops(folder, crop_size=26, batch_size=2, degrade=True)
