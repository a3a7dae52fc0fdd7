"""`ganzoo export`."""

import pathlib
from typing import Annotated

import typer

from ganzoo.cli.common import Model, import_tensorflow


def export(
    model: Model,
    out: Annotated[pathlib.Path, typer.Option(help="File; of a SavedModel, folder.")],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="savedmodel|onnx|litert",
            help="[default: by the ending of --out: .onnx, .tflite, or else savedmodel]",
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights as float16.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an exported model.")
    ] = False,
):
    """Write a model for use without ganzoo, and compare it with Keras.

    The averaged generator, from latents (and labels) to uint8 images.

    Example: `ganzoo export dcgan_fashion_mnist --out dcgan.onnx`
    """
    import_tensorflow()
    from ganzoo import runs

    gan = runs.find_model(model)
    gan.export(out, format, half, overwrite, card=runs.find_card(model))
    report_export(gan, out, format, half)


def report_export(gan, out, format=None, half=False):
    """Says what was written, and compares it with Keras."""
    from ganzoo import export

    files = [path for path in [out, *out.rglob("*")] if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{out}: {export.find_format(out, format)}, {size:.1f} MB")
    difference = export.verify(gan, out, format, half)
    print(f"Largest difference from Keras on random inputs: {difference} of 255 levels")
    if difference > export.LARGEST_DIFFERENCE:
        raise RuntimeError(
            f"{str(out)!r} does not do what the model does. It differs by {difference} levels; up "
            f"to {export.LARGEST_DIFFERENCE} is rounding. It was left there to be looked at."
        )
