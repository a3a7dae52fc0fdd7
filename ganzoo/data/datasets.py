"""Data sets by name or folder."""

import dataclasses
import os
import pathlib

import numpy as np
import tensorflow as tf

from ganzoo.checks import check_positive, check_seed
from ganzoo.class_names import CLASS_NAMES
from ganzoo.data import folders, tfds
from ganzoo.data.arrays import ImageData, PixelStack, allocate
from ganzoo.data.formats import ImageFormat
from ganzoo.data.pipelines import pipeline
from ganzoo.distribution import WHOLE, Shard
from ganzoo.fingerprint import Fingerprint

_SAMPLE = "sample"
_STACKED_MNIST = "stacked_mnist"
_SAMPLE_CLASSES = CLASS_NAMES["fashion_mnist"]
_SAMPLE_FILE = pathlib.Path(__file__).parents[1] / "assets" / "fashion_mnist_sample.npz"


def load(
    name_or_dir: str | os.PathLike,
    split: str = "train",
    image_size: int | tuple[int, int] | None = None,
    batch_size: int = 64,
    labels: bool | str | os.PathLike | None = None,
    seed: int = 0,
    shuffle: bool = True,
    fit: str = "crop",
    alpha: bool | None = None,
) -> tf.data.Dataset:
    """Load a data set as a batched, shuffled, prefetched pipeline of images.

    Args:
        name_or_dir: str or path. One of the following. A bare name that could be both a data
            set and a folder is the data set; `"./mnist"` is the folder.

            - The name of a TFDS data set with images: `"mnist"`, `"fashion_mnist"`,
              `"cifar10"`, ...
            - A folder of images. Subfolders are classes.
            - `"sample"`: 10,000 Fashion-MNIST training images, 1,000 of each class. They come
              with ganzoo.
            - `"stacked_mnist"`: MNIST with three digits as the three colours of an image. The
              class is the number that they spell (Metz et al., 2016, arXiv:1611.02163, section
              3.3.1).

            A folder may have subfolders and links. Class folders are numbered in natural order:
            `2` comes before `10`. Hidden files are skipped, and other files that are no images are
            named in a warning.
        split: str. TFDS split, such as `"test"` or `"train[:5000]"`. A folder has `"train"`,
            `"test"` and `"train+test"`: its subfolders `train` and `test` if it consists of them.
            Else one image in ten is held out for `"test"`, and none of fewer than 100 images. The
            sample has only `"train"`.
        image_size: int or `(height, width)`. Size that images are brought to, an int for squares.
            None keeps them as they are. They must then have one size.
        batch_size: int, at least 1. Images per batch. Images left over after the last whole
            batch are skipped; the next pass has another order. Use the batch size that a recipe
            was tuned with: see `recommended_batch_sizes` of the family.
        labels: bool, or a CSV file in the folder of images or elsewhere. If given, batches are
            `(images, labels)`. True takes the classes of the data set. Labels are int32
            `(batch,)`. Images beside the class folders of a folder have no class, and are left
            out. A CSV file has a column `file`, the path of an image in the folder, and one or
            more others. Text becomes classes, and numbers stay numbers. With several columns, or
            one of numbers, labels are a dict of int32 class ids and float32 numbers by column.
        seed: int. Seed of the order. Every pass has another order.
        shuffle: bool. If false, images come in the order of the data set.
        fit: str. How images of another shape come to `image_size`. `"crop"` cuts the largest part
            of that shape from their center. `"pad"` adds white bars, or transparent ones to images
            with alpha. `"stretch"` changes their proportions.
        alpha: bool. Load transparency as a last channel. False puts transparent images on white.
            None keeps alpha if at least half of the images of a folder are transparent somewhere.

    Returns:
        `tf.data.Dataset` of float32 images `(batch, height, width, channels)` in [-1, 1]. Its
        attribute `class_names` lists the name of each label, or is None without labels. Its
        attribute `conditions` describes the columns of labels if they are a dict. Its attribute
        `data_fingerprint` is a `ganzoo.data.Fingerprint`.

    Raises:
        ValueError: If a number is out of range, the data set is not found or empty, has no labels
            but `labels` is true, has other images than the CSV file names, or contains files that
            cannot be read.

    Example:
        >>> dataset = ganzoo.data.load("sample", batch_size=32)
        >>> tuple(next(iter(dataset)).shape)
        (32, 28, 28, 1)
    """
    check_positive(batch_size=batch_size)
    check_seed(seed)
    image_data = load_arrays(
        name_or_dir, split, image_size, labels=labels or False, fit=fit, alpha=alpha
    )
    return pipeline(image_data, batch_size, labels=bool(labels), seed=seed, shuffle=shuffle)


