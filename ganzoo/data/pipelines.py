"""Batches of image data in memory.

A pipeline shuffles indices, gathers whole batches, scales them to [-1, 1] and prefetches, so
that it does not limit the speed of training.
"""

import sys
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ganzoo.checks import check_positive, check_seed
from ganzoo.data.arrays import ImageData, map_labels
from ganzoo.data.tuning import untuned
from ganzoo.distribution import WHOLE, Shard
from ganzoo.images import from_pixels
from ganzoo.images.values import require_pixels


def pipeline(
    image_data: ImageData,
    batch_size: int,
    labels: bool = False,
    seed: int = 0,
    shuffle: bool = True,
    start: int | None = None,
    batch_shard: Shard = WHOLE,
) -> tf.data.Dataset:
    """Return the pipeline of `load` over image data in memory.

    All pipelines over one `ImageData` share its memory.

    Args:
        image_data: `ImageData`, as `load_arrays` returns it.
        batch_size: int, at least 1. Images per batch.
        labels: bool. As for `load`.
        seed: int. As for `load`.
        shuffle: bool. As for `load`.
        start: int. Number of the first batch, counted over all passes. The pipeline starts
            there and never ends. None makes one pass over the data; every iteration has another
            order.
        batch_shard: `Shard` of every batch to return, with `batch_size // batch_shard.count`
            images. Workers with the same data, batch size and seed, and one shard each, get
            together the batches of a single worker. Each gathers its own images only.

    Returns:
        `tf.data.Dataset`, as `load` returns it.

    Raises:
        ValueError: If there are fewer images than `batch_size`, or the pixels are not uint8.
    """
    require_pixels("`pixels`", image_data.pixels)
    check_positive(batch_size=batch_size)
    seed = check_seed(seed)
    count = len(image_data.pixels)
    require_batch(count, batch_size)
    pixels = image_data.pixel_tensor
    classes = image_data.label_tensor if labels else None
    shard = batch_shard.of(batch_size)
    num_batches = count // batch_size

    def one_pass(number):
        places = tf.data.Dataset.range(num_batches * batch_size)
        places = places.batch(batch_size, drop_remainder=True)
        if not shuffle:
            return places
        key = tf.stack([tf.constant(seed, "int64"), number])
        return places.map(lambda batch: tf.random.experimental.index_shuffle(batch, key, count - 1))

    def gather(indices):
        indices = indices[shard]
        images = from_pixels(tf.gather(pixels, indices))
        if classes is None:
            return images
        return images, map_labels(lambda values: tf.gather(values, indices), classes)

    batches = go_through(one_pass, num_batches, seed, start)
    dataset = _gather_from_memory(batches, gather)
    # Data sets of Keras have this attribute, too.
    dataset.class_names = image_data.class_names if labels else None
    dataset.conditions = image_data.conditions if labels else None
    dataset.data_fingerprint = image_data.fingerprint
    return dataset


def require_batch(num_images: int, batch_size: int) -> None:
    """Check that there are images for a batch.

    Raises:
        ValueError: If there are fewer.
    """
    if num_images < batch_size:
        raise ValueError(
            f"The data set holds {num_images} images, fewer than one batch of {batch_size}. "
            "Give more images or a smaller batch size (--batch-size)."
        )


def from_arrays(arrays: tuple[np.ndarray, ...], batch_size: int, shuffle: bool) -> tf.data.Dataset:
    """Return batches of arrays, as `keras.Model.fit` makes them of arrays.

    The last batch may be smaller. The order is new in each iteration, and depends on
    TensorFlow's global seed. Unlike the pipelines of Keras, this one is not tuned while it runs;
    see `untuned`.

    Args:
        arrays: numpy arrays with the same first dimension, such as `(images, labels)`. Labels may
            be a dict of arrays.
        batch_size: int, at least 1. Elements per batch.
        shuffle: bool. Use a random order.

    Example:
        >>> batches = from_arrays((np.zeros((5, 2, 2, 1)), np.arange(5)), 2, shuffle=False)
        >>> [labels.numpy().tolist() for _, labels in batches]
        [[0, 1], [2, 3], [4]]
    """
    with tf.device("CPU:0"):  # Not in the memory of a GPU.
        tensors = tf.nest.map_structure(tf.constant, arrays)
    places = tf.data.Dataset.range(len(arrays[0]))
    if shuffle:
        places = places.shuffle(len(arrays[0]))

    def gather(indices):
        batch = tf.nest.map_structure(lambda tensor: tf.gather(tensor, indices), tensors)
        return batch if len(batch) > 1 else batch[0]

    options = tf.data.Options()
    # Workers take turns with the elements, as with the arrays of Keras.
    sharding = tf.data.experimental.AutoShardPolicy.DATA
    options.experimental_distribute.auto_shard_policy = sharding
    return _gather_from_memory(untuned(places.batch(batch_size)), gather).with_options(options)


def _gather_from_memory(batches, gather):
    """Map batches of indices to batches of elements, in parallel."""
    batches = batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE)
    # Graph optimization copies all elements whenever an iterator is created, which took 10
    # seconds for 3 GB. This graph has nothing to optimize.
    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False
    return batches.prefetch(tf.data.AUTOTUNE).with_options(options)


def go_through(
    one_pass: Callable[[tf.Tensor], tf.data.Dataset],
    num_batches: int,
    seed: int,
    start: int | None,
) -> tf.data.Dataset:
    """Return the batches of one pass over the data, or of all passes from a batch on.

    Args:
        one_pass: function from the number of a pass, an int64 tensor, to a data set of its
            batches.
        num_batches: int. Batches per pass.
        seed: int. Seed of the pass's number if there is one pass only.
        start: int or None. As for `pipeline`.
    """
    if start is None:
        number = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
        batches = number.flat_map(one_pass)
        return untuned(batches.apply(tf.data.experimental.assert_cardinality(num_batches)))
    first, skipped = divmod(start, num_batches)
    return untuned(tf.data.Dataset.range(first, sys.maxsize).flat_map(one_pass).skip(skipped))
