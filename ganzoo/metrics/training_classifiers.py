"""Train small classifiers on images, for metrics and to choose among generated images."""

import keras
import numpy as np
from keras import layers, ops

from ganzoo.images import from_pixels, on_white
from ganzoo.layers import dtype_policy

# Smallest side of the images. Two poolings leave a quarter.
SMALLEST_SIDE = 8
# Filters of the convolutions: about 0.1 million weights.
_FILTERS = (16, 32, 64)
_BATCH = 64
_RATE = 3e-3
# Passes over the images, and the fewest steps, for few images.
_EPOCHS = 10
_FEWEST_STEPS = 300
# Images move by at most this share of their side, so that the classifier learns shapes.
_SHIFT = 1 / 14
# Images per forward pass.
_PREDICTED = 500


def train_classifier(
    pixels: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    seed: int = 0,
    num_steps: int | None = None,
) -> keras.Model:
    """Train a small convolutional network to tell classes apart.

    The images are moved at random by a few pixels. Random numbers come from the seed only, and the
    training is in float32, so the result repeats on one machine.

    Args:
        pixels: uint8 `(num_images, height, width, channels)`, sides of at least 8. Images with
            alpha are put on white.
        labels: class ids `(num_images,)`.
        num_classes: int.
        seed: int. Seed of the weights, the order and the shifts.
        num_steps: int. Steps with 64 images each. None makes 10 passes, and at least 300 steps.

    Returns:
        Keras model from images in [-1, 1] to logits `(batch, num_classes)`.

    Raises:
        ValueError: If a side is below 8.
    """
    pixels, labels = on_white(pixels), np.asarray(labels)
    if min(pixels.shape[1:3]) < SMALLEST_SIDE:
        raise ValueError(
            f"A classifier needs images with sides of at least {SMALLEST_SIDE} pixels. Received: "
            f"{pixels.shape[1]} x {pixels.shape[2]}."
        )
    rng = np.random.default_rng(seed)
    if num_steps is None:
        num_steps = max(_FEWEST_STEPS, _EPOCHS * len(pixels) // _BATCH)
    # The accuracy must not depend on the precision that a model is trained in.
    with dtype_policy("float32"):
        network = _build(pixels.shape[1:], num_classes)
        _initialize(network, rng)
        rate = keras.optimizers.schedules.CosineDecay(_RATE, num_steps)
        network.compile(
            keras.optimizers.Adam(rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            jit_compile=False,
        )
    for chosen in _batches(len(pixels), num_steps, rng):
        moved = _move(pixels[chosen], rng)
        network.train_on_batch(from_pixels(moved), labels[chosen])
    return network


def predict(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Return the probabilities of the classes of some images.

    Args:
        network: result of `train_classifier`.
        pixels: uint8 `(num_images, height, width, channels)`.

    Returns:
        float32 `(num_images, num_classes)`. Each row sums to 1.
    """
    made = []
    for start in range(0, len(pixels), _PREDICTED):
        images = from_pixels(on_white(pixels[start : start + _PREDICTED]))
        logits = network(images, training=False)
        made.append(ops.convert_to_numpy(ops.softmax(logits)))
    return np.concatenate(made)


def _build(image_shape, num_classes):
    small, middle, large = _FILTERS
    images = keras.Input(image_shape, name="images")
    x = _conv(images, small)
    x = layers.MaxPooling2D()(_conv(x, middle))
    x = layers.MaxPooling2D()(_conv(x, large))
    x = layers.GlobalAveragePooling2D()(_conv(x, large))
    return keras.Model(images, layers.Dense(num_classes, name="logits")(x), name="classifier")


def _conv(x, filters):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _initialize(network, rng):
    """Draw the kernels as He et al., 2015 (arXiv:1502.01852), without the global random state."""
    for weight in network.trainable_variables:
        if weight.name == "kernel":
            spread = np.sqrt(2 / np.prod(weight.shape[:-1]))
            weight.assign(rng.normal(0, spread, weight.shape))


def _batches(num_images, num_steps, rng):
    """Yield the indices of each batch. An index comes again after all others."""
    rows = np.zeros(0, int)
    for _ in range(num_steps):
        while len(rows) < _BATCH:
            rows = np.concatenate([rows, rng.permutation(num_images)])
        chosen, rows = rows[:_BATCH], rows[_BATCH:]
        yield chosen


def _move(pixels, rng):
    """Move each image by some pixels. The border is repeated."""
    height, width = pixels.shape[1:3]
    most = max(1, round(_SHIFT * min(height, width)))
    padded = np.pad(pixels, [(0, 0), (most, most), (most, most), (0, 0)], mode="edge")
    tops, lefts = rng.integers(0, 2 * most + 1, (2, len(pixels)))
    return np.stack(
        [
            image[top : top + height, left : left + width]
            for image, top, left in zip(padded, tops, lefts, strict=True)
        ]
    )
