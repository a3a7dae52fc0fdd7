"""Extractors: networks that embed images, so that metrics compare features."""

import dataclasses
import functools
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from ganzoo.images import from_pixels, on_white, shapes, to_pixels, values
from ganzoo.layers import dtype_policy
from ganzoo.messages import first_line
from ganzoo.metrics.classifiers import CLASSIFIERS, build_classifier
from ganzoo.perceptual import ALEXNET, load_alexnet
from ganzoo.saving import weights

# Images per forward pass.
_BATCH = 250
# Extractors that predict classes, and so give probabilities.
_CLASSIFYING = (*CLASSIFIERS, "inception_v3", "stacked_mnist")
# Smallest and largest side of the images that AlexNet embeds. Its first convolution has a stride of
# 4, so small images must be enlarged. It was trained on images of the largest size.
_ALEXNET_SIDES = (96, 224)
# Shapes `(height, width, channels)` of images that are measured. None is any length.
_TAKEN = tuple((None, None, channels) for channels in (1, 2, 3, 4))
# Arguments that `get_extractor` takes.
Extractor = str | Callable | None


class NamedExtractor(Protocol):
    """Function from images to an `Embedding`, with a name."""

    @property
    def name(self) -> str | None:
        """Name, None for features that are given."""

    def __call__(self, images: Any) -> "Embedding":
        """Return the embedding of images."""


@dataclasses.dataclass(frozen=True)
class Embedding:
    """A batch of embedded images. Its arrays have one row per image.

    Attributes:
        features: float `(num_images, dim)`.
        probabilities: float `(num_images, num_classes)` of the classes that the extractor
            predicts; each row sums to 1. None if it does not classify.
        pixels: uint8 `(num_images, height, width, channels)`, or None if a metric was given
            features instead of images.
        labels: class ids `(num_images,)` of real images, or that fake images were generated for.
            None without classes.
    """

    features: np.ndarray
    probabilities: np.ndarray | None = None
    pixels: np.ndarray | None = None
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows) -> "Embedding":
        """Return some of the images: a slice, or an array of indices."""
        others = (None if part is None else part[rows] for part in self._optional())
        return Embedding(self.features[rows], *others)

    @classmethod
    def join(cls, embeddings: Iterable["Embedding"]) -> "Embedding":
        """Concatenate embeddings of one extractor."""
        parts = list(embeddings)
        features = np.concatenate([part.features for part in parts])
        columns = zip(*(part._optional() for part in parts), strict=True)
        others = (None if one[0] is None else np.concatenate(one) for one in columns)
        return cls(features, *others)

    def with_labels(self, labels) -> "Embedding":
        """Return the same images with labels."""
        labels = None if labels is None else np.asarray(labels)
        return dataclasses.replace(self, labels=labels)

    def _optional(self):
        return self.probabilities, self.pixels, self.labels

    def require_probabilities(self) -> np.ndarray:
        """Return the probabilities.

        Raises:
            ValueError: If there are none.
        """
        if self.probabilities is None:
            raise ValueError(
                "The metric needs an extractor that classifies. Received: one that returns only "
                f"features. Use one of {', '.join(sorted(_CLASSIFYING))}."
            )
        return self.probabilities

    def require_pixels(self) -> np.ndarray:
        """Return the pixels.

        Raises:
            ValueError: If there are none.
        """
        if self.pixels is None:
            raise ValueError(
                "The metric needs images. Received: features. Pass images to `update`, and an "
                "extractor that takes images to the metric."
            )
        return self.pixels

    def require_labels(self) -> np.ndarray:
        """Return the labels.

        Raises:
            ValueError: If there are none.
        """
        if self.labels is None:
            raise ValueError(
                "The metric needs labels. Received: images without labels. Use "
                "`update(images, real, labels)`."
            )
        return self.labels


def extractor_names() -> list[str]:
    """Return the names that `get_extractor` knows, sorted."""
    return sorted([*_CLASSIFYING, "alexnet"])


