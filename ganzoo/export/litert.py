"""LiteRT (TensorFlow Lite): a file for phones and small devices."""

import os
import warnings

import tensorflow as tf


def write(program, path, card):
    """Writes the file; its signature is `serving_default`. It has no place for the card."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [program.serve.get_concrete_function()], program
    )
    if program.half:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    path.write_bytes(converter.convert())


def load(path):
    """A function from named arrays to pixels, run by LiteRT, or by TensorFlow's copy of it."""
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        Interpreter = tf.lite.Interpreter  # noqa: N806
    with warnings.catch_warnings():
        # TensorFlow's copy says that it will go.
        warnings.simplefilter("ignore")
        interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    runner = interpreter.get_signature_runner("serving_default")

    def run(**inputs):
        (pixels,) = runner(**inputs).values()
        return pixels

    return run
