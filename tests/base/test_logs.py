"""Test that logs are means over images, so that a smaller batch counts less."""

import keras
import numpy as np
import pytest
import tiny
from cases import others_slow

import ganzoo
from ganzoo import registry
from ganzoo.srgan.bicubic import downscale

IMAGES = tiny.make_images(5)


def real_score_of(gan, images):
    """Return the mean probability of real images, computed in NumPy."""
    logits = np.asarray(gan.discriminator(images, training=False), "float64")
    return np.mean(1 / (1 + np.exp(-logits)))


def compile_without_updates(gan, **arguments):
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), **arguments)
    return gan


@pytest.mark.parametrize("steps_per_execution", others_slow([1, 2], 2))
def test_a_last_batch_of_one_image_counts_as_one_image(steps_per_execution):
    gan = compile_without_updates(tiny.build_gan(), steps_per_execution=steps_per_execution)
    expected = real_score_of(gan, IMAGES)
    assert abs(expected - real_score_of(gan, IMAGES[4:])) > 1e-3
    logs = gan.evaluate(IMAGES, batch_size=2, verbose=0, return_dict=True)
    np.testing.assert_allclose(logs["real_score"], expected, rtol=1e-5)
    history = gan.fit(IMAGES, batch_size=2, validation_data=IMAGES, verbose=0).history
    np.testing.assert_allclose(history["real_score"], [expected], rtol=1e-5)
    np.testing.assert_allclose(history["val_real_score"], [expected], rtol=1e-5)


def test_every_level_of_a_pyramid_counts_images():
    gan = registry.get_family("lapgan").build_test_model(seed=0)
    compile_without_updates(gan, run_eagerly=True)
    data = tiny.make_data(gan, 5)
    whole, parts = (
        gan.evaluate(*data, batch_size=size, verbose=0, return_dict=True) for size in (5, 4)
    )
    names = [name for name in whole if name.endswith("real_score")]
    assert len(names) == gan.num_levels + 1
    for name in names:
        np.testing.assert_allclose(parts[name], whole[name], rtol=1e-5, err_msg=name)


def test_the_psnr_is_that_of_the_mean_error_of_all_images():
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    compile_without_updates(gan, content_only=True)
    images = tiny.make_images(5, (16, 16, 3))
    images[:4] *= 0.1
    made = np.clip(gan.generator(downscale(images, 2), training=False), -1, 1)
    errors = np.mean((images - made) ** 2, axis=(1, 2, 3))
    assert errors[4] > 2 * errors[:4].max()
    for size in (5, 4):
        logs = gan.evaluate(images, batch_size=size, verbose=0, return_dict=True)
        np.testing.assert_allclose(logs["psnr"], 10 * np.log10(4 / errors.mean()), rtol=1e-5)
        assert set(logs) == {"generator_loss", "content_loss", "psnr"}
