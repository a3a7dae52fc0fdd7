"""Check training data, so that a mistake is named before it trains.

Shapes, dtypes, value ranges and labels are checked, for arrays, `tf.data` pipelines and Python
iterables. Every batch is checked, not only the first. A pipeline checks its batches in a separate
stage, outside of the compiled training step.
"""

import contextlib
import functools
import itertools
import re
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from ganzoo.data.tuning import untuned
from ganzoo.images import shapes, values

# Number of real images that are shown beside generated ones.
_NUM_EXAMPLES = 64


class InvalidBatchError(ValueError):
    """Error of a batch that Keras or TensorFlow reads. `explained` finds it in their errors."""


class DataSpec:
    """What a model needs of its data. A family with other data derives from it.

    Args:
        image_shape: `(height, width, channels)` of the model. A side may be None.
        num_classes: int for a model that needs labels, else None.
    """

    def __init__(self, image_shape: tuple, num_classes: int | None = None):
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes

    @property
    def num_parts(self) -> int:
        """Number of parts of an element that are checked: images, and labels if they are used."""
        return 1 if self.num_classes is None else 2

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
        if self.num_classes is None:
            return
        if labels is None:
            raise ValueError(
                "This model needs `(images, labels)`. Received: images only. Give class ids as "
                "labels, too, or load both with `ganzoo.data.load(..., labels=True)`."
            )
        tensors = pipeline or keras.ops.is_tensor(labels)
        labels = np.asarray(labels)
        _check_label_shape(labels, len(images), self.num_classes, tensors)
        check_labels(labels, self.num_classes, tensors, of_data=True)

    def check_images(self, images, pipeline: bool = False) -> None:
        """Check the shape, dtype and values of a batch of images.

        Args:
            images: array or tensor.
            pipeline: bool. True if it belongs to an element of a `tf.data.Dataset`.

        Raises:
            ValueError: If they do not fit.
        """
        tensors = pipeline or keras.ops.is_tensor(images)
        images = _as_array(images)
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
            raise ValueError(_empty())
        values.check_values(images, tensors)

    def images_of(self, data) -> tuple[np.ndarray, ...]:
        """Return all images of checked data as arrays, the real ones of training first."""
        return (np.asarray(split(data)[0]),)

    def accepts(self, images: tf.Tensor, *labels: tf.Tensor, bright: bool = False) -> tf.Tensor:
        """Return a bool tensor that is true if `check` needs not see a batch.

        It costs little in the graph of a pipeline.

        Args:
            images: tensor.
            *labels: labels if they are used.
            bright: bool. Accept images without a value below 0, which may be scaled to [0, 1].
        """
        accepted = self.accepts_images(images, bright)
        if self.num_classes is not None:
            accepted &= _accepts_labels(labels[0], tf.shape(images)[0], self.num_classes)
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
        return images, *(tf.ensure_shape(part, (None,)) for part in labels)


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


def check(x, y, spec: DataSpec) -> tuple:
    """Check training data, at once if they are in memory, else batch by batch.

    Args:
        x: what `keras.Model.fit` takes: an array, a `tf.data.Dataset`, a `PyDataset` or a
            generator, of images or `(images, labels)`.
        y: labels if `x` is an array of images, else None.
        spec: `DataSpec` of the model.

    Returns:
        `(x, examples)`. Train on this `x`: it raises at a bad batch. `examples` are the images
        of its first batches, as a numpy array. Data in memory become an array.

    Raises:
        ValueError: If the data are empty or do not fit the model.
    """
    if isinstance(x, tf.distribute.DistributedDataset):
        return x, None
    if isinstance(x, tf.data.Dataset):
        return _check_pipeline(x, spec)
    if isinstance(x, keras.utils.PyDataset):
        if x.num_batches == 0:
            raise ValueError(_empty())
        first, watch = x[0], _Watch(spec)
        watch(first)
        return _CheckedPyDataset(x, watch), spec.images_of(first)[0]
    if hasattr(x, "__next__"):
        first, watch = next(x, None), _Watch(spec)
        if first is None:
            raise ValueError(_empty())
        watch(first)
        return _check_each(itertools.chain([first], x), watch), spec.images_of(first)[0]
    x, y = check_arrays(x, y, spec)
    # A view would keep the whole array in memory as long as the model.
    return np.asarray(x), spec.images_of((x, y))[0][:256].copy()


