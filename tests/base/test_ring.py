"""Train on a ring of eight Gaussians, the classic test of mode collapse."""

import keras
import numpy as np
import pytest

import ganzoo

NUM_MODES, RADIUS, SPREAD = 8, 0.8, 0.02
ANGLES = 2 * np.pi * np.arange(NUM_MODES) / NUM_MODES
CENTERS = RADIUS * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def draw_ring(count, seed=0):
    generator = np.random.default_rng(seed)
    points = CENTERS[generator.integers(0, NUM_MODES, count)]
    points = points + SPREAD * generator.normal(size=points.shape)
    return points.astype("float32").reshape(-1, 1, 1, 2)


def mode_statistics(points):
    """Return `(modes, share, shares)` of generated points.

    These are the number of modes that the points cover, the share of points within 3 sigma of a
    mode, and that share for each mode.
    """
    distances = np.linalg.norm(points.reshape(-1, 1, 2) - CENTERS, axis=-1)
    near = distances.min(axis=1) < 3 * SPREAD
    counts = np.bincount(distances.argmin(axis=1)[near], minlength=NUM_MODES)
    return np.count_nonzero(counts >= 0.01 * len(distances)), near.mean(), counts / len(distances)


def test_the_data_cover_all_modes_and_a_collapse_covers_one():
    modes, share, _ = mode_statistics(draw_ring(4000))
    assert modes == 8
    # The distance to the mode has a Rayleigh distribution.
    assert share == pytest.approx(1 - np.exp(-4.5), abs=0.01)
    assert mode_statistics(np.tile(CENTERS[:1], (100, 1)))[0] == 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_vanilla_gan_learns_a_ring_of_eight_gaussians(seed):
    keras.utils.set_random_seed(seed)
    gan = ganzoo.VanillaGAN((1, 1, 2), latent_dim=4, hidden_units=128, seed=seed)
    # The learning rates and the penalty are the recommended ones. Fewer weights and larger batches
    # reach the same quality in the time of a test.
    gan.compile(
        keras.optimizers.Adam(1e-3, beta_1=0.5),
        keras.optimizers.Adam(1e-3, beta_1=0.5),
        regularizer=ganzoo.regularizers.R1(0.01),
    )
    gan.fit(draw_ring(51_200), batch_size=256, epochs=40, verbose=0)
    # Use floats, because rounding to uint8 moves a point by up to a fifth of a mode's deviation.
    latents = gan.sample_latents(4000, seed=(1, 0))
    points = np.asarray(gan.ema_generator(latents, training=False))
    modes, share, shares = mode_statistics(points)
    print(f"seed {seed}: {modes} modes, {share:.1%} within 3 sigma, {shares.round(3)}")
    assert modes == 8
    assert share > 0.8
    assert shares.min() > 0.05
