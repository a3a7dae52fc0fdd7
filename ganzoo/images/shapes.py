"""Advise how to change the shape of images to the one that a model needs."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

# Longest sequence of changes that is searched.
_MOST_CHANGES = 3

Shape = Sequence[int | None]


class _Change(NamedTuple):
    """Describe a change of the shape of images.

    Attributes:
        does: str. What it does, as the part of a sentence.
        apply: function from a shape to the new one, or to None if the change makes no sense.
        code: str. The change as an expression in `x`.
        tensor_code: str. The same for TensorFlow tensors. None if it is `code`.
        method: str. The method of `tf.data.Dataset` for it. None if there is none.
        keeps_layout: bool. True if another model could take the images as they are.
    """

    does: str
    apply: Callable
    code: str
    tensor_code: str | None = None
    method: str | None = None
    keeps_layout: bool = False


def describe_shape(shape: Shape) -> str:
    """Return the shape of a batch of images as text, with names for sides of any length.

    Args:
        shape: `(height, width, channels)`. None for any length.

    Example:
        >>> describe_shape((None, None, 3))
        '(batch, height, width, 3)'
    """
    names = ("height", "width", "channels")
    sides = (name if side is None else str(side) for side, name in zip(shape, names, strict=True))
    return f"(batch, {', '.join(sides)})"


def fits(shape: Sequence[int], wanted: Shape) -> bool:
    """Return True if a batch of images of `shape` has the `wanted` height, width and channels."""
    return len(shape) == 4 and all(
        want in (None, side) for side, want in zip(shape[1:], wanted, strict=True)
    )


def advise(
    shape: Sequence[int],
    wanted: Sequence[Shape],
    dtype: str = "uint8",
    tensors: bool = False,
    pipeline: bool = False,
    model: bool = False,
) -> str:
    """Return a sentence on how to bring images to a wanted shape.

    Short sequences of changes are applied to the shape, until one leads to a wanted shape.

    Args:
        shape: the shape that was received.
        wanted: shapes `(height, width, channels)` that are taken. A side of any length is None.
        dtype: str. Dtype of the images.
        tensors: bool. Give expressions for TensorFlow tensors, not for numpy arrays.
        pipeline: bool. True for elements of a `tf.data.Dataset`.
        model: bool. True if a model could be built for images of another shape.

    Example:
        >>> advise((60000, 28, 28), [(28, 28, 1)])
        'Add the axis of channels: `x[..., None]`.'
    """
    changes = list(_changes(wanted, dtype))
    for length in range(1, _MOST_CHANGES + 1):
        for chain in itertools.permutations(changes, length):
            result = tuple(shape)
            for change in chain:
                result = change.apply(result) or ()
            if any(fits(result, want) for want in wanted):
                sentence = _instruct(chain, tensors, pipeline)
                if model and all(change.keeps_layout for change in chain):
                    sentence += f", or build the model with `image_shape={tuple(shape[1:])}`"
                return f"{sentence}."
    return "Choose other images."


def _instruct(chain, tensors, pipeline):
    """Return the sentence for a sequence of changes, without its full stop."""
    methods, expression = [], "x"
    for change in chain:
        if pipeline and change.method:
            methods.append(change.method)
        else:
            code = (tensors and change.tensor_code) or change.code
            expression = re.sub(r"\bx\b", lambda _, inner=expression: inner, code)
    codes = methods if expression == "x" else [*methods, expression]
    does = " and ".join(change.does for change in chain)
    return f"{does[0].upper()}{does[1:]}: {', then '.join(f'`{code}`' for code in codes)}"


def _changes(wanted, dtype) -> Iterator[_Change]:
    """Yield the changes that may lead to the wanted shapes, likelier ones first."""

    def if_rank(rank, change):
        return lambda shape: change(*shape) if len(shape) == rank else None

    def if_channels(before, after):
        return if_rank(4, lambda n, h, w, c: (n, h, w, after) if c == before else None)

    yield _Change(
        "batch the images",
        lambda shape: (1, *shape) if 0 < len(shape) < 4 else None,
        "x[None]",
        method=".batch(32)",
    )
    yield _Change("add the axis of channels", if_rank(3, lambda *s: (*s, 1)), "x[..., None]")
    yield _Change(
        "move the channels last",
        if_rank(4, lambda n, c, h, w: (n, h, w, c)),
        "np.moveaxis(x, 1, -1)",
        "tf.transpose(x, (0, 2, 3, 1))",
    )
    yield _Change(
        "move the axis of images first",
        if_rank(4, lambda h, w, c, n: (n, h, w, c)),
        "np.moveaxis(x, -1, 0)",
        "tf.transpose(x, (3, 0, 1, 2))",
    )
    yield _Change(
        "undo the second batching",
        if_rank(5, lambda m, n, *s: (m * n, *s)),
        "x.reshape(-1, *x.shape[2:])",
        "tf.reshape(x, (-1, *x.shape[2:]))",
        method=".unbatch()",
    )
    channels = {want[-1] for want in wanted}
    if channels & {3, 4}:
        yield _Change(
            "repeat the gray channel",
            if_channels(1, 3),
            "np.repeat(x, 3, axis=-1)",
            "tf.repeat(x, 3, axis=-1)",
            keeps_layout=True,
        )
    else:
        yield _Change(
            "convert to gray", if_channels(3, 1), "tf.image.rgb_to_grayscale(x)", keeps_layout=True
        )
    for colors in (3, 1):
        yield _Change(
            "leave alpha out",
            if_channels(colors + 1, colors),
            f"x[..., :{colors}]",
            keeps_layout=True,
        )
        padding = f"(x, [[0, 0]] * 3 + [[0, 1]], constant_values={255 if dtype == 'uint8' else 1})"
        yield _Change(
            "add opaque alpha",
            if_channels(colors, colors + 1),
            f"np.pad{padding}",
            f"tf.pad{padding}",
            keeps_layout=True,
        )
    for height, width, depth in wanted:
        if None in (height, width):
            continue
        flat = if_rank(
            2,
            lambda n, size, shape=(height, width, depth): (
                (n, *shape) if size == math.prod(shape) else None
            ),
        )
        sides = f"{height}, {width}, {depth}"
        yield _Change(
            "give them their shape back",
            flat,
            f"x.reshape(-1, {sides})",
            f"tf.reshape(x, (-1, {sides}))",
        )
        resized = f"tf.image.resize(x, ({height}, {width}), antialias=True)"
        yield _Change(
            "resize them",
            if_rank(4, lambda n, h, w, c, sides=(height, width): (n, *sides, c)),
            f"tf.cast({resized}, 'uint8')" if dtype == "uint8" else resized,
            keeps_layout=True,
        )
