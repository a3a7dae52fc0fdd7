"""Test the ranges that are found at the end of networks, with known ones of activations."""

import warnings

import keras
import pytest
import tensorflow as tf
import tiny
from keras import layers, ops

import ganzoo
from ganzoo.base.ranges import find_ranges

INFINITY = float("inf")


def network(*made, shape=(3,)):
    return keras.Sequential([keras.Input(shape), *made])


def build(generator_end=(), discriminator_end=()):
    generator = network(layers.Dense(6), *generator_end, layers.Reshape(tiny.IMAGE_SHAPE))
    discriminator = network(
        layers.Flatten(), layers.Dense(1), *discriminator_end, shape=tiny.IMAGE_SHAPE
    )
    return ganzoo.GAN(generator, discriminator)


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [
        ("linear", -INFINITY, INFINITY),
        ("leaky_relu", -INFINITY, INFINITY),
        ("sigmoid", 0, 1),
        ("hard_sigmoid", 0, 1),
        ("softmax", 0, 1),
        ("tanh", -1, 1),
        ("softsign", -1, 1),
        ("relu6", 0, 6),
        ("relu", 0, INFINITY),
        ("softplus", 0, INFINITY),
        ("exponential", 0, INFINITY),
        ("elu", -1, INFINITY),
        ("log_sigmoid", -INFINITY, 0),
        # The minima of x sigmoid(x) and of x times the normal distribution.
        ("silu", -0.278, INFINITY),
        ("gelu", -0.170, INFINITY),
        (tf.nn.sigmoid, 0, 1),
        (lambda x: 2 * tf.sigmoid(x) - 1, -1, 1),
    ],
)
def test_the_range_of_an_activation_is_found_wherever_it_is_written(activation, low, high):
    for ending in (
        [layers.Dense(4, activation=activation)],
        [layers.Dense(4), layers.Activation(activation), layers.Reshape((2, 2)), layers.Flatten()],
        [network(layers.Dense(4, activation=activation)), layers.Dropout(0.5)],
        [layers.SpectralNormalization(layers.Dense(4, activation=activation))],
    ):
        (found,) = find_ranges(network(*ending))
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-3)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (layers.Rescaling(127.5, 127.5), 0, 255),
        (lambda x: (x + 1) / 2, 0, 1),
        (lambda x: 30 * x, -30, 30),
        (lambda x: ops.maximum(x, 0), 0, 1),
        (layers.UpSampling1D(2), -1, 1),
        (lambda x: layers.Concatenate()([x, 2 * x]), -2, 2),
        (lambda x: layers.Average()([x, 3 * x]), -2, 2),
        (layers.AveragePooling1D(2), -1, 1),
        (layers.Dense(1), -INFINITY, INFINITY),
    ],
)
def test_layers_after_an_activation_map_its_range(function, low, high):
    inputs = keras.Input((8, 2))
    (found,) = find_ranges(keras.Model(inputs, function(ops.tanh(layers.Dense(2)(inputs)))))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)


@keras.saving.register_keras_serializable(package="test_ranges")
class Twice(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


@pytest.mark.parametrize("end", [Twice, layers.BatchNormalization, layers.PReLU])
def test_custom_layers_and_layers_with_weights_may_put_out_anything(end):
    (found,) = find_ranges(network(layers.Dense(2, activation="sigmoid"), end()))
    assert (found.low, found.high) == (-INFINITY, INFINITY)


@pytest.mark.parametrize("end", ["sigmoid", "softmax", "tanh", "relu", "softplus"])
def test_a_discriminator_whose_activation_limits_its_logits_is_refused_by_name(end):
    with pytest.raises(ValueError, match=rf"logits.*'last' \({end}\).*Remove") as error:
        build(discriminator_end=[layers.Activation(end, name="last")])
    assert "\n" not in str(error.value)
    build()  # The advice was followed.


def test_logits_with_a_generous_limit_and_energies_are_accepted():
    images = keras.Input(tiny.IMAGE_SHAPE)
    logit = layers.Dense(1)(layers.Flatten()(images))
    for output in (30 * ops.tanh(logit / 30), ops.mean(ops.square(logit), axis=-1)):
        ganzoo.GAN(tiny.build_generator(), keras.Model(images, output))


@pytest.mark.parametrize("end", ["sigmoid", "relu", "softmax", "gelu"])
def test_a_generator_that_makes_no_dark_pixels_is_warned_of_once(end):
    with pytest.warns(UserWarning, match=rf"'last' \({end}\).*tanh") as caught:
        build(generator_end=[layers.Activation(end, name="last")])
    assert len(caught) == 1 and caught[0].filename == __file__


@pytest.mark.parametrize("end", ["tanh", "linear", "hard_tanh", "elu"])
def test_a_generator_that_makes_all_images_is_not_warned_of(end):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(generator_end=[layers.Activation(end)])


def test_a_class_that_maps_the_outputs_itself_is_not_judged():
    class OwnMaps(ganzoo.LatentGAN):
        def synthesize(self, inputs, condition, training=True):
            return 2 * super().synthesize(inputs, condition, training) - 1

        def discriminate(self, images, condition, training=True):
            probabilities = super().discriminate(images, condition, training)
            return ops.log(probabilities) - ops.log(1 - probabilities)

    generator = network(layers.Dense(6, activation="sigmoid"), layers.Reshape(tiny.IMAGE_SHAPE))
    score = layers.Dense(1, activation="sigmoid")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        OwnMaps(generator, network(layers.Flatten(), score, shape=tiny.IMAGE_SHAPE))
