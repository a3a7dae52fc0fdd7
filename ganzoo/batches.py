"""What `fit` is given, checked: a mistake is named before it trains.

Shapes, dtypes, value ranges and labels are looked at here, for arrays,
`tf.data` pipelines and Python iterables alike. Every batch is checked, not only
the first: in a pipeline as a stage of it, outside the compiled training step.
"""

import contextlib
import re

import keras
import numpy as np
import tensorflow as tf

from ganzoo.data.tuning import untuned

# Floats may leave [-1, 1] by rounding alone.
_TOLERANCE = 1e-3
# Images that are shown beside the model's.
_NUM_EXAMPLES = 64
_RANGE_MARK = "float images outside [-1, 1], from "
_SHARE_MARK = "batch that does not divide, of "
_LABEL_MARK = "labels outside the classes, from "
# How the messages below begin; Keras wraps what Python data raise during `fit`.
_OPENINGS = (
    "Images must",
    "Float images must",
    "Labels must",
    "This model needs",
    "Batches must",
)


def check(x, y, image_shape, num_classes):
    """Checks training data, whole or batch by batch.

    Args:
        x: what Keras's `fit` takes: an array, a `tf.data.Dataset`, a `PyDataset`
            or a generator; of images or `(images, labels)`.
        y: labels where `x` is an array of images, else None.
        image_shape: `(height, width, channels)` of the model; None fits any.
        num_classes: int for a model that needs labels, else None.

    Returns:
        `(x, examples)`: `x` to train on, which raises at a bad batch, and the
        images of its first batches as a numpy array. An `x` in memory is an array then.

    Raises:
        ValueError: If there is nothing, or something that does not fit.
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
    # A copy: a view would keep all of them in memory for as long as the model.
    return images, images[:256].copy()


def share(x, batch_size, num_replicas):
    """Training data that raise where a batch does not divide among replicas.

    Each replica's loss is the mean over its part of a batch: of smaller parts it would count
    too much, and of an empty one it is no number.

    Args:
        x: as `check` returns it.
        batch_size: int. Images in a step where `x` is an array.
        num_replicas: int.

    Raises:
        ValueError: If it is known by now.
    """
    if isinstance(x, np.ndarray):
        for count in (min(batch_size, len(x)), len(x) % batch_size):
            if count % num_replicas:
                raise ValueError(_not_divided(count, num_replicas))
    elif isinstance(x, tf.data.Dataset):

        def assert_divides(*batch):
            count = tf.shape(tf.nest.flatten(batch)[0])[0]
            divides = tf.equal(count % num_replicas, 0)
            check = tf.debugging.Assert(divides, [_SHARE_MARK, count, "among", num_replicas])
            with tf.control_dependencies([check]):
                batch = tf.nest.map_structure(tf.identity, batch)
            return batch[0] if len(batch) == 1 else batch

        return x.map(assert_divides, num_parallel_calls=tf.data.AUTOTUNE)
    elif isinstance(x, _CheckedPyDataset):
        x.num_replicas = num_replicas
    elif hasattr(x, "__next__"):
        return _share_each(x, num_replicas)
    return x


def check_batch(images, labels, image_shape, num_classes):
    """Checks images in memory, and their labels where the model needs them.

    Raises:
        ValueError: If a shape, dtype, value or label does not fit.
    """
    images = np.asarray(images)
    _check_spec(images.shape, images.dtype.name, image_shape)
    if len(images) == 0:
        raise ValueError(_empty())
    if images.dtype != np.uint8:
        low, high = float(images.min()), float(images.max())
        # Written so that NaN fails, too.
        if not (low >= -1 - _TOLERANCE and high <= 1 + _TOLERANCE):
            raise ValueError(_outside_range(low, high))
    if num_classes is not None:
        if labels is None:
            raise ValueError(_no_labels())
        labels = np.asarray(labels)
        if labels.shape != (len(images),):
            raise ValueError(
                f"Labels must be class ids of shape ({len(images)},), one for each image. "
                f"Received: labels of shape {labels.shape}."
            )
        check_labels(labels, num_classes)


def check_positive(**numbers):
    """Checks arguments that count something.

    Raises:
        ValueError: If one is below 1.
    """
    for name, value in numbers.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")


def check_labels(labels, num_classes):
    """Checks that an array of labels holds class ids.

    Raises:
        ValueError: If one is not an integer from 0 to `num_classes - 1`.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels must be integer class ids. Received: labels of dtype {labels.dtype}."
        )
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        raise ValueError(_outside_classes(low, high, num_classes))