def check_arrays(x, y, spec: DataSpec) -> tuple:
    """Check data in memory, and warn if they seem to be scaled to [0, 1].

    Args:
        x: images, an array, a tensor or a list.
        y: labels or None.
        spec: `DataSpec` of the model.

    Returns:
        `(x, y)`, arrays or tensors. `y` may be None.

    Raises:
        ValueError: If the data are empty or do not fit the model.
    """
    if isinstance(x, tuple) and _are_arguments(x):
        raise ValueError(
            "Images and labels in memory are two arguments. Received: a tuple of both. Call "
            "`fit(images, labels)`."
        )
    if isinstance(x, dict):
        split(x)  # Raises an error.
    if not hasattr(x, "__array__") and not isinstance(x, (tuple, list)):
        raise ValueError(
            "Images must be an array, a `tf.data.Dataset`, a `keras.utils.PyDataset` or a "
            f"generator. Received: a {type(x).__name__}. Write a generator that yields its "
            "batches."
        )
    x = x if hasattr(x, "__array__") else _as_array(x)
    y = y if y is None or hasattr(y, "__array__") else np.asarray(y)
    spec.check((x, y))
    for images in spec.images_of((x, y)):
        values.warn_if_scaled_to_0_1(images)
    return x, y


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

    def check_divisible(batch):
        _check_count(len(split(batch)[0]), divisor)

    if isinstance(x, np.ndarray):
        for count in (min(batch_size, len(x)), len(x) % batch_size):
            _check_count(count, divisor)
    elif isinstance(x, tf.data.Dataset):
        shape = tf.nest.flatten(x.element_spec)[0].shape
        if shape.rank and shape[0] is not None:
            _check_count(shape[0], divisor)
        return _check_in_graph(
            x, 1, lambda images: tf.equal(tf.shape(images)[0] % divisor, 0), check_divisible
        )
    elif isinstance(x, _CheckedPyDataset):
        x.checks.append(check_divisible)
    elif hasattr(x, "__next__"):
        return _check_each(x, check_divisible)
    return x


def check_labels(
    labels: np.ndarray, num_classes: int, tensors: bool = False, of_data: bool = False
) -> None:
    """Check that an array of labels holds class ids.

    Args:
        labels: array of any shape.
        num_classes: int.
        tensors: bool. Give advice for TensorFlow tensors, not for numpy arrays.
        of_data: bool. True for labels of training data, which a model can be built for.

    Raises:
        ValueError: If one is not an integer from 0 to `num_classes - 1`.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels must be integer class ids. Received: labels of dtype {labels.dtype.name}"
            f"{_advise_label_dtype(labels, tensors)}"
        )
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low >= 0 and high < num_classes:
        return
    if not of_data:
        advice = "Choose among these."
    elif low > 0 and high == num_classes:
        advice = "Number the classes from 0: `y - 1`."
    elif low < 0:
        advice = "Number the classes from 0, and leave images without a class out."
    else:
        advice = f"Build the model with `num_classes={high + 1}`, or number the classes from 0."
    raise ValueError(
        f"Labels must be class ids from 0 to {num_classes - 1}. Received: labels from {low} to "
        f"{high}. {advice}"
    )


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raise a `ValueError` of one line in place of the error that a bad batch causes."""
    try:
        yield
    except InvalidBatchError as error:
        raise ValueError(str(error)) from None
    except tf.errors.InvalidArgumentError as error:
        # Of an assertion, TensorFlow prints the text in brackets, with quotes escaped.
        mark = rf"{InvalidBatchError.__name__}: "
        if found := re.search(rf"assertion failed: \[{mark}(.*)\]", str(error)):
            raise ValueError(re.sub(r"\\(.)", r"\1", found[1])) from None
        if found := re.search(f"{mark}(.*)", str(error)):
            raise ValueError(found[1]) from None
        raise


