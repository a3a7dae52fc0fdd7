"""Test that half precision and XLA give the same results as float32 without XLA."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow

import ganzoo
from ganzoo import losses, regularizers

IMAGES = tiny.make_images(8)
LATENTS = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")


class KnownLatentsGAN(ganzoo.LatentGAN):
    def sample_latents(self, num_latents, seed=None):
        return tf.constant(LATENTS)


def build_gan(policy=None, model_class=KnownLatentsGAN, batch_norm=True):
    """Return a GAN that starts from the same weights under every policy."""
    keras.utils.set_random_seed(2)
    if policy:
        keras.config.set_dtype_policy(policy)
    generator = tiny.build_generator(batch_norm=batch_norm)
    return model_class(generator, tiny.build_discriminator(), seed=3)


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
def test_both_optimizers_scale_their_loss_only_under_float16(policy, scaled):
    gan = build_gan(policy)
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) is scaled
        assert not isinstance(
            getattr(optimizer, "inner_optimizer", None), keras.optimizers.LossScaleOptimizer
        )


def test_a_loss_scale_optimizer_is_not_wrapped_again(float16):
    gan = build_gan()
    gan.compile(keras.optimizers.LossScaleOptimizer(sgd()), sgd())
    assert isinstance(gan.generator_optimizer.inner_optimizer, keras.optimizers.SGD)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_half_precision_step_is_close_to_a_float32_step(policy, update):
    changes = []
    for chosen in ("float32", policy):
        gan = build_gan(chosen)
        gan.compile(sgd(), sgd(), update=update, regularizer="r1")
        before = tiny.copy_of(gan.trainable_variables)
        gan.train_step(tf.constant(IMAGES))
        after = tiny.copy_of(gan.trainable_variables)
        changes.append([b - a for a, b in zip(before, after, strict=True)])
    digits = {"mixed_float16": 11, "mixed_bfloat16": 8}[policy]
    largest = max(np.abs(change).max() for change in changes[0])
    assert largest > 0.01
    tiny.assert_close(changes[0], changes[1], rtol=0, atol=8 * largest * 2.0**-digits)


def test_small_gradients_of_both_networks_survive_float16(float16):
    """Without loss scaling they would be smaller than the smallest float16 number, 6e-8."""

    class FaintLoss(losses.NonSaturating):
        def discriminator(self, real_logits, fake_logits):
            return 1e-8 * super().discriminator(real_logits, fake_logits)

        def generator(self, real_logits, fake_logits):
            return 1e-8 * super().generator(real_logits, fake_logits)

    gan = build_gan()
    gan.compile(keras.optimizers.SGD(1e7), keras.optimizers.SGD(1e7), loss=FaintLoss())
    before = tiny.copy_of(gan.trainable_variables)
    gan.train_step(tf.constant(IMAGES))
    for variable, old in zip(gan.trainable_variables, before, strict=True):
        new = keras.ops.convert_to_numpy(variable)
        # A bias before batch normalization has no gradient.
        assert np.any(new != old) or "bias" in variable.path, variable.path


def test_fit_trains_under_float16(float16):
    gan = build_gan(model_class=ganzoo.GAN)
    gan.compile()
    history = gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert int(gan.generator_optimizer.iterations) == 4
    assert int(gan.discriminator_optimizer.iterations) == 4


@pytest.mark.slow
def test_steps_skipped_by_loss_scaling_count_but_record_no_gradient_norm(float16, tmp_path):
    """Skipped steps must count, because an epoch has as many steps as batches."""
    gan = build_gan(model_class=ganzoo.GAN)
    scaled = [keras.optimizers.LossScaleOptimizer(sgd(), initial_scale=1e38) for _ in range(2)]
    gan.compile(*scaled)
    before = tiny.copy_of(gan.generator.trainable_variables)
    gan.fit(IMAGES, batch_size=4, epochs=3, verbose=0)
    assert int(gan.generator_optimizer.iterations) == 0
    tiny.assert_equal(gan.generator.trainable_variables, before)
    assert gan.step == 6
    assert gan.take_gradient_norms() == {}
    gan.save(tmp_path / "a.keras")
    again = ganzoo.load(tmp_path / "a.keras")
    assert again.step == 6
    again.fit(IMAGES, batch_size=4, verbose=0)
    assert again.step == 8


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_generators_are_inverted(policy):
    """Networks of a family return float32. Networks of users may return half precision."""
    keras.config.set_dtype_policy(policy)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(6, activation="tanh"),
            keras.layers.Reshape(tiny.IMAGE_SHAPE),
        ]
    )
    gan = ganzoo.GAN(generator, tiny.build_discriminator(), seed=3)
    latents, errors = gan.invert(IMAGES, num_steps=2, num_starts=1)
    assert latents.shape == (8, 4)
    assert np.isfinite(errors).all()


# XLA draws other random numbers from the same seeds. The tests below therefore replace the random
# numbers of a step by constants.


def test_latents_under_xla_are_reproducible_and_standard_normal():
    gan = build_gan(model_class=ganzoo.GAN)
    draw = tf.function(lambda: gan.sample_latents(5000, seed=(1, 2)), jit_compile=True)
    latents = draw().numpy()
    np.testing.assert_array_equal(latents, draw())
    assert latents.mean() == pytest.approx(0, abs=0.03)
    assert latents.std() == pytest.approx(1, abs=0.03)


def assert_step_agrees_under_xla(monkeypatch, **compile_arguments):
    # XLA compiles faster without batch normalization.
    compiled, eager = build_gan(batch_norm=False), build_gan(batch_norm=False)
    for gan in (compiled, eager):
        gan.compile(sgd(), sgd(), **compile_arguments)
    uniform = np.random.default_rng(4).uniform(0, 1, IMAGES.shape).astype("float32")
    monkeypatch.setattr(tf.random, "stateless_uniform", lambda *_: tf.constant(uniform))
    compiled_logs = tf.function(compiled.train_step, jit_compile=True)(tf.constant(IMAGES))
    eager_logs = eager.train_step(tf.constant(IMAGES))
    tiny.assert_close(compiled.weights, eager.weights, rtol=1e-4, atol=1e-5)
    assert {name: float(value) for name, value in compiled_logs.items()} == pytest.approx(
        {name: float(value) for name, value in eager_logs.items()}, rel=1e-4
    )


@pytest.mark.parametrize("loss", others_slow(losses.LOSSES, "relativistic"))
def test_every_loss_gives_the_same_step_under_xla(loss, monkeypatch):
    assert_step_agrees_under_xla(monkeypatch, loss=loss)


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", others_slow(regularizers.REGULARIZERS, "gradient_penalty"))
def test_every_regularizer_gives_the_same_step_under_xla(regularizer, monkeypatch):
    assert_step_agrees_under_xla(monkeypatch, regularizer=regularizer)


@pytest.mark.slow
def test_alternating_updates_give_the_same_step_under_xla(monkeypatch):
    assert_step_agrees_under_xla(monkeypatch, update="alternating", discriminator_steps=2)


@pytest.mark.slow
def test_fit_compiles_half_precision_under_xla(float16):
    gan = build_gan(model_class=ganzoo.GAN)
    gan.compile(sgd(), sgd(), regularizer="gradient_penalty", jit_compile=True)
    assert gan.jit_compile is True
    history = gan.fit(IMAGES, batch_size=4, verbose=0).history
    assert np.isfinite(history["discriminator_loss"]).all()
