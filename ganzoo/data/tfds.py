"""Data sets of TensorFlow Datasets (TFDS), from disk or downloaded."""

import math
import os
import types

import numpy as np
import tensorflow as tf

from ganzoo import messages
from ganzoo.data.arrays import ImageData, PixelStack, crop_and_resize
from ganzoo.data.tuning import untuned
from ganzoo.distribution import Shard
from ganzoo.images import to_pil
from ganzoo.saving import downloads

# Pixels that are decoded before they are copied into the array of all images.
_BATCH_BYTES = 2**24


def load_arrays(name: str, split: str, image_size: int | None, shard: Shard) -> ImageData:
    """Load one shard of a split of a data set.

    Raises:
        ValueError: If the data set or the split is not found or empty, or if sizes differ.
    """
    builder, image_key, label_key = find(name)
    features = builder.info.features
    dataset = open_split(builder, split, shard)
    shape = features[image_key].shape
    resized = image_size is not None and shape[:2] != (image_size, image_size)
    # Images of one known size are decoded in batches, many times as fast as one by one. Large
    # images of unknown size come one by one: a batch might not fit into memory.
    in_batches = not resized and None not in shape
    batch_size = max(1, min(1000, _BATCH_BYTES // math.prod(shape))) if in_batches else 1
    # Features of other kinds may not come in batches.
    keys = [image_key, label_key] if label_key else [image_key]
    dataset = dataset.map(lambda example: {key: example[key] for key in keys})
    stack, labels = PixelStack(len(dataset), name), []
    for batch in dataset.batch(batch_size).as_numpy_iterator():
        images = batch[image_key]
        if not in_batches:
            images = crop_and_resize(to_pil(images[0]), image_size)[None]
        stack.add(images)
        if label_key:
            labels.append(batch[label_key])
    if not label_key:
        return ImageData(stack.finish())
    return ImageData(stack.finish(), np.concatenate(labels), features[label_key].num_classes)


def find(name: str) -> tuple:
    """Return `(builder, image_key, label_key)` of a data set.

    A data set that is not on disk is downloaded. The label's key may be None.

    Raises:
        ValueError: If the data set is not found or has no images.
    """
    # Slow to import, and not needed for folders or the sample.
    import tensorflow_datasets as tfds

    builder = _prepared_builder(tfds, name)
    features = builder.info.features
    image_keys = [k for k, f in features.items() if isinstance(f, tfds.features.Image)]
    # Data sets of pairs for super-resolution, such as DIV2K, call the larger image `hr`.
    image_key = "hr" if "hr" in image_keys else next(iter(image_keys), None)
    label_key = next(
        (k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)), None
    )
    if image_key is None:
        raise ValueError(
            f"A data set needs images. Received: TFDS data set {name!r}, which has no images. Its "
            f"features: {', '.join(features)}. Choose another data set."
        )
    return builder, image_key, label_key


def open_split(builder, split: str, shard: Shard, undecoded: str | None = None) -> tf.data.Dataset:
    """Return the examples of one shard of a split.

    Args:
        builder: TFDS builder, as `find` returns it.
        split: str. TFDS split, such as `"train[:5000]"`.
        shard: `Shard` to read.
        undecoded: str. Key of a feature. The elements are then only its encoded values.

    Raises:
        ValueError: If the data set has no such split.
    """
    import tensorflow_datasets as tfds

    decoders = undecoded and tfds.decode.PartialDecoding(
        {undecoded: True}, {undecoded: tfds.decode.SkipDecoding()}
    )
    try:
        part = split
        if shard.count > 1:
            part = tfds.even_splits(split, shard.count, drop_remainder=True)[shard.index]
        dataset = builder.as_dataset(
            split=part,
            decoders=decoders,
            # TFDS would hold a second copy of a small data set in memory.
            read_config=tfds.ReadConfig(try_autocache=False),
        )
    except ValueError as error:
        if split.partition("[")[0] in builder.info.splits:
            line = messages.first_line(error)
            raise ValueError(f"TFDS data set {builder.name!r} has no {split!r}: {line}") from None
        raise ValueError(
            f"TFDS data set {builder.name!r} has no split {split!r}. It has: "
            f"{', '.join(sorted(builder.info.splits))}. Write a part of a split as "
            "'train[:5000]'."
        ) from None
    dataset = untuned(dataset)
    return dataset.map(lambda example: example[undecoded]) if undecoded else dataset


def _prepared_builder(tfds: types.ModuleType, name: str):
    """Return the builder of a data set on disk. Download the data set if it is not there."""
    try:
        builder = tfds.builder(name)
    except (tfds.core.registered.DatasetNotFoundError, ValueError):
        known = set(tfds.list_builders(with_community_datasets=False))
        line = messages.unknown("data set", name, known).partition(" Known:")[0]
        raise ValueError(
            f"{line} Looked for a folder of that name, and for a TFDS data set. Give the path of "
            "a folder of images, a TFDS name such as 'fashion_mnist', or 'sample'."
        ) from None
    if builder.is_prepared():
        return builder
    place = os.fspath(builder.data_path)
    try:
        # Without a network, TFDS would retry for minutes.
        downloads.require_network("www.tensorflow.org")
        builder.download_and_prepare()
    # The advice is the same for every failure: network, disk, a changed source.
    except Exception as error:
        raise ValueError(
            f"Data set {name!r} was not found at {place!r} and cannot be downloaded "
            f"({messages.first_line(error)}). Set TFDS_DATA_DIR to a folder that holds it, or use "
            "'sample' or a folder of images."
        ) from None
    return builder