# Batch by batch


class _Watch:
    """Check batches that follow each other: each one, and that they are alike.

    Args:
        spec: `DataSpec` of the model.
        pipeline: bool. True for batches of a `tf.data.Dataset`.

    Attributes:
        warned: bool. True once images seemed to be scaled to [0, 1].
    """

    def __init__(self, spec, pipeline=False):
        self.spec = spec
        self.warned = False
        self._pipeline = pipeline
        self._form = None

    def __call__(self, batch):
        self.spec.check(batch, self._pipeline)
        images = self.spec.images_of(batch)
        # Keras converts later batches to the dtypes of the first: floats to black pixels.
        form = " and ".join(f"{part.dtype.name} images" for part in images)
        if len(images) == 1 and split(batch)[1] is not None:
            form += " with labels"
        self._form = self._form or form
        if form != self._form:
            raise ValueError(
                f"All batches must hold the same as the first: {self._form}. Received: {form}. "
                "Convert them all alike."
            )
        self.warned = self.warned or any(map(values.warn_if_scaled_to_0_1, images))


def _later(check: Callable, batch) -> None:
    """Check a batch that Keras or TensorFlow reads, so that `explained` finds the error."""
    try:
        check(batch)
    except ValueError as error:
        raise InvalidBatchError(str(error)) from None


def _check_pipeline(dataset, spec):
    dataset = untuned(dataset)
    watch = _Watch(spec, pipeline=True)
    examples = []
    for batch in dataset:
        watch(batch)
        examples.append(spec.images_of(batch)[0])
        if examples[-1].shape[1:] != examples[0].shape[1:]:
            # Some models take images of several sizes, which fit into no array.
            del examples[-1]
            break
        if sum(map(len, examples)) >= _NUM_EXAMPLES:
            break
    if not examples:
        raise ValueError(_empty())
    examples = np.concatenate(examples)
    # After a warning, or among bright images, a look at each bright batch would only cost time.
    accepts = functools.partial(spec.accepts, bright=watch.warned or bool(examples.min() >= 0))
    checked = _check_in_graph(dataset, spec.num_parts, accepts, watch, spec.set_shapes)
    return checked.prefetch(tf.data.AUTOTUNE), examples


def _check_in_graph(dataset, num_parts, accepts, check, convert=None):
    """Return a pipeline that passes batches which are not accepted to a Python function.

    Args:
        dataset: `tf.data.Dataset`.
        num_parts: int. Number of parts of a batch that the following functions take.
        accepts: function from these parts to a bool tensor.
        check: function that raises a `ValueError` if a batch is wrong.
        convert: function from these parts to those to return. None returns them unchanged.
    """

    def check_batch(*batch):
        batch = [part for part in batch if part is not None]
        parts, others = batch[:num_parts], batch[num_parts:]

        def ask_python():
            def find_error(*arrays):
                # TensorFlow would print the traceback of an exception.
                try:
                    check(arrays)
                except ValueError as error:
                    return f"{InvalidBatchError.__name__}: {error}".encode()
                return b""

            return tf.numpy_function(find_error, parts, tf.string)

        error = tf.cond(accepts(*parts), lambda: tf.constant(""), ask_python)
        with tf.control_dependencies([tf.debugging.Assert(tf.equal(error, ""), [error])]):
            parts = [tf.identity(part) for part in parts]
        batch = *(convert(*parts) if convert else parts), *others
        return batch if len(batch) > 1 else batch[0]

    # AutoGraph would also translate the Python function, which slows it down.
    check_batch = tf.autograph.experimental.do_not_convert(check_batch)
    return dataset.map(check_batch, num_parallel_calls=tf.data.AUTOTUNE)


def _check_each(iterable, check):
    # Of all iterators, Keras accepts only generators, and of these only tuples.
    for batch in iterable:
        _later(check, batch)
        yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


