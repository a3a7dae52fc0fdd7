"""Check training data, so that a mistake is named before it trains.

Shapes, dtypes, value ranges and labels are checked, for arrays, `tf.data` pipelines and Python
iterables. Every batch is checked, not only the first. A pipeline checks its batches in a separate
stage, outside of the compiled training step.
"""

import contextlib
import re
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from ganzoo.data.tuning import untuned

# Rounding may move floats this far out of [-1, 1].
_TOLERANCE = 1e-3
# Number of real images that are shown beside generated ones.
_NUM_EXAMPLES = 64
# TensorFlow prints these marks in the errors that checked pipelines raise.
_RANGE_MARK = "float images outside [-1, 1], from "
_DIVISOR_MARK = "batch that does not divide, of "
_LABEL_MARK = "labels outside the classes, from "
# The first words of the messages below. Keras wraps what Python data raise during `fit`.
_OPENINGS = (
    "Images must",
    "Float images must",
    "Labels must",
    "This model needs",
    "Batches must",
    "Training needs",
)


def check(x, y, image_shape: tuple, num_classes: int | None) -> tuple:
    """Check training data, at once if they are in memory, else batch by batch.

    Args:
        x: what `keras.Model.fit` takes: an array, a `tf.data.Dataset`, a `PyDataset` or a
            generator, of images or `(images, labels)`.
        y: labels if `x` is an array of images, else None.
        image_shape: `(height, width, channels)` of the model. A side may be None.
        num_classes: int for a model that needs labels, else None.

    Returns:
        `(x, examples)`. Train on this `x`: it raises at a bad batch. `examples` are the images
        of its first batches, as a numpy array. Data in memory become an array.

    Raises:
        ValueError: If the data are empty or do not fit the model.
    """
    if isinstance(x, tf.distribute.DistributedDataset):
        return x, None
    if isinstance(x, tf.data.Dataset):
        return _check_pipeline(x, image_shape, num_classes)
    if isinstance(x, keras.utils.PyDataset):
        if x.num_batches == 0:
            raise ValueError(_empty())
        checked = _CheckedPyDataset(x, image_shape, num_classes)
        return checked, np.asarray(_split(checked[0])[0])
    if hasattr(x, "__next__"):
        checked = _check_each(x, image_shape, num_classes)
        first = next(checked, None)
        if first is None:
            raise ValueError(_empty())
        return _prepend(first, checked), np.asarray(_split(first)[0])
    _require_array(x)
    images = np.asarray(x)
    check_batch(images, y, image_shape, num_classes)
    # A view would keep the whole array in memory as long as the model.
    return images, images[:256].copy()


def require_divisible(x, batch_size: int, divisor: int):
    """Return training data that raise if a batch is not a multiple of a number.

    A training step splits a batch among `discriminator_steps` updates, and each part among the
    replicas. The loss of a part is a mean: it would weigh the images of a smaller part more,
    and is NaN for an empty part.

    Args:
        x: as `check` returns it.
        batch_size: int. Images per step if `x` is an array.
        divisor: int. Number of replicas times `discriminator_steps`.

    Returns:
        `x`, or an equivalent of `x`, which raises at a bad batch.

    Raises:
        ValueError: If the sizes of the batches are known, and one is not a multiple.
    """
    if isinstance(x, np.ndarray):
        for count in (min(batch_size, len(x)), len(x) % batch_size):
            if count % divisor:
                raise ValueError(_not_divisible(count, divisor))
    elif isinstance(x, tf.data.Dataset):
        shape = tf.nest.flatten(x.element_spec)[0].shape
        if shape.rank and shape[0] is not None and shape[0] % divisor:
            raise ValueError(_not_divisible(shape[0], divisor))

        def assert_divisible(*batch):
            count = tf.shape(tf.nest.flatten(batch)[0])[0]
            divides = tf.equal(count % divisor, 0)
            check = tf.debugging.Assert(divides, [_DIVISOR_MARK, count, "by", divisor])
            with tf.control_dependencies([check]):
                batch = tf.nest.map_structure(tf.identity, batch)
            return batch[0] if len(batch) == 1 else batch

        return x.map(assert_divisible, num_parallel_calls=tf.data.AUTOTUNE)
    elif isinstance(x, _CheckedPyDataset):
        x.divisor = divisor
    elif hasattr(x, "__next__"):
        return _require_each_divisible(x, divisor)
    return x


