"""Build the networks of the R3GAN: residual blocks without normalization, and resampling.

The generator starts from a few pixels and doubles both sides between stages. The discriminator
mirrors it. `conditions` are those of the model. Other arguments without a description are those of
`R3GAN`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
from keras import layers, ops

from ganzoo.conditions import Condition
from ganzoo.layers import encode_labels, label_inputs, leaky_relu
from ganzoo.sizes import count_doublings, require_start_size

# Length of a class embedding.
_EMBEDDING_DIM = 64
# Filters of the paper at all sides of at most 32. Each larger side has half as many.
_PAPER_FILTERS = 768


class Sizes(NamedTuple):
    """Sizes that both networks share.

    Attributes:
        start_size: `(height, width)` of the first stage of the generator.
        widths: filters of each stage, coarse to fine.
        blocks: number of residual blocks of each stage.
        expansion: hidden filters of a block, as a multiple of the stage's filters.
        group_width: largest number of hidden filters of a group in the 3x3 convolution. None means
            one group.
    """

    start_size: tuple[int, int]
    widths: tuple[int, ...]
    blocks: int
    expansion: float
    group_width: int | None


def default_sizes(image_shape: tuple, base_filters: int | None, blocks: int) -> Sizes:
    """Return the sizes of the default networks.

    Hidden layers are narrow and their 3x3 convolutions have one group, because processors run
    grouped convolutions slowly.
    """
    base_filters = base_filters or 48
    widths = _widths(image_shape, base_filters, most=8 * base_filters)
    return Sizes(require_start_size(image_shape), widths, blocks, expansion=0.5, group_width=None)


def paper_sizes(image_shape: tuple, base_filters: int | None, blocks: int) -> Sizes:
    """Return the sizes of the paper's networks."""
    if base_filters is None:
        base_filters = max(1, _PAPER_FILTERS // 2 ** max(0, count_doublings(image_shape) - 3))
    widths = _widths(image_shape, base_filters, most=max(_PAPER_FILTERS, base_filters))
    return Sizes(require_start_size(image_shape), widths, blocks, expansion=2.0, group_width=16)


def _widths(image_shape, base_filters, most):
    """Return the filters of each stage, coarse to fine."""
    halvings = range(count_doublings(image_shape), -1, -1)
    return tuple(min(base_filters * 2**n, most) for n in halvings)


def build_generator(
    image_shape: tuple, conditions: Sequence[Condition], latent_dim: int, sizes: Sizes
) -> keras.Model:
    """Build the generator, from latents, or `[latents, *labels]`, to images.

    A learnt image of `start_size` is scaled, channel by channel, with a linear function of the
    latents and the embedding of the labels. There is no tanh at the end: images may leave [-1, 1].
    """
    latents = keras.Input((latent_dim,), name="latents")
    inputs = x = latents
    if conditions:
        labels = label_inputs(conditions)
        inputs = [latents, *labels]
        # Standard normal, like the latents.
        embedding = _embed(conditions, labels, stddev=1.0)
        x = layers.Concatenate(name="join")([latents, embedding])
    widths, scale = sizes.widths, _residual_scale(sizes)
    x = layers.Dense(widths[0], use_bias=False, kernel_initializer=_normal(), name="project")(x)
    x = LearntStart(sizes.start_size, name="start")(x)
    for stage, filters in enumerate(widths):
        name = f"stage_{stage}"
        if stage > 0:
            # The convolution is linear, so it may precede the interpolation, which saves time.
            x = _match_width(x, filters, f"{name}_width")
            x = _double(x, f"{name}_up")
        x = _blocks(x, filters, sizes, scale, _plain_leaky_relu, name)
    x = _conv(image_shape[-1], 1, name="to_images")(x)
    # Use float32 even under mixed precision, so that the images are not rounded.
    images = layers.Activation("linear", dtype="float32", name="images")(x)
    return keras.Model(inputs, images, name="generator")


def build_discriminator(
    image_shape: tuple, conditions: Sequence[Condition], sizes: Sizes
) -> keras.Model:
    """Build the discriminator, from images, or `[images, *labels]`, to one logit each.

    With labels, the logit is the inner product of the features with the embedding of the labels.
    """
    images = keras.Input(image_shape, name="images")
    widths, scale = sizes.widths[::-1], _residual_scale(sizes)
    x = _conv(widths[0], 1, name="from_images")(images)
    for stage, filters in enumerate(widths):
        name = f"stage_{stage}"
        if stage > 0:
            x = _halve(x, f"{name}_down")
            x = _match_width(x, filters, f"{name}_width")
        x = _blocks(x, filters, sizes, scale, leaky_relu, name)
    x = layers.DepthwiseConv2D(
        sizes.start_size,
        use_bias=False,
        depthwise_initializer=keras.initializers.RandomNormal(
            stddev=1.0 / math.sqrt(math.prod(sizes.start_size))
        ),
        name="pool",
    )(x)
    x = layers.Flatten(name="flatten")(x)
    dense = {"use_bias": False, "kernel_initializer": _normal(), "dtype": "float32"}
    if not conditions:
        return keras.Model(images, layers.Dense(1, **dense, name="logits")(x), name="discriminator")
    labels = label_inputs(conditions)
    features = layers.Dense(_EMBEDDING_DIM, **dense, name="features")(x)
    # The logit then starts with the variance of a feature.
    stddev = 1.0 / math.sqrt(_EMBEDDING_DIM)
    embedding = _embed(conditions, labels, stddev, dtype="float32")
    logits = layers.Dot(axes=1, dtype="float32", name="logits")([features, embedding])
    return keras.Model([images, *labels], logits, name="discriminator")


def _residual_scale(sizes):
    """Return the factor of fix-up initialization for blocks of three convolutions.

    Reference: Zhang et al., 2019 (arXiv:1901.09321), section 3.1: `L ** (-1 / (2m - 2))`.
    """
    return (len(sizes.widths) * sizes.blocks) ** -0.25


def _blocks(x, filters, sizes, scale, activation, name):
    for index in range(sizes.blocks):
        x = _residual_block(x, filters, sizes, scale, activation, f"{name}_block_{index}")
    return x


def _residual_block(x, filters, sizes, scale, activation, name):
    """Return the sum of `x` and of three convolutions, 1x1, 3x3 and 1x1.

    The last one starts at zero, so that an untrained block is the identity (Zhang et al., 2019).
    """
    hidden = max(1, round(filters * sizes.expansion))
    gain = scale * math.sqrt(2.0 / (1.0 + 0.2**2))  # He et al., 2015, for a slope of 0.2 below 0.
    y = _conv(hidden, 1, gain, bias=True, name=f"{name}_conv_1")(x)
    y = activation(name=f"{name}_leaky_relu_1")(y)
    y = _spatial_conv(hidden, sizes.group_width, gain, name=f"{name}_conv_2")(y)
    y = activation(name=f"{name}_leaky_relu_2")(y)
    y = _conv(filters, 1, gain=0.0, name=f"{name}_conv_3")(y)
    return layers.Add(name=name)([x, y])


def _conv(filters, kernel_size, gain=1.0, bias=False, name=None):
    return layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        use_bias=bias,
        kernel_initializer=_normal(gain),
        name=name,
    )


