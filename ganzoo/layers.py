"""Build layers and networks that more than one family uses."""

import contextlib
from collections.abc import Iterator, Sequence

import keras
from keras import ops

from ganzoo.conditions import Condition

# These are also public here, where they were before they had their own module.
from ganzoo.sizes import check_image_shape as check_image_shape
from ganzoo.sizes import check_size as check_size
from ganzoo.sizes import count_doublings as count_doublings
from ganzoo.sizes import nearest_sizes as nearest_sizes
from ganzoo.sizes import require_start_size
from ganzoo.sizes import start_size as start_size


@contextlib.contextmanager
def dtype_policy(policy: keras.DTypePolicy | str | dict | None) -> Iterator[None]:
    """Build layers inside under a dtype policy. None keeps the global one.

    Keras rebuilds a saved model with the policy that it was saved with. The global policy may have
    changed since.

    Args:
        policy: Keras dtype policy, its name or config, or None.
    """
    before = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_recipe(recipe: str) -> None:
    """Check the name of a recipe.

    Raises:
        ValueError: If it is neither `"default"` nor `"paper"`.
    """
    if recipe not in ("default", "paper"):
        raise ValueError(
            "`recipe` must be 'default' (ganzoo's recipe) or 'paper' (the recipe of the original "
            f"paper). Received: recipe={recipe!r}."
        )


# A kernel size that the stride divides causes no checkerboard artifacts (Odena et al., 2016,
# doi:10.23915/distill.00003).
_KERNEL = 4


def scale_rate(rate: float, image_shape: tuple[int, ...]) -> float:
    """Return a learning rate for images of any size, from one for a side of at most 32.

    Larger images have more layers and larger sums of gradients, and a rate that suits 32 pixels
    makes their training diverge. The rate falls with the longer side.

    Example:
        >>> [scale_rate(8e-4, shape) for shape in ((28, 28, 1), (64, 48, 3), (128, 128, 3))]
        [0.0008, 0.0004, 0.0002]
    """
    return rate * min(1.0, 32 / max(image_shape[:2]))


def convolutional_generator(
    inputs: keras.KerasTensor, image_shape: tuple, base_filters: int
) -> keras.KerasTensor:
    """Generate images from vectors with transposed convolutions.

    Each transposed convolution doubles the resolution, and a residual 3x3 convolution refines its
    output. Activations are normalized before every ReLU. The largest hidden resolution has
    `base_filters` filters. Each smaller resolution has twice as many, up to `8 * base_filters`.

    Args:
        inputs: tensor `(batch, features)`.
        image_shape: `(height, width, channels)`.
        base_filters: int. Filters at the largest hidden resolution.

    Returns:
        float32 tensor `(batch, height, width, channels)` in [-1, 1].

    Reference: Radford et al., 2015 (arXiv:1511.06434), for the transposed convolutions.
    """
    height, width = require_start_size(image_shape)
    widths = _widths(image_shape, base_filters)[::-1]
    x = keras.layers.Dense(height * width * widths[0], name="project")(inputs)
    x = keras.layers.Reshape((height, width, widths[0]), name="reshape")(x)
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
        image_shape[-1], _KERNEL, strides=2, padding="same", name="to_images"
    )(x)
    # Use float32 even under mixed precision, so that the images are not rounded.
    return keras.layers.Activation("tanh", dtype="float32", name="images")(x)


