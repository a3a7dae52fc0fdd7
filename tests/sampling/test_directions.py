"""Test directions in latent space."""

import keras
import numpy as np
import pytest
from keras import layers

import ganzoo
from ganzoo import registry

FAMILIES = [family.name for family in registry.families() if family.task == "generation"]


def build_gan(kernel):
    """Return a GAN whose generator multiplies latents by a matrix."""
    latents = keras.Input((len(kernel),))
    dense = layers.Dense(kernel.shape[1], name="dense")
    images = layers.Reshape((2, 2, 1))(dense(latents))
    generator = keras.Model(latents, images)
    dense.set_weights([kernel, np.zeros(kernel.shape[1])])
    critic = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten(), layers.Dense(1)])
    return ganzoo.GAN(generator, critic)


def test_sefa_finds_the_eigenvectors_of_the_weights():
    kernel = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    found = ganzoo.directions(build_gan(kernel), method="sefa")
    values, vectors = np.linalg.eigh(kernel @ kernel.T)
    for direction, vector in zip(found, vectors.T[::-1], strict=True):
        assert abs(direction @ vector) == pytest.approx(1.0, abs=1e-4)
    assert np.all(np.diff(values) > 0)


def test_pca_finds_the_latent_that_changes_images_most():
    kernel = np.eye(3, 4, dtype="float32") * [[1.0], [9.0], [3.0]]
    found = ganzoo.directions(build_gan(kernel), method="pca")
    assert np.abs(found).argmax(axis=1).tolist() == [1, 2, 0]
    np.testing.assert_allclose(np.abs(found).max(axis=1), 1.0, atol=0.01)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_directions(family):
    gan = registry.get_family(family).build_test_model(seed=0)
    method = "pca" if family == "lapgan" else "sefa"
    found = ganzoo.directions(gan, method=method, count=2, num_samples=20)
    assert found.shape == (2, *gan.latent_shape)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-4)
    same = ganzoo.directions(gan, method=method, count=2, num_samples=20)
    np.testing.assert_array_equal(found, same)


@pytest.mark.parametrize(
    ("family", "arguments", "named"),
    [
        ("vanilla", {"method": "sfa"}, "Did you mean 'sefa'"),
        ("vanilla", {"count": 0}, "count"),
        ("srgan", {}, "SRGAN"),
    ],
)
def test_wrong_arguments_are_refused(family, arguments, named):
    gan = registry.get_family(family).build_test_model(seed=0)
    with pytest.raises(ValueError, match=named):
        ganzoo.directions(gan, **arguments)