def _spatial_conv(filters, group_width, gain, name):
    groups = 1 if group_width is None else filters // math.gcd(filters, group_width)
    if groups == 1:
        return _conv(filters, 3, gain, bias=True, name=name)
    return GroupedConv2D(groups, gain, name=name)


# Both functions apply the filter [1, 2, 1] along each axis. At the border, the mean of two pixels
# is that of one, as if the border were repeated. A constant image stays constant.


def _double(x, name):
    x = layers.UpSampling2D(2, name=f"{name}_repeat")(x)
    return layers.AveragePooling2D(2, strides=1, padding="same", name=name)(x)


def _halve(x, name):
    x = layers.AveragePooling2D(2, strides=1, padding="same", name=f"{name}_blur")(x)
    return layers.AveragePooling2D(2, name=name)(x)


def _plain_leaky_relu(name):
    """Return the generator's activation. No second derivatives are needed there."""
    return layers.LeakyReLU(0.2, name=name)


def _match_width(x, filters, name):
    return x if x.shape[-1] == filters else _conv(filters, 1, name=name)(x)


def _embed(conditions, labels, stddev, dtype=None):
    # The sum over conditions has the deviation of one.
    initializer = keras.initializers.RandomNormal(stddev=stddev / math.sqrt(len(conditions)))
    return layers.Dense(
        _EMBEDDING_DIM,
        use_bias=False,
        kernel_initializer=initializer,
        dtype=dtype,
        name="class_embedding",
    )(encode_labels(conditions, labels, dtype))


