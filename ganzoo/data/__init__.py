"""Named image data as `tf.data` pipelines.

A data set is decoded once and kept in memory as uint8 pixels. Large photographs stay on disk:
batches of random crops are cut from them.

A batch depends on its number and the seed only. A resumed run therefore gets the batches that
an uninterrupted run would get.
"""

from ganzoo.data.arrays import ImageData
from ganzoo.data.crops import load_crops
from ganzoo.data.datasets import find_splits, is_folder, load, load_arrays
from ganzoo.data.describe import Description, describe
from ganzoo.data.pipelines import pipeline
from ganzoo.data.splits import FEWEST_TO_SPLIT
from ganzoo.fingerprint import Fingerprint

# The name of `load_arrays` in earlier versions.
read = load_arrays

__all__ = [
    "FEWEST_TO_SPLIT",
    "Description",
    "Fingerprint",
    "ImageData",
    "describe",
    "find_splits",
    "is_folder",
    "load",
    "load_arrays",
    "load_crops",
    "pipeline",
    "read",
]
