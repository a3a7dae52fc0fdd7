"""Test the properties that only the DCGAN has."""

import keras
import numpy as np
import pytest

import ganzoo


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 64, 3), (48, 48, 2), (32, 20, 4), (8, 56, 3)])
def test_image_sizes_that_doubling_reaches_are_supported(recipe, shape):
    gan = ganzoo.DCGAN(image_shape=shape, latent_dim=4, base_filters=2, recipe=recipe)
    images = np.asarray(gan(np.zeros((2, 4), "float32")))
    assert images.shape == (2, *shape)
    assert gan.discriminator(images).shape == (2, 1)


@pytest.mark.parametrize(
    ("shape", "nearest"),
    [
        ((25, 25, 1), "24x24 or 28x28"),
        ((72, 72, 1), "64x64 or 80x80"),
        ((7, 7, 1), "8x8 or 10x10"),
        ((64, 90, 3), "64x96 or 56x88"),
        ((28, 28, 5), "1 to 4 channels"),
        ((28, 28), "1 to 4 channels"),
    ],
)
def test_other_image_sizes_are_refused_with_the_two_nearest(shape, nearest):
    with pytest.raises(ValueError, match=nearest):
        ganzoo.DCGAN(image_shape=shape)


@pytest.mark.slow
def test_the_paper_recipe_has_the_filters_of_the_paper_at_64_pixels():
    gan = ganzoo.DCGAN(image_shape=(64, 64, 3), recipe="paper")
    generator, discriminator = gan.generator, gan.discriminator
    assert generator.get_layer("reshape").output.shape == (None, 4, 4, 1024)
    ups = [layer for layer in generator.layers if isinstance(layer, keras.layers.Conv2DTranspose)]
    assert [layer.filters for layer in ups] == [512, 256, 128, 3]
    downs = [layer for layer in discriminator.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in downs] == [128, 256, 512, 1024]
    assert {layer.strides for layer in [*ups, *downs]} == {(2, 2)}


def test_the_paper_recipe_follows_the_five_guidelines():
    gan = ganzoo.DCGAN(image_shape=(32, 32, 1), base_filters=4, recipe="paper")
    kinds = {
        name: [type(layer).__name__ for layer in network.layers]
        for name, network in (("generator", gan.generator), ("discriminator", gan.discriminator))
    }
    # Strides replace pooling, and there is no hidden dense layer.
    assert not any("Pooling" in kind for kind in kinds["generator"] + kinds["discriminator"])
    assert kinds["generator"].count("Dense") == 1  # This layer projects the latents.
    assert kinds["discriminator"].count("Dense") == 1  # This layer computes the logit.
    # Every layer is normalized, except the generator's output and the discriminator's input.
    assert kinds["generator"].count("BatchNormalization") == 3
    assert kinds["generator"][-2:] == ["Conv2DTranspose", "Activation"]
    assert kinds["discriminator"].count("BatchNormalization") == 2
    assert kinds["discriminator"][1:3] == ["Conv2D", "LeakyReLU"]
    assert kinds["generator"].count("ReLU") == 3
    assert kinds["discriminator"].count("LeakyReLU") == 3


def test_the_paper_recipe_initializes_kernels_with_a_deviation_of_0_02():
    gan = ganzoo.DCGAN(image_shape=(28, 28, 1), recipe="paper")
    for layer in (*gan.generator.layers, *gan.discriminator.layers):
        if hasattr(layer, "kernel"):
            kernel = np.asarray(layer.kernel)
            # The standard error of a deviation estimated from n numbers is 0.02 / sqrt(2 n).
            assert abs(kernel.std() - 0.02) < 5 * 0.02 / np.sqrt(2 * kernel.size)


def test_the_paper_recipe_draws_uniform_latents():
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2, recipe="paper")
    latents = np.asarray(gan.sample_latents(500, seed=(0, 0)))
    assert -1 <= latents.min() < -0.99 and 0.99 < latents.max() < 1
    assert latents.std() == pytest.approx(1 / np.sqrt(3), rel=0.02)


def test_filters_double_toward_the_latents_up_to_eight_times():
    gan = ganzoo.DCGAN(image_shape=(128, 128, 3), base_filters=2)
    convolutions = [
        layer.filters
        for layer in gan.generator.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    assert gan.generator.get_layer("reshape").output.shape == (None, 4, 4, 16)
    assert convolutions == [16, 8, 4, 2, 3]


@pytest.mark.parametrize(("channels", "norm"), [(1, "batch"), (3, "none")])
def test_the_discriminator_is_normalized_for_gray_and_penalized_for_color_images(channels, norm):
    gan = ganzoo.DCGAN(image_shape=(16, 16, channels), latent_dim=4, base_filters=2)
    assert gan.discriminator_norm == gan.get_config()["discriminator_norm"] == norm
    kinds = {type(layer) for layer in gan.discriminator.layers}
    assert (ganzoo.layers.BatchNormalization in kinds) == (norm == "batch")
    gan.compile()
    assert (gan.regularizer is None) == (norm == "batch")


def test_unknown_normalizations_are_refused():
    with pytest.raises(ValueError, match=r"'bacth'.*Did you mean 'batch'"):
        ganzoo.DCGAN(image_shape=(16, 16, 1), discriminator_norm="bacth")
    with pytest.raises(ValueError, match=r"'none'.*Known: batch"):
        ganzoo.DCGAN(image_shape=(16, 16, 1), discriminator_norm="none", recipe="paper")


def test_the_paper_recipe_trains_with_the_settings_of_the_paper():
    """Compare with section 4 of the paper.

    Both networks train by Adam with a learning rate of 2e-4 and a beta 1 of 0.5. The loss is that
    of the 2014 paper, and weights are not averaged.
    """
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2, recipe="paper")
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        config = optimizer.get_config()
        assert config["learning_rate"] == pytest.approx(2e-4)
        assert (config["beta_1"], config["beta_2"]) == (0.5, 0.999)
    assert (gan.update, gan.ema_decay, gan.discriminator_steps) == ("alternating", 0.0, 1)
    assert type(gan.adversarial_loss).__name__ == "NonSaturating"
    assert gan.regularizer is None