def _normal(gain=1.0):
    """Return a normal initializer with deviation `gain / sqrt(fan_in)`."""
    if gain == 0.0:
        return "zeros"
    return keras.initializers.VarianceScaling(gain**2, "fan_in", "untruncated_normal")


@keras.saving.register_keras_serializable(package="ganzoo")
class LearntStart(keras.layers.Layer):
    """Layer that scales the channels of a learnt image.

    Args:
        shape: `(height, width)` of the image.

    Input shape: `(batch, channels)`. Output shape: `(batch, height, width, channels)`.
    """

    def __init__(self, shape: tuple[int, int], **kwargs):
        super().__init__(**kwargs)
        self.shape = tuple(shape)

    def build(self, input_shape):
        self.image = self.add_weight(
            shape=(*self.shape, input_shape[-1]),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="image",
        )

    def call(self, scales):
        return self.image * scales[:, None, None, :]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "shape": self.shape}


@keras.saving.register_keras_serializable(package="ganzoo")
class GroupedConv2D(keras.layers.Layer):
    """Convolution with 3x3 kernels and a bias, in groups of channels that do not mix.

    It multiplies matrices, one per group and pixel of the kernel. TensorFlow has no gradient of
    grouped convolutions on CPUs. Keras compiles them with XLA instead, which cannot be exported to
    ONNX.

    Args:
        groups: int. Number of groups, which divides the number of channels.
        gain: float. Kernels start normal with deviation `gain / sqrt(9 * channels / groups)`.

    Input and output shape: `(batch, height, width, channels)`.
    """

    def __init__(self, groups: int, gain: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups
        self.gain = gain

    def build(self, input_shape):
        channels = input_shape[-1]
        group_width = channels // self.groups
        stddev = self.gain / math.sqrt(9 * group_width)
        self.kernel = self.add_weight(
            shape=(3, 3, self.groups, group_width, group_width),
            initializer=keras.initializers.RandomNormal(stddev=stddev),
            name="kernel",
        )
        self.bias = self.add_weight(shape=(channels,), initializer="zeros", name="bias")

    def call(self, x):
        height, width, channels = x.shape[1:]
        group_width = channels // self.groups
        x = ops.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        x = ops.reshape(x, (-1, height + 2, width + 2, self.groups, group_width))
        x = ops.transpose(x, (3, 0, 1, 2, 4))
        y = 0.0
        for row in range(3):
            for column in range(3):
                shifted = x[:, :, row : row + height, column : column + width]
                pixels = ops.reshape(shifted, (self.groups, -1, group_width))
                y += ops.matmul(pixels, self.kernel[row, column])
        y = ops.reshape(y, (self.groups, -1, height, width, group_width))
        y = ops.reshape(ops.transpose(y, (1, 2, 3, 0, 4)), (-1, height, width, channels))
        return y + self.bias

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "groups": self.groups, "gain": self.gain}