def load_arrays(
    name_or_dir: str | os.PathLike,
    split: str = "train",
    image_size: int | tuple[int, int] | None = None,
    data_shard: Shard = WHOLE,
    labels: bool | str | os.PathLike | None = None,
    fit: str = "crop",
    alpha: bool | None = None,
) -> ImageData:
    """Load a data set into memory as uint8 pixels.

    Args:
        name_or_dir: as for `load`.
        split: as for `load`.
        image_size: as for `load`.
        data_shard: `Shard` of the images to load. A shard of a folder is every `count`-th file;
            a shard of a TFDS split is one contiguous range. Shards are disjoint and of equal
            size. The fewer than `count` images that remain belong to no shard.
        labels: bool. True loads the images with a class only, and their labels. False loads all
            images without labels. None loads labels if the data set has them. Or a CSV file, as
            for `load`, whose images are loaded.
        fit: as for `load`.
        alpha: as for `load`.

    Returns:
        `ImageData`. `pipeline` makes batches of it.

    Raises:
        ValueError: As `load` does.

    Example:
        >>> image_data = ganzoo.data.load_arrays("sample")
        >>> image_data.pixels.shape, image_data.num_classes
        ((10000, 28, 28, 1), 10)
    """
    image_format = ImageFormat.of(image_size, fit, alpha)
    image_data = _load_any(name_or_dir, split, image_format, data_shard, labels)
    if labels and image_data.labels is None:
        raise ValueError(
            f"labels=True needs a data set with labels. Received: {str(name_or_dir)!r}, which has "
            "no labels. Give a folder with one subfolder per class, a CSV file such as "
            "labels='labels.csv', or another data set."
        )
    if image_format.size is not None and fit != "crop":
        fingerprint = dataclasses.replace(image_data.fingerprint, fit=fit)
        image_data = dataclasses.replace(image_data, fingerprint=fingerprint)
    return image_data


def _load_any(name_or_dir, split, image_format, shard, labels):
    if is_folder(name_or_dir):
        place = pathlib.Path(name_or_dir)
        return folders.load_arrays(place, split, image_format, shard, labels)
    if isinstance(labels, (str, os.PathLike)):
        raise ValueError(
            f"Labels in a file need a folder of images. Received: labels={str(labels)!r} for "
            f"{name_or_dir!r}. Remove it: the data set has its own labels."
        )
    if name_or_dir == _STACKED_MNIST:
        return _load_stacked_mnist(split, image_format, shard, labels)
    if name_or_dir == _SAMPLE:
        folders.require_train(name_or_dir, split)
        return _load_sample(image_format, shard, labels)
    return tfds.load_arrays(str(name_or_dir), split, image_format, shard, labels)


def is_folder(name_or_dir: str | os.PathLike) -> bool:
    """Return whether `load` takes an argument for a folder.

    A bare name is the data set if there is one. A warning then mentions a folder of that name.

    Raises:
        ValueError: If the argument is empty, or the path of a file.
    """
    if name_or_dir in (_SAMPLE, _STACKED_MNIST):
        if pathlib.Path(name_or_dir).is_dir():
            folders.warn_of_folder(name_or_dir, "a data set of ganzoo")
        return False
    return folders.is_folder(name_or_dir)


def find_splits(name_or_dir: str | os.PathLike) -> dict[str, int]:
    """Return the number of images of each split.

    The sample has one split, `"train"`, and so has a folder without images that are held out.
    """
    if is_folder(name_or_dir):
        return folders.find_splits(pathlib.Path(name_or_dir))
    if name_or_dir == _SAMPLE:
        return {"train": 10_000}
    source = "mnist" if name_or_dir == _STACKED_MNIST else str(name_or_dir)
    builder, _, _ = tfds.find(source)
    return {name: split.num_examples for name, split in sorted(builder.info.splits.items())}


def _load_sample(image_format, shard, labels):
    with np.load(_SAMPLE_FILE, allow_pickle=False) as arrays:
        sample = ImageData(arrays["images"], arrays["labels"])
    count = len(sample.pixels)
    sample = sample.take(shard.of(count))
    pixels = sample.pixels
    if image_format.size not in (None, pixels.shape[1:3]):
        stack = PixelStack(len(pixels), _SAMPLE)
        for image in pixels:
            stack.add(image_format.apply(image)[None])
        pixels = stack.finish()
    pixels = image_format.set_alpha(pixels)
    return _with_classes(_SAMPLE, count, pixels, sample.labels, _SAMPLE_CLASSES, labels)


def _load_stacked_mnist(split, image_format, shard, labels):
    """Load as many images as there are digits. Each digit occurs once in each colour."""
    digits = tfds.load_arrays("mnist", split, image_format, WHOLE)
    count = len(digits.pixels)
    rng = np.random.default_rng(0)
    orders = [rng.permutation(count)[shard.of(count)] for _ in range(3)]
    pixels = allocate((len(orders[0]), *digits.pixels.shape[1:3], 3))
    for channel, order in enumerate(orders):
        pixels[..., channel] = digits.pixels[order, ..., 0]
    pixels = image_format.set_alpha(pixels)
    hundreds, tens, ones = (digits.labels[order] for order in orders)
    classes = 100 * hundreds + 10 * tens + ones
    names = [f"{number:03d}" for number in range(1000)]
    return _with_classes(_STACKED_MNIST, count, pixels, classes, names, labels)


def _with_classes(name, num_images, pixels, classes, names, labels):
    fingerprint = Fingerprint(name, num_images, pixels.shape[1:], names)
    if labels is False:
        return ImageData(pixels, fingerprint=fingerprint)
    return ImageData(pixels, classes, len(names), names, fingerprint)
