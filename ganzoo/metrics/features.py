"""Extractors: networks that embed images, so that metrics compare what is seen in them."""

import dataclasses
import functools

import keras
import numpy as np
import tensorflow as tf

from ganzoo import weights
from ganzoo.images import from_pixels, to_pixels
from ganzoo.layers import dtype_policy
from ganzoo.metrics.classifiers import CLASSIFIERS, build_classifier

# Images that are embedded at once.
_BATCH = 250


@dataclasses.dataclass(frozen=True)
class Embedding:
    """What an extractor makes of a batch of images.

    Attributes:
        features: float `(num_images, dim)`.
        probabilities: float `(num_images, num_classes)`, each row of sum 1, or None
            where the extractor does not classify.
        pixels: uint8 `(num_images, height, width, channels)`, or None where features
            were given instead of images.
    """

    features: np.ndarray
    probabilities: np.ndarray | None = None
    pixels: np.ndarray | None = None

    def __len__(self):
        return len(self.features)

    def __getitem__(self, rows):
        """Some of the images."""
        parts = (self.features, self.probabilities, self.pixels)
        return Embedding(*(None if part is None else part[rows] for part in parts))

    @classmethod
    def join(cls, embeddings):
        """All images of several embeddings of one extractor, in their order."""
        columns = zip(*((e.features, e.probabilities, e.pixels) for e in embeddings), strict=True)
        return cls(*(None if parts[0] is None else np.concatenate(parts) for parts in columns))

    def require_probabilities(self):
        """The probabilities.

        Raises:
            ValueError: If there are none.
        """
        if self.probabilities is None:
            raise ValueError(
                "The metric needs an extractor that classifies. Received: one that gives "
                f"features alone. Take one of {', '.join(extractor_names())}."
            )
        return self.probabilities

    def require_pixels(self):
        """The pixels.

        Raises:
            ValueError: If there are none.
        """
        if self.pixels is None:
            raise ValueError(
                "The metric needs images. Received: features. Give `update` images, and the "
                "metric an extractor that takes them."
            )
        return self.pixels


def extractor_names():
    """Names that `get_extractor` knows, sorted."""
    return sorted([*CLASSIFIERS, "inception_v3", "stacked_mnist"])


def get_extractor(extractor):
    """An extractor: a function from images to an `Embedding`, with a `name`.

    Args:
        extractor: a name of `extractor_names()`: `"mnist"`, `"fashion_mnist"` and
            `"cifar10"` are classifiers that come with ganzoo; `"stacked_mnist"` reads a
            digit in each channel, 1,000 classes; `"inception_v3"` has ImageNet weights,
            which Keras downloads. Or a function from uint8 pixels to
            float features `(num_images, dim)` or to an `Embedding`, such as a Keras model
            of pixels. None takes features for images. An extractor is returned as it is.

    Raises:
        ValueError: If the name is unknown, or its weights cannot be had.
    """
    if extractor is None:
        return _AsGiven()
    # What Keras makes has a name, too, and is a function as any other.
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
    if extractor == "inception_v3":
        return _build_inception()
    raise ValueError(
        f"`extractor` must be one of {', '.join(extractor_names())}, or a function from pixels to "
        f"features. Received: extractor={extractor!r}."
    )


def identify(extractor):
    """`(name, fingerprint)` of an extractor; the second, of its weights, may be None."""
    return extractor.name, getattr(extractor, "fingerprint", None)


class _AsGiven:
    """Features, taken for what they are."""

    name = None

    def __call__(self, features):
        features = np.asarray(features)
        if features.ndim != 2 or not np.issubdtype(features.dtype, np.floating):
            raise ValueError(
                "Without an extractor, a metric takes float features (num_images, dim). Received: "
                f"{features.dtype} of shape {features.shape}. Give an extractor to measure images."
            )
        return _checked(Embedding(features))


