"""Compare a trained discriminator with the optimal one of proposition 1 in the 2014 paper.

Images have one pixel. The density `p` of the data and the density `q` of the generator are known,
and both are on [-1, 1]. The optimal discriminator is then `p / (p + q)`.
"""

import itertools

import keras
import numpy as np
import pytest
from cases import others_slow
from keras import layers
from scipy import special

import ganzoo

SUPPORT = np.linspace(-1, 1, 401)


def density_of_data(x):
    return (1 - 0.9 * np.sin(np.pi * x) - 0.05 * np.cos(np.pi * x)) / 2


def density_of_generator(x):
    """Return the density of `sqrt(2 (u + 1)) - 1` for `u` uniform in [-1, 1).

    It rises linearly.
    """
    return (x + 1) / 2


def draw_data(count):
    """Draw by rejection, which works because the density is below 1."""
    generator = np.random.default_rng(0)
    x, height = generator.uniform(-1, 1, 3 * count), generator.uniform(0, 1, 3 * count)
    return x[height < density_of_data(x)][:count].astype("float32").reshape(-1, 1, 1, 1)


@keras.saving.register_keras_serializable(package="ganzoo_tests")
class Warp(layers.Layer):
    """Turn uniform latents into points of `density_of_generator`."""

    def call(self, uniform):
        return keras.ops.sqrt(2 * (uniform + 1)) - 1


def build_gan():
    generator = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(1, use_bias=False, kernel_initializer="ones"),
            Warp(),
            layers.Reshape((1, 1, 1)),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((1, 1, 1)),
            layers.Flatten(),
            layers.Dense(32, activation="tanh"),
            layers.Dense(32, activation="tanh"),
            layers.Dense(1),
        ]
    )
    return ganzoo.GAN(generator, discriminator, latent_distribution="uniform", seed=0)


def test_samples_follow_the_stated_densities():
    assert np.trapezoid(density_of_data(SUPPORT), SUPPORT) == pytest.approx(1, abs=1e-4)
    assert np.trapezoid(density_of_generator(SUPPORT), SUPPORT) == pytest.approx(1, abs=1e-4)
    gan = build_gan()
    fakes = np.asarray(gan.generator(gan.sample_latents(20_000))).ravel()
    for sample, density in [
        (draw_data(20_000).ravel(), density_of_data),
        (fakes, density_of_generator),
    ]:
        shares, edges = np.histogram(sample, bins=8, range=(-1, 1), density=True)
        expected = [density(np.linspace(a, b, 99)).mean() for a, b in itertools.pairwise(edges)]
        np.testing.assert_allclose(shares, expected, atol=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("loss", others_slow(["non_saturating", "least_squares"], "non_saturating"))
def test_a_trained_discriminator_approaches_the_optimal_one(loss):
    gan = build_gan()
    # The generator does not train. The learning rate falls, so that the noise of the steps fades.
    schedule = keras.optimizers.schedules.CosineDecay(2e-2, decay_steps=1600)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(schedule), loss=loss)
    gan.fit(draw_data(40_960), batch_size=512, epochs=20, verbose=0)

    logits = np.asarray(gan.discriminator(SUPPORT.reshape(-1, 1, 1, 1).astype("float32"))).ravel()
    learned = special.expit(logits) if loss == "non_saturating" else logits
    p, q = density_of_data(SUPPORT), density_of_generator(SUPPORT)
    optimal = p / np.maximum(p + q, 1e-9)
    error = np.average(np.abs(learned - optimal), weights=p + q)
    print(f"{loss}: mean absolute error {error:.4f}")
    # A discriminator that returns 0.5 everywhere has a large error.
    assert np.average(np.abs(0.5 - optimal), weights=p + q) > 0.2
    assert error < 0.02
