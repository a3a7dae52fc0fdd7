"""Compute content losses, which compare a super-resolved image with the real one.

A loss of features compares what a network sees: AlexNet (LPIPS), VGG16 or VGG19.
Images are in [-1, 1]. A loss is a mean over pixels or features, so it does not grow with the size
of the crops.
"""

import os
import pathlib
import zipfile
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ganzoo.messages import first_line, unknown
from ganzoo.perceptual import LPIPS, SMALLEST_SIDE
from ganzoo.srgan.vgg16 import load_vgg16

WEIGHTS_VARIABLE = "GANZOO_VGG19_WEIGHTS"
_LAYERS = {"vgg22": "block2_conv2", "vgg34": "block3_conv4", "vgg54": "block5_conv4"}
# Weight of the features in a sum of pixel loss and feature loss. For `srresnet_x4` on Set5, the
# pixel loss is 0.0051, and each weighted feature loss is 0.006 to 0.008.
_SUMS = {"pixel+lpips": 0.04, "pixel+vgg16_54": 0.02, "pixel+vgg34": 1e-5}
CONTENTS = ("pixel", "lpips", *_LAYERS, "vgg16_54", *_SUMS)
# Smallest side of images in pixels, for losses whose last feature map would be empty.
_SMALLEST_SIDES = {"lpips": SMALLEST_SIDE, "vgg54": 16, "vgg16_54": 16}
_REMEDY = (
    f"Give a file by `vgg19_weights` or {WEIGHTS_VARIABLE} (.h5 from Keras, or .npz), or use the "
    "content loss 'pixel' or 'pixel+lpips'."
)
# "Rescaled by a factor of 1/12.75 to obtain VGG losses of a scale comparable to the MSE
# loss" (section 3.2 of the paper). This factor of the features is squared in the loss.
_RESCALING = 1 / 12.75


def pixel_loss(real_images: keras.KerasTensor, fake_images: keras.KerasTensor) -> keras.KerasTensor:
    """Return the mean squared error of the pixels (equation 4 of the paper).

    Args:
        real_images: float `(batch, height, width, channels)` in [-1, 1].
        fake_images: float tensor of the same shape.
    """
    return ops.mean(ops.square(real_images - fake_images))


class VGGLoss:
    """Mean squared error of rescaled VGG19 features (equation 5 of the paper).

    Args:
        content: `"vggij"`, one of `"vgg22"`, `"vgg34"` and `"vgg54"`. It uses the feature map after
            the activation of the j-th convolution before the i-th pooling layer.
        weights: file of ImageNet weights: `.h5` from Keras, or `.npz` with the arrays
            `block1_conv1/kernel`, `block1_conv1/bias` and so on. None uses the file that the
            environment variable `GANZOO_VGG19_WEIGHTS` names, or else Keras downloads it.

    Raises:
        ValueError: If there are no weights, or the file lacks layers.
    """

    def __init__(self, content: str, weights: pathlib.Path | str | None = None):
        self.network = _truncated_vgg19(_LAYERS[content], weights)

    def __call__(self, real_images, fake_images):
        real_features = self._features(real_images)
        return ops.mean(ops.square(real_features - self._features(fake_images)))

    def _features(self, images):
        # These weights were trained on BGR pixels minus the mean color of ImageNet.
        pixels = (images[..., ::-1] + 1.0) * 127.5 - np.array([103.939, 116.779, 123.68], "float32")
        return ops.cast(self.network(pixels, training=False), "float32") * _RESCALING


class VGG16Loss:
    """Mean squared error of VGG16 features.

    It compares the feature maps after the activation of the last convolution, conv5_3. They are not
    rescaled, because the weights of torchvision give features of about 1. The weights are those of
    `ganzoo.srgan.vgg16.load_vgg16`.

    Raises:
        ValueError: If there are no weights.
    """

    def __init__(self):
        self.network = load_vgg16()

    def __call__(self, real_images, fake_images):
        real_features, fake_features = (
            ops.cast(self.network(images, training=False), "float32")
            for images in (real_images, fake_images)
        )
        return ops.mean(ops.square(real_features - fake_features))


class LPIPSLoss:
    """Mean perceptual distance; see `ganzoo.perceptual.LPIPS`. Its weights come with ganzoo."""

    def __init__(self):
        self.distance = LPIPS()

    def __call__(self, real_images, fake_images):
        return ops.mean(self.distance(real_images, fake_images))


