"""Describe the data that a model needs, and check a batch of them."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from ganzoo.conditions import Condition, by_name, list_columns, resolve
from ganzoo.data.labels import check_label_shape, check_labels, check_numbers
from ganzoo.images import shapes, values


class DataSpec:
    """Describe the data that a model needs. A family with other data derives from it.

    Args:
        image_shape: `(height, width, channels)` of the model. A side may be None.
        num_classes: int for a model with one condition of classes, else None.
        conditions: `Condition` of each column of labels that the model needs, instead of
            `num_classes`.
    """

    def __init__(
        self,
        image_shape: tuple,
        num_classes: int | None = None,
        conditions: Sequence[Condition] = (),
    ):
        self.image_shape = tuple(image_shape)
        self.conditions = conditions or resolve(num_classes, None, None)

    @property
    def num_parts(self) -> int:
        """Number of parts of an element that are checked: images, and labels if they are used."""
        return 2 if self.conditions else 1

    def check(self, data, pipeline: bool = False) -> None:
        """Check images in memory, and their labels if the model needs labels.

        Args:
            data: images, `(images,)` or `(images, labels)`, arrays or tensors.
            pipeline: bool. True if they are an element of a `tf.data.Dataset`.

        Raises:
            ValueError: If a shape, dtype, value or label does not fit.
        """
        images, labels = split(data)
        self.check_images(images, pipeline)
        if not self.conditions:
            return
        if labels is None:
            raise ValueError(
                "This model needs `(images, labels)`. Received: images only. Give class ids as "
                "labels, too, or load both with `ganzoo.data.load(..., labels=True)`."
            )
        tensors = pipeline or keras.ops.is_tensor(labels)
        columns = by_name(labels, self.conditions)
        for condition in self.conditions:
            if condition.name not in columns:
                raise ValueError(
                    f"This model needs labels {list_columns([c.name for c in self.conditions])}. "
                    f"Received: {list_columns(columns)}. Add {condition.name!r}."
                )
            values = np.asarray(columns[condition.name])
            if condition.num_classes is None:
                check_numbers(values, len(images), condition.name)
                continue
            check_label_shape(values, len(images), condition.num_classes, tensors)
            check_labels(values, condition.num_classes, tensors, of_data=True)

    def check_images(self, images, pipeline: bool = False) -> None:
        """Check the shape, dtype and values of a batch of images.

        Args:
            images: array or tensor.
            pipeline: bool. True if it belongs to an element of a `tf.data.Dataset`.

        Raises:
            ValueError: If they do not fit.
        """
        tensors = pipeline or keras.ops.is_tensor(images)
        images = as_array(images)
        if images.dtype.kind not in "OSU" and not shapes.fits(images.shape, self.image_shape):
            advice = shapes.advise(
                images.shape,
                [self.image_shape],
                dtype=images.dtype.name,
                tensors=tensors,
                pipeline=pipeline,
                model=None not in self.image_shape,
            )
            raise ValueError(
                f"Images must have shape {shapes.describe_shape(self.image_shape)}. Received: "
                f"images of shape {images.shape}. {advice}"
            )
        if len(images) == 0:
            raise empty_data_error()
        values.check_values(images, tensors)

    def images_of(self, data) -> tuple[np.ndarray, ...]:
        """Return all images of checked data as arrays, the real ones of training first."""
        return (np.asarray(split(data)[0]),)

    def accepts(self, images: tf.Tensor, *labels: tf.Tensor, bright: bool = False) -> tf.Tensor:
        """Return a bool tensor that is true if a batch need not be passed to `check`.

        It costs little in the graph of a pipeline.

        Args:
            images: tensor.
            *labels: labels if they are used.
            bright: bool. Accept images without a value below 0, which may be scaled to [0, 1].
        """
        accepted = self.accepts_images(images, bright)
        if not self.conditions:
            return accepted
        if len(self.conditions) > 1 and not isinstance(labels[0], dict):
            return tf.constant(False)
        columns = by_name(labels[0], self.conditions)
        for condition in self.conditions:
            if condition.name not in columns:
                return tf.constant(False)
            accepts = _accepts_labels if condition.num_classes else _accepts_numbers
            count = tf.shape(images)[0]
            accepted &= accepts(columns[condition.name], count, condition.num_classes)
        return accepted

    def accepts_images(self, images: tf.Tensor, bright: bool = False) -> tf.Tensor:
        """Return a bool tensor as `accepts` does, of the images alone."""
        accepted = _has_shape(images, (None, *self.image_shape)) & (tf.size(images) > 0)
        if images.dtype == tf.uint8:
            return accepted
        low, high = tf.reduce_min(images), tf.reduce_max(images)
        bound = tf.cast(1 + values.TOLERANCE, images.dtype)
        # NaN fails every comparison.
        accepted &= (low >= -bound) & (high <= bound)
        return accepted if bright else accepted & (low < 0)

    def set_shapes(self, images: tf.Tensor, *labels: tf.Tensor) -> tuple:
        """Return the parts with static shapes, which TensorFlow does not know of Python data."""
        images = tf.ensure_shape(images, (None, *self.image_shape))
        return images, *tf.nest.map_structure(lambda part: tf.ensure_shape(part, (None,)), labels)


def split(data) -> tuple:
    """Return `(images, labels)` of an element. Labels are None if it has none.

    Raises:
        ValueError: If it is a dict, or has weights as its third part.
    """
    if isinstance(data, dict):
        parts = ", ".join(f"element[{name!r}]" for name in list(data)[:2])
        parts = f"({parts})" if len(data) > 1 else parts
        raise ValueError(
            "Images must come as `images` or `(images, labels)`. Received: dicts with keys "
            f"{', '.join(map(str, data))}. Give `{parts}`, in a pipeline with "
            f"`dataset.map(lambda element: {parts})`."
        )
    if not isinstance(data, (tuple, list)):
        return data, None
    if any(part is not None for part in data[2:]):
        raise ValueError(
            "Images must come as `images` or `(images, labels)`. Received: elements of "
            f"{len(data)} parts. `sample_weight`, the third part, is not supported for GANs. "
            "Remove it, or repeat images in the data."
        )
    return data[0], data[1] if len(data) > 1 else None


def empty_data_error() -> ValueError:
    """Return the error for data without a batch."""
    return ValueError(
        "Training needs at least one batch. Received: an empty data set. Give more images or a "
        "smaller batch size."
    )


def as_array(images) -> np.ndarray:
    """Return images as an array.

    Raises:
        ValueError: If they are a list of arrays of several shapes.
    """
    try:
        return np.asarray(images)
    except ValueError:  # NumPy's reads "inhomogeneous shape".
        sizes = sorted({np.shape(image) for image in images})[:3]
        raise ValueError(
            "Images must be one array, so have one shape. Received: a list of arrays of shapes "
            f"{', '.join(map(str, sizes))}. Resize them, and join them with `np.stack`."
        ) from None


# In the graph of a pipeline


def shape_of_rank(rank: int, tensor: tf.Tensor) -> tf.Tensor:
    """Return the shape of a tensor as int32 `(rank,)`, padded with 0 or cut."""
    return tf.concat([tf.shape(tensor), tf.zeros(rank, "int32")], axis=0)[:rank]


def _has_shape(tensor, wanted):
    """Return a bool tensor that is true if a tensor has a shape. None is a side of any length."""
    sides = tf.constant([-1 if side is None else side for side in wanted])
    same = (shape_of_rank(len(wanted), tensor) == sides) | (sides < 0)
    return tf.equal(tf.rank(tensor), len(wanted)) & tf.reduce_all(same)


def _accepts_numbers(numbers, count, _):
    if not (numbers.dtype.is_floating or numbers.dtype.is_integer):
        return tf.constant(False)
    finite = tf.reduce_all(tf.math.is_finite(tf.cast(numbers, "float32")))
    return finite & _has_shape(numbers, (None,)) & tf.equal(tf.size(numbers), count)


def _accepts_labels(labels, count, num_classes):
    if not labels.dtype.is_integer:
        return tf.constant(False)
    low, high = tf.reduce_min(labels), tf.reduce_max(labels)
    inside = (low >= 0) & (tf.cast(high, "int64") < num_classes)
    return inside & _has_shape(labels, (None,)) & tf.equal(tf.size(labels), count)
