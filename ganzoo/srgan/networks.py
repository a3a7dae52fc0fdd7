"""Build the networks of the SRGAN for images of any height and width.

Arguments without a description are those of `SRGAN`.
"""

import keras
from keras import layers, ops

from ganzoo.layers import leaky_relu, normalize


@keras.saving.register_keras_serializable(package="ganzoo")
class PixelShuffle(keras.layers.Layer):
    """Layer that rearranges channels to pixels, and so increases the resolution by a factor.

    Args:
        factor: int, at least 1. Ratio of the output's sides to the input's.

    Input shape: `(batch, height, width, factor**2 * channels)`. Pixel `(i, j)` of an output block
        comes from the channels that start at `(i * factor + j) * channels`.
    Output shape: `(batch, factor * height, factor * width, channels)`.

    Reference: Shi et al., 2016 (arXiv:1609.05158), section 2.2.
    """

    def __init__(self, factor: int, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        _, height, width, _ = ops.shape(inputs)
        factor, channels = self.factor, inputs.shape[-1] // self.factor**2
        x = ops.reshape(inputs, (-1, height, width, factor, factor * channels))
        # Interleave the rows of the blocks with the rows of the image.
        x = ops.transpose(x, (0, 1, 3, 2, 4))
        return ops.reshape(x, (-1, height * factor, width * factor, channels))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        sides = [None if side is None else side * self.factor for side in (height, width)]
        return (batch, *sides, channels // self.factor**2)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def build_generator(scale: int, num_blocks: int, filters: int, zero_start: bool) -> keras.Model:
    """Build the generator, SRResNet (figure 4 of the paper).

    Args:
        scale: int, a power of two. Ratio of the output's sides to the input's.
        num_blocks: int. Number of residual blocks.
        filters: int. Filters of the convolutions.
        zero_start: bool. Initialize the last normalization of each residual block with zeros, so
            that the block is the identity at first (Goyal et al., 2017, arXiv:1706.02677, section
            5.1).
    """
    low_res = keras.Input((None, None, 3), name="low_res")
    x = layers.Conv2D(filters, 9, padding="same", name="head_conv")(low_res)
    head = x = _prelu("head_prelu")(x)
    for index in range(num_blocks):
        x = _residual_block(x, filters, "zeros" if zero_start else "ones", name=f"block_{index}")
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name="body_conv")(x)
    x = normalize(x, name="body_norm")
    x = layers.Add(name="long_skip")([head, x])
    for index in range(scale.bit_length() - 1):
        x = layers.Conv2D(4 * filters, 3, padding="same", name=f"up_{index}_conv")(x)
        x = PixelShuffle(2, name=f"up_{index}_shuffle")(x)
        x = _prelu(f"up_{index}_prelu")(x)
    x = layers.Conv2D(3, 9, padding="same", name="to_images")(x)
    # Return float32. The convolution itself would take twice as long in float32.
    super_res = layers.Activation("linear", dtype="float32", name="super_res")(x)
    return keras.Model(low_res, super_res, name="generator")


def build_compact_generator(scale: int, num_blocks: int, filters: int) -> keras.Model:
    """Build the compact generator, SPAN (figure 2 of its paper), without batch normalization.

    All convolutions are at the low resolution. The network is the sum of the enlarged input and of
    what the convolutions add to it, which is 0 at first.

    Departures: the paper trains wider convolutions and merges them afterwards, as in
    `MergedConv2D`. The enlarged input is not part of it. It keeps colors exact.

    Args:
        scale: int. Ratio of the output's sides to the input's.
        num_blocks: int. Number of attention blocks.
        filters: int. Filters of the convolutions.

    Reference: Wan et al., 2023 (arXiv:2311.12770), section 3.
    """
    low_res = keras.Input((None, None, 3), name="low_res")
    head = _conv(low_res, filters, name="head_conv")
    blocks = [head]
    for index in range(num_blocks):
        x, shallow = _attention_block(blocks[-1], filters, name=f"block_{index}")
        blocks.append(x)
    x = _conv(x, filters, name="body_conv")
    x = layers.Concatenate(name="features")([head, x, blocks[1], shallow])
    x = layers.Conv2D(filters, 1, name="fusion_conv")(x)
    x = layers.Conv2D(
        3 * scale**2, 3, padding="same", kernel_initializer="zeros", name="to_images"
    )(x)
    x = PixelShuffle(scale, name="shuffle")(x)
    # Add in float32, so that the input keeps its 8 bits.
    enlarged = layers.UpSampling2D(scale, dtype="float32", name="enlarged")(low_res)
    super_res = layers.Add(dtype="float32", name="super_res")([enlarged, x])
    return keras.Model(low_res, super_res, name="generator")


def build_discriminator(filters: int) -> keras.Model:
    """Build the discriminator (figure 4 of the paper), from images of any size to one logit each.

    The images have a side of at least 16 pixels. The features are averaged over the image. The
    dense layer of the paper needs crops of a fixed size.
    """
    images = keras.Input((None, None, 3), name="images")
    x = layers.Conv2D(filters, 3, padding="same", name="conv_0")(images)
    x = leaky_relu(name="leaky_relu_0")(x)
    for index in range(1, 8):  # n64s2, n128s1, n128s2, ... n512s2
        x = layers.Conv2D(
            filters * 2 ** (index // 2),
            3,
            strides=1 + index % 2,
            padding="same",
            use_bias=False,
            name=f"conv_{index}",
        )(x)
        x = normalize(x, name=f"norm_{index}")
        x = leaky_relu(name=f"leaky_relu_{index}")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dense(16 * filters, name="dense")(x)
    x = leaky_relu(name="dense_leaky_relu")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")


def _residual_block(inputs, filters, last_gamma, name):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv_0")(inputs)
    x = normalize(x, name=f"{name}_norm_0")
    x = _prelu(f"{name}_prelu")(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv_1")(x)
    x = normalize(x, name=f"{name}_norm_1", gamma=last_gamma)
    return layers.Add(name=f"{name}_add")([inputs, x])


def _attention_block(inputs, filters, name):
    """Return the output of a block, and the features after its first convolution."""
    shallow = _conv(inputs, filters, name=f"{name}_conv_0")
    x = layers.Activation("silu", name=f"{name}_silu_0")(shallow)
    x = _conv(x, filters, name=f"{name}_conv_1")
    x = layers.Activation("silu", name=f"{name}_silu_1")(x)
    x = _conv(x, filters, name=f"{name}_conv_2")
    # The features are their own attention. It is odd, so that strong features of both signs count.
    attention = ops.sigmoid(x) - 0.5
    return layers.Add(name=f"{name}_add")([inputs, x]) * attention, shallow


def _conv(x, filters, name):
    initializer = keras.initializers.VarianceScaling(1.0, "fan_in")
    return layers.Conv2D(filters, 3, padding="same", kernel_initializer=initializer, name=name)(x)


def _prelu(name):
    """Return a PReLU with one slope per channel, which starts at 0.25."""
    slope = keras.initializers.Constant(0.25)
    return layers.PReLU(alpha_initializer=slope, shared_axes=[1, 2], name=name)