class _OfFunction:
    """Features that the user's own function makes."""

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
    """Features of a Keras network, for images of any size, gray or RGB.

    Args:
        name: str.
        network: Keras model of images in [-1, 1] that returns `(features, logits)`.
        image_shape: `(height, width, channels)` that the network takes. Other images
            are resized by antialiased bilinear interpolation; gray ones become RGB by
            repetition, RGB ones gray by their luma (BT.601).
        fingerprint: str. Says which weights the network has.
    """

    def __init__(self, name, network, image_shape, fingerprint):
        self.name = name
        self.image_shape = image_shape
        self.fingerprint = fingerprint
        self._network = network
        self._embed = tf.function(self._embed_batch, reduce_retracing=True)

    def __call__(self, images):
        pixels = as_pixels(images)
        made = [self._embed(pixels[i : i + _BATCH]) for i in range(0, len(pixels), _BATCH)]
        if not made:
            raise ValueError("There are no images. Received: a batch of 0. Leave it out.")
        features, probabilities = (np.concatenate(part) for part in zip(*made, strict=True))
        return _checked(Embedding(features, probabilities, pixels))

    def _embed_batch(self, pixels):
        images = self.prepare(from_pixels(pixels))
        features, logits = self._network(images, training=False)
        return features, tf.nn.softmax(logits)

    def prepare(self, images):
        """Images in [-1, 1] of any size, as the network takes them."""
        *size, channels = self.image_shape
        if images.shape[-1] == 1 and channels == 3:
            images = tf.image.grayscale_to_rgb(images)
        elif images.shape[-1] == 3 and channels == 1:
            images = tf.image.rgb_to_grayscale(images)
        if tuple(images.shape[1:3]) == tuple(size):
            return images
        return tf.clip_by_value(tf.image.resize(images, size, antialias=True), -1, 1)


class ChannelByChannel:
    """A classifier of gray images that reads each channel of RGB images by itself.

    Features stand side by side. The classes are all combinations, the first channel's
    the most significant: three digits are one of 1,000 classes, the number they spell.

    Args:
        name: str.
        network: `Network` of gray images.
    """

    def __init__(self, name, network):
        self.name = name
        self.fingerprint = f"channel by channel, {network.fingerprint}"
        self._network = network

    def __call__(self, images):
        pixels = as_pixels(images)
        if pixels.shape[-1] != 3:
            raise ValueError(
                f"The extractor {self.name!r} takes images of 3 channels. Received: shape "
                f"{pixels.shape}. Take the classifier of the data."
            )
        read = [self._network(pixels[..., channel, None]) for channel in range(3)]
        together = np.einsum("ni,nj,nk->nijk", *(each.probabilities for each in read))
        features = np.concatenate([each.features for each in read], axis=1)
        return Embedding(features, together.reshape(len(pixels), -1), pixels)


def as_pixels(images):
    """Images of either kind as uint8 pixels.

    Raises:
        ValueError: If they are neither uint8 nor floats in [-1, 1], or not NHWC of 1 or
            3 channels.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(
            "Images must be (num_images, height, width, channels) with 1 or 3 channels. Received: "
            f"shape {images.shape}."
        )
    if images.dtype == np.uint8:
        return images
    # Rounding errors beyond the range are no error; NaN fails every comparison.
    within = np.issubdtype(images.dtype, np.floating) and np.all(np.abs(images) <= 1.001)
    if not within:
        raise ValueError(
            "Images must be uint8 pixels, or floats in [-1, 1]. Received: "
            f"{images.dtype} in [{images.min()}, {images.max()}]. Try `ganzoo.images.from_pixels`."
        )
    return to_pixels(images)


def _checked(embedding):
    features = embedding.features
    if features.ndim != 2 or not np.all(np.isfinite(features)):
        raise ValueError(
            "Features must be finite, (num_images, dim). Received: shape "
            f"{features.shape}, {np.sum(~np.isfinite(features))} of them not finite."
        )
    return embedding


@functools.cache
def _build_small(name):
    record = CLASSIFIERS[name]
    # What is measured must not hang on the precision that a model is trained in.
    with dtype_policy("float32"):
        network = build_classifier(record.image_shape, record.num_classes)
    network.load_weights(weights.find_asset(record.weights))
    return Network(name, network, record.image_shape, record.weights.sha256)


@functools.cache
def _build_inception():
    try:
        with dtype_policy("float32"):
            whole = keras.applications.InceptionV3(weights="imagenet", classifier_activation=None)
    except Exception as error:  # Keras raises a bare one where a download fails.
        reason = str(error).splitlines()[0]
        raise ValueError(
            "The extractor 'inception_v3' needs its ImageNet weights, which Keras could not "
            f"download ({reason}). Connect to the network once, or take one of "
            f"{', '.join(CLASSIFIERS)}, which come with ganzoo."
        ) from None
    pooled = whole.get_layer("avg_pool").output
    network = keras.Model(whole.input, [pooled, whole.output], name="inception_v3")
    return Network("inception_v3", network, (299, 299, 3), "Keras, ImageNet")