def convolutional_features(
    images: keras.KerasTensor, base_filters: int, norm: str = "batch"
) -> keras.KerasTensor:
    """Compute a vector of features from images with strided convolutions.

    The network mirrors `convolutional_generator`.

    Args:
        images: tensor `(batch, height, width, channels)`.
        base_filters: int. Filters at the largest hidden resolution.
        norm: `"batch"`, or `"none"`. Without batch normalization, the features of an image do not
            depend on the other images of the batch.

    Returns:
        Tensor `(batch, features)`.
    """
    batch = norm == "batch"
    x = images
    for index, filters in enumerate(_widths(images.shape[1:], base_filters)):
        x = keras.layers.Conv2D(filters, _KERNEL, strides=2, padding="same", name=f"down_{index}")(
            x
        )
        # Normalizing the first layer would remove the brightness of the batch.
        if batch and index > 0:
            x = normalize(x, name=f"down_{index}_norm")
        y = leaky_relu(name=f"refine_{index}_leaky_relu")(x)
        # Without normalization, the bias of the shortcut is enough.
        y = keras.layers.Conv2D(
            filters, 3, padding="same", use_bias=batch, name=f"refine_{index}_conv"
        )(y)
        if batch:
            y = normalize(y, name=f"refine_{index}_norm")
        x = keras.layers.Add(name=f"refine_{index}")([x, y])
        x = leaky_relu(name=f"leaky_relu_{index}")(x)
    return keras.layers.Flatten(name="flatten")(x)


def label_inputs(conditions: Sequence[Condition]) -> list[keras.KerasTensor]:
    """Return the inputs of a network for labels: one `(batch,)` for each condition."""
    names = ["labels"] if len(conditions) == 1 else [f"labels_{i}" for i in range(len(conditions))]
    return [
        keras.Input((), dtype=condition.dtype, name=name)
        for condition, name in zip(conditions, names, strict=True)
    ]


def encode_labels(
    conditions: Sequence[Condition], labels: Sequence[keras.KerasTensor], dtype=None
) -> keras.KerasTensor:
    """Encode labels as one vector: classes are one-hot, and numbers are standardized.

    A dense layer on the vector then holds an embedding of each class, and a projection of each
    number.

    Args:
        conditions: conditions of the model.
        labels: tensors `(batch,)`, as `label_inputs` returns them.
        dtype: dtype policy of the vector. None takes the global one.

    Returns:
        Tensor `(batch, size)`, where `size` is `vector_size(conditions)`.
    """
    vectors = []
    for index, (condition, given) in enumerate(zip(conditions, labels, strict=True)):
        suffix = "" if len(conditions) == 1 else f"_{index}"
        if condition.num_classes is None:
            mean, std = condition.mean_and_std
            layer = Standardize(mean, std, name=f"standardize{suffix}")
        else:
            layer = OneHot(condition.num_classes, dtype=dtype, name=f"one_hot{suffix}")
        vectors.append(layer(given))
    if len(vectors) == 1:
        return vectors[0]
    return keras.layers.Concatenate(dtype=dtype, name="join_labels")(vectors)


def vector_size(conditions: Sequence[Condition]) -> int:
    """Return the length of the vector that `encode_labels` returns."""
    return sum(condition.size for condition in conditions)


def project_on_labels(features: keras.KerasTensor, vector: keras.KerasTensor) -> keras.KerasTensor:
    """Compute the logits of a projection discriminator.

    A logit is a linear function of the features, plus the inner product of the features with the
    embedding of the labels. For classes, this is optimal if they differ by log-linear functions of
    the features. For numbers, it is optimal if they are normal, with a constant deviation and a
    mean that is linear in the features.

    Args:
        features: tensor `(batch, features)`.
        vector: float32 tensor `(batch, size)`, as `encode_labels` returns it.

    Returns:
        float32 tensor `(batch, 1)`.

    Reference: Miyato & Koyama, 2018 (arXiv:1802.05637), equation 3.
    """
    # Inner products of the features with the embeddings of all classes.
    by_class = keras.layers.Dense(
        vector.shape[-1], use_bias=False, dtype="float32", name="projection"
    )(features)
    projection = keras.layers.Dot(axes=1, dtype="float32", name="projection_of_class")(
        [by_class, vector]
    )
    unconditional = keras.layers.Dense(1, dtype="float32", name="any_class")(features)
    return keras.layers.Add(dtype="float32", name="logits")([unconditional, projection])


def network_inputs(inputs, condition) -> keras.KerasTensor | list:
    """Return the input of a network: one tensor, or a list with the condition."""
    return [inputs, *condition] if condition else inputs


