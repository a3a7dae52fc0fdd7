"""Name the layers whose operations a format of exported models lacks."""

import re
from collections.abc import Iterable


def unsupported(program, format: str, operations: Iterable[str]) -> ValueError:
    """Return an error for operations that a format lacks.

    Args:
        program: `ganzoo.export.program.Program`.
        format: str. Name of the format, as people write it.
        operations: types of TensorFlow operations, such as `"ResizeBicubic"`.
    """
    named = [_describe(program, operation) for operation in sorted(set(operations))]
    return ValueError(
        f"{format} cannot express all operations of the generator. Received: {', '.join(named)}. "
        "Export a SavedModel, which holds all operations, or replace the layer."
    )


def _describe(program, operation):
    """Return an operation with the layer that needs it, if there is one."""
    graph = program.serve.get_concrete_function().graph
    for found in graph.get_operations():
        if found.type == operation:
            # Scopes have the names of the layers, from the outermost to the innermost. TensorFlow
            # adds a number to a name that it has seen before.
            scopes = [(scope, re.sub(r"_\d+$", "", scope)) for scope in found.name.split("/")]
            layers = [n for names in scopes for n in names if n in program.layer_names]
            return f"{operation} of layer {layers[-1]!r}" if layers else operation
    return operation
