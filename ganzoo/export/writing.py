"""Export a model, and compare the exported file with Keras."""

import pathlib

import numpy as np

from ganzoo import messages
from ganzoo.export import litert, onnx, savedmodel
from ganzoo.export.program import Program, float32_network, scaled_inputs
from ganzoo.images import to_pixels
from ganzoo.saving.files import (
    check_file_path,
    check_folder_path,
    check_text,
    names_file,
    new_file,
    new_folder,
)
from ganzoo.version import __version__

FORMATS = {"savedmodel": savedmodel, "onnx": onnx, "litert": litert}
# Suffixes of the formats that are one file. A SavedModel is a folder.
_SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}
# Floating-point errors may round a pixel to the next level.
LARGEST_DIFFERENCE = 1


def find_format(path: pathlib.Path | str, name: str | None = None) -> str:
    """Return the name of the export format.

    Args:
        path: file or folder to write.
        name: key of `FORMATS`, or None to choose by the suffix of the path.

    Raises:
        ValueError: If the format is unknown, or the path has the suffix of another one.
    """
    suffix = pathlib.Path(path).suffix.lower()
    if name is None:
        by_suffix = {suffix: name for name, suffix in _SUFFIXES.items()}
        name = by_suffix.get(suffix, "savedmodel")
    if name not in FORMATS:
        raise ValueError(messages.unknown("format", name, FORMATS))
    if names_file(path) and suffix != _SUFFIXES.get(name):
        raise ValueError(
            f"{str(path)!r} cannot be the path of a {name}. The formats are onnx (a file ending in "
            ".onnx), litert (a file ending in .tflite) and savedmodel (a folder). Choose another "
            "path or format. `gan.save` writes .keras files."
        )
    return name


def export(
    gan,
    path: pathlib.Path | str,
    format: str | None = None,
    half: bool = False,
    overwrite: bool = False,
    card: dict | None = None,
) -> None:
    """Export the averaged generator of a model. See `GAN.export`."""
    format = find_format(path, format)
    _check_free(path, format, overwrite)
    path = pathlib.Path(path)
    card = {"family": type(gan).__name__, "ganzoo_version": __version__, **(card or {})}
    if gan.class_names is not None:
        card["class_names"] = gan.class_names
    if gan.conditions and gan.num_classes is None:
        card["conditions"] = [condition.to_fields() for condition in gan.conditions]
    program = Program(gan, half)
    new = new_folder(path, replace=overwrite) if format == "savedmodel" else new_file(path)
    with new as partial:
        FORMATS[format].write(program, partial, card)


def _check_free(path, format, overwrite):
    check_text(path)
    is_folder = format == "savedmodel"
    (check_folder_path if is_folder else check_file_path)(path)
    path = pathlib.Path(path)
    if not path.exists():
        return
    if not overwrite:
        raise ValueError(
            f"{str(path)!r} exists already. Choose another path, or overwrite it with "
            "overwrite=True (--overwrite)."
        )
    if is_folder and not (path / "saved_model.pb").is_file():
        raise ValueError(
            f"{str(path)!r} is not a {format} that could be overwritten. Choose another path."
        )


def verify(gan, path: pathlib.Path | str, format: str | None = None, half: bool = False) -> int:
    """Run an exported model and Keras on the same random inputs, and compare the images.

    Args:
        gan: the model that was exported.
        path: the exported file or folder.
        format: key of `FORMATS`, or None to choose by the suffix of the path.
        half: bool. True if the weights were exported as float16. Keras then uses rounded weights,
            too.

    Returns:
        int. Largest difference between two pixels, in levels of 255. A difference of 1 is due to
        rounding.
    """
    run = FORMATS[find_format(path, format)].load(path)
    network = float32_network(gan, half)
    largest = 0
    for inputs in gan.export_examples(np.random.default_rng(0)):
        expected = to_pixels(network(scaled_inputs(inputs.values()), training=False))
        pixels = run(**inputs)
        largest = max(largest, int(np.abs(pixels.astype(int) - expected).max()))
    return largest