def get_extractor(extractor: Extractor) -> NamedExtractor:
    """Return an extractor: a function from images to an `Embedding`, with a `name`.

    Args:
        extractor: one of:

            - A name in `extractor_names()`. `"mnist"`, `"fashion_mnist"` and `"cifar10"` are
              classifiers that come with ganzoo. `"stacked_mnist"` predicts a digit per channel,
              1,000 classes. `"alexnet"` embeds images of any kind. It comes with ganzoo, has
              ImageNet weights, and predicts no classes. `"inception_v3"` has ImageNet weights,
              too, which Keras downloads.
            - A function from uint8 pixels to float features `(num_images, dim)` or to an
              `Embedding`, such as a Keras model that takes pixels.
            - None: metrics are then given features instead of images.
            - An extractor, which is returned unchanged.

    Raises:
        ValueError: If the name is unknown, or its weights cannot be downloaded.
    """
    if extractor is None:
        return _AsGiven()
    # A Keras model has a name and can be called, but returns no embedding.
    if isinstance(extractor, keras.Layer):
        return _OfFunction(extractor, extractor.name)
    if hasattr(extractor, "name") and callable(extractor):
        return extractor
    if callable(extractor):
        return _OfFunction(extractor, getattr(extractor, "__name__", type(extractor).__name__))
    if extractor in CLASSIFIERS:
        return _build_small(extractor)
    if extractor == "stacked_mnist":
        return ChannelByChannel(extractor, _build_small("mnist"))
    if extractor == "alexnet":
        return _build_alexnet()
    if extractor == "inception_v3":
        return _build_inception()
    raise ValueError(
        f"`extractor` must be one of {', '.join(extractor_names())}, or a function from pixels to "
        f"features. Received: extractor={extractor!r}."
    )


def identify(extractor: NamedExtractor) -> tuple[str | None, str | None]:
    """Return the `(name, fingerprint)` of an extractor.

    The fingerprint identifies the weights. It is None if the extractor has none.
    """
    return extractor.name, getattr(extractor, "fingerprint", None)


class _AsGiven:
    """Take features instead of images."""

    name = None

    def __call__(self, features):
        features = np.asarray(features)
        if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating):
            raise ValueError(
                "A metric without an extractor needs float features (num_images, dim). Received: "
                f"{features.dtype} of shape {features.shape}. Pass an extractor to measure images."
            )
        return _checked(Embedding(features))


class _OfFunction:
    """Embed images by a user's function."""

    def __init__(self, function, name):
        self.name = name
        self._function = function

    def __call__(self, images):
        pixels = as_pixels(images)
        made = self._function(pixels)
        if not isinstance(made, Embedding):
            made = Embedding(np.asarray(made))
        return _checked(dataclasses.replace(made, pixels=pixels))


class Network:
    """Embed images of any size, gray or RGB, by a Keras network.

    Args:
        name: str.
        network: Keras model that takes images in [-1, 1]. It returns `(features, logits)`, or
            features alone if it does not classify.
        image_shape: `(height, width, channels)` that the network takes. Other images are resized
            by antialiased bilinear interpolation. Gray images become RGB by repetition, RGB
            images gray by their luma (BT.601). If the network takes any size, height and width
            are pairs: the smallest and largest side to use.
        fingerprint: str. Identifies the weights of the network.
    """

    def __init__(
        self,
        name: str,
        network: keras.Model,
        image_shape: tuple,
        fingerprint: str,
    ):
        self.name = name
        self.image_shape = image_shape
        self.fingerprint = fingerprint
        self._network = network
        self._embed = tf.function(self._embed_batch, reduce_retracing=True)

    def __call__(self, images):
        pixels = as_pixels(images)
        made = [self._embed(pixels[i : i + _BATCH]) for i in range(0, len(pixels), _BATCH)]
        if not made:
            raise ValueError("A batch needs at least one image. Received: no images. Leave it out.")
        arrays = (np.concatenate(part) for part in zip(*made, strict=True))
        return _checked(Embedding(*arrays, pixels=pixels))

    def _embed_batch(self, pixels):
        images = self.prepare(from_pixels(pixels))
        features, *logits = tf.nest.flatten(self._network(images, training=False))
        return features, *map(tf.nn.softmax, logits)

    def prepare(self, images: tf.Tensor) -> tf.Tensor:
        """Resize and convert images in [-1, 1] to the shape that the network takes."""
        *size, channels = self.image_shape
        if images.shape[-1] == 1 and channels == 3:
            images = tf.image.grayscale_to_rgb(images)
        elif images.shape[-1] == 3 and channels == 1:
            images = tf.image.rgb_to_grayscale(images)
        if isinstance(size[0], tuple):
            size = tf.clip_by_value(tf.shape(images)[1:3], *zip(*size, strict=True))
        elif tuple(images.shape[1:3]) == tuple(size):
            return images
        return tf.clip_by_value(tf.image.resize(images, size, antialias=True), -1, 1)


