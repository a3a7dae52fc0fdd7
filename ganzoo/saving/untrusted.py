"""Load models from untrusted files: read them as data, within limits, or refuse them.

Keras's safe mode runs no code from a file. This module adds two checks: a file may hold only a
model, and the memory that it makes the process allocate is proportional to the file's size.
"""

import contextlib
import io
import json
import math
import pathlib
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator

# Functions import their libraries, so that reading a configuration does not load TensorFlow.

# Parts of a `.keras` file that ganzoo writes. Only checkpoints have the last one.
_PARTS = {"metadata.json", "config.json", "model.weights.h5", "progress.json"}
# Largest configuration. Real ones have some kilobytes.
_CONFIG_BYTES = 16 * 10**6
# A model may hold `_NUMBERS` values plus `_NUMBERS_PER_BYTE` for each byte of its file. The file
# may lack the discriminator, and a float16 preset stores one network for three in memory.
_NUMBERS_PER_BYTE = 8
_NUMBERS = 64 * 10**6
_VARIABLES = 5_000
# Largest number of values in an image, about 45 megapixels in RGB. No GAN makes larger ones.
_IMAGE_VALUES = 2**27
# Kinds of NumPy dtypes in weight files: numbers, and void for bfloat16, which HDF5 lacks.
_KINDS = "biufV"


def load_keras(path: pathlib.Path | str):
    """Load a model from a `.keras` file. It is compiled as it was.

    Args:
        path: `.keras` file.

    Returns:
        The model, a `GAN`.

    Raises:
        ValueError: If the file is damaged, holds anything other than a model, or would make the
            process allocate too much memory.
    """
    import keras

    path = pathlib.Path(path)
    with refusing(path):
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if unknown := sorted({part.filename for part in parts} - _PARTS):
                raise ValueError(f"it holds {unknown[0]!r}, which belongs to no model")
            if sum(part.file_size for part in parts) > path.stat().st_size:
                raise ValueError("its parts are packed, but Keras never compresses them")
            if archive.getinfo("config.json").file_size > _CONFIG_BYTES:
                raise ValueError(f"its config.json has more than {_CONFIG_BYTES:,} bytes")
            # HDF5 reads at random positions, which is slow inside an archive.
            _check_weights(io.BytesIO(archive.read("model.weights.h5")))
        with limited(path.stat().st_size):
            model = keras.saving.load_model(path, safe_mode=True)
        _check_model(model)
        return model


def read_config(path: pathlib.Path) -> dict:
    """Read a dict from a JSON file of limited size.

    Raises:
        ValueError: If the file is too large or damaged, or holds something else.
    """
    with refusing(path):
        if (size := path.stat().st_size) > _CONFIG_BYTES:
            raise ValueError(f"it has {size:,} bytes, more than {_CONFIG_BYTES:,}")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}, not a dict")
        return content


def build(build_model: Callable, weights: pathlib.Path, path: pathlib.Path):
    """Build a model and load its weights from a file.

    Args:
        build_model: function that returns `(model, holder)`. The holder is the Keras model whose
            weights the file holds.
        weights: path of the `.weights.h5` file.
        path: path that error messages name.

    Returns:
        The model.

    Raises:
        ValueError: If the file does not fit the model, or the model is too large for the file.
    """
    with refusing(path):
        _check_weights(weights)
        with limited(weights.stat().st_size):
            model, holder = build_model()
        _check_model(model)
        holder.load_weights(weights)
        return model


@contextlib.contextmanager
def refusing(path: pathlib.Path | str) -> Iterator[None]:
    """Turn every error inside into a `ValueError` of one line.

    Args:
        path: file that the message names.

    Raises:
        ValueError: If anything inside raises an error or Keras warns about missing weights.
    """
    try:
        with warnings.catch_warnings():
            # If weights are missing, Keras keeps random ones and only warns.
            warnings.filterwarnings("error", module=r"keras\..*sav|keras\..*optimizer")
            yield
    # Damaged and malicious files raise any exception, from deep inside other libraries.
    except Exception as error:
        reason = _find_unknown(error)
        if reason is None:
            text = getattr(error, "strerror", None) or str(error)
            reason = next(iter(text.split("\n")), "").strip() or type(error).__name__
            reason = reason[:300]
        raise ValueError(f"{str(path)!r} cannot be loaded: {reason.rstrip('.')}.") from None


def _find_unknown(error):
    """Return what to do if a model holds Python code that is not known, else None.

    Keras names it in the first of several errors, whose text the last one may repeat.
    """
    while error is not None:
        if found := re.search(r"Could not locate (class|function) '([^']+)'", str(error)):
            kind, name = found.groups()
            return (
                f"{name!r} is a {kind} that is not known here. Decorate it with "
                "`@keras.saving.register_keras_serializable()` and import its module first, or "
                f"load inside `with keras.saving.custom_object_scope({{{name!r}: {name}}}):`"
            )
        if "`Lambda` layer" in str(error):
            return (
                "it has a Lambda layer, which is Python code in the file, and could do anything. "
                "Build the model with functions of `keras.ops` or a layer class in its place"
            )
        error = error.__cause__ or error.__context__
    return None


@contextlib.contextmanager
def limited(num_bytes: int) -> Iterator[None]:
    """Limit the number and size of the variables that are created inside.

    Args:
        num_bytes: int. Size of the file that a model is loaded from.

    Raises:
        ValueError: Before a variable is created that would exceed the limit.
    """
    import tensorflow as tf

    most = _NUMBERS + _NUMBERS_PER_BYTE * num_bytes
    made = {"numbers": 0, "variables": 0}
    shapes = tf.Graph()

    def create(next_creator, **arguments):
        value = arguments["initial_value"]
        if callable(value):
            # A graph infers the shape without computing the value.
            with shapes.as_default():
                value = value()
        made["numbers"] += math.prod(value.shape)
        made["variables"] += 1
        if made["numbers"] > most or made["variables"] > _VARIABLES:
            raise ValueError(
                f"a model of more than {most:,} numbers or {_VARIABLES:,} variables is asked for "
                f"by a file of {num_bytes:,} bytes"
            )
        return next_creator(**arguments)

    with tf.variable_creator_scope(create):
        yield


def _check_weights(file):
    """Raise `ValueError` unless an HDF5 file holds only uncompressed arrays of numbers."""
    import h5py

    problems = []

    def visit_link(name, link):
        if not isinstance(link, h5py.HardLink):
            problems.append(f"{name!r} is a link")

    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual or item.dtype.kind not in _KINDS:
            problems.append(f"{name!r} is not an array of numbers that the file holds itself")
        elif item.nbytes > _NUMBERS + item.id.get_storage_size():
            problems.append(f"{name!r} is packed, but Keras never compresses weights")

    with h5py.File(file) as content:
        content.visititems_links(visit_link)
        content.visititems(visit)
    if problems:
        raise ValueError(f"in its weights {problems[0]}")


def _check_model(model):
    if not hasattr(model, "ema_generator"):
        raise ValueError(f"it holds a {type(model).__name__}, which is not a GAN")
    values = math.prod(side or 1 for side in model.image_shape)
    if values > _IMAGE_VALUES:
        raise ValueError(f"its images of shape {model.image_shape} are too large")