@contextlib.contextmanager
def explained(num_classes):
    """Raises the `ValueError` behind what a checked pipeline raises inside."""
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        if explanation := _explain(error, num_classes):
            raise explanation from None
        raise


def _explain(error, num_classes):
    """The `ValueError` behind an error that a checked pipeline raised, or None."""
    text = str(error)
    if found := re.search(rf"ValueError: ((?:{'|'.join(_OPENINGS)}).*)", text):
        return ValueError(found[1])
    if found := re.search(re.escape(_RANGE_MARK) + r"\] \[([^\]]*)\] \[to\] \[([^\]]*)\]", text):
        return ValueError(_outside_range(*map(float, found.groups())))
    if found := re.search(re.escape(_LABEL_MARK) + r"\] \[([^\]]*)\] \[to\] \[([^\]]*)\]", text):
        return ValueError(_outside_classes(*map(int, found.groups()), num_classes))
    if found := re.search(re.escape(_SHARE_MARK) + r"\] \[(\d+)\] \[among\] \[(\d+)\]", text):
        return ValueError(_not_divided(*map(int, found.groups())))
    if found := re.search(r"Shape of tensor .*\[(.*)\] is not compatible .* \[\?,(.*)\]", text):
        shape, wanted = (_parse(sides) for sides in found.groups())
        return ValueError(_other_shape(shape, (None, *wanted)))
    return None


def _parse(sides):
    """The shape that TensorFlow writes as `8,?,3`."""
    return tuple(None if side == "?" else int(side) for side in sides.split(",") if side)


def _require_array(x):
    if isinstance(x, tuple) and len(x) == 2 and np.shape(x[0]) != np.shape(x[1]):
        raise ValueError(
            "Images and labels in memory are two arguments, `fit(images, labels)`. Received: a "
            "tuple of both."
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
            "Images must come as `images` or `(images, labels)`. Received: dicts of "
            f"{', '.join(map(str, dataset.element_spec))}. Pick them, as by "
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
            del examples[-1]  # Of another size, which some models take: they make no one array.
            break
        if sum(map(len, examples)) >= _NUM_EXAMPLES:
            break
    if not examples:
        raise ValueError(_empty())

    def assert_batch(*batch):
        images, *others = batch
        # Of what Python code makes, TensorFlow knows no shape.
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
        # Keras refuses a generator's bare arrays.
        yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


def _share_each(iterable, num_replicas):
    for batch in iterable:
        _check_share(batch, num_replicas)
        yield batch


def _check_share(batch, num_replicas):
    count = len(_split(batch)[0])
    if count % num_replicas:
        raise ValueError(_not_divided(count, num_replicas))


def _prepend(first, rest):
    # Of Python's iterators Keras knows generators alone.
    yield first
    yield from rest


class _CheckedPyDataset(keras.utils.PyDataset):
    """Another data set's batches, each checked when it is read."""

    num_replicas = 1

    def __init__(self, dataset, image_shape, num_classes):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self._dataset = dataset
        self._wanted = image_shape, num_classes

    @property
    def num_batches(self):
        return self._dataset.num_batches

    def __getitem__(self, index):
        batch = self._dataset[index]
        check_batch(*_split(batch), *self._wanted)
        _check_share(batch, self.num_replicas)
        return batch

    def on_epoch_begin(self):
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        self._dataset.on_epoch_end()


def _split(batch):
    """`(images, labels)` of an element, labels None where there are none."""
    if isinstance(batch, (tuple, list)):
        return batch[0], batch[1] if len(batch) > 1 else None
    return batch, None


def _check_spec(shape, dtype, image_shape):
    if isinstance(shape, tf.TensorShape) and shape.rank is None:
        return  # Not known before the data come; the first batch is checked whole.
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
        "The data set is empty: training needs at least one batch. Received: no images. "
        "Give more images or a smaller batch size."
    )


def _other_shape(shape, wanted):
    shown = ", ".join("batch" if side is None else str(side) for side in wanted)
    return (
        f"Images must have shape ({shown}), as the model was built. Received: images of "
        f"shape {shape}. Load them with `ganzoo.data.load(..., image_size=...)` or build the "
        "model with their `image_shape`."
    )


def _no_labels():
    return (
        "This model needs `(images, labels)`. Received: images alone. "
        "Load them with `ganzoo.data.load(..., labels=True)` or pass `y=labels`."
    )


def _not_divided(count, num_replicas):
    return (
        f"Batches must divide among the {num_replicas} replicas. Received: a batch of {count} "
        "images. Choose a batch size that does, and drop what remains, as "
        "`ganzoo.data.load` does."
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