class _CheckedPyDataset(keras.utils.PyDataset):
    """A data set that checks each batch of another data set when it is read."""

    def __init__(self, dataset, check):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.checks = [check]
        self._dataset = dataset

    @property
    def num_batches(self):
        return self._dataset.num_batches

    def __getitem__(self, index):
        batch = self._dataset[index]
        for check in self.checks:
            _later(check, batch)
        return batch

    def on_epoch_begin(self):
        self._dataset.on_epoch_begin()

    def on_epoch_end(self):
        self._dataset.on_epoch_end()


# In the graph of a pipeline


def shape_of_rank(rank: int, tensor: tf.Tensor) -> tf.Tensor:
    """Return the shape of a tensor as int32 `(rank,)`, padded with 0 or cut."""
    return tf.concat([tf.shape(tensor), tf.zeros(rank, "int32")], axis=0)[:rank]


def _has_shape(tensor, wanted):
    """Return a bool tensor that is true if a tensor has a shape. None is a side of any length."""
    sides = tf.constant([-1 if side is None else side for side in wanted])
    same = (shape_of_rank(len(wanted), tensor) == sides) | (sides < 0)
    return tf.equal(tf.rank(tensor), len(wanted)) & tf.reduce_all(same)


def _accepts_labels(labels, count, num_classes):
    if not labels.dtype.is_integer:
        return tf.constant(False)
    low, high = tf.reduce_min(labels), tf.reduce_max(labels)
    inside = (low >= 0) & (tf.cast(high, "int64") < num_classes)
    return inside & _has_shape(labels, (None,)) & tf.equal(tf.size(labels), count)


# Parts of checks, and messages


def _are_arguments(parts):
    """Return True if a tuple holds images and labels, and is no batch of images."""
    arrays = [part for part in parts if hasattr(part, "__array__")]
    ranks = {np.ndim(part) for part in arrays}
    return 2 <= len(arrays) == len(parts) <= 3 and (len(ranks) > 1 or 4 in ranks)


def _as_array(images):
    try:
        return np.asarray(images)
    except ValueError:  # NumPy's reads "inhomogeneous shape".
        sizes = sorted({np.shape(image) for image in images})[:3]
        raise ValueError(
            "Images must be one array, so have one shape. Received: a list of arrays of shapes "
            f"{', '.join(map(str, sizes))}. Resize them, and join them with `np.stack`."
        ) from None


def _check_label_shape(labels, count, num_classes, tensors):
    if labels.shape == (count,):
        return
    advice = "Pass one integer per image."
    if labels.shape == (count, 1):
        advice = "Take the only column: `y[:, 0]`."
    elif labels.shape == (count, num_classes):
        argmax = "tf.argmax(y, axis=-1)" if tensors else "y.argmax(axis=-1)"
        advice = f"Convert one-hot labels: `{argmax}`."
    raise ValueError(
        f"Labels must be class ids of shape ({count},), one for each image. Received: labels of "
        f"shape {labels.shape}. {advice}"
    )


def _advise_label_dtype(labels, tensors):
    """Return the end of a message on labels that are not integers."""
    if labels.dtype.kind in "bf":
        broken = labels[labels != np.trunc(labels)] if labels.dtype.kind == "f" else labels[:0]
        if not broken.size:
            cast = "tf.cast(y, 'int32')" if tensors else "y.astype('int32')"
            return f". Cast them: `{cast}`."
        return f", such as {broken.flat[0]:g}. Number the classes from 0."
    name = labels.flat[0] if labels.size else ""
    name = name.decode() if isinstance(name, bytes) else str(name)
    if tensors:
        numbered = "keras.layers.StringLookup(vocabulary=names, num_oov_indices=0)(y)"
    else:
        numbered = "np.unique(y, return_inverse=True)[1]"
    return f", such as {name!r}. Number the classes: `{numbered}`."


def _check_count(count, divisor):
    if count % divisor:
        raise ValueError(
            f"Batches must be a multiple of {divisor} images (replicas x discriminator_steps). "
            f"Received: a batch of {count} images. Choose such a batch size (--batch-size), and "
            "drop a smaller last batch, as `ganzoo.data.load` does."
        )


def _empty():
    return (
        "Training needs at least one batch. Received: an empty data set. Give more images or a "
        "smaller batch size."
    )
