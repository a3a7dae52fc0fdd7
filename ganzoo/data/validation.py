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

from ganzoo.data.arrays import map_labels
from ganzoo.data.spec import DataSpec, as_array, empty_data_error, split
from ganzoo.data.tuning import untuned
from ganzoo.images import values

# Number of real images that are shown beside generated ones.
_NUM_EXAMPLES = 64


class InvalidBatchError(ValueError):
    """Error of a batch that Keras or TensorFlow reads. `explained` finds it in their errors."""


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
            raise empty_data_error()
        first, watch = x[0], _Watch(spec)
        watch(first)
        return _CheckedPyDataset(x, watch), spec.images_of(first)[0]
    if hasattr(x, "__next__"):
        first, watch = next(x, None), _Watch(spec)
        if first is None:
            raise empty_data_error()
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
    x = x if hasattr(x, "__array__") else as_array(x)
    y = map_labels(lambda part: part if hasattr(part, "__array__") else np.asarray(part), y)
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
    """Check successive batches: each one, and that all have the form of the first.

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
                "Convert all of them in the same way."
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
        raise empty_data_error()
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
                    # Labels may be a dict.
                    check(tf.nest.pack_sequence_as(parts, arrays))
                except ValueError as error:
                    return f"{InvalidBatchError.__name__}: {error}".encode()
                return b""

            return tf.numpy_function(find_error, tf.nest.flatten(parts), tf.string)

        error = tf.cond(accepts(*parts), lambda: tf.constant(""), ask_python)
        with tf.control_dependencies([tf.debugging.Assert(tf.equal(error, ""), [error])]):
            parts = tf.nest.map_structure(tf.identity, parts)
        batch = *(convert(*parts) if convert else parts), *others
        return batch if len(batch) > 1 else batch[0]

    # AutoGraph would also translate the Python function, which slows it down.
    check_batch = tf.autograph.experimental.do_not_convert(check_batch)
    return dataset.map(check_batch, num_parallel_calls=tf.data.AUTOTUNE)


def _check_each(iterable, check):
    # Keras accepts generators of tuples, and no other iterators.
    for batch in iterable:
        _later(check, batch)
        yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)


class _CheckedPyDataset(keras.utils.PyDataset):
    """Check each batch of another data set when it is read."""

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


def _are_arguments(parts):
    """Return True if a tuple holds images and labels, and is not a batch of images."""
    arrays = [part for part in parts if hasattr(part, "__array__")]
    ranks = {np.ndim(part) for part in arrays}
    return 2 <= len(arrays) == len(parts) <= 3 and (len(ranks) > 1 or 4 in ranks)


def _check_count(count, divisor):
    if count % divisor:
        raise ValueError(
            f"Batches must be a multiple of {divisor} images (replicas x discriminator_steps). "
            f"Received: a batch of {count} images. Choose such a batch size (--batch-size), and "
            "drop a smaller last batch, as `ganzoo.data.load` does."
        )