def check_batch(images, labels, image_shape: tuple, num_classes: int | None) -> None:
    """Check images in memory, and their labels if the model needs labels.

    Arguments are those of `check`, with `labels` for `y`.

    Raises:
        ValueError: If a shape, dtype, value or label does not fit.
    """
    images = np.asarray(images)
    _check_spec(images.shape, images.dtype.name, image_shape)
    if len(images) == 0:
        raise ValueError(_empty())
    if images.dtype != np.uint8:
        low, high = float(images.min()), float(images.max())
        # In this form, NaN fails, too.
        if not (low >= -1 - _TOLERANCE and high <= 1 + _TOLERANCE):
            raise ValueError(_outside_range(low, high))
    if num_classes is not None:
        if labels is None:
            raise ValueError(_no_labels())
        labels = np.asarray(labels)
        if labels.shape != (len(images),):
            raise ValueError(
                f"Labels must be class ids of shape ({len(images)},), one for each image. "
                f"Received: labels of shape {labels.shape}. Pass one integer per image."
            )
        check_labels(labels, num_classes)


def check_labels(labels: np.ndarray, num_classes: int) -> None:
    """Check that an array of labels holds class ids.

    Raises:
        ValueError: If one is not an integer from 0 to `num_classes - 1`.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels must be integer class ids. Received: labels of dtype {labels.dtype}. Cast "
            "them with `.astype('int32')`; of one-hot labels, take `.argmax(axis=-1)`."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise ValueError(_outside_classes(low, high, num_classes))


@contextlib.contextmanager
def explained(num_classes: int | None) -> Iterator[None]:
    """Raise a `ValueError` in place of the TensorFlow error of a checked pipeline."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if explanation := _explain(error, num_classes):
            raise explanation from None
        raise


def _explain(error, num_classes):
    """Return the `ValueError` for an error that a checked pipeline raised, or None."""
    text = str(error)
    if found := re.search(rf"ValueError: ((?:{'|'.join(_OPENINGS)}).*)", text):
        return ValueError(found[1])
    if found := re.search(re.escape(_RANGE_MARK) + r"\] \[([^\]]*)\] \[to\] \[([^\]]*)\]", text):
        return ValueError(_outside_range(*map(float, found.groups())))
    if found := re.search(re.escape(_LABEL_MARK) + r"\] \[([^\]]*)\] \[to\] \[([^\]]*)\]", text):
        return ValueError(_outside_classes(*map(int, found.groups()), num_classes))
    if found := re.search(re.escape(_DIVISOR_MARK) + r"\] \[(\d+)\] \[by\] \[(\d+)\]", text):
        return ValueError(_not_divisible(*map(int, found.groups())))
    if found := re.search(r"Shape of tensor .*\[(.*)\] is not compatible .* \[\?,(.*)\]", text):
        shape, wanted = (_parse(sides) for sides in found.groups())
        return ValueError(_other_shape(shape, (None, *wanted)))
    return None


def _parse(sides):
    """Return the shape that TensorFlow prints as `8,?,3`."""
    return tuple(None if side == "?" else int(side) for side in sides.split(",") if side)


def _require_array(x):
    if isinstance(x, tuple) and len(x) == 2 and np.shape(x[0]) != np.shape(x[1]):
        raise ValueError(
            "Images and labels in memory are two arguments. Received: a tuple of both. Call "
            "`fit(images, labels)`."
        )
    if not hasattr(x, "__array__") and not isinstance(x, (tuple, list)):
        raise ValueError(
            "Images must be an array, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a "
            f"generator. Received: a {type(x).__name__}. Write a generator that yields its "
            "batches."
        )


def _check_pipeline(dataset, image_shape, num_classes):
    if isinstance(dataset.element_spec, dict):
        raise ValueError(
            "Images must come as `images` or `(images, labels)`. Received: dicts with keys "
            f"{', '.join(map(str, dataset.element_spec))}. Convert them, for example with "
            "`dataset.map(lambda element: (element['image'], element['label']))`."
        )
    spec_images, spec_labels = _split(dataset.element_spec)
    _check_spec(spec_images.shape, spec_images.dtype.name, image_shape)
    if num_classes is not None and spec_labels is None:
        raise ValueError(_no_labels())
    dataset = untuned(dataset)
    examples = []
    for batch in dataset:
        images, labels = _split(batch)
        check_batch(images, labels, image_shape, num_classes)
        examples.append(np.asarray(images))
        if examples[-1].shape[1:] != examples[0].shape[1:]:
            # Some models take images of several sizes, which fit into no array.
            del examples[-1]
            break
        if sum(map(len, examples)) >= _NUM_EXAMPLES:
            break
    if not examples:
        raise ValueError(_empty())

    def assert_batch(*batch):
        images, *others = batch
        # TensorFlow does not know the shape of tensors that Python code makes.
        images = tf.ensure_shape(images, (None, *image_shape))
        checks = []
        if images.dtype != tf.uint8:
            low, high = tf.reduce_min(images), tf.reduce_max(images)
            bound = tf.cast(1 + _TOLERANCE, images.dtype)
            inside = tf.logical_and(low >= -bound, high <= bound)
            checks.append(tf.debugging.Assert(inside, [_RANGE_MARK, low, "to", high]))
        if num_classes is not None:
            others[0] = labels = tf.ensure_shape(others[0], (None,))
            low, high = tf.reduce_min(labels), tf.reduce_max(labels)
            inside = tf.logical_and(low >= 0, tf.cast(high, "int64") < num_classes)
            checks.append(tf.debugging.Assert(inside, [_LABEL_MARK, low, "to", high]))
        with tf.control_dependencies(checks):
            batch = tf.nest.map_structure(tf.identity, (images, *others))
        return batch if others else batch[0]

    checked = dataset.map(assert_batch, num_parallel_calls=tf.data.AUTOTUNE)
    return checked.prefetch(tf.data.AUTOTUNE), np.concatenate(examples)