def get(content: str, weights: pathlib.Path | str | None = None) -> Callable:
    """Return a content loss by name.

    Args:
        content: one of `CONTENTS`. `"lpips"` is the perceptual distance by AlexNet, and
            `"vgg16_54"` compares features of VGG16. `"pixel+..."` adds the pixel loss.
        weights: file of VGG19 weights, as for `VGGLoss`.

    Returns:
        Function of `(real_images, fake_images)` that returns a scalar.

    Raises:
        ValueError: If there is no such loss, or it needs weights and there are none.
    """
    check(content)
    if content == "pixel":
        return pixel_loss
    if content == "lpips":
        return LPIPSLoss()
    if content == "vgg16_54":
        return VGG16Loss()
    if content in _LAYERS:
        return VGGLoss(content, weights)
    feature_loss = get(content.removeprefix("pixel+"), weights)

    def loss(real_images, fake_images):
        features = feature_loss(real_images, fake_images)
        return pixel_loss(real_images, fake_images) + _SUMS[content] * features

    return loss


def smallest_side(content: str) -> int:
    """Return the smallest side of images, in pixels, that a content loss can compare."""
    return _SMALLEST_SIDES.get(content.removeprefix("pixel+"), 1)


def shift_together(seed: tf.Tensor, period: int, *images: tf.Tensor) -> list[tf.Tensor]:
    """Shift batches of images cyclically by the same random number of pixels.

    The strides of AlexNet and the max pooling of VGG hide some patterns that repeat every few
    pixels. A generator that upscales by this period learns to draw them. Random shifts prevent
    this, because the generator does not know the position of the pooling windows (transformation
    robustness, Olah et al., 2017, doi:10.23915/distill.00007).

    Args:
        seed: int32 `(2,)`. Seed of the shifts.
        period: int. Rows and columns are shifted by 0 to `period - 1`, with equal probability.
        *images: batches `(batch, height, width, channels)`.

    Returns:
        List of the shifted batches.
    """
    moves = tf.random.stateless_uniform((2,), seed, 0, period, "int32")
    return [tf.roll(batch, moves, axis=(1, 2)) for batch in images]


def check(content: str) -> None:
    """Check the name of a content loss.

    Raises:
        ValueError: If it is not in `CONTENTS`.
    """
    if content not in CONTENTS:
        raise ValueError(unknown("content loss", content, CONTENTS))


def _truncated_vgg19(last_layer, weights):
    """Return VGG19 up to a layer, frozen, with ImageNet weights."""
    path = weights or os.environ.get(WEIGHTS_VARIABLE)
    if path is None:
        whole = _download()
        return _truncate(whole, last_layer)
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file of VGG19 weights at {str(path)!r}. {_REMEDY}")
    network = _truncate(keras.applications.VGG19(include_top=False, weights=None), last_layer)
    if path.suffix == ".npz":
        _load_arrays(network, path)
    else:
        _load_h5(network, path)
    return network


def _truncate(network, last_layer):
    network = keras.Model(network.input, network.get_layer(last_layer).output, name="vgg19")
    network.trainable = False
    return network


def _download():
    try:
        return keras.applications.VGG19(include_top=False, weights="imagenet")
    # Keras raises various errors: of the network, the disk or a wrong hash.
    except Exception as error:
        raise ValueError(
            f"VGG19 weights cannot be downloaded ({first_line(error)}). {_REMEDY}"
        ) from None


def _load_h5(network, path):
    """Load weights from a file of Keras, in its old or its new format."""
    try:
        whole = keras.applications.VGG19(include_top=False, weights=None)
        whole.load_weights(path)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{str(path)!r} holds no VGG19 weights ({first_line(error)}). {_REMEDY}"
        ) from None
    network.set_weights(whole.get_weights()[: len(network.weights)])


def _load_arrays(network, path):
    try:
        arrays = np.load(path, allow_pickle=False)
        for layer in network.layers:
            if layer.weights:
                layer.set_weights([arrays[f"{layer.name}/{part}"] for part in ("kernel", "bias")])
    except KeyError as error:
        raise ValueError(
            f"{str(path)!r} lacks {error.args[0].split()[0]!r}, which this content loss "
            f"needs. Use the loss of an earlier layer, or a complete file. {_REMEDY}"
        ) from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{str(path)!r} holds no VGG19 weights ({first_line(error)}). {_REMEDY}"
        ) from None
