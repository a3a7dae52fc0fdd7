"""Data sets by name or folder, decoded into memory."""

import dataclasses
import pathlib

import numpy as np

from ganzoo.data import folders, tfds
from ganzoo.data.arrays import ImageData, fit, to_pil
from ganzoo.distribution import WHOLE

_STACKED_MNIST = "stacked_mnist"
_SAMPLE = pathlib.Path(__file__).parents[1] / "assets" / "fashion_mnist_sample.npz"


def read(name_or_dir, split="train", image_size=None, data_part=WHOLE):
    """Decodes a whole data set into memory, as `ImageData`; see `load`.

    With a `data_part` it decodes this `Part` of the images alone: of a folder one file
    in every `count`, of a TFDS split as many neighbouring examples. Parts have no image
    in common and are of one size; the few images that do not divide are in none.
    """
    if name_or_dir == _STACKED_MNIST:
        return _read_stacked_mnist(split, image_size, data_part)
    if name_or_dir != "sample" and not folders.is_meant(name_or_dir):
        return tfds.read(str(name_or_dir), split, image_size, data_part)
    folders.require_train(name_or_dir, split)
    if name_or_dir == "sample":
        return _read_sample(image_size, data_part)
    return folders.read(pathlib.Path(name_or_dir), image_size, data_part)


def find_splits(name_or_dir):
    """The number of images of each split.

    A folder and the sample have `"train"` alone, whose images are not counted: None.
    """
    if name_or_dir == "sample" or folders.is_meant(name_or_dir):
        return {"train": None}
    source = "mnist" if name_or_dir == _STACKED_MNIST else str(name_or_dir)
    builder, _, _ = tfds.find(source)
    return {name: split.num_examples for name, split in sorted(builder.info.splits.items())}


def _read_sample(image_size, part):
    with np.load(_SAMPLE, allow_pickle=False) as arrays:
        found = ImageData(arrays["images"], arrays["labels"], num_classes=10)
    found = found.take(part.of(len(found.pixels)))
    if image_size in (None, found.pixels.shape[1]):
        return found
    resized = [fit(to_pil(image), image_size) for image in found.pixels]
    return dataclasses.replace(found, pixels=np.stack(resized))


def _read_stacked_mnist(split, image_size, part):
    """Each digit once in each colour: as many images as there are digits."""
    digits = tfds.read("mnist", split, image_size, WHOLE)
    rng = np.random.default_rng(0)
    hundreds, tens, ones = (digits.take(rng.permutation(len(digits.labels))) for _ in range(3))
    pixels = np.concatenate([hundreds.pixels, tens.pixels, ones.pixels], axis=-1)
    labels = 100 * hundreds.labels + 10 * tens.labels + ones.labels
    return ImageData(pixels, labels, num_classes=1000).take(part.of(len(pixels)))
