"""Rewrite an ONNX graph into an equivalent one that onnxruntime runs faster.

On a CPU, onnxruntime keeps images in blocks of channels between convolutions. An operation that
does not support blocks forces a conversion: a multiplication by a constant, a transposition or a
reshape. This module rewrites the PReLU and pixel shuffle layers of networks like SRGAN's. It also
rewrites large kernels with few output channels, which would leave most of a block empty.
"""

import types

import numpy as np

# Channels of a block on a CPU with AVX-512.
_BLOCK = 16


def rewrite(onnx: types.ModuleType, graph) -> None:
    """Rewrite a graph in place.

    Args:
        onnx: the `onnx` package. It is optional, so only callers import it.
        graph: `GraphProto` from tf2onnx. Nodes that match no pattern stay unchanged.
    """
    for rule in (_erfc, _shuffle_after_prelu, _prelu, _shuffle_after_convolution, _split_rows):
        names = _Names(onnx, graph)
        nodes = [new for node in graph.node for new in rule(names, node) or [node]]
        del graph.node[:]
        graph.node.extend(nodes)
        _drop_unread(graph)


def _drop_unread(graph):
    """Remove nodes and constants that no output depends on."""
    read = {value.name for value in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if read.intersection(node.output):
            nodes.append(node)
            read.update(node.input)
    constants = [constant for constant in graph.initializer if constant.name in read]
    for field, kept in ((graph.node, nodes[::-1]), (graph.initializer, constants)):
        del field[:]
        field.extend(kept)


class _Names:
    """Nodes and constants of a graph by name, and functions that make new ones."""

    def __init__(self, onnx, graph):
        self._onnx = onnx
        self._graph = graph
        self.constants = {c.name: onnx.numpy_helper.to_array(c) for c in graph.initializer}
        self.producers = {name: node for node in graph.node for name in node.output}

    def chain(self, name, *kinds):
        """Return the chain of nodes of these types that ends in a tensor.

        The list starts with the last node. It is empty if the tensor has another origin.
        """
        nodes = []
        for kind in kinds:
            node = self.producers.get(name)
            if node is None or node.op_type != kind:
                return []
            nodes.append(node)
            name = node.input[0]
        return nodes

    def attributes(self, node):
        """Return the attributes of a node by name."""
        return {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}

    def filters(self, name):
        """Return the output channels of the convolution that makes a tensor, or 0 if none does."""
        chain = self.chain(name, "Conv")
        kernel = self.constants.get(chain[0].input[1]) if chain else None
        return 0 if kernel is None else len(kernel)

    def shape(self, reshape):
        """Return the target shape of a `Reshape`. Computed sides are None."""
        chain = self.chain(reshape.input[1], "Cast", "Concat")
        sides = [self.constants.get(name) for name in chain[-1].input] if chain else []
        return [None if side is None else int(side.item()) for side in sides]

    def constant(self, name, values):
        """Add a float32 constant, and return its name."""
        values = np.ascontiguousarray(values, "float32")
        self._graph.initializer.append(self._onnx.numpy_helper.from_array(values, name))
        return name

    def node(self, kind, inputs, output, **attributes):
        """Return a node with one output, which is also its name."""
        return self._onnx.helper.make_node(kind, inputs, [output], name=output, **attributes)

    def convolution(self, x, kernel, bias, output):
        """Return a padded convolution of stride 1.

        `bias` is an empty list, or holds the name of the bias.
        """
        height, width = sides = kernel.shape[2:]
        inputs = [x, self.constant(f"{output}/kernel_{height}x{width}", kernel), *bias]
        return self.node("Conv", inputs, output, kernel_shape=sides, auto_pad="SAME_UPPER")

    def slopes(self, x, slopes, output):
        """Return the nodes of a PReLU with one slope per channel, for the layout NCHW.

        A PReLU is `x + relu((slope - 1) * x)` for slopes up to 1. A depthwise convolution of size 1
        multiplies each channel by its constant. A second one restores the sign for slopes above 1.
        """
        signs = np.where(slopes > 1, -1, 1)
        scaled, rectified, signed = (f"{output}/{n}" for n in ("scaled", "rectified", "signed"))

        def scale(before, factors, after):
            kernel = self.constant(f"{after}/factors", np.reshape(factors, (-1, 1, 1, 1)))
            return self.node("Conv", [before, kernel], after, group=len(factors))

        nodes = [
            scale(x, signs * (slopes - 1), scaled),
            self.node("Relu", [scaled], rectified),
        ]
        if (signs > 0).all():
            return [*nodes, self.node("Add", [x, rectified], output)]
        return [*nodes, scale(rectified, signs, signed), self.node("Add", [x, signed], output)]


def _erfc(names, node):
    """Replace `Erfc`, of the exact GELU, which is not an operation of ONNX: `1 - erf(x)`."""
    if node.op_type != "Erfc":
        return None
    output = node.output[0]
    return [
        names.node("Erf", list(node.input), f"{output}/erf"),
        names.node("Sub", [names.constant(f"{output}/one", 1), f"{output}/erf"], output),
    ]


def _find_slopes(names, node):
    """Return the input and the slopes of the PReLU that ends in a node, or None if there is none.

    Keras computes PReLU as `relu(x) + -slope * relu(-x)`.
    """
    if node is None or node.op_type != "Add":
        return None
    positive = names.chain(node.input[0], "Relu")
    negative = names.chain(node.input[1], "Mul", "Relu", "Neg")
    if not positive or not negative or positive[0].input[0] != negative[-1].input[0]:
        return None
    factors = names.constants.get(negative[0].input[1])
    return None if factors is None else (positive[0].input[0], -factors)


def _prelu(names, node):
    """Replace a PReLU that follows a convolution."""
    found = _find_slopes(names, node)
    if not found:
        return None
    x, slopes = found
    filters = names.filters(x)
    if not filters or slopes.shape != (1, filters, 1, 1):
        return None
    return names.slopes(x, slopes.ravel(), node.output[0])


def _shuffle_after_prelu(names, node):
    """Replace a pixel shuffle with channels last that is followed by a PReLU.

    The two commute: the PReLU is moved before the shuffle, where it has more channels.
    """
    found = _find_slopes(names, names.producers.get(node.input[0])) if node.input else None
    if node.op_type != "Transpose" or not found:
        return None
    chain = names.chain(found[0], "Reshape", "Transpose", "Reshape", "Transpose")
    if not chain:
        return None
    outer, rows, inner, to_last = chain
    orders = [list(names.attributes(transpose)["perm"]) for transpose in (to_last, rows, node)]
    if orders != [[0, 2, 3, 1], [0, 1, 3, 2, 4], [0, 3, 1, 2]]:
        return None
    x, slopes, output = to_last.input[0], found[1].ravel(), node.output[0]
    channels, filters = len(slopes), names.filters(x)
    factor = round((filters / channels) ** 0.5)
    sizes = [names.shape(inner)[3:], names.shape(outer)[3:]]
    if factor**2 * channels != filters or sizes != [[factor, factor * channels], [channels]]:
        return None
    return [
        *names.slopes(x, np.tile(slopes, factor**2), f"{output}/blocks"),
        names.node("DepthToSpace", [f"{output}/blocks"], output, blocksize=factor, mode="DCR"),
    ]


def _find_kernel(names, node):
    """Return the kernel of a padded convolution of stride 1, or None for another node."""
    if node.op_type != "Conv":
        return None
    attributes = {"strides": [1], "dilations": [1], "group": 1, **names.attributes(node)}
    ones = {*attributes["strides"], *attributes["dilations"], attributes["group"]}
    kernel = names.constants.get(node.input[1])
    if ones != {1} or attributes.get("auto_pad") != b"SAME_UPPER" or kernel is None:
        return None
    return kernel if all(side % 2 for side in kernel.shape[2:]) else None


def _cost(kernel):
    """Return the multiplications per pixel. An incomplete block costs as much as a full one."""
    filters, *others = kernel.shape
    return -(-filters // _BLOCK) * _BLOCK * int(np.prod(others))


def _shuffle_after_convolution(names, node):
    """Replace a pixel shuffle that is followed by a convolution with few output channels.

    The convolution is moved before the shuffle, so that fewer channels are shuffled.
    """
    kernel = _find_kernel(names, node)
    shuffle = names.chain(node.input[0], "DepthToSpace") if kernel is not None else []
    if not shuffle:
        return None
    factor = names.attributes(shuffle[0])["blocksize"]
    blocks = _kernel_of_blocks(kernel, factor)
    if _cost(blocks) >= factor**2 * _cost(kernel):
        return None
    output = node.output[0]
    biases = [names.constants.get(name) for name in node.input[2:]]
    if any(bias is None for bias in biases):
        return None
    biases = [names.constant(f"{output}/bias", np.tile(bias, factor**2)) for bias in biases]
    return [
        names.convolution(shuffle[0].input[0], blocks, biases, f"{output}/blocks"),
        names.node("DepthToSpace", [f"{output}/blocks"], output, blocksize=factor, mode="DCR"),
    ]


def _kernel_of_blocks(kernel, factor):
    """Return the kernel that has the same effect before a pixel shuffle as `kernel` after it."""
    filters, channels, *sides = kernel.shape
    # Number of neighboring blocks that the kernel reaches on each side.
    reaches = [-(-(side // 2) // factor) for side in sides]
    sizes = [2 * reach + 1 for reach in reaches]
    pixels = np.zeros((factor, factor, filters, channels, *(factor * size for size in sizes)))
    for offset in np.ndindex(factor, factor):
        rows, columns = (
            slice(at + factor * reach - side // 2, at + factor * reach - side // 2 + side)
            for at, reach, side in zip(offset, reaches, sides, strict=True)
        )
        pixels[(*offset, slice(None), slice(None), rows, columns)] = kernel
    pixels = pixels.reshape(factor**2 * filters, channels, sizes[0], factor, sizes[1], factor)
    return pixels.transpose(0, 3, 5, 1, 2, 4).reshape(len(pixels), -1, *sizes)


def _split_rows(names, node):
    """Replace a convolution with few output channels by one for each kernel row and their sum."""
    kernel = _find_kernel(names, node)
    if kernel is None:
        return None
    filters, channels, height, width = kernel.shape
    rows = kernel.transpose(2, 0, 1, 3).reshape(height * filters, channels, 1, width)
    # Kernel of the sum: 1 where a row and its filter meet.
    total = np.einsum("rs,fg->frgs", np.eye(height), np.eye(filters))
    total = total.reshape(filters, height * filters, height, 1)
    if _cost(rows) + _cost(total) >= _cost(kernel):
        return None
    output = node.output[0]
    return [
        names.convolution(node.input[0], rows, [], f"{output}/rows"),
        names.convolution(f"{output}/rows", total, node.input[2:], output),
    ]
