"""Compare the training step of each loss and update with one written by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow

from ganzoo import losses

RATE = 0.1
# Each loss has a formula for the discriminator and one for the generator, of the real and the fake
# logits.
FORMULAS = {
    "minimax": (
        lambda r, f: -mean(tf.math.log_sigmoid(r)) - mean(tf.math.log_sigmoid(-f)),
        lambda r, f: mean(tf.math.log_sigmoid(-f)),
    ),
    "non_saturating": (
        lambda r, f: -mean(tf.math.log_sigmoid(r)) - mean(tf.math.log_sigmoid(-f)),
        lambda r, f: -mean(tf.math.log_sigmoid(f)),
    ),
    "least_squares": (
        lambda r, f: 0.5 * (mean((r - 1) ** 2) + mean(f**2)),
        lambda r, f: 0.5 * mean((f - 1) ** 2),
    ),
    "hinge": (
        lambda r, f: mean(tf.maximum(1 - r, 0)) + mean(tf.maximum(1 + f, 0)),
        lambda r, f: -mean(f),
    ),
    "wasserstein": (lambda r, f: mean(f) - mean(r), lambda r, f: -mean(f)),
    "relativistic": (
        lambda r, f: -mean(tf.math.log_sigmoid(r - f)),
        lambda r, f: -mean(tf.math.log_sigmoid(f - r)),
    ),
}
CASES = [(loss, update) for loss in FORMULAS for update in ("simultaneous", "alternating")]


def mean(values):
    return tf.reduce_mean(values)


def test_every_loss_has_a_formula():
    assert set(FORMULAS) == set(losses.LOSSES)


def build(**arguments):
    """Return a GAN with known latents, and the list of these latents."""
    gan = tiny.build_gan(batch_norm=False)
    gan.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), ema_decay=0.0, **arguments)
    rng = np.random.default_rng(4)
    draws = [rng.normal(size=(4, 4)).astype("float32") for _ in range(6)]
    left = iter(draws)
    gan.sample_latents = lambda count, seed=None: tf.constant(next(left))[:count]
    return gan, draws


def descend(network, compute_loss):
    """Return the weights of a network after one step of plain gradient descent."""
    with tf.GradientTape() as tape:
        loss = compute_loss()
    gradients = tape.gradient(loss, network.trainable_variables)
    return [v - RATE * g for v, g in zip(network.trainable_variables, gradients, strict=True)]


def assign(network, values):
    for variable, value in zip(network.trainable_variables, values, strict=True):
        variable.assign(value)


def step_by_hand(gan, loss, update, parts, draws):
    """Return the weights that both networks have after one step, without changing the GAN."""
    generator, discriminator = (
        keras.models.clone_model(network) for network in (gan.generator, gan.discriminator)
    )
    generator.set_weights(gan.generator.get_weights())
    discriminator.set_weights(gan.discriminator.get_weights())
    of_discriminator, of_generator = FORMULAS[loss]
    draws = iter(draws)

    def discriminator_loss(real, latents):
        return of_discriminator(discriminator(real), discriminator(generator(latents)))

    def generator_loss(real, latents):
        return of_generator(discriminator(real), discriminator(generator(latents)))

    *first, last = parts
    for real in first:
        latents = next(draws)
        assign(discriminator, descend(discriminator, lambda: discriminator_loss(real, latents)))  # noqa: B023
    latents = next(draws)
    new_discriminator = descend(discriminator, lambda: discriminator_loss(last, latents))
    if update == "alternating":
        assign(discriminator, new_discriminator)
        latents = next(draws)
    new_generator = descend(generator, lambda: generator_loss(last, latents))
    return new_generator, new_discriminator


@pytest.mark.parametrize(("loss", "update"), CASES)
@pytest.mark.parametrize("per_sample", others_slow([True, False], True))
def test_a_step_equals_a_step_written_by_hand(loss, update, per_sample):
    gan, draws = build(loss=loss, update=update)
    gan.per_sample_discriminator = per_sample
    images = tf.constant(tiny.make_images(4))
    expected = step_by_hand(gan, loss, update, [images], draws)
    gan.train_step(images)
    for network, weights in zip((gan.generator, gan.discriminator), expected, strict=True):
        tiny.assert_close(network.trainable_variables, weights, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_each_discriminator_update_sees_its_own_part_of_the_batch(update):
    gan, draws = build(loss="relativistic", update=update, discriminator_steps=3)
    images = tf.constant(tiny.make_images(12))
    parts = [images[:4], images[4:8], images[8:]]
    expected = step_by_hand(gan, "relativistic", update, parts, draws)
    gan.train_step(images)
    for network, weights in zip((gan.generator, gan.discriminator), expected, strict=True):
        tiny.assert_close(network.trainable_variables, weights, rtol=1e-4, atol=1e-6)


def test_batches_that_discriminator_steps_do_not_divide_are_refused():
    gan, _ = build(discriminator_steps=3)
    with pytest.raises(ValueError, match=r"multiple of 3.*discriminator_steps"):
        gan.fit(tiny.make_images(8), batch_size=8, verbose=0)
    # TensorFlow knows the batch size before training only if incomplete batches are dropped.
    for drop_remainder in (True, False):
        dataset = tf.data.Dataset.from_tensor_slices(tiny.make_images(8))
        with pytest.raises(ValueError, match=r"multiple of 3.*Received: a batch of 8"):
            gan.fit(dataset.batch(8, drop_remainder=drop_remainder), verbose=0)


def test_real_logits_are_recomputed_only_if_the_loss_compares_them_with_fake_logits():
    calls = {}
    for loss in ("hinge", "relativistic"):
        gan, _ = build(loss=loss, update="alternating")
        discriminate, seen = gan.discriminate, []

        def count(images, condition, training=True, discriminate=discriminate, seen=seen):
            seen.append(images)
            return discriminate(images, condition, training)

        gan.discriminate = count
        gan.train_step(tf.constant(tiny.make_images(4)))
        calls[loss] = len(seen)
    assert calls == {"hinge": 3, "relativistic": 4}
