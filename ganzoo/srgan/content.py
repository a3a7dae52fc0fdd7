"""Content losses: how far a super-resolved image is from the real one.

Images are in [-1, 1]. A loss is a mean over pixels or over features, so that it does
not grow with the size of a crop.
"""

import os
import pathlib
import zipfile

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ganzoo import registry

WEIGHTS_VARIABLE = "GANZOO_VGG19_WEIGHTS"
_LAYERS = {"vgg22": "block2_conv2", "vgg34": "block3_conv4", "vgg54": "block5_conv4"}
# Pixels with features of VGG19 beside them.
_BOTH = "pixel+vgg34"
CONTENTS = ("pixel", _BOTH, *_LAYERS)
# Makes the features weigh about as much as the pixels: their loss is in the hundreds.
_FEATURE_WEIGHT = 1e-5
_WAYS_OUT = (
    f"Give a file by `vgg19_weights` or {WEIGHTS_VARIABLE} (.h5 as Keras ships it, or .npz), or "
    "take content='pixel'."
)
# "Rescaled by a factor of 1/12.75 to obtain VGG losses of a scale comparable to the MSE
# loss" (section 3.2 of the paper); a factor of the features, so of its square in the loss.
_RESCALING = 1 / 12.75


def pixel_loss(real_images, fake_images):
    """Mean squared error of pixels (equation 4 of the paper)."""
    return ops.mean(ops.square(real_images - fake_images))


class VGGLoss:
    """Mean squared error of rescaled VGG19 features (equation 5 of the paper).

    Args:
        content: `"vgg22"`, `"vgg34"` or `"vgg54"`: the feature map after the activation
            of the j-th convolution before the i-th pooling.
        weights: file of ImageNet weights, `.h5` as Keras ships it or an `.npz` with
            arrays `block1_conv1/kernel`, `block1_conv1/bias` and so on. None takes the
            file that the variable `GANZOO_VGG19_WEIGHTS` names, or else what Keras
            downloads.

    Raises:
        ValueError: If there are no weights, or the file lacks layers.
    """

    def __init__(self, content, weights=None):
        self.network = _truncated_vgg19(_LAYERS[content], weights)

    def __call__(self, real_images, fake_images):
        real_features = self._features(real_images)
        return ops.mean(ops.square(real_features - self._features(fake_images)))

    def _features(self, images):
        # Blue, green, red around the mean colour of ImageNet, as these weights were trained.
        pixels = (images[..., ::-1] + 1.0) * 127.5 - np.array([103.939, 116.779, 123.68], "float32")
        return ops.cast(self.network(pixels, training=False), "float32") * _RESCALING


def get(content, weights=None):
    """The content loss of a name, a function of `(real_images, fake_images)`.

    Raises:
        ValueError: If there is no such loss, or no weights for it.
    """
    check(content)
    if content == "pixel":
        return pixel_loss
    if content != _BOTH:
        return VGGLoss(content, weights)
    of_features = VGGLoss("vgg34", weights)

    def loss(real_images, fake_images):
        return pixel_loss(real_images, fake_images) + _FEATURE_WEIGHT * of_features(
            real_images, fake_images
        )

    return loss


def shift_alike(seed, period, *images):
    """Batches of images, all moved around their borders by the same few pixels.

    VGG19 takes the largest of every two pixels: it is blind to some patterns that repeat
    every few pixels, and a generator which upscales by that many learns to draw them. It
    does not know where they would have to lie if its images are moved each time (the
    "transformation robustness" of Olah et al., 2017, doi:10.23915/distill.00007).

    Args:
        seed: int32 `(2,)`, of a stateless draw.
        period: int. Rows and columns move by 0 to `period - 1`, each as likely.
        *images: `(batch, height, width, channels)`.
    """
    moves = tf.random.stateless_uniform((2,), seed, 0, period, "int32")
    return [tf.roll(batch, moves, axis=(1, 2)) for batch in images]


def check(content):
    """Raises a `ValueError` unless a content loss has this name."""
    if content not in CONTENTS:
        raise ValueError(registry.unknown("content loss", content, CONTENTS))


def _truncated_vgg19(last_layer, weights):
    """VGG19 up to a layer, with ImageNet weights and nothing to train."""
    path = weights or os.environ.get(WEIGHTS_VARIABLE)
    if path is None:
        whole = _download()
        return _cut(whole, last_layer)
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file of VGG19 weights at {str(path)!r}. {_WAYS_OUT}")
    network = _cut(keras.applications.VGG19(include_top=False, weights=None), last_layer)
    if path.suffix == ".npz":
        _load_arrays(network, path)
    else:
        _load_h5(network, path)
    return network


def _cut(network, last_layer):
    network = keras.Model(network.input, network.get_layer(last_layer).output, name="vgg19")
    network.trainable = False
    return network


def _download():
    try:
        return keras.applications.VGG19(include_top=False, weights="imagenet")
    # Keras raises what its downloader does: of the network, the disk or a wrong hash.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise ValueError(f"VGG19 weights cannot be downloaded ({reason}). {_WAYS_OUT}") from None


def _load_h5(network, path):
    """Reads the layers that are needed out of a file that Keras wrote, of old or of now."""
    try:
        whole = keras.applications.VGG19(include_top=False, weights=None)
        whole.load_weights(path)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:100]
        raise ValueError(f"{str(path)!r} holds no VGG19 weights ({reason}). {_WAYS_OUT}") from None
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
            f"needs. Take that of an earlier layer, or a whole file. {_WAYS_OUT}"
        ) from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        reason = str(error).splitlines()[0][:100]
        raise ValueError(f"{str(path)!r} holds no VGG19 weights ({reason}). {_WAYS_OUT}") from None
