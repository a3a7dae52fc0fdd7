"""Writes a model for use elsewhere, and compares what was written with Keras."""

import pathlib

import numpy as np

from ganzoo import registry
from ganzoo.export import litert, onnx, savedmodel
from ganzoo.export.program import Program, float32_network, network_inputs
from ganzoo.files import new_file, new_folder
from ganzoo.images import to_pixels
from ganzoo.version import __version__

FORMATS = {"savedmodel": savedmodel, "onnx": onnx, "litert": litert}
# Two roundings of one number may end beside each other.
LARGEST_DIFFERENCE = 1
_BY_SUFFIX = {".onnx": "onnx", ".tflite": "litert"}
# What a super-resolution model is tried on, (height, width).
_TRIED_SIZES = ((16, 16), (24, 40), (33, 17))
_TRIED_COUNTS = (1, 5)


def find_format(path, name=None):
    """The name of a format, which a path's suffix says if it is not given.

    Raises:
        ValueError: If it is unknown.
    """
    if name is None:
        return _BY_SUFFIX.get(pathlib.Path(path).suffix, "savedmodel")
    if name not in FORMATS:
        raise ValueError(registry.unknown("format", name, FORMATS))
    return name


def export(gan, path, format=None, half=False, overwrite=False, card=None):
    """Writes a model's averaged generator; see `GAN.export`."""
    path = pathlib.Path(path)
    format = find_format(path, format)
    _check_free(path, format, overwrite)
    card = {"family": type(gan).__name__, "ganzoo_version": __version__, **(card or {})}
    program = Program(gan, half)
    new = new_folder(path, replace=overwrite) if format == "savedmodel" else new_file(path)
    with new as partial:
        FORMATS[format].write(program, partial, card)


def _check_free(path, format, overwrite):
    if not path.exists():
        return
    if not overwrite:
        raise ValueError(
            f"{str(path)!r} exists already. Choose another path, or overwrite it with "
            "overwrite=True (--overwrite)."
        )
    is_folder = format == "savedmodel"
    if path.is_dir() != is_folder or (is_folder and not (path / "saved_model.pb").is_file()):
        raise ValueError(
            f"{str(path)!r} is not a {format} that could be overwritten. Choose another path."
        )


def verify(gan, path, format=None, half=False):
    """Runs an exported model and Keras on the same random inputs.

    Args:
        gan: the model that was exported.
        path: what was written.
        format: its format; None goes by the path's suffix.
        half: bool. Whether its weights were rounded to float16: Keras's are, too.

    Returns:
        int. The largest difference of two pixels, in levels of 255; rounding makes it 1
        now and then.
    """
    run = FORMATS[find_format(path, format)].load(path)
    network = float32_network(gan, half)
    largest = 0
    for inputs in _examples(gan):
        expected = to_pixels(network(network_inputs(inputs.values()), training=False))
        pixels = run(**inputs)
        largest = max(largest, int(np.abs(pixels.astype(int) - expected).max()))
    return largest


def _examples(gan):
    """Random inputs of a generator, by the names they are exported under."""
    rng = np.random.default_rng(0)
    if hasattr(gan, "upscale"):
        for size in _TRIED_SIZES:
            yield {"images": rng.integers(0, 256, (1, *size, 3), "uint8")}
        return
    for count in _TRIED_COUNTS:
        latents = rng.normal(size=(count, *gan.latent_shape)).astype("float32")
        labels = rng.integers(0, gan.num_classes or 1, count).astype("int32")
        yield {"latents": latents, **({"labels": labels} if gan.num_classes else {})}
