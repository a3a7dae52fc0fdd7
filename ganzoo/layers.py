"""Keras building blocks that more than one family uses."""

import contextlib

import keras
from keras import ops


@contextlib.contextmanager
def dtype_policy(policy):
    """Builds what is inside under a dtype policy; None keeps the global one.

    Saved models need it: they are rebuilt with the policy they were made with,
    whatever the global one is by then.
    """
    before = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_recipe(recipe):
    """Raises a `ValueError` unless the recipe is one that every family has."""
    if recipe not in ("default", "paper"):
        raise ValueError(
            "`recipe` must be 'default', ganzoo's own, or 'paper', the introducing paper's. "
            f"Received: recipe={recipe!r}."
        )


# A stride that divides the kernel leaves no checkerboard (Odena et al., 2016,
# doi:10.23915/distill.00003).
_KERNEL = 4


def start_side(side):
    """The side that doubles up to `side`: 4 to 7, or None if no such side does.

    Example:
        >>> [start_side(side) for side in (28, 32, 64, 96, 25)]
        [7, 4, 4, 6, None]
    """
    while side > 7 and side % 2 == 0:
        side //= 2
    return side if 4 <= side <= 7 else None


def count_doublings(side):
    """How often `start_side(side)` doubles up to `side`."""
    return (side // start_side(side)).bit_length() - 1


def check_image_shape(image_shape):
    """Raises a `ValueError` unless convolutional networks can double up to the shape."""
    square = len(image_shape) == 3 and image_shape[0] == image_shape[1] >= 8
    if not square or start_side(image_shape[0]) is None or image_shape[2] not in (1, 3):
        raise ValueError(
            "`image_shape` must be square with 1 or 3 channels and a side of 4 to 7 times a "
            "power of two, because the generator doubles up to it. Received: "
            f"image_shape={image_shape}. Try a side of 28, 32 or 64, for example with "
            "`ganzoo.data.load(..., image_size=32)`."
        )


def convolutional_generator(inputs, image_shape, base_filters):
    """A vector to images in [-1, 1] by way of transposed convolutions, as tensors.

    At each resolution a residual 3x3 convolution refines what the one before has made
    twice as large. Activations are normalized before every rectifier. The largest
    hidden resolution has `base_filters`, each before it twice as many, at most eight
    times.

    Args:
        inputs: tensor `(batch, features)`.
        image_shape: `(side, side, channels)`.
        base_filters: int.
    """
    side, _, channels = image_shape
    start = start_side(side)
    widths = _widths(image_shape, base_filters)[::-1]
    x = keras.layers.Dense(start * start * widths[0], name="project")(inputs)
    x = keras.layers.Reshape((start, start, widths[0]), name="reshape")(x)
    for index, filters in enumerate(widths):
        if index > 0:
            x = keras.layers.Conv2DTranspose(
                filters, _KERNEL, strides=2, padding="same", use_bias=False, name=f"up_{index}"
            )(x)
        y = normalize(x, name=f"refine_{index}_norm")
        y = keras.layers.ReLU(name=f"refine_{index}_relu")(y)
        y = keras.layers.Conv2D(
            filters, 3, padding="same", use_bias=False, name=f"refine_{index}_conv"
        )(y)
        x = keras.layers.Add(name=f"refine_{index}")([x, y])
        x = normalize(x, name=f"norm_{index}")
        x = keras.layers.ReLU(name=f"relu_{index}")(x)
    x = keras.layers.Conv2DTranspose(
        channels, _KERNEL, strides=2, padding="same", name="to_images"
    )(x)
    # float32 even under mixed precision: metrics and PNGs see unrounded images.
    return keras.layers.Activation("tanh", dtype="float32", name="images")(x)


def convolutional_features(images, base_filters, norm="batch"):
    """Images to a flat vector of features by way of strided convolutions, as tensors.

    The mirror of `convolutional_generator`.

    Args:
        images: tensor `(batch, side, side, channels)`.
        base_filters: int.
        norm: `"batch"`, or `"none"`: then no image changes the features of another.
    """
    batch = norm == "batch"
    x = images
    for index, filters in enumerate(_widths(images.shape[1:], base_filters)):
        x = keras.layers.Conv2D(filters, _KERNEL, strides=2, padding="same", name=f"down_{index}")(
            x
        )
        if batch and index > 0:  # A normalized input layer would hide the images' brightness.
            x = normalize(x, name=f"down_{index}_norm")
        y = leaky_relu(name=f"refine_{index}_leaky_relu")(x)
        # Where nothing is normalized, the bias of what it is added to does for both.
        y = keras.layers.Conv2D(
            filters, 3, padding="same", use_bias=batch, name=f"refine_{index}_conv"
        )(y)
        if batch:
            y = normalize(y, name=f"refine_{index}_norm")
        x = keras.layers.Add(name=f"refine_{index}")([x, y])
        x = leaky_relu(name=f"leaky_relu_{index}")(x)
    return keras.layers.Flatten(name="flatten")(x)


def project_on_class(features, labels, num_classes):
    """A logit for the features of any image, plus their projection on the class asked for.

    Args:
        features: tensor `(batch, features)`.
        labels: int tensor `(batch,)`.
        num_classes: int.

    Reference: Miyato & Koyama, 2018 (arXiv:1802.05637), equation 3.
    """
    # One row of weights for each class: its product with the features of an image.
    by_class = keras.layers.Dense(num_classes, use_bias=False, dtype="float32", name="projection")(
        features
    )
    one_hot = OneHot(num_classes, dtype="float32", name="one_hot")(labels)
    projection = keras.layers.Dot(axes=1, dtype="float32", name="projection_of_class")(
        [by_class, one_hot]
    )
    whole = keras.layers.Dense(1, dtype="float32", name="any_class")(features)
    return keras.layers.Add(dtype="float32", name="logits")([whole, projection])


def leaky_relu(name):
    """The rectifier of discriminators: slope 0.2 below 0 (Radford et al., 2015)."""
    return keras.layers.LeakyReLU(0.2, name=name)


def _widths(image_shape, base_filters):
    """Filters at each hidden resolution, the largest resolution first."""
    return [base_filters * min(2**index, 8) for index in range(count_doublings(image_shape[0]))]


def normalize(x, name, gamma="ones"):
    """Batch normalization as convolutional networks here have it; `gamma` is its first scale."""
    # A memory of ten batches: the averaged weights change too fast for Keras's hundred.
    return BatchNormalization(momentum=0.9, gamma_initializer=gamma, name=name)(x)


@keras.saving.register_keras_serializable(package="ganzoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, with second derivatives that are right.

    TensorFlow takes the mean for a constant when it computes the variance of a batch. First
    derivatives do not show it; a gradient penalty is trained by second ones.
    """

    def _moments(self, inputs, mask):
        if mask is not None or self.synchronized:
            return super()._moments(inputs, mask)
        axes = self._reduction_axes
        mean = ops.mean(inputs, axes)
        # Rounding may take it below 0.
        return mean, ops.maximum(ops.mean(ops.square(inputs), axes) - ops.square(mean), 0.0)


def normalizations(network):
    """The layers of a network, and of networks within it, that normalize batches."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from normalizations(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            yield layer


@contextlib.contextmanager
def collecting(network):
    """Lets an untrained network take its moving statistics from what it is given inside."""
    norms = list(normalizations(network))
    for layer in norms:
        layer.trainable = True
    try:
        yield
    finally:
        for layer in norms:
            layer.trainable = False


@keras.saving.register_keras_serializable(package="ganzoo")
class Maxout(keras.layers.Layer):
    """Dense units that each take the largest of several linear pieces.

    Args:
        units: int. Outputs.
        pieces: int. Linear functions of the input that each output chooses from.
        kernel_initializer: initializer of all pieces.

    Input shape: `(batch, features)`. Output shape: `(batch, units)`.

    Reference: Goodfellow et al., 2013 (arXiv:1302.4389), section 2.
    """

    def __init__(self, units, pieces, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pieces = pieces
        self.dense = keras.layers.Dense(
            units * pieces, kernel_initializer=kernel_initializer, dtype=self.dtype_policy
        )

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, inputs):
        pieces = ops.reshape(self.dense(inputs), (-1, self.units, self.pieces))
        return ops.max(pieces, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": keras.initializers.serialize(self.dense.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="ganzoo")
class OneHot(keras.layers.Layer):
    """Class ids as vectors with a 1 at the class and 0 elsewhere.

    Args:
        num_classes: int. Length of a vector.

    Input shape: int `(batch,)`. Output shape: `(batch, num_classes)`.
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, labels):
        return ops.one_hot(labels, self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}
