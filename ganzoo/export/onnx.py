"""Export to ONNX, which onnxruntime runs in Python, C++, C#, browsers and phones."""

import importlib
import json
import logging
import pathlib
from collections.abc import Callable

import numpy as np

from ganzoo.export import onnx_graph
from ganzoo.export.operations import unsupported
from ganzoo.messages import first_line

# The newest operator set that tf2onnx supports.
OPSET = 18
# Smaller weights stay float32: the `Cast` node of a weight would be as large as the saving.
_MIN_SIZE_TO_HALVE = 64


def write(program, path: pathlib.Path, card: dict) -> None:
    """Write an ONNX file.

    Args:
        program: `ganzoo.export.program.Program`.
        path: file to write.
        card: dict. Each key becomes an entry of the file's metadata.

    Raises:
        ValueError: If the packages of the extra `onnx` are not installed, or ONNX lacks an
            operation of the generator.
    """
    onnx, tf2onnx = _import("onnx"), _import("tf2onnx")
    model = _convert(tf2onnx, program)
    _name_output(model.graph, program)
    _name_axes(model.graph, program)
    onnx_graph.rewrite(onnx, model.graph)
    if foreign := _find_foreign(onnx, model.graph):
        raise unsupported(program, "ONNX", foreign)
    if program.half:
        _halve(onnx, model.graph)
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in card.items()}
    onnx.helper.set_model_props(model, texts)
    model.producer_name = "ganzoo"
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, str(path))


def _convert(tf2onnx, program):
    """Return the ONNX model of a program. Operations that ONNX lacks stay those of TensorFlow."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    # It prints the tracebacks of optimizations that it skips, and the operations that ONNX lacks.
    logger.setLevel(logging.CRITICAL)
    try:
        model, _ = tf2onnx.convert.from_function(
            program.serve, input_signature=program.signature, opset=OPSET
        )
    # The conversion of an operation may raise anything.
    except Exception as error:
        raise ValueError(
            "The generator cannot be converted to ONNX. Received from tf2onnx: "
            f"{first_line(error, limit=200).rstrip('.')}. Export a SavedModel, which holds all "
            "operations."
        ) from None
    finally:
        logger.setLevel(level)
    return model


def _find_foreign(onnx, graph):
    """Return the types of nodes, also in inner graphs, that are not operations of ONNX."""
    foreign = []
    for node in graph.node:
        if not onnx.defs.has(node.op_type, node.domain):
            foreign.append(node.op_type)
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                foreign += _find_foreign(onnx, inner)
    return foreign


def _import(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ValueError(
            f"ONNX needs the package {name!r}, which is not installed. Run "
            "`pip install onnx onnxruntime 'tf2onnx>=1.16'`."
        ) from None


def _name_output(graph, program):
    """Give the output its name. The conversion chooses another one."""
    (output,) = graph.output
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [program.output if name == output.name else name for name in names]
    output.name = program.output


def _name_axes(graph, program):
    """Name the axes of variable size."""
    any_size = program.task == "super_resolution"
    sides = ("height", "width") if any_size else ()
    for value in (*graph.input, *graph.output):
        upscaled = any_size and value.name == program.output
        names = ("num_images", *(f"upscaled_{side}" if upscaled else side for side in sides))
        for axis, name in zip(value.type.tensor_type.shape.dim, names, strict=False):
            axis.dim_param = name


def _halve(onnx, graph):
    """Store large weights as float16, and cast them to float32 in the graph.

    The conversion has multiplied some weights with those of a normalization. These products are
    rounded to float16 as well.
    """
    float32 = onnx.TensorProto.FLOAT
    casts = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if weight.data_type != float32 or values.size < _MIN_SIZE_TO_HALVE:
            continue
        name, halved = weight.name, values.astype("float16")
        if not np.all(np.isfinite(halved)):
            continue
        weight.CopyFrom(onnx.numpy_helper.from_array(halved, f"{name}_float16"))
        casts.append(onnx.helper.make_node("Cast", [weight.name], [name], to=float32))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])


def load(path: pathlib.Path | str) -> Callable:
    """Return a function from named arrays to pixels. Onnxruntime runs the model."""
    session = _import("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(**inputs):
        (pixels,) = session.run(None, inputs)
        return pixels

    return run
