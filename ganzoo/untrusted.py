"""Models out of files that may come from anybody: read as data, within limits, or refused.

Keras's safe mode runs no code out of a file. What is added here: a file holds a model and
nothing else, and what it makes the process allocate is in proportion to its own size.
"""

import contextlib
import io
import json
import math
import pathlib
import warnings
import zipfile

# Libraries are imported where they are needed: a configuration is read without TensorFlow.

# Parts of a `.keras` file that ganzoo writes; the last one is that of a checkpoint.
_PARTS = {"metadata.json", "config.json", "model.weights.h5", "progress.json"}
# A configuration is text that people could read, some kilobytes long.
_CONFIG_BYTES = 16 * 10**6
# Numbers that a model may hold for each byte of its file, beside those that any model may: a
# discriminator is often not in the file, and weights of half precision are there once of
# three times.
_NUMBERS_PER_BYTE = 8
_NUMBERS = 64 * 10**6
_VARIABLES = 5_000
# Values in one image: 64 megapixels and more are no GAN's.
_IMAGE_VALUES = 2**27
# What files of weights hold: integers, floats, and bfloat16, which HDF5 does not know.
_KINDS = "biufV"


def load_keras(path):
    """A model from a `.keras` file, compiled as it was.

    Raises:
        ValueError: If the file is damaged, holds something else beside or instead of a
            model, or would have something outsized made.
    """
    import keras

    path = pathlib.Path(path)
    with refusing(path):
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if unknown := sorted({part.filename for part in parts} - _PARTS):
                raise ValueError(f"it holds {unknown[0]!r}, which belongs to no model")
            if sum(part.file_size for part in parts) > path.stat().st_size:
                raise ValueError("its parts are packed, which Keras never does")
            if archive.getinfo("config.json").file_size > _CONFIG_BYTES:
                raise ValueError(f"its config.json has more than {_CONFIG_BYTES:,} bytes")
            # HDF5 jumps back and forth, which inside of an archive is slow.
            _check_weights(io.BytesIO(archive.read("model.weights.h5")))
        with limited(path.stat().st_size):
            model = keras.saving.load_model(path, safe_mode=True)
        _check_model(model)
        return model


def read_config(path):
    """What a JSON file of moderate size holds, which must be a dict.

    Raises:
        ValueError: If it is something else.
    """
    with refusing(path):
        if (size := path.stat().st_size) > _CONFIG_BYTES:
            raise ValueError(f"it has {size:,} bytes, more than {_CONFIG_BYTES:,}")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"it holds a {type(content).__name__}, not a dict")
        return content


def build(build_model, weights, path):
    """A model that a function builds, with weights from a file.

    Args:
        build_model: function that returns the model, and what of it the file holds.
        weights: path of the `.weights.h5` file.
        path: what is named where it is refused.

    Raises:
        ValueError: If the file does not fit, or the model is outsized beside it.
    """
    with refusing(path):
        _check_weights(weights)
        with limited(weights.stat().st_size):
            model, holder = build_model()
        _check_model(model)
        holder.load_weights(weights)
        return model


@contextlib.contextmanager
def refusing(path):
    """Whatever goes wrong inside is a `ValueError` of one line that names the file."""
    try:
        with warnings.catch_warnings():
            # Where weights are missing, Keras leaves random ones, and says so in a warning.
            warnings.filterwarnings("error", module=r"keras\..*sav|keras\..*optimizer")
            yield
    # Damaged and hostile files raise anything, from deep inside other libraries.
    except Exception as error:
        reason = next(iter(str(error).split("\n")), "").strip() or type(error).__name__
        raise ValueError(f"{str(path)!r} cannot be loaded: {reason[:300].rstrip('.')}.") from None


@contextlib.contextmanager
def limited(num_bytes):
    """Inside, variables hold no more numbers than fit a file of so many bytes.

    Raises:
        ValueError: Before a variable is made that would be too much.
    """
    import tensorflow as tf

    most = _NUMBERS + _NUMBERS_PER_BYTE * num_bytes
    made = {"numbers": 0, "variables": 0}
    shapes = tf.Graph()

    def create(next_creator, **arguments):
        value = arguments["initial_value"]
        if callable(value):
            # In a graph nothing is computed: it tells the shape alone.
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
    """Raises where an HDF5 file holds something else than arrays of numbers of its own."""
    import h5py

    problems = []

    def visit_link(name, link):
        if not isinstance(link, h5py.HardLink):
            problems.append(f"{name!r} points elsewhere")

    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        if item.external or item.is_virtual or item.dtype.kind not in _KINDS:
            problems.append(f"{name!r} is no array of numbers of its own")
        elif item.nbytes > _NUMBERS + item.id.get_storage_size():
            problems.append(f"{name!r} is packed, which Keras never does")

    with h5py.File(file) as content:
        content.visititems_links(visit_link)
        content.visititems(visit)
    if problems:
        raise ValueError(f"in its weights {problems[0]}")


def _check_model(model):
    if not hasattr(model, "ema_generator"):
        raise ValueError(f"it holds a {type(model).__name__}, which is no GAN")
    values = math.prod(side or 1 for side in model.image_shape)
    if values > _IMAGE_VALUES:
        raise ValueError(f"its images would have the shape {model.image_shape}")
