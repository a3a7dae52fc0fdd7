"""Start training from the weights of another model."""

from typing import NamedTuple

import keras
import numpy as np

from ganzoo.base import GAN


class Transfer(NamedTuple):
    """Layers of a network that took weights, and layers that kept their new ones.

    Attributes:
        taken: names of layers.
        new: names of layers.
    """

    taken: list[str]
    new: list[str]


def copy_weights(source: GAN, model: GAN) -> dict[str, Transfer]:
    """Copy the weights of all layers that match from one model to another.

    Layers match if they have one class, equal shapes of weights, and the same order in both
    networks. A model of another resolution or number of channels has most layers in common.

    Args:
        source: trained model.
        model: model to train, which is changed.

    Returns:
        `Transfer` by network, `"generator"` and `"discriminator"`.

    Raises:
        ValueError: If no layer of the generator matches.
    """
    report = {}
    for name in ("generator", "discriminator", "ema_generator"):
        theirs, ours = (weighted_layers(getattr(gan, name)) for gan in (source, model))
        pairs = match([_kind(layer) for layer in theirs], [_kind(layer) for layer in ours])
        for their, our in pairs:
            ours[our].set_weights(theirs[their].get_weights())
        taken = {our for _, our in pairs}
        names = [layer.name for layer in ours]
        report[name] = Transfer(
            [n for i, n in enumerate(names) if i in taken],
            [n for i, n in enumerate(names) if i not in taken],
        )
    del report["ema_generator"]  # It has the layers of the generator.
    if not report["generator"].taken:
        raise ValueError(
            "--from needs a model whose generator has layers in common with this one. Received: a "
            f"{_describe(source, model)} for a {_describe(model, source)}. Choose a model of the "
            "same family, with the same network and filters."
        )
    return report


def _describe(model, other):
    """Return a model's family, with the shape of its images or its differences from another one."""
    name = type(model).__name__
    if type(model) is not type(other):
        return f"{name} of {model.image_shape}"
    theirs = other.get_config()
    shown = [
        f"{key}={value!r}"
        for key, value in model.get_config().items()
        if key not in ("seed", "name", "dtype", "trained_on") and value != theirs.get(key)
    ]
    return f"{name} with {', '.join(shown)}"


def freeze_first(discriminator: keras.Model, count: int) -> list[str]:
    """Freeze the first layers of a discriminator, which see the images.

    Args:
        discriminator: Keras model, which is changed.
        count: int, at least 1. Number of layers with weights to freeze.

    Returns:
        Names of the frozen layers.

    Raises:
        ValueError: If no layer would be left to train.

    Reference: "FreezeD", Mo et al., 2020 (arXiv:2002.10964).
    """
    layers = weighted_layers(discriminator)
    if count >= len(layers):
        raise ValueError(
            f"--freeze-discriminator must leave a layer to train. Received: {count}, and the "
            f"discriminator has {len(layers)} layers. Choose at most {len(layers) - 1}."
        )
    for layer in layers[:count]:
        layer.trainable = False
    return [layer.name for layer in layers[:count]]


def weighted_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """Return the layers of a network and of its nested networks that have weights, in order."""
    layers = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            layers += weighted_layers(layer)
        elif layer.weights:
            layers.append(layer)
    return layers


def match(first: list, second: list) -> list[tuple[int, int]]:
    """Return the pairs of indices of the longest common subsequence of two lists.

    Of several, the one that matches the last elements is taken: a generator of another resolution
    differs at its start.

    Example:
        >>> match(["dense", "up", "to_images"], ["dense", "up", "up", "to_images"])
        [(0, 0), (1, 2), (2, 3)]
    """
    lengths = np.zeros((len(first) + 1, len(second) + 1), int)
    for i, one in enumerate(first):
        for j, other in enumerate(second):
            longer = max(lengths[i, j + 1], lengths[i + 1, j])
            lengths[i + 1, j + 1] = lengths[i, j] + 1 if one == other else longer
    pairs = []
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif lengths[i - 1, j] >= lengths[i, j - 1]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _kind(layer):
    return type(layer), tuple(tuple(weight.shape) for weight in layer.weights)