class ChannelByChannel:
    """Embed each channel of RGB images by a classifier of gray images.

    The features of the channels are concatenated. The classes are all combinations, with the
    first channel as the most significant digit: 1,000 classes for ten digits.

    Args:
        name: str.
        network: `Network` that takes gray images.
    """

    def __init__(self, name: str, network: Network):
        self.name = name
        self.fingerprint = f"channel by channel, {network.fingerprint}"
        self._network = network

    def __call__(self, images):
        pixels = as_pixels(images)
        if pixels.shape[-1] != 3:
            raise ValueError(
                f"The extractor {self.name!r} takes images of 3 channels. Received: shape "
                f"{pixels.shape}. Use the classifier of the data set."
            )
        read = [self._network(pixels[..., channel, None]) for channel in range(3)]
        together = np.einsum("ni,nj,nk->nijk", *(each.probabilities for each in read))
        features = np.concatenate([each.features for each in read], axis=1)
        return Embedding(features, together.reshape(len(pixels), -1), pixels)


def as_pixels(images) -> np.ndarray:
    """Return images, uint8 or float in [-1, 1], as uint8 pixels.

    Images with alpha are composited on white.

    Raises:
        ValueError: If they are neither uint8 nor floats in [-1, 1], or not NHWC of 1 to
            4 channels.
    """
    tensors = keras.ops.is_tensor(images)
    images = np.asarray(images)
    if not any(shapes.fits(images.shape, wanted) for wanted in _TAKEN):
        advice = shapes.advise(images.shape, _TAKEN, images.dtype.name, tensors)
        raise ValueError(
            "Images must have shape (num_images, height, width, channels) with 1 to 4 channels. "
            f"Received: shape {images.shape}. {advice}"
        )
    if images.dtype == np.uint8 or not len(images):
        return on_white(images)
    values.check_values(images, tensors)
    values.warn_if_scaled_to_0_1(images)
    return on_white(to_pixels(images))


def _checked(embedding):
    features = embedding.features
    if features.ndim != 2 or not np.all(np.isfinite(features)):
        raise ValueError(
            "Features must be finite and have shape (num_images, dim). Received: shape "
            f"{features.shape}, {np.sum(~np.isfinite(features))} of them not finite."
        )
    return embedding


@functools.cache
def _build_small(name):
    record = CLASSIFIERS[name]
    # A metric must not depend on the precision that a model is trained in.
    with dtype_policy("float32"):
        network = build_classifier(record.image_shape, record.num_classes)
    network.load_weights(weights.find_asset(record.weights))
    return Network(name, network, record.image_shape, record.weights.sha256)


@functools.cache
def _build_alexnet():
    """Return the means of AlexNet's last feature maps.

    These 256 features respond to content, and to noise and blur. Those of all layers are 1,152,
    and a Gaussian needs more images than features.
    """
    with dtype_policy("float32"):
        whole = load_alexnet()
        features = keras.layers.GlobalAveragePooling2D(name="features")(whole.outputs[-1])
    network = keras.Model(whole.input, features, name="alexnet")
    image_shape = (_ALEXNET_SIDES, _ALEXNET_SIDES, 3)
    fingerprint = "{}, {} to {} pixels".format(ALEXNET.sha256, *_ALEXNET_SIDES)
    return Network("alexnet", network, image_shape, fingerprint)


@functools.cache
def _build_inception():
    try:
        with dtype_policy("float32"):
            whole = keras.applications.InceptionV3(weights="imagenet", classifier_activation=None)
    except Exception as error:  # Keras raises a bare `Exception` if a download fails.
        raise ValueError(
            "The extractor 'inception_v3' needs its ImageNet weights, which Keras could not "
            f"download ({first_line(error)}). Connect to the network once, or use 'alexnet', "
            "which comes with ganzoo."
        ) from None
    pooled = whole.get_layer("avg_pool").output
    network = keras.Model(whole.input, [pooled, whole.output], name="inception_v3")
    return Network("inception_v3", network, (299, 299, 3), "Keras, ImageNet")
