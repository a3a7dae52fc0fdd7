"""Frozen networks and layers do not change, whenever they are frozen."""

import keras
import numpy as np
import pytest
import tiny
from cases import others_slow

import ganzoo
from ganzoo import registry

IMAGES = tiny.make_images(4)

pytestmark = pytest.mark.usefixtures("eager")


def build(**arguments):
    gan = tiny.build_gan()
    gan.compile("adam", "adam", **arguments)
    return gan


def fit(gan):
    gan.fit(IMAGES, batch_size=4, verbose=0)


def changed(network, before):
    """Return the names of the layers whose weights differ from those in `before`."""
    layers = {layer.name: layer.get_weights() for layer in network.layers if layer.weights}
    return {name for name, values in layers.items() if tiny.differ(values, before[name])}


def snapshot(network):
    return {layer.name: layer.get_weights() for layer in network.layers}


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_a_frozen_network_does_not_change(frozen, update):
    gan = build(update=update, run_eagerly=True, regularizer="r1")
    getattr(gan, frozen).trainable = False
    before = {name: snapshot(getattr(gan, name)) for name in ("generator", "discriminator")}
    fit(gan)
    for name, values in before.items():
        assert bool(changed(getattr(gan, name), values)) == (name != frozen)
    assert int(getattr(gan, f"{frozen}_optimizer").iterations) == 0


def test_layers_may_be_frozen_and_released_between_two_calls_of_fit():
    gan = build()
    first, last = (layer for layer in gan.discriminator.layers if layer.weights)
    released = {first.name, last.name}
    for layer, flag in ((last, True), (first, False), (first, True)):
        layer.trainable = flag
        before = snapshot(gan.discriminator)
        fit(gan)
        expected = released if first.trainable else {last.name}
        assert changed(gan.discriminator, before) == expected


def test_training_without_any_trainable_layer_is_refused():
    gan = build()
    gan.trainable = False
    with pytest.raises(ValueError, match="nothing to train"):
        fit(gan)


@pytest.mark.parametrize("name", others_slow(["dcgan", "lapgan"], "dcgan"))
def test_a_saved_model_of_a_family_remembers_its_frozen_layers(name, tmp_path):
    gan = registry.get_family(name).build_test_model(seed=0)
    gan.compile(run_eagerly=True)
    network = gan.discriminator
    while isinstance(network.layers[1], keras.Model):
        network = network.layers[1]
    next(layer for layer in network.layers if layer.weights).trainable = False
    gan.generator.trainable = False
    gan.save(tmp_path / "a.keras")
    again = ganzoo.load(tmp_path / "a.keras")
    paths = [[w.path for w in one.trainable_variables] for one in (gan, again)]
    assert paths[0] == paths[1] != []
    assert not again.generator.trainable_variables
    again.save_to_preset(tmp_path / "preset")
    assert ganzoo.from_preset(tmp_path / "preset").generator.trainable_variables


def test_the_average_follows_a_generator_with_frozen_layers():
    gan = build(ema_decay=0.0, run_eagerly=True)
    next(layer for layer in gan.generator.layers if layer.weights).trainable = False
    fit(gan)
    tiny.assert_equal(gan.ema_generator.weights, gan.generator.weights)
    assert np.all([not weight.trainable for weight in gan.ema_generator.weights])
