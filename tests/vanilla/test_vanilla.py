"""Test the layers, shapes and recipes of the vanilla GAN."""

import numpy as np
import pytest

import ganzoo
from ganzoo.layers import Maxout


def test_maxout_returns_the_maximum_of_its_linear_pieces():
    layer = Maxout(units=2, pieces=3)
    layer.build((None, 4))
    kernel, _ = layer.get_weights()
    bias = np.arange(6, dtype="float32")
    layer.set_weights([kernel, bias])
    inputs = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    linear = inputs @ kernel + bias
    expected = np.stack([linear[:, :3].max(axis=1), linear[:, 3:].max(axis=1)], axis=1)
    np.testing.assert_allclose(np.asarray(layer(inputs)), expected, rtol=1e-5)


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("shape", [(1, 1, 2), (5, 3, 1), (28, 28, 1), (4, 4, 3)])
def test_images_of_any_shape_are_generated(recipe, shape):
    gan = ganzoo.VanillaGAN(image_shape=shape, latent_dim=3, hidden_units=4, recipe=recipe)
    images = np.asarray(gan(np.zeros((2, 3), "float32")))
    assert images.shape == (2, *shape)
    assert np.all(np.abs(images) <= 1)


def test_the_paper_recipe_has_the_layers_of_the_published_code():
    gan = ganzoo.VanillaGAN(image_shape=(28, 28, 1), recipe="paper")
    generator, discriminator = gan.generator, gan.discriminator
    assert [generator.get_layer(f"dense_{index}").units for index in range(2)] == [1200, 1200]
    assert [discriminator.get_layer(f"maxout_{index}").units for index in range(2)] == [240, 240]
    assert [discriminator.get_layer(f"maxout_{index}").pieces for index in range(2)] == [5, 5]
    assert [discriminator.get_layer(f"dropout_{index}").rate for index in range(3)] == [
        0.2,
        0.5,
        0.5,
    ]
    # The published code draws uniform noise of variance 1.
    noise = generator.get_layer("unit_variance")(gan.sample_latents(1000, seed=(0, 0)))
    assert np.std(noise) == pytest.approx(1, abs=0.01)
    assert np.abs(noise).max() <= 3**0.5
    assert np.abs(generator.get_layer("dense_0").get_weights()[0]).max() <= 0.05
    assert np.abs(discriminator.get_layer("logits").get_weights()[0]).max() <= 0.005


def test_the_paper_recipe_compiles_with_the_optimizers_of_the_paper():
    gan = ganzoo.VanillaGAN(image_shape=(4, 4, 1), recipe="paper")
    gan.compile()
    optimizer = gan.generator_optimizer
    # An epoch has 500 batches of 100 digits. The momentum rises for 250 epochs.
    assert float(optimizer.momentum_at(0)) == pytest.approx(0.5)
    assert float(optimizer.momentum_at(62_500)) == pytest.approx(0.6)
    assert float(optimizer.momentum_at(125_000)) == pytest.approx(0.7)
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    assert gan.ema_decay == 0 and gan.update == "simultaneous"


@pytest.mark.parametrize("arguments", [{"image_shape": (28, 28)}, {"latent_dim": 0}])
def test_invalid_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match=r"Try \(28, 28, 1\) and 100"):
        ganzoo.VanillaGAN(**{"image_shape": (28, 28, 1), **arguments})
