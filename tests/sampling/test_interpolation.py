"""Test walks between latents and between classes."""

import keras
import numpy as np
import pytest
from scipy.spatial import geometric_slerp

import ganzoo
from ganzoo.sampling.interpolation import slerp


@pytest.fixture(scope="module")
def cgan():
    keras.utils.set_random_seed(0)
    return ganzoo.CGAN(image_shape=(8, 8, 1), num_classes=3, latent_dim=4, base_filters=2)


def test_slerp_agrees_with_scipy_on_the_sphere():
    rng = np.random.default_rng(0)
    start, end = rng.normal(size=(2, 7))
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    fractions = np.array([0.0, 0.13, 0.5, 0.9, 1.0])
    expected = geometric_slerp(start, end, fractions)
    np.testing.assert_allclose(slerp(start, end, fractions), expected, atol=1e-6)


def test_slerp_interpolates_lengths_linearly():
    lengths = np.linalg.norm(
        slerp(np.array([3.0, 0.0]), np.array([0.0, 1.0]), [0, 0.25, 1]), axis=1
    )
    np.testing.assert_allclose(lengths, [3.0, 2.5, 1.0], rtol=1e-6)


def test_slerp_of_opposite_vectors_is_finite():
    assert np.all(np.isfinite(slerp(np.array([1.0, 0.0]), np.array([-1.0, 0.0]), [0.0, 0.5, 1.0])))


def test_a_walk_through_latents_starts_and_ends_at_sampled_latents(cgan):
    walks = ganzoo.interpolate(cgan, num_rows=2, num_steps=5, seed=3)
    latents = np.asarray(cgan.sample_latents(4, seed=(3, 0)))
    np.testing.assert_array_equal(walks[0, 0], cgan.decode(latents[:1], labels=0)[0])
    np.testing.assert_array_equal(walks[1, -1], cgan.decode(latents[3:], labels=1)[0])


def test_a_walk_through_classes_reaches_every_class(cgan):
    walks = ganzoo.interpolate(cgan, num_rows=2, num_steps=5, labels=[2, 0, 1], seed=3)
    latents = np.asarray(cgan.sample_latents(4, seed=(3, 0)))[:2]
    for step, label in ((0, 2), (2, 0), (4, 1)):
        np.testing.assert_array_equal(walks[:, step], cgan.decode(latents, labels=label))


def test_the_middle_of_a_walk_mixes_both_classes_equally(cgan):
    walks = ganzoo.interpolate(cgan, num_rows=1, num_steps=3, labels=[0, 2], seed=1)
    latents = np.asarray(cgan.sample_latents(2, seed=(1, 0)))[:1]
    np.testing.assert_array_equal(walks[0, 1], cgan.morph(latents, [[0.5, 0.0, 0.5]])[0])


@pytest.mark.parametrize("arguments", [{"num_rows": 0}, {"num_steps": 1}])
def test_a_walk_without_rows_or_with_one_step_is_refused(cgan, arguments):
    with pytest.raises(ValueError, match="at least"):
        ganzoo.interpolate(cgan, **arguments)


def test_labels_for_a_model_without_classes_are_refused():
    gan = ganzoo.DCGAN(image_shape=(8, 8, 1), latent_dim=4, base_filters=2)
    with pytest.raises(ValueError, match="for a DCGAN"):
        ganzoo.interpolate(gan, labels=[0, 1])


def test_labels_for_a_model_that_cannot_mix_classes_are_refused():
    gan = ganzoo.LAPGAN((8, 8, 1), num_classes=2, base_size=4, filters=2)
    with pytest.raises(ValueError, match="for a LAPGAN"):
        ganzoo.interpolate(gan, labels=[0, 1])


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0]])
def test_labels_out_of_range_are_refused(cgan, labels):
    with pytest.raises(ValueError, match=f"from {min(labels)} to {max(labels)}"):
        ganzoo.interpolate(cgan, labels=labels)
