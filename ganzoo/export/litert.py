"""Export to LiteRT (TensorFlow Lite), the format for phones and small devices."""

import os
import pathlib
import re
import warnings
from collections.abc import Callable

import tensorflow as tf

from ganzoo.export.operations import unsupported
from ganzoo.messages import first_line, hide_native_messages


def write(program, path: pathlib.Path, card: dict) -> None:
    """Write a LiteRT file with the signature `serving_default`.

    Args:
        program: `ganzoo.export.program.Program`.
        path: file to write.
        card: dict. Not written, because the format has no place for it.

    Raises:
        ValueError: If LiteRT lacks an operation of the generator.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [program.serve.get_concrete_function()], program
    )
    if program.half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    path.write_bytes(_convert(converter, program))


def _convert(converter, program):
    """Return the content of the file."""
    try:
        with hide_native_messages():  # Such as a dump of the graph.
            return converter.convert()
    # The conversion of an operation may raise anything.
    except Exception as error:
        lists = re.findall("(?:TF Select|Custom) ops: (.*)", str(error))
        operations = [name for line in lists for name in re.split("[, ]+", line) if name]
        # Other passes name only the first operation.
        operations = operations or re.findall(r"error: 'tf\.(\w+)' op", str(error))[:1]
        if operations:
            raise unsupported(program, "LiteRT", operations) from None
        raise ValueError(
            "The generator cannot be converted to LiteRT. Received from TensorFlow: "
            f"{first_line(error, limit=200).rstrip('.')}. Export a SavedModel, which holds all "
            "operations."
        ) from None


def load(path: pathlib.Path | str) -> Callable:
    """Return a function from named arrays to pixels. LiteRT runs the model."""
    # Prefer the package of LiteRT: TensorFlow's copy is deprecated.
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter  # noqa: N806
    with warnings.catch_warnings():
        # The deprecated copy warns.
        warnings.simplefilter("ignore")
        interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    runner = interpreter.get_signature_runner("serving_default")

    def run(**inputs):
        (pixels,) = runner(**inputs).values()
        return pixels

    return run
