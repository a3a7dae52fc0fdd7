"""Find directions in latent space that change images most."""

import keras
import numpy as np
from keras import layers

from ganzoo.base import require_generation
from ganzoo.checks import check_positive, check_seed
from ganzoo.messages import unknown

METHODS = ("sefa", "pca")
_BATCH = 256


def directions(
    gan, method: str = "sefa", count: int = 10, num_samples: int = 2000, seed: int = 0
) -> np.ndarray:
    """Return directions of latents that change the generated images most, strongest first.

    `gan.decode(latents + amount * direction)` shows what a direction means. An amount of 3 is
    large, because each latent has a standard deviation of about 1. The sign is arbitrary.

    Args:
        gan: a model with vector latents.
        method: `"sefa"` decomposes the weights of the first dense layer. It needs no samples, and
            a generator that starts with dense layers. `"pca"` finds the principal components of
            the activations in the middle of the generator, and the latents that change them. The
            averaged weights are used.
        count: int, at least 1. Largest number of directions. There are at most `latent_dim`.
        num_samples: int, at least 2. Random latents, for `"pca"`.
        seed: int. Seed of the latents, for `"pca"`.

    Returns:
        float32 `(count, latent_dim)`. Each direction has length 1. Those of `"sefa"` are
        orthogonal.

    Raises:
        ValueError: If the method is unknown, a number is too small, or the generator does not start
            with dense layers.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> directions = ganzoo.directions(gan, count=4)
        >>> directions.shape
        (4, 64)
        >>> gan.decode(3 * directions).shape
        (4, 8, 8, 1)

    Reference: Shen & Zhou, 2020 (arXiv:2007.06600), section 3; Härkönen et al., 2020
    (arXiv:2004.02546), section 2.
    """
    if method not in METHODS:
        raise ValueError(unknown("method", method, METHODS))
    check_positive(count=count, num_samples=num_samples)
    require_generation(gan)
    if len(gan.latent_shape) != 1:
        raise ValueError(
            f"Directions need vector latents. Received: a model with latents of shape "
            f"{gan.latent_shape}."
        )
    network = _latent_network(gan.ema_generator)
    if method == "sefa":
        found = _decompose_weights(network, gan.latent_shape[0])
    else:
        latents = gan.sample_latents(max(num_samples, 2), seed=(check_seed(seed), 0))
        found = _principal_components(network, np.asarray(latents), count)
    return found[:count].astype("float32")


def _latent_network(network):
    """Return the innermost model whose first input is the latents."""
    for layer in network.layers:
        if isinstance(layer, keras.Model) and layer.inputs[0].name == "latents":
            return _latent_network(layer)
    return network


def _decompose_weights(network, latent_dim):
    """Return the right singular vectors of the linear map from latents to the first dense layer.

    The map is measured, because latents may be joined with other inputs first.
    """
    identity = np.eye(latent_dim, dtype="float32")
    for layer in network.layers:
        if not isinstance(layer, layers.Dense):
            continue
        entry = keras.Model(network.inputs, layer.input)
        responses = _run(entry, identity) - _run(entry, np.zeros_like(identity))
        # A dense layer of classes does not depend on the latents.
        if np.any(responses):
            mapping = responses @ np.asarray(layer.kernel, "float32")
            return np.linalg.svd(mapping.T, full_matrices=False)[2]
    raise ValueError(
        "method='sefa' needs a generator that starts with a dense layer. Received: one without. "
        "Use method='pca'."
    )


def _principal_components(network, latents, count):
    """Return the latents that change the principal components of the activations.

    Each direction is the least-squares estimate of the latents from one component.
    """
    middle = network.layers[len(network.layers) // 2]
    features = _run(keras.Model(network.inputs, middle.output), latents)
    features = features.reshape(len(features), -1)
    features = features - features.mean(axis=0)
    left, scales, _ = np.linalg.svd(features, full_matrices=False)
    components = left[:, :count] * scales[:count]
    found = np.linalg.lstsq(components, latents - latents.mean(axis=0), rcond=None)[0]
    found = found[: latents.shape[1]]
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def _run(model, latents):
    """Return the outputs for latents. Other inputs, such as classes, are 0."""
    made = []
    for start in range(0, len(latents), _BATCH):
        part = latents[start : start + _BATCH]
        others = [np.zeros((len(part), *x.shape[1:]), x.dtype) for x in model.inputs[1:]]
        made.append(np.asarray(model([part, *others], training=False), "float32"))
    return np.concatenate(made)
