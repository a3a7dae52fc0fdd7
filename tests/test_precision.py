"""Half precision and XLA do what float32 does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from keras import layers

import ganzoo
from ganzoo import losses, regularizers

IMAGES = tiny.make_images(8)
LATENTS = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


class KnownLatentsGAN(ganzoo.GAN):
    def sample_latents(self, num_latents, seed=None):
        return tf.constant(LATENTS)


def build_gan(policy=None, model_class=KnownLatentsGAN):
    """The same weights under every policy."""
    keras.utils.set_random_seed(2)
    if policy:
        keras.config.set_dtype_policy(policy)
    gan = model_class(tiny.build_generator(), tiny.build_discriminator(), seed=3)
    return gan


def sgd():
    return keras.optimizers.SGD(0.5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_logs_weights_and_images_are_float32(policy):
    gan = build_gan(policy)
    gan.compile(regularizer="gradient_penalty", run_eagerly=True)
    logs = gan.train_step(tf.constant(IMAGES))
    assert {name: value.dtype for name, value in logs.items()} == dict.fromkeys(logs, tf.float32)
    assert {weight.dtype for weight in gan.generator.weights} == {"float32"}
    assert gan(LATENTS).dtype == tf.float32
    inner = gan.discriminator.layers[1]
    assert inner.compute_dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize(
    ("policy", "scaled"), [("mixed_float16", True), ("mixed_bfloat16", False), ("float32", False)]
)
def test_both_optimizers_scale_their_loss_under_float16_alone(policy, scaled):
    gan = build_gan(policy)
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) is scaled
        assert not isinstance(
            getattr(optimizer, "inner_optimizer", None), keras.optimizers.LossScaleOptimizer
        )


def test_an_optimizer_that_scales_already_is_not_wrapped_again(float16):
    gan = build_gan()
    gan.compile(keras.optimizers.LossScaleOptimizer(sgd()), sgd())
    assert isinstance(gan.generator_optimizer.inner_optimizer, keras.optimizers.SGD)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_half_precision_step_is_near_the_float32_one(policy, update):
    moves = []
    for chosen in ("float32", policy):
        gan = build_gan(chosen)
        gan.compile(sgd(), sgd(), update=update, regularizer="r1")
        before = tiny.copy_of(gan.trainable_variables)
        gan.train_step(tf.constant(IMAGES))
        after = tiny.copy_of(gan.trainable_variables)
        moves.append([b - a for a, b in zip(before, after, strict=True)])
    digits = {"mixed_float16": 11, "mixed_bfloat16": 8}[policy]
    largest = max(np.abs(move).max() for move in moves[0])
    assert largest > 0.01
    tiny.assert_close(moves[0], moves[1], rtol=0, atol=8 * largest * 2.0**-digits)


def test_small_gradients_of_both_players_survive_float16(float16):
    """Without scaling they would fall below float16's least number, 6e-8."""

    class Faint(losses.NonSaturating):
        def discriminator(self, real_logits, fake_logits):
            return 1e-8 * super().discriminator(real_logits, fake_logits)

        def generator(self, real_logits, fake_logits):
            return 1e-8 * super().generator(real_logits, fake_logits)

    gan = build_gan()
    gan.compile(keras.optimizers.SGD(1e7), keras.optimizers.SGD(1e7), loss=Faint())
    before = tiny.copy_of(gan.trainable_variables)
    gan.train_step(tf.constant(IMAGES))
    for variable, old in zip(gan.trainable_variables, before, strict=True):
        new = keras.ops.convert_to_numpy(variable)
        # A bias before batch normalization has no gradient.
        assert np.any(new != old) or "bias" in variable.path, variable.path


def test_training_under_float16_runs_through_fit(float16):
    gan = build_gan(model_class=ganzoo.GAN)
    gan.compile()
    history = gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert int(gan.generator_optimizer.iterations) == 4
    assert int(gan.discriminator_optimizer.iterations) == 4


# XLA. The graph without it is a slow way to the same weights, so eager steps are compared.


def step_with_and_without_xla(**compile_arguments):
    gans = []
    for arguments in ({"jit_compile": True}, {"run_eagerly": True, "jit_compile": False}):
        gan = build_gan(model_class=ganzoo.GAN)
        gan.compile(sgd(), sgd(), **compile_arguments, **arguments)
        gan.fit(IMAGES, batch_size=8, shuffle=False, verbose=0)
        gans.append(gan)
    assert gans[0].jit_compile is True
    return gans


def test_latents_are_the_same_under_xla():
    gan = build_gan(model_class=ganzoo.GAN)
    draw = tf.function(lambda: gan.sample_latents(5, seed=(1, 2)), jit_compile=True)
    np.testing.assert_allclose(draw(), gan.sample_latents(5, seed=(1, 2)), atol=1e-6)


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_every_loss_compiles_under_xla_and_agrees(loss):
    compiled, eager = step_with_and_without_xla(loss=loss, regularizer="r1")
    tiny.assert_close(compiled.weights, eager.weights, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("regularizer", [*regularizers.REGULARIZERS, "none"])
def test_every_regularizer_compiles_under_xla_and_agrees(regularizer):
    compiled, eager = step_with_and_without_xla(
        regularizer=regularizer, update="alternating", discriminator_steps=2
    )
    tiny.assert_close(compiled.weights, eager.weights, rtol=1e-4, atol=1e-5)


def test_the_penalty_compiles_under_xla_through_convolutions():
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(2 * 2 * 3),
            layers.Reshape((2, 2, 3)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Conv2D(3, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    gan = ganzoo.GAN(generator, discriminator, seed=0)
    gan.compile(regularizer="gradient_penalty", jit_compile=True)
    images = tiny.make_images(8, (4, 4, 1))
    history = gan.fit(images, batch_size=8, verbose=0).history
    assert np.isfinite(history["discriminator_loss"]).all()


def test_half_precision_compiles_under_xla(float16):
    gan = build_gan(model_class=ganzoo.GAN)
    gan.compile(regularizer="r1", jit_compile=True)
    history = gan.fit(IMAGES, batch_size=4, verbose=0).history
    assert np.isfinite(history["discriminator_loss"]).all()
