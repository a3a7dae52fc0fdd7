"""Export to LiteRT (TensorFlow Lite), the format for phones and small devices."""

import os
import pathlib
import warnings
from collections.abc import Callable

import tensorflow as tf


def write(program, path: pathlib.Path, card: dict) -> None:
    """Write a LiteRT file with the signature `serving_default`.

    Args:
        program: `ganzoo.export.program.Program`.
        path: file to write.
        card: dict. Not written, because the format has no place for it.
    """
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [program.serve.get_concrete_function()], program
    )
    if program.half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    path.write_bytes(converter.convert())


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
