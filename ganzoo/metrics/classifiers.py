"""Load the small classifiers that come with ganzoo, as feature extractors for metrics."""

import dataclasses

import keras
from keras import layers

from ganzoo.registry import File


@dataclasses.dataclass(frozen=True)
class Classifier:
    """Record of a trained classifier.

    Attributes:
        image_shape: `(height, width, channels)`.
        num_classes: int.
        weights: `File`.
    """

    image_shape: tuple[int, int, int]
    num_classes: int
    weights: File


# These weights were trained by `scripts/train_classifier.py NAME` with its default arguments.
CLASSIFIERS = {
    "cifar10": Classifier(
        image_shape=(32, 32, 3),
        num_classes=10,
        weights=File(
            "cifar10_classifier.weights.h5",
            sha256="244d5d7cbf5b38757908d0ca51df1fc87118243218454335ca6103149d456bf1",
            size=1_312_568,
        ),
    ),
    "fashion_mnist": Classifier(
        image_shape=(28, 28, 1),
        num_classes=10,
        weights=File(
            "fashion_mnist_classifier.weights.h5",
            sha256="24cfd1739d9068a025eea76ad5524d7b347bae99fa1e5d549d8d4274e7cfb12f",
            size=1_312_568,
        ),
    ),
    "mnist": Classifier(
        image_shape=(28, 28, 1),
        num_classes=10,
        weights=File(
            "mnist_classifier.weights.h5",
            sha256="b9ed7db8e6c3dba6a674bf873051f0a607df10eeba0ec8d74c64a78a66ccd492",
            size=1_312_568,
        ),
    ),
}


def build_classifier(image_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """Build a small residual network, about 0.65 million weights.

    Args:
        image_shape: `(height, width, channels)`, sides at least 16.
        num_classes: int.

    Returns:
        Keras model that takes images in [-1, 1] and returns the features `(batch, 128)`, means
        over the last feature maps, and the logits `(batch, num_classes)`.
    """
    images = keras.Input(image_shape, name="images")
    x = _conv(images, 32, name="stem")
    x = layers.MaxPooling2D(name="pool_0")(x)
    x = _conv(x, 64, name="conv_1")
    x = _residual(x, 64, name="block_1")
    x = layers.MaxPooling2D(name="pool_1")(x)
    x = _conv(x, 128, name="conv_2")
    x = _residual(x, 128, name="block_2")
    x = layers.MaxPooling2D(name="pool_2")(x)
    x = _conv(x, 128, name="conv_3")
    features = layers.GlobalAveragePooling2D(name="features", dtype="float32")(x)
    logits = layers.Dense(num_classes, name="logits", dtype="float32")(features)
    return keras.Model(images, [features, logits], name="classifier")


def _residual(inputs, filters, name):
    x = _conv(inputs, filters, name=f"{name}_0")
    x = _conv(x, filters, name=f"{name}_1")
    return layers.Add(name=f"{name}_add")([inputs, x])


def _conv(x, filters, name):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=name)(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
