"""Data sets of TensorFlow Datasets (TFDS), from disk or downloaded."""

import contextlib
import dataclasses
import io
import math
import os
import re
import types
import warnings

import numpy as np
import tensorflow as tf

from ganzoo import messages
from ganzoo.data.arrays import ImageData, PixelStack
from ganzoo.data.formats import ImageFormat
from ganzoo.data.tuning import untuned
from ganzoo.distribution import Shard
from ganzoo.fingerprint import Fingerprint
from ganzoo.saving import downloads

# Pixels that are decoded before they are copied into the array of all images.
_BATCH_BYTES = 2**24


def load_arrays(
    name: str, split: str, image_format: ImageFormat, shard: Shard, labels: bool | None = None
) -> ImageData:
    """Load one shard of a split of a data set.

    Args:
        name: TFDS name.
        split: TFDS split.
        image_format: `ImageFormat` of the images.
        shard: `Shard` to load.
        labels: as for `ganzoo.data.load_arrays`.

    Raises:
        ValueError: If the data set or the split is not found or empty, or if sizes differ.
    """
    builder, image_key, label_key = find(name)
    features = builder.info.features
    dataset = open_split(builder, split, shard)
    shape = features[image_key].shape
    resized = image_format.size not in (None, shape[:2])
    # Images of one known size are decoded in batches, many times as fast as one by one. Large
    # images of unknown size come one by one: a batch might not fit into memory.
    in_batches = not resized and None not in shape
    batch_size = max(1, min(1000, _BATCH_BYTES // math.prod(shape))) if in_batches else 1
    names = features[label_key].names if label_key else None
    label_key = None if labels is False else label_key
    # Features of other kinds may not come in batches.
    keys = [image_key, label_key] if label_key else [image_key]
    dataset = dataset.map(lambda example: {key: example[key] for key in keys})
    stack, given = PixelStack(len(dataset), name), []
    for batch in dataset.batch(batch_size).as_numpy_iterator():
        images = _to_pixels(batch[image_key], name)
        if not in_batches:
            images = image_format.apply(images[0])[None]
        stack.add(image_format.set_alpha(images))
        if label_key:
            given.append(batch[label_key])
    pixels = stack.finish()
    fingerprint = dataclasses.replace(
        make_fingerprint(builder, split), image_shape=pixels.shape[1:], class_names=names
    )
    if not label_key:
        return ImageData(pixels, fingerprint=fingerprint)
    classes = np.concatenate(given)
    image_data = ImageData(pixels, classes, len(names or ()), names, fingerprint)
    # This is how TFDS marks images without a class.
    has_class = classes >= 0
    if has_class.all():
        return image_data
    if not has_class.any():
        return ImageData(pixels, fingerprint=fingerprint)
    count = len(classes) - has_class.sum()
    warnings.warn(f"{name!r}: left out {count} images without a class.", stacklevel=2)
    return dataclasses.replace(image_data.take(has_class), fingerprint=fingerprint)


def make_fingerprint(builder, split: str) -> Fingerprint:
    """Return the fingerprint of a split, without the shape of the images and the classes."""
    return Fingerprint(f"{builder.info.full_name} {split}", builder.info.splits[split].num_examples)


def _to_pixels(images, name):
    """Return a batch of images as uint8 pixels."""
    if images.dtype == np.uint8:
        return images
    if images.dtype == np.uint16:
        return np.rint(images / np.float32(257)).astype("uint8")
    raise ValueError(
        f"Images must have 8 or 16 bits. Received: TFDS data set {name!r}, whose images have dtype "
        f"{images.dtype}, of unknown range. Choose another data set."
    )


def find(name: str) -> tuple:
    """Return `(builder, image_key, label_key)` of a data set.

    The keys are those that TFDS uses for supervised learning, if they are an image and a class. A
    data set that is not on disk is downloaded. The label's key is None if there is no label, or if
    there are several and none is TFDS's.

    Raises:
        ValueError: If the data set is not found or has no images.
    """
    # Slow to import, and not needed for folders or the sample.
    import tensorflow_datasets as tfds

    builder = _prepared_builder(tfds, name)
    features = builder.info.features
    preferred = [key for key in builder.info.supervised_keys or () if isinstance(key, str)]
    preferred += ["image", "label"]

    def keys_of(kind):
        # The order of features read from disk is not always the same.
        keys = sorted(key for key, feature in features.items() if isinstance(feature, kind))
        return sorted(keys, key=lambda key: [*preferred, key].index(key))

    image_keys = keys_of(tfds.features.Image)
    label_keys = keys_of(tfds.features.ClassLabel)
    if not image_keys:
        raise ValueError(
            f"A data set needs images. Received: TFDS data set {name!r}, which has no images. Its "
            f"features: {', '.join(features)}. Choose another data set."
        )
    # Data sets of pairs for super-resolution, such as DIV2K, call the larger image `hr`.
    image_key = "hr" if "hr" in image_keys else image_keys[0]
    is_clear = len(label_keys) == 1 or (label_keys and label_keys[0] in preferred)
    return builder, image_key, label_keys[0] if is_clear else None


def open_split(builder, split: str, shard: Shard, undecoded: str | None = None) -> tf.data.Dataset:
    """Return the examples of one shard of a split.

    Args:
        builder: TFDS builder, as `find` returns it.
        split: str. TFDS split, such as `"train[:5000]"`.
        shard: `Shard` to read.
        undecoded: str. Key of a feature. The elements are then only its encoded values.

    Raises:
        ValueError: If the data set has no such split, or it is empty.
    """
    import tensorflow_datasets as tfds

    _check_split(builder, split)
    if builder.info.splits[split].num_examples < shard.count:
        raise ValueError(
            f"Each worker needs at least one image. Received: {split!r} of TFDS data set "
            f"{builder.name!r}, which has fewer images than the {shard.count} workers. Share them "
            "with --sharding element."
        )
    decoders = undecoded and tfds.decode.PartialDecoding(
        {undecoded: True}, {undecoded: tfds.decode.SkipDecoding()}
    )
    part = split
    if shard.count > 1:
        part = tfds.even_splits(split, shard.count, drop_remainder=True)[shard.index]
    try:
        dataset = builder.as_dataset(
            split=part,
            decoders=decoders,
            # TFDS would hold a second copy of a small data set in memory.
            read_config=tfds.ReadConfig(try_autocache=False),
        )
    except ValueError as error:
        line = messages.first_line(error)
        raise ValueError(f"TFDS data set {builder.name!r} has no {split!r}: {line}") from None
    dataset = untuned(dataset)
    return dataset.map(lambda example: example[undecoded]) if undecoded else dataset


def _check_split(builder, split):
    """Raise a `ValueError` if a data set has no such split, or a part of it is empty."""
    import tensorflow_datasets as tfds

    splits = builder.info.splits
    advice = "Write a part of a split as 'train[:5000]' or 'train[10%:20%]'."
    # TFDS would take both numbers for percents.
    mixed = re.search(r"\[-?[\d.]+(%:-?[\d.]+|:-?[\d.]+%)\]", str(split))
    try:
        parts = tfds.core.ReadInstruction.from_spec("" if mixed else split).to_absolute(splits)
        stops = [splits[p.splitname].num_examples if p.to is None else p.to for p in parts]
    # TFDS raises many kinds of exceptions for what it cannot parse.
    except Exception as error:
        names = {part.partition("[")[0].strip() for part in str(split).split("+")}
        line = f"has no split {split!r}. It has: {', '.join(sorted(splits))}"
        # The name is right, and so is the form: the limits are not.
        if names <= {*splits} and "incompatible" in str(error):
            line = f"has no {split!r}: {messages.first_line(error).rstrip('.')}"
        raise ValueError(f"TFDS data set {builder.name!r} {line}. {advice}") from None
    if any((part.from_ or 0) >= stop for part, stop in zip(parts, stops, strict=True)):
        raise ValueError(
            f"TFDS data set {builder.name!r} has no {split!r}: there are no data between its "
            f"limits. {advice}"
        )


def _prepared_builder(tfds: types.ModuleType, name: str):
    """Return the builder of a data set on disk. Download the data set if it is not there."""
    try:
        # TFDS prints advice about packages.
        with contextlib.redirect_stdout(io.StringIO()):
            builder = tfds.builder(name)
    # TFDS raises many kinds of exceptions for names, configs and versions that do not exist.
    except Exception:
        raise ValueError(_explain_unknown(tfds, name)) from None
    if builder.is_prepared():
        return builder
    place = os.fspath(builder.data_path)
    try:
        # Without a network, TFDS would retry for minutes.
        downloads.require_network("www.tensorflow.org")
        builder.download_and_prepare()
    # All failures have the same remedy: the network, the disk or the source may be the cause.
    except Exception as error:
        raise ValueError(
            f"Data set {name!r} was not found at {place!r} and cannot be downloaded "
            f"({messages.first_line(error)}). Set TFDS_DATA_DIR to a folder that holds it, or use "
            "'sample' or a folder of images."
        ) from None
    return builder


def _explain_unknown(tfds, name):
    """Return the message for a name that TFDS does not know."""
    base, config, version = re.fullmatch(
        r"([^/:]*)(?:/([^:]*))?(?::(.*))?", name, re.DOTALL
    ).groups()
    if base != name:
        with contextlib.suppress(Exception):
            builder = tfds.builder(base)
            newest = f"{base}:{builder.version}"
            if config is not None and config not in builder.builder_configs:
                configs = ", ".join(sorted(builder.builder_configs)) or "none"
                return (
                    f"TFDS data set {base!r} has no config {config!r}. It has: {configs}. Write a "
                    f"version after a colon: {newest!r}."
                )
            return (
                f"TFDS data set {base!r} has no version {version!r}. It has: {builder.version}. "
                f"Give {base!r} or {newest!r}."
            )
    known = set(tfds.list_builders(with_community_datasets=False))
    line = messages.unknown("data set", name, known).partition(" Known:")[0]
    if version in known:  # Such as 'huggingface:cifar10'.
        line = f"Unknown data set: {name!r}. Did you mean {version!r}?"
    return (
        f"{line} Looked for a folder of that name, and for a TFDS data set. Give the path of "
        "a folder of images, a TFDS name such as 'fashion_mnist', or 'sample'."
    )
