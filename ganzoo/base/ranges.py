"""Find the values that a network can put out, from its last layers.

Losses take logits, and images lie in [-1, 1]. A sigmoid at the end of a network breaks that without
an error: its discriminator learns next to nothing, or its generator never makes a dark pixel.
"""

import dataclasses
import math
import warnings

import keras
import numpy as np

# The largest inputs with which layers are tried. A bound shows itself by not moving between them.
_SCALES = (1e3, 1e6)
_TOLERANCE = 1e-2
# Part of the range of images that a generator may lack. Trials may miss the largest values.
_LACKING = 0.1
# Inputs with which an activation is tried.
_SHAPE = (16, 64)
# Logits below and above this are as good as unlimited: sigmoid(-8) is 0.0003.
_LARGE_LOGIT = 8.0
# Layers whose output is that of the layer inside, computed with other weights or at each time.
_TRANSPARENT = (keras.layers.SpectralNormalization, keras.layers.TimeDistributed)


@dataclasses.dataclass(frozen=True)
class Range:
    """Smallest and largest value of a tensor.

    Attributes:
        low: float. -inf if there is no bound, or none is known.
        high: float, as `low`.
        operation: layer or function of `keras.ops` that changed the bounds last. None without
            bounds.
    """

    low: float = -math.inf
    high: float = math.inf
    operation: keras.Operation | None = None

    def __str__(self):
        activation = getattr(self.operation, "activation", self.operation)
        kind = getattr(activation, "__name__", type(activation).__name__)
        values = f"in [{self.low:.2g}, {self.high:.2g}]"
        if self.high == math.inf:
            values = f"of at least {self.low:.2g}"
        elif self.low == -math.inf:
            values = f"of at most {self.high:.2g}"
        return f"values {values} from {self.operation.name!r} ({kind})"


def check_logits(discriminator: keras.Model) -> None:
    """Check that the last layers of a discriminator let it put out any logit.

    Only layers and functions of Keras are judged. Custom layers may put out anything.

    Raises:
        ValueError: If an activation limits its values.
    """
    for found in find_ranges(discriminator):
        # A function that leaves one side open, such as a mean of squares, may be the energy that
        # a custom loss takes.
        judged = isinstance(found.operation, keras.Layer) or math.isfinite(found.low + found.high)
        if judged and (found.low > -_LARGE_LOGIT or found.high < _LARGE_LOGIT):
            raise ValueError(
                "The discriminator must put out logits, which have no limits: the losses apply the "
                f"sigmoid. Received: {found}. Remove this activation."
            )


def warn_of_images(generator: keras.Model) -> None:
    """Warn if the last layers of a generator do not let it make all images in [-1, 1].

    This is not an error, because all images of the data may be bright.
    """
    for found in find_ranges(generator):
        if found.low > -1 + _LACKING or found.high < 1 - _LACKING:
            warnings.warn(
                f"The generator should make images in [-1, 1]. Received: {found}. End the "
                "generator with tanh, or with no activation.",
                stacklevel=4,  # The caller of `GAN`.
            )


def find_ranges(network: keras.Model) -> list[Range]:
    """Return the range of each output of a functional or `Sequential` model.

    The layers at the end are run with a few inputs, from the last layer with weights on: its output
    can have any value.

    Example:
        >>> score = keras.layers.Dense(1, activation="sigmoid", name="score")
        >>> network = keras.Sequential([keras.Input((4,)), score, keras.layers.Flatten()])
        >>> print(find_ranges(network)[0])
        values in [0, 1] from 'score' (sigmoid)
    """
    # Keras runs a functional model in the same way, from the history of its tensors.
    return [_find_range(tensor, {}) for tensor in network.outputs]


def _find_range(tensor, known):
    """Return the range of a symbolic tensor. `known` holds those of other tensors, by id."""
    if id(tensor) not in known:
        try:
            known[id(tensor)] = _through_operation(tensor, known)
        # A layer may need inputs that the trial does not give it. It is then not judged.
        except Exception:
            known[id(tensor)] = Range()
    return known[id(tensor)]


def _through_operation(tensor, known):
    operation, node_index, output_index = tensor._keras_history
    node = operation._inbound_nodes[node_index]
    if not node.input_tensors:
        return Range()
    if hasattr(operation, "outputs") and hasattr(operation, "inputs"):  # A model in the model.
        for inner, outer in zip(operation.inputs, node.input_tensors, strict=True):
            known[id(inner)] = _find_range(outer, known)
        # The model may be in the network twice, with other inputs.
        inside = {id(inner): known[id(inner)] for inner in operation.inputs}
        return _find_range(operation.outputs[output_index], inside)
    layer = operation.layer if isinstance(operation, _TRANSPARENT) else operation
    if type(layer).__module__.split(".")[0] not in ("keras", "ganzoo"):
        return Range()
    activation = getattr(layer, "activation", None)
    if getattr(layer, "weights", ()):
        return _measure(activation, [Range()], [_SHAPE], layer) if activation else Range()
    inputs = [_find_range(each, known) for each in node.input_tensors]
    if activation is not None:
        return _measure(activation, inputs, [_SHAPE], layer)
    shapes = [[side or 8 for side in each.shape[1:]] for each in node.input_tensors]

    def run(*arrays):
        given = zip(node.input_tensors, arrays, strict=True)
        arguments, others = node.arguments.fill_in({id(key): array for key, array in given})
        outputs = operation(*arguments, **others)
        return keras.tree.flatten(outputs)[output_index]

    return _measure(run, inputs, shapes, layer)


def _measure(function, inputs, shapes, operation):
    """Return the range of a function of arrays with known ranges."""
    bounds = []
    for scale in _SCALES:
        arrays = [
            _trials(each, shape, scale, seed)
            for seed, (each, shape) in enumerate(zip(inputs, shapes, strict=True))
        ]
        values = keras.ops.convert_to_numpy(function(*map(keras.ops.convert_to_tensor, arrays)))
        values = values.astype("float64")
        if np.isnan(values).any():
            return Range()
        bounds.append((float(values.min()), float(values.max())))
    found = [
        value if math.isfinite(larger) and abs(larger - value) < _TOLERANCE else unlimited
        for value, larger, unlimited in zip(*bounds, (-math.inf, math.inf), strict=True)
    ]
    if found == [-math.inf, math.inf]:
        return Range()
    for each in inputs:
        if each.operation and np.allclose(found, (each.low, each.high), atol=_TOLERANCE):
            return each  # Such as that of a `Flatten`.
    return Range(*found, operation)


def _trials(given, shape, scale, seed):
    """Return inputs of a range: constant images, so that means keep the bounds, and noise."""
    low, high = max(given.low, -scale), min(given.high, scale)
    steps = np.concatenate([[-scale, scale], np.linspace(-10, 10, 81)])
    steps = np.unique(np.clip(steps, low, high))
    noise = np.random.default_rng(seed).choice([*steps, low, high], (2, *shape))
    constants = np.stack([np.full(shape, value) for value in (low, high)])
    return np.concatenate([constants, noise]).astype("float32")
