"""Test the inversion of generators: the search for latents that reproduce an image."""

import keras
import numpy as np
import pytest

import ganzoo
from ganzoo.base.inversion import invert


def test_inversion_of_a_linear_generator_agrees_with_least_squares():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(3, 16)).astype("float32")
    targets = rng.normal(size=(4, 4, 4, 1)).astype("float32")

    def synthesize(latents, condition):
        return keras.ops.reshape(latents @ matrix, (-1, 4, 4, 1))

    starts = rng.normal(size=(8, 3)).astype("float32")
    latents, errors = invert(synthesize, targets, starts, num_steps=400, num_starts=2)
    # The prior adds 1e-3 * mean(latents**2) to a mean over 16 pixels, which is ridge regression.
    ridge = 1e-3 * 16 / 3 * np.eye(3)
    expected = targets.reshape(4, 16) @ matrix.T @ np.linalg.inv(matrix @ matrix.T + ridge)
    np.testing.assert_allclose(latents, expected, atol=1e-3)
    residual = (expected @ matrix - targets.reshape(4, 16)) ** 2
    np.testing.assert_allclose(errors, residual.mean(axis=1), rtol=1e-3)


def test_the_best_of_several_starts_is_kept_for_each_image():
    # Adam converges from the starts near 1, but not from those near -1.9. Each image has both.
    def synthesize(latents, condition):
        return keras.ops.reshape(latents**3 - latents + 1, (-1, 1, 1, 1))

    targets = np.ones((2, 1, 1, 1), "float32")
    starts = np.array([[-1.9], [0.9], [1.1], [-1.8]], "float32")
    _, errors = invert(synthesize, targets, starts, num_steps=200, num_starts=2)
    assert np.all(errors < 1e-3)


def test_a_model_finds_latents_of_its_own_images():
    keras.utils.set_random_seed(0)
    gan = ganzoo.CGAN(image_shape=(8, 8, 1), num_classes=2, latent_dim=2, base_filters=4)
    pixels = gan.generate(2, labels=[1, 0], seed=5)
    latents, errors = gan.invert(pixels, labels=[1, 0], num_steps=150)
    spread = np.var(pixels / 127.5)
    assert np.all(errors < 0.02 * spread)
    again = gan.decode(latents, labels=[1, 0]).astype(int)
    assert np.abs(again - pixels).mean() < 0.2 * pixels.std()


def test_images_of_another_shape_are_refused():
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=2, base_filters=2)
    with pytest.raises(ValueError, match=r"\(batch, 8, 8, 1\)"):
        gan.invert(np.zeros((1, 9, 9, 1), "uint8"))


def test_step_start_and_batch_counts_below_1_are_refused():
    gan = ganzoo.CGAN(image_shape=(8, 8, 1), num_classes=2, latent_dim=2, base_filters=2)
    pixels = np.zeros((1, 8, 8, 1), "uint8")
    for wrong in ({"num_starts": 0}, {"num_steps": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}=0"):
            gan.invert(pixels, labels=[0], **wrong)
    with pytest.raises(ValueError, match="batch_size=0"):
        gan.decode(np.zeros((1, 2)), labels=[0], batch_size=0)
    with pytest.raises(ValueError, match="batch_size=0"):
        gan.morph(np.zeros((1, 2)), np.eye(2)[:1], batch_size=0)
