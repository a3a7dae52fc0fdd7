"""Compare LPIPS with published distances, and with the paper's sums in NumPy."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganzoo import images, metrics, perceptual
from ganzoo.saving import weights

PICTURES = pathlib.Path(__file__).parents[3] / "shared" / "perceptual"


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


def convolve(x, kernel, bias, padding, stride=1):
    """Return the rectified convolution of one image `(height, width, channels)`."""
    x = np.pad(x, ((padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    windows = windows[::stride, ::stride]  # (height, width, channels, rows, columns)
    return np.maximum(np.einsum("hwcij,ijcf->hwf", windows, kernel, optimize=True) + bias, 0)


def pool(x):
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(0, 1))
    return windows[::2, ::2].max(axis=(-2, -1))


def feature_maps(pixels, arrays):
    """Return the unit vectors of AlexNet's five layers, by its published description."""
    x = pixels / 127.5 - 1
    x = (x - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
    for index, padding in enumerate((2, 2, 1, 1, 1)):
        x = pool(x) if index in (1, 2) else x
        stride = 1 if index else 4
        kernel, bias = (arrays[f"conv{index}_{part}"].astype(float) for part in ("kernel", "bias"))
        x = convolve(x, kernel, bias, padding, stride)
        yield x / (np.linalg.norm(x, axis=-1, keepdims=True) + 1e-10)


def lpips_by_hand(a, b):
    arrays = np.load(weights.find_asset(perceptual.ALEXNET))
    layers = enumerate(zip(feature_maps(a, arrays), feature_maps(b, arrays), strict=True))
    return sum(np.mean((x - y) ** 2 @ arrays[f"lpips{i}"].astype(float)) for i, (x, y) in layers)


def test_lpips_equals_the_papers_sums():
    a, b = noise(31, 38, 3, seed=1), noise(31, 38, 3, seed=2)
    assert metrics.lpips(a, b) == pytest.approx(lpips_by_hand(a, b), rel=1e-4)


@pytest.mark.skipif(not PICTURES.is_dir(), reason="needs the pictures in ../shared")
def test_lpips_has_the_published_values_on_its_authors_pictures():
    """Zhang et al. print 0.722 and 0.138 for these pictures (v0.1 with AlexNet)."""
    reference, blurred, warped = (
        np.asarray(Image.open(PICTURES / f"ex_{name}.png").convert("RGB"))
        for name in ("ref", "p0", "p1")
    )
    assert metrics.lpips(reference, blurred) == pytest.approx(0.722, abs=5e-4)
    assert metrics.lpips(reference, warped) == pytest.approx(0.138, abs=5e-4)


def test_the_value_of_an_image_depends_on_neither_batch_type_nor_policy(monkeypatch):
    a, b = noise(3, 32, 40, 1, seed=1), noise(3, 32, 40, 1, seed=2)
    whole = metrics.lpips(a, b)
    assert whole.shape == (3,)
    keras.config.set_dtype_policy("mixed_bfloat16")
    monkeypatch.setattr(metrics.perceptual, "_PIXELS", 1)
    np.testing.assert_allclose(metrics.lpips(a, b), whole, rtol=1e-5)
    rgb, floats = a.repeat(3, axis=-1), images.from_pixels(b.repeat(3, axis=-1))
    np.testing.assert_allclose(metrics.lpips(rgb, floats), whole, rtol=1e-5)


def test_gradients_are_finite_if_features_vanish_or_images_are_equal():
    with tf.GradientTape() as tape:
        fake = tf.Variable(np.zeros((1, 31, 31, 3), "float32"))
        loss = perceptual.LPIPS()(tf.identity(fake), fake)
    assert float(loss[0]) == 0
    assert np.all(np.isfinite(tape.gradient(loss, fake)))
    with tf.GradientTape() as tape:
        features = tf.Variable(np.array([[[[0.0, 0.0], [3.0, 4.0]]]], "float32"))
        unit = perceptual._normalize(features)
    np.testing.assert_allclose(unit[0, 0], [[0, 0], [0.6, 0.8]], rtol=1e-6)
    assert np.all(np.isfinite(tape.gradient(unit, features)))


@pytest.mark.parametrize(
    ("a", "b", "named"),
    [
        (noise(40, 40, 3), noise(40, 41, 3), r"\(40, 40, 3\) and \(40, 41, 3\)"),
        (noise(40, 40), noise(40, 40), r"same shape \(height, width, channels\).*\(40, 40\)"),
        (noise(40, 30, 3), noise(40, 30, 3), "at least 31 pixels. Received: 40 x 30"),
        (noise(40, 40, 3), noise(40, 40, 3) / 1.0, r"must lie in \[-1, 1\]. Received: values from"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(a, b, named):
    with pytest.raises(ValueError, match=named):
        metrics.lpips(a, b)