def _check_each(iterable, image_shape, num_classes):
    for batch in iterable:
        check_batch(*_split(batch), image_shape, num_classes)
        # Keras accepts only tuples from a generator.
        yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _require_each_divisible(iterable, divisor):
    for batch in iterable:
        _check_divisible(batch, divisor)
        yield batch


def _check_divisible(batch, divisor):
    count = len(_split(batch)[0])
    if count % divisor:
        raise ValueError(_not_divisible(count, divisor))


def _prepend(first, rest):
    # Of all iterators, Keras accepts only generators.
    yield first
    yield from rest


class _CheckedPyDataset(keras.utils.PyDataset):
    """A data set that checks each batch of another data set when it is read."""

    divisor = 1

    def __init__(self, dataset, image_shape, num_classes):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self._dataset = dataset
        self._image_shape = image_shape
        self._num_classes = num_classes

    @property
    def num_batches(self):
        return self._dataset.num_batches

    def __getitem__(self, index):
        batch = self._dataset[index]
        check_batch(*_split(batch), self._image_shape, self._num_classes)
        _check_divisible(batch, self.divisor)
        return batch

    def on_epoch_begin(self):
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        self._dataset.on_epoch_end()


def _split(batch):
    """Return `(images, labels)` of an element. Labels are None if it has none."""
    if isinstance(batch, (tuple, list)):
        return batch[0], batch[1] if len(batch) > 1 else None
    return batch, None


def _check_spec(shape, dtype, image_shape):
    if isinstance(shape, tf.TensorShape) and shape.rank is None:
        return  # Unknown before the data are read. The first batch is checked then.
    wanted, shape = (None, *image_shape), tuple(shape)
    fits = len(shape) == 4 and all(
        None in (side, want) or side == want for side, want in zip(shape, wanted, strict=True)
    )
    if not fits:
        raise ValueError(_other_shape(shape, wanted))
    if dtype != "uint8" and "float" not in dtype:
        raise ValueError(
            "Images must be uint8 pixels or floats in [-1, 1]. Received: images of dtype "
            f"{dtype}. Cast pixels with `.astype('uint8')`."
        )


def _empty():
    return (
        "Training needs at least one batch. Received: an empty data set. Give more images or a "
        "smaller batch size."
    )


def _other_shape(shape, wanted):
    shown = ", ".join("batch" if side is None else str(side) for side in wanted)
    return (
        f"Images must have shape ({shown}), as the model was built. Received: images of "
        f"shape {shape}. Load them with `ganzoo.data.load(..., image_size=...)`, or build the "
        "model with their `image_shape`."
    )


def _no_labels():
    return (
        "This model needs `(images, labels)`. Received: images only. Load them with "
        "`ganzoo.data.load(..., labels=True)`, or pass `y=labels`."
    )


def _not_divisible(count, divisor):
    return (
        f"Batches must be a multiple of {divisor} images (replicas x discriminator_steps). "
        f"Received: a batch of {count} images. Choose such a batch size, and drop a smaller last "
        "batch, as `ganzoo.data.load` does."
    )


def _outside_range(low, high):
    return (
        f"Float images must lie in [-1, 1]. Received: values from {low:g} to {high:g}. "
        "Pass uint8 pixels, or scale them with `x / 127.5 - 1`."
    )


def _outside_classes(low, high, num_classes):
    return (
        f"Labels must be class ids from 0 to {num_classes - 1}. Received: labels from {low} to "
        f"{high}. Build the model with a larger `num_classes`, or number the classes from 0."
    )
