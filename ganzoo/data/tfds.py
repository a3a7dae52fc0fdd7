"""Data sets of TFDS, read from the disk or downloaded."""

import os

import numpy as np

from ganzoo import downloads, registry
from ganzoo.data.arrays import ImageData, fit, stack, to_pil
from ganzoo.data.tuning import untuned


def read(name, split, image_size, part):
    builder, image_key, label_key = find(name)
    features = builder.info.features
    dataset = read_split(builder, split, part)
    shape = features[image_key].shape
    fits = image_size is None or shape[:2] == (image_size, image_size)
    if fits and None not in shape:
        # Images of one known size come in large batches, many times as fast as one by one.
        examples = list(dataset.batch(1000).as_numpy_iterator())
        decoded = [image for example in examples for image in example[image_key]]
        labels = np.concatenate([example[label_key] for example in examples]) if label_key else None
    else:
        decoded, labels = [], []
        # One by one: as large as they come they might not fit into memory together.
        for example in dataset.as_numpy_iterator():
            decoded.append(fit(to_pil(example[image_key]), image_size))
            labels.append(example[label_key] if label_key else None)
        labels = np.array(labels) if label_key else None
    if not decoded:
        raise ValueError(f"Split {split!r} of TFDS data set {name!r} is empty.")
    num_classes = features[label_key].num_classes if label_key else None
    return ImageData(stack(decoded, name), labels, num_classes)


def find(name):
    """`(builder, image_key, label_key)` of a data set on disk; the label's key may be None."""
    # Slow to import, and not needed for folders or the sample.
    import tensorflow_datasets as tfds

    builder = _prepared_builder(tfds, name)
    features = builder.info.features
    image_keys = [k for k, f in features.items() if isinstance(f, tfds.features.Image)]
    # Sets of pairs for super-resolution, as DIV2K, call the larger image `hr`.
    image_key = "hr" if "hr" in image_keys else next(iter(image_keys), None)
    label_key = next(
        (k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)), None
    )
    if image_key is None:
        raise ValueError(f"TFDS data set {name!r} has no images. Its features: {list(features)}.")
    return builder, image_key, label_key


def read_split(builder, split, part, undecoded=None):
    """Examples of a part of a split; or what is encoded under a feature's name, alone."""
    import tensorflow_datasets as tfds

    parts = tfds.even_splits(split, part.count, drop_remainder=True)
    decoders = undecoded and tfds.decode.PartialDecoding(
        {undecoded: True}, {undecoded: tfds.decode.SkipDecoding()}
    )
    split_part = parts[part.index] if part.count > 1 else split
    try:
        examples = untuned(builder.as_dataset(split=split_part, decoders=decoders))
        return examples.map(lambda example: example[undecoded]) if undecoded else examples
    except ValueError as error:
        splits = ", ".join(sorted(builder.info.splits))
        if split.partition("[")[0] in builder.info.splits:
            line = str(error).splitlines()[0]
            raise ValueError(f"TFDS data set {builder.name!r} has no {split!r}: {line}") from None
        raise ValueError(
            f"TFDS data set {builder.name!r} has no split {split!r}. It has: {splits}; parts are "
            "written 'train[:5000]'."
        ) from None


def _prepared_builder(tfds, name):
    """The builder of a data set that is on disk, downloaded first where that is possible."""
    try:
        builder = tfds.builder(name)
    except (tfds.core.registered.DatasetNotFoundError, ValueError):
        known = set(tfds.list_builders(with_community_datasets=False))
        line = registry.unknown("data set", name, known).partition(" Known:")[0]
        raise ValueError(
            f"{line} Looked for: a folder of that name, and a data set of TFDS. Give the path of "
            "a folder of images, a TFDS name such as 'fashion_mnist', or 'sample'."
        ) from None
    if builder.is_prepared():
        return builder
    place = os.fspath(builder.data_path)
    try:
        # Where names are not resolved, TFDS would try again for minutes.
        downloads.require_network("www.tensorflow.org")
        builder.download_and_prepare()
    # Every kind of failure on the way (network, disk, a changed source) ends in the same advice.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise ValueError(
            f"Data set {name!r} was not found at {place!r} and cannot be downloaded ({reason}). "
            "Set TFDS_DATA_DIR to a folder that holds it, or use 'sample' or a folder of images."
        ) from None
    return builder
