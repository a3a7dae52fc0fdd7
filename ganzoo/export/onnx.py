"""ONNX: a file that onnxruntime runs, in Python, C++, C#, browsers and phones."""

import importlib
import json

import numpy as np

from ganzoo.export import onnx_graph

# The newest that tf2onnx writes.
OPSET = 18
# Weights of fewer numbers stay float32: a node for each would save nothing.
_FEWEST_TO_HALVE = 64


def write(program, path, card):
    """Writes the file; its metadata hold the card, an entry for each key.

    Raises:
        ValueError: If the packages of the extra `onnx` are not installed.
    """
    onnx, tf2onnx = _import("onnx"), _import("tf2onnx")
    model, _ = tf2onnx.convert.from_function(
        program.serve, input_signature=program.signature, opset=OPSET
    )
    _name_output(model.graph, program)
    _name_axes(model.graph, program)
    onnx_graph.rewrite(onnx, model.graph)
    if program.half:
        _halve(onnx, model.graph)
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in card.items()}
    onnx.helper.set_model_props(model, texts)
    model.producer_name = "ganzoo"
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(path))


def _import(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(
            f"ONNX needs the package {name!r}, which is not installed. Try "
            "`pip install onnx onnxruntime 'tf2onnx>=1.16'`."
        ) from None


def _name_output(graph, program):
    """Gives the output its name, in place of one that the conversion made up."""
    (output,) = graph.output
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [program.output if name == output.name else name for name in names]
    output.name = program.output


def _name_axes(graph, program):
    """Gives the axes of any size names that say what they are."""
    sides = ("height", "width") if program.restores else ()
    for value in (*graph.input, *graph.output):
        upscaled = program.restores and value.name == program.output
        names = ("num_images", *(f"upscaled_{side}" if upscaled else side for side in sides))
        for axis, name in zip(value.type.tensor_type.shape.dim, names, strict=False):
            axis.dim_param = name


def _halve(onnx, graph):
    """Stores weights as float16, and widens them on the way.

    Those that the conversion multiplied with a normalization's are rounded once more.
    """
    float32 = onnx.TensorProto.FLOAT
    casts = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if weight.data_type != float32 or values.size < _FEWEST_TO_HALVE:
            continue
        name, halved = weight.name, values.astype("float16")
        if not np.all(np.isfinite(halved)):
            continue
        weight.CopyFrom(onnx.numpy_helper.from_array(halved, f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [weight.name], [name], to=float32))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def load(path):
    """A function from named arrays to pixels, run by onnxruntime."""
    session = _import("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(**inputs):
        (pixels,) = session.run(None, inputs)
        return pixels

    return run
