"""Explain why a file of weights does not fit a model."""

import contextlib
import io
import os
import pathlib
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator

import h5py

# Part of Keras's error about layers whose weights a file lacks, or that have other shapes.
_MISMATCH = "could not be loaded"


@contextlib.contextmanager
def explained(path: os.PathLike | str, save_weights: Callable) -> Iterator[None]:
    """Replace Keras's error about weights that do not fit by one line with both shapes.

    Keras lists all layers, and warns about each of them before.

    Args:
        path: file that is loaded inside the `with` block.
        save_weights: function that writes the weights of the model to a path. The names and shapes
            in its file are compared with those in `path`.

    Raises:
        ValueError: If the block raises that error.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except ValueError as error:
            if _MISMATCH not in str(error) or not (reason := _compare(path, save_weights)):
                raise
            raise ValueError(reason) from None
    for one in caught:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _compare(path, save_weights):
    """Return a line on the first weight that differs, or None if there is none."""
    with tempfile.TemporaryDirectory() as folder:
        own = pathlib.Path(folder, "own.weights.h5")
        save_weights(own)
        needed, found = _shapes_in(own), _shapes_in(path)
    for name, shape in needed.items():
        if found.get(name) != shape:
            received = f"of shape {found[name]}" if name in found else "without it"
            return (
                f"Weights must fit the model, whose {name!r} has shape {shape}. Received: "
                f"{str(path)!r}, {received}. Build the model with the arguments of the one that "
                "was saved, or load the whole model: `ganzoo.load`."
            )
    return None


def _shapes_in(path):
    """Return the shape of each weight in a file by its name, except those of optimizers."""
    file = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            file = io.BytesIO(archive.read("model.weights.h5"))
    shapes = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset) and "optimizer" not in name:
            shapes[name.replace("/vars/", "/")] = item.shape

    with h5py.File(file) as group:
        group.visititems(add)
    return shapes
