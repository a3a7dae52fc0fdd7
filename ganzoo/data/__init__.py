"""Named image data as `tf.data` pipelines.

A data set is decoded once and kept in memory as uint8 pixels, but for photographs, of which
batches of crops are cut.

What a batch holds follows from its number and the seed alone, so that a run that was
stopped goes on with the batches that it would have seen.
"""

from ganzoo.data.arrays import ImageData
from ganzoo.data.crops import load_crops
from ganzoo.data.pipelines import load, pipeline
from ganzoo.data.reading import find_splits, read

__all__ = ["ImageData", "find_splits", "load", "load_crops", "pipeline", "read"]
