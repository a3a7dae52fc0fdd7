"""An ONNX graph rewritten into an equal one that onnxruntime runs faster.

On a processor onnxruntime keeps images in blocks of channels from one convolution to the
next, as long as it meets nothing between them that it cannot do in blocks: a multiplication
by a constant, a transposition or a reshaping. What is rewritten are the slopes and the pixel
shuffles of networks like SRGAN's, and large kernels for few channels, of which a block would
stay empty for the most part.
"""

import numpy as np

# Channels of a block, where the processor has AVX-512.
_BLOCK = 16


def rewrite(onnx, graph):
    """Rewrites a graph in place, as the conversion from TensorFlow left it.

    Args:
        onnx: the package.
        graph: its `GraphProto`. Where no pattern fits, it stays as it is.
    """
    for rule in (_shuffle_after_prelu, _prelu, _shuffle_after_convolution, _split_rows):
        names = _Names(onnx, graph)
        nodes = [new for node in graph.node for new in rule(names, node) or [node]]
        del graph.node[:]
        graph.node.extend(nodes)
        _drop_unread(graph)


def _drop_unread(graph):
    """Removes nodes and constants that lead to no output."""
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
    """The nodes and constants of a graph by name, and new ones."""

    def __init__(self, onnx, graph):
        self._onnx = onnx
        self._graph = graph
        self.constants = {c.name: onnx.numpy_helper.to_array(c) for c in graph.initializer}
        self.givers = {name: node for node in graph.node for name in node.output}

    def lead(self, name, *kinds):
        """The nodes of these kinds that lead to a tensor, the last first; empty if others do."""
        nodes = []
        for kind in kinds:
            node = self.givers.get(name)
            if node is None or node.op_type != kind:
                return []
            nodes.append(node)
            name = node.input[0]
        return nodes

    def attributes(self, node):
        return {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}

    def filters(self, name):
        """How many channels a convolution gives to a tensor; 0 if it comes from elsewhere."""
        lead = self.lead(name, "Conv")
        kernel = self.constants.get(lead[0].input[1]) if lead else None
        return 0 if kernel is None else len(kernel)

    def shape(self, reshape):
        """What a `Reshape` makes of a tensor: a number, or None if computed, for each axis."""
        lead = self.lead(reshape.input[1], "Cast", "Concat")
        sides = [self.constants.get(name) for name in lead[-1].input] if lead else []
        return [None if side is None else int(side.item()) for side in sides]

    def constant(self, name, values):
        values = np.ascontiguousarray(values, "float32")
        self._graph.initializer.append(self._onnx.numpy_helper.from_array(values, name))
        return name

    def node(self, kind, inputs, output, **attributes):
        return self._onnx.helper.make_node(kind, inputs, [output], name=output, **attributes)

    def convolution(self, x, kernel, bias, output):
        """A node of stride 1 that keeps the sides; `bias` are no or one names."""
        height, width = sides = kernel.shape[2:]
        inputs = [x, self.constant(f"{output}/kernel_{height}x{width}", kernel), *bias]
        return self.node("Conv", inputs, output, kernel_shape=sides, auto_pad="SAME_UPPER")

    def slopes(self, x, slopes, output):
        """The nodes of a PReLU of channels that come first.

        A multiplication is a convolution of each channel by itself. It takes one for
        `x + relu((slope - 1) * x)`, and another for the sign where a slope is above 1.
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


def _find_slopes(names, node):
    """What goes into the PReLU that ends in a node, and its slopes, or None if there is none.

    Keras computes `relu(x) + -slope * relu(-x)`.
    """
    if node is None or node.op_type != "Add":
        return None
    positive = names.lead(node.input[0], "Relu")
    negative = names.lead(node.input[1], "Mul", "Relu", "Neg")
    if not positive or not negative or positive[0].input[0] != negative[-1].input[0]:
        return None
    factors = names.constants.get(negative[0].input[1])
    return None if factors is None else (positive[0].input[0], -factors)


def _prelu(names, node):
    """A PReLU of what a convolution gives."""
    found = _find_slopes(names, node)
    if not found:
        return None
    x, slopes = found
    filters = names.filters(x)
    if not filters or slopes.shape != (1, filters, 1, 1):
        return None
    return names.slopes(x, slopes.ravel(), node.output[0])


def _shuffle_after_prelu(names, node):
    """A pixel shuffle with channels last and a PReLU, which might as well come before it."""
    found = _find_slopes(names, names.givers.get(node.input[0])) if node.input else None
    if node.op_type != "Transpose" or not found:
        return None
    lead = names.lead(found[0], "Reshape", "Transpose", "Reshape", "Transpose")
    if not lead:
        return None
    outer, rows, inner, to_last = lead
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
    """The kernel of a convolution of stride 1 that keeps the sides, or None if it is another."""
    if node.op_type != "Conv":
        return None
    attributes = {"strides": [1], "dilations": [1], "group": 1, **names.attributes(node)}
    ones = {*attributes["strides"], *attributes["dilations"], attributes["group"]}
    kernel = names.constants.get(node.input[1])
    if ones != {1} or attributes.get("auto_pad") != b"SAME_UPPER" or kernel is None:
        return None
    return kernel if all(side % 2 for side in kernel.shape[2:]) else None


def _cost(kernel):
    """Multiplications at a pixel; a block that is not full costs as much as one that is."""
    filters, *others = kernel.shape
    return -(-filters // _BLOCK) * _BLOCK * int(np.prod(others))


def _shuffle_after_convolution(names, node):
    """A convolution of shuffled pixels for few channels: these are shuffled, in place of many."""
    kernel = _find_kernel(names, node)
    shuffle = names.lead(node.input[0], "DepthToSpace") if kernel is not None else []
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
    """The kernel that does to the channels of blocks what a kernel does to their pixels."""
    filters, channels, *sides = kernel.shape
    # Blocks that the kernel reaches on either side of one.
    reaches = [-(-(side // 2) // factor) for side in sides]
    taps = [2 * reach + 1 for reach in reaches]
    pixels = np.zeros((factor, factor, filters, channels, *(factor * tap for tap in taps)))
    for offset in np.ndindex(factor, factor):
        rows, columns = (
            slice(at + factor * reach - side // 2, at + factor * reach - side // 2 + side)
            for at, reach, side in zip(offset, reaches, sides, strict=True)
        )
        pixels[(*offset, slice(None), slice(None), rows, columns)] = kernel
    pixels = pixels.reshape(factor**2 * filters, channels, taps[0], factor, taps[1], factor)
    return pixels.transpose(0, 3, 5, 1, 2, 4).reshape(len(pixels), -1, *taps)


def _split_rows(names, node):
    """A convolution for few channels: of each row by itself, then of their sum."""
    kernel = _find_kernel(names, node)
    if kernel is None:
        return None
    filters, channels, height, width = kernel.shape
    rows = kernel.transpose(2, 0, 1, 3).reshape(height * filters, channels, 1, width)
    # 1 where a row of the kernel meets the filter it is of.
    total = np.einsum("rs,fg->frgs", np.eye(height), np.eye(filters))
    total = total.reshape(filters, height * filters, height, 1)
    if _cost(rows) + _cost(total) >= _cost(kernel):
        return None
    output = node.output[0]
    return [
        names.convolution(node.input[0], rows, [], f"{output}/rows"),
        names.convolution(f"{output}/rows", total, node.input[2:], output),
    ]