def leaky_relu(name: str) -> keras.layers.Layer:
    """Return the discriminator's activation: slope 0.2 below 0 (Radford et al., 2015)."""
    return LeakyReLU(0.2, name=name)


@keras.saving.register_keras_serializable(package="ganzoo")
class LeakyReLU(keras.layers.LeakyReLU):
    """Leaky ReLU for networks with a gradient penalty.

    The second derivative is zero almost everywhere. TensorFlow computes it nonetheless, and sends
    the zeros through all layers before. Without them a penalty takes a third less time.
    """

    def call(self, inputs):
        slope = self.negative_slope

        @ops.custom_gradient
        def activate(x):
            def gradient(upstream):
                # A comparison has no derivative, so nothing is traced through it.
                return upstream * ops.cast(ops.where(x > 0, 1.0, slope), upstream.dtype)

            return ops.leaky_relu(x, slope), gradient

        return activate(inputs)


def _widths(image_shape, base_filters):
    """Return the filters at each hidden resolution, the largest resolution first."""
    return [base_filters * min(2**index, 8) for index in range(count_doublings(image_shape))]


def normalize(x: keras.KerasTensor, name: str, gamma: str = "ones") -> keras.KerasTensor:
    """Apply batch normalization.

    Args:
        x: tensor.
        name: str. Name of the layer.
        gamma: initializer of the scale.
    """
    # The moving statistics average about 10 batches. Keras's default of 100 is too slow for
    # weights that change quickly.
    return BatchNormalization(momentum=0.9, gamma_initializer=gamma, name=name)(x)


@keras.saving.register_keras_serializable(package="ganzoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization whose second derivatives are correct.

    `tf.nn.moments` treats the mean as a constant when it computes the variance. First derivatives
    are not affected, but the gradient of a gradient penalty is wrong.
    """

    def _moments(self, inputs, mask):
        if mask is not None or self.synchronized:
            return super()._moments(inputs, mask)
        axes = self._reduction_axes
        mean = ops.mean(inputs, axes)
        # Rounding may make the variance negative.
        return mean, ops.maximum(ops.mean(ops.square(inputs), axes) - ops.square(mean), 0.0)


def normalizations(network: keras.Model) -> Iterator[keras.layers.BatchNormalization]:
    """Yield the batch normalization layers of a network and of its nested networks."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from normalizations(layer)
        elif isinstance(layer, keras.layers.BatchNormalization):
            yield layer


@contextlib.contextmanager
def collecting(network: keras.Model) -> Iterator[None]:
    """Update the moving statistics of a frozen network inside.

    The batch normalization layers are trainable inside, so that calls with `training=True` update
    their moving statistics.
    """
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
    """Dense layer whose units each return the largest of several linear functions.

    Args:
        units: int. Number of outputs.
        pieces: int. Linear functions per output.
        kernel_initializer: initializer of all linear functions.

    Input shape: `(batch, features)`. Output shape: `(batch, units)`.

    Reference: Goodfellow et al., 2013 (arXiv:1302.4389), section 2.
    """

    def __init__(self, units: int, pieces: int, kernel_initializer="glorot_uniform", **kwargs):
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
    """Layer that converts class ids to one-hot vectors.

    Args:
        num_classes: int. Length of a vector.

    Input shape: int `(batch,)`. Output shape: `(batch, num_classes)`.
    """

    def __init__(self, num_classes: int, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, labels):
        return ops.one_hot(labels, self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="ganzoo")
class Standardize(keras.layers.Layer):
    """Layer that subtracts a mean from numbers, and divides by a standard deviation.

    It computes in float32: half precision would round large numbers, such as years.

    Args:
        mean: float.
        std: float, above 0.

    Input shape: `(batch,)`. Output shape: float32 `(batch, 1)`.
    """

    def __init__(self, mean: float, std: float, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.mean = mean
        self.std = std

    def call(self, numbers):
        return ops.expand_dims((numbers - self.mean) / self.std, -1)

    def compute_output_shape(self, input_shape):
        return (*input_shape, 1)

    def get_config(self):
        return {**super().get_config(), "mean": self.mean, "std": self.std}
