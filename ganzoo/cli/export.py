"""Define `ganzoo export`."""

import pathlib
from typing import Annotated

import typer

from ganzoo.cli.app import Model, import_tensorflow
from ganzoo.messages import hide_native_messages


def export(
    model: Model,
    out: Annotated[str, typer.Option(metavar="PATH", help="File, or folder for a SavedModel.")],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="savedmodel|onnx|litert",
            help="[default: by the suffix of --out: .onnx, .tflite, or else savedmodel]",
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights as float16.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an exported model.")
    ] = False,
) -> None:
    """Export a model for use without ganzoo, and compare it with Keras.

    The exported model is the averaged generator, from latents (and labels) to uint8 images.

    Example: `ganzoo export dcgan_fashion_mnist --out dcgan.onnx`
    """
    import_tensorflow()
    from ganzoo.saving import loading

    gan = loading.find_model(model)
    gan.export(out, format, half, overwrite, card=loading.find_card(model))
    report_export(gan, pathlib.Path(out), format, half)


def report_export(gan, out: pathlib.Path, format: str | None = None, half: bool = False) -> None:
    """Print the format and size of an exported model, and compare it with Keras.

    Args:
        gan: the model that was exported.
        out: the exported file or folder.
        format: export format, or None to choose by the suffix.
        half: bool. True if the weights are float16.

    Raises:
        RuntimeError: If the exported model differs from Keras by more than rounding.
    """
    from ganzoo import export

    files = [path for path in [out, *out.rglob("*")] if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{out}: {export.find_format(out, format)}, {size:.1f} MB")
    with hide_native_messages():  # LiteRT prints which delegate it uses.
        difference = export.verify(gan, out, format, half)
    print(f"Largest difference from Keras on random inputs: {difference} of 255 levels")
    if difference > export.LARGEST_DIFFERENCE:
        raise RuntimeError(
            f"{str(out)!r} differs by {difference} levels from Keras. Rounding explains at most "
            f"{export.LARGEST_DIFFERENCE}. The exported model was kept for inspection. Try another "
            "format, or report the error."
        )
