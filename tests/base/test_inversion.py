"""Test the inversion of generators: the search for latents that reproduce an image."""

import keras
import numpy as np
import pytest

import ganzoo
from ganzoo.base.inversion import begin_at_the_mean, get_distance, invert


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


def test_a_perceptual_distance_prefers_the_look_to_the_mean_of_the_pixels():
    """One latent fades the image to its mean gray, the other one moves its stripes."""
    columns = np.arange(32)
    stripes = np.where(columns // 4 % 2, 1.0, -1.0).astype("float32")
    target = np.broadcast_to(stripes[:, None, None], (32, 32, 1))[None]
    moved = np.roll(target, 2, axis=1)
    gray = np.zeros_like(target)
    pixel_errors = [np.mean((other - target) ** 2) for other in (gray, moved)]
    assert pixel_errors[0] < pixel_errors[1]
    distance = get_distance("alexnet")
    gray_distance, moved_distance = (float(distance(other, target)[0]) for other in (gray, moved))
    assert moved_distance < gray_distance
    assert float(distance(target, target)[0]) == 0


def test_the_perceptual_distance_of_large_images_is_lpips():
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 1, 64, 70, 3)).astype("float32")
    expected = ganzoo.metrics.lpips(*(ganzoo.images.to_pixels(image) for image in (a, b)))
    np.testing.assert_allclose(get_distance("alexnet")(a, b), expected, rtol=2e-2)


def test_the_perceptual_distance_puts_images_with_alpha_on_white():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2, 1, 64, 64, 4), "uint8")
    a, b = (ganzoo.images.from_pixels(one) for one in pixels)
    expected = ganzoo.metrics.lpips(*(ganzoo.images.on_white(one) for one in pixels))
    np.testing.assert_allclose(get_distance("alexnet")(a, b), expected, rtol=1e-2)


def test_the_first_start_of_each_image_is_the_mean_of_the_latents():
    starts = np.asarray(begin_at_the_mean(np.ones((4, 3), "float32"), 2))
    np.testing.assert_array_equal(starts[:, 0], [0, 1, 0, 1])


def test_unknown_features_are_refused():
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=2, base_filters=2)
    with pytest.raises(ValueError, match="alexnet"):
        gan.invert(np.zeros((1, 8, 8, 1), "uint8"), features="vgg")


def test_inversion_by_features_lowers_the_perceptual_distance():
    keras.utils.set_random_seed(0)
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=2, base_filters=4)
    target = gan.generate(1, seed=5)
    latents, errors = gan.invert(target, num_steps=25, num_starts=2, features="alexnet")
    made, mean = (gan.decode(one) for one in (latents, np.zeros_like(latents)))
    assert errors[0] == pytest.approx(np.mean((made / 127.5 - target / 127.5) ** 2), abs=1e-3)
    distance = get_distance("alexnet")
    to_target = [float(distance(one / 127.5 - 1, target / 127.5 - 1)[0]) for one in (made, mean)]
    assert to_target[0] < 0.5 * to_target[1]
