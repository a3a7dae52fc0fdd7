"""Batches of data that have been read.

A pipeline shuffles indices, gathers whole batches, scales them to [-1, 1] and prefetches,
so that it is never what limits training.
"""

import sys

import tensorflow as tf

from ganzoo.data.reading import read
from ganzoo.data.tuning import untuned
from ganzoo.distribution import WHOLE
from ganzoo.images import from_pixels


def load(
    name_or_dir, split="train", image_size=None, batch_size=64, labels=None, seed=0, shuffle=True
):
    """A batched, shuffled, prefetched pipeline of images.

    Args:
        name_or_dir: the name of a TFDS data set with images (`"mnist"`,
            `"fashion_mnist"`, `"cifar10"`, ...), a folder of images (one subfolder for
            each class gives labels), `"sample"`: 10,000 Fashion-MNIST training images,
            1,000 of each class, that come with ganzoo, or `"stacked_mnist"`: MNIST, three
            digits at a time as the colours of an image, whose class is the number they
            spell (Metz et al., 2016, arXiv:1611.02163, section 3.3.1). Where a bare name could
            be either, it is the data set: `"./mnist"` is the folder.
        split: TFDS split, such as `"test"` or `"train[:5000]"`. A folder and the sample
            have `"train"` alone.
        image_size: int. Side that images are cropped (to a centred square) and resized
            to; None leaves them as they are, if all are of one size.
        batch_size: int, at least 1. Images in a batch; what is left over after the last
            whole batch waits for the next shuffle. A family's `recommended_batch_sizes`
            says what its recipes were tuned with.
        labels: bool. Whether batches are `(images, labels)`, labels int32 `(batch,)`.
        seed: int. Seed of the order, which is another in each pass.
        shuffle: bool. Whether the order is random.

    Returns:
        `tf.data.Dataset` of float32 images `(batch, height, width, channels)` in [-1, 1].

    Raises:
        ValueError: If the data set is not found or empty, has no labels where they are
            asked for, or holds files that are not images.

    Example:
        >>> dataset = ganzoo.data.load("sample", batch_size=32)
        >>> tuple(next(iter(dataset)).shape)
        (32, 28, 28, 1)
    """
    if image_size is not None and image_size < 1:
        raise ValueError(f"`image_size` must be at least 1. Received: image_size={image_size}.")
    image_data = read(name_or_dir, split, image_size)
    if labels and image_data.labels is None:
        raise ValueError(
            f"{str(name_or_dir)!r} has no labels. Give a folder with one subfolder for each "
            "class, or a data set with labels."
        )
    return pipeline(image_data, batch_size, labels=bool(labels), seed=seed, shuffle=shuffle)


def pipeline(
    image_data, batch_size, labels=False, seed=0, shuffle=True, start=None, batch_part=WHOLE
):
    """The pipeline of `load` over data that have been read.

    Args:
        image_data: `ImageData`.
        batch_size: int, at least 1. Images in a batch.
        labels: bool. As for `load`.
        seed: int. As for `load`.
        shuffle: bool. As for `load`.
        start: int. The number of the first batch, counted over all passes: the batches go
            on from there and never end. None goes through the data once, in another order
            each time.
        batch_part: a `Part`. The part of every batch to give, `batch_size //
            batch_part.count` images: workers that are given the same data and seed, and a
            part each, have between them the batches that one alone has. They gather their
            own images.

    Raises:
        ValueError: If there are fewer images than one batch takes.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
    count = len(image_data.pixels)
    if count < batch_size:
        raise ValueError(
            f"The data set holds {count} images, fewer than one batch of {batch_size}. "
            "Give more images or a smaller batch size."
        )
    # In the machine's memory: beside a GPU constants would fill the GPU's.
    with tf.device("CPU:0"):
        pixels = tf.constant(image_data.pixels)
        classes = tf.constant(image_data.labels, "int32") if labels else None
    part = batch_part.of(batch_size)
    num_batches = count // batch_size

    def one_pass(number):
        places = tf.data.Dataset.range(num_batches * batch_size)
        places = places.batch(batch_size, drop_remainder=True)
        if not shuffle:
            return places
        key = tf.stack([tf.constant(seed, "int64"), number])
        return places.map(lambda batch: tf.random.experimental.index_shuffle(batch, key, count - 1))

    def gather(indices):
        indices = indices[part]
        images = from_pixels(tf.gather(pixels, indices))
        return images if classes is None else (images, tf.gather(classes, indices))

    batches = go_through(one_pass, num_batches, seed, start)
    return batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def go_through(one_pass, num_batches, seed, start):
    """The batches of one pass over data, or of all passes from a batch on.

    Args:
        one_pass: function from a pass's number, an int64 tensor, to a data set of batches.
        num_batches: int. Batches in a pass.
        seed: int. Seed of the pass's number where there is but one.
        start: as for `pipeline`.
    """
    if start is None:
        number = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
        one = number.flat_map(one_pass)
        return untuned(one.apply(tf.data.experimental.assert_cardinality(num_batches)))
    first, done = divmod(start, num_batches)
    return untuned(tf.data.Dataset.range(first, sys.maxsize).flat_map(one_pass).skip(done))
