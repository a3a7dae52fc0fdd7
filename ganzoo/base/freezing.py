"""Find the weights that training may change, and freeze layers."""

from collections.abc import Iterator

import keras


def all_trainable_weights(network: keras.Model) -> list:
    """Return the weights that training changes, and those that it would change if not frozen.

    Optimizers have a state for all of them, so that layers may be frozen and released at any time.
    """
    chosen: set[int] = set()
    for layer in network._flatten_layers():
        chosen.update(id(variable) for variable in layer._trainable_variables)
    return [variable for variable in network.weights if id(variable) in chosen]


def statistics(network: keras.Model) -> list:
    """Return the weights that a step changes without a gradient, such as moving means.

    Frozen layers have none.
    """
    return [
        variable
        for _, layer in _leaves(network)
        if layer.trainable
        for variable in layer.non_trainable_variables
    ]


def frozen_layers(network: keras.Model) -> list[str]:
    """Return the names of the frozen layers that have weights.

    A layer of a nested network is called `network/layer`.
    """
    return [name for name, layer in _leaves(network) if layer.weights and not layer.trainable]


def freeze(network: keras.Model, names: list[str]) -> None:
    """Freeze the layers that `frozen_layers` has named."""
    for name, layer in _leaves(network):
        if name in names:
            layer.trainable = False


def _leaves(network, prefix="") -> Iterator[tuple]:
    """Yield the name of each layer, and the layer. Nested networks are replaced by their layers."""
    for layer in network.layers:
        name = f"{prefix}{layer.name}"
        if isinstance(layer, keras.Model):
            yield from _leaves(layer, f"{name}/")
        else:
            yield name, layer
