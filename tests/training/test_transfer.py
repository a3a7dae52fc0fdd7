"""Test training that starts from the weights of another model."""

import numpy as np
import pytest
import tiny

import ganzoo
from ganzoo.training import transfer


def make_dcgan(side, channels, seed):
    shape = (side, side, channels)
    gan = ganzoo.DCGAN(shape, 4, base_filters=2, discriminator_norm="batch", seed=seed)
    random = np.random.default_rng(seed)
    gan.set_weights([random.normal(size=weight.shape) for weight in gan.get_weights()])
    return gan


def test_a_model_of_equal_networks_takes_all_weights():
    source, model = make_dcgan(16, 1, 0), make_dcgan(16, 1, 1)
    report = transfer.copy_weights(source, model)
    assert not any(part.new for part in report.values())
    for name in ("generator", "discriminator", "ema_generator"):
        tiny.assert_equal(getattr(model, name).weights, getattr(source, name).weights)


def test_a_larger_color_model_takes_the_layers_that_match():
    """From 16 to 32 pixels, both networks get another stage at the coarse end."""
    source, model = make_dcgan(16, 1, 0), make_dcgan(32, 3, 1)
    before = {layer.name: layer.get_weights() for layer in model.generator.layers}
    report = transfer.copy_weights(source, model)
    # Stages are numbered from the coarse end. The first stage of the source is the second one here.
    assert set(report["generator"].new) == {
        *("project", "refine_0_norm", "refine_0_conv", "norm_0", "up_1", "to_images")
    }
    for name, of_source in {"refine_1_conv": "refine_0_conv", "up_2": "up_1"}.items():
        weights = source.generator.get_layer(of_source).weights
        tiny.assert_equal(model.generator.get_layer(name).weights, weights)
    tiny.assert_equal(model.generator.get_layer("project").weights, before["project"])
    assert "down_0" in report["discriminator"].new  # It takes color images.
    weights = source.discriminator.get_layer("down_1").weights
    tiny.assert_equal(model.discriminator.get_layer("down_1").weights, weights)


def test_a_model_without_common_layers_is_refused():
    source = ganzoo.VanillaGAN((4, 4, 1), latent_dim=3, hidden_units=5)
    with pytest.raises(ValueError, match=r"a VanillaGAN of .* for a DCGAN of .*16"):
        transfer.copy_weights(source, make_dcgan(16, 1, 0))


def test_the_first_layers_of_the_discriminator_are_frozen():
    discriminator = make_dcgan(16, 1, 0).discriminator
    assert transfer.freeze_first(discriminator, 2) == ["down_0", "refine_0_conv"]
    frozen = [layer.name for layer in discriminator.layers if not layer.trainable]
    assert frozen == ["down_0", "refine_0_conv"]
    with pytest.raises(ValueError, match="Choose at most 7"):
        transfer.freeze_first(discriminator, 9)
