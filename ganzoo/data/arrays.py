"""Whole data sets as arrays of pixels."""

import dataclasses
import functools
import os
from collections.abc import Callable, Collection

import numpy as np
import tensorflow as tf

from ganzoo.conditions import Condition
from ganzoo.fingerprint import Fingerprint
from ganzoo.images import convert_channels

# TensorFlow reads the memory of an array in place if it starts at a multiple of this many bytes.
# At any other address TensorFlow aborts the process.
_ALIGNMENT = 64


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A whole data set in memory.

    Do not change the arrays after a pipeline was made from them: batches are read from the same
    memory.

    Attributes:
        pixels: uint8 `(n, height, width, channels)`.
        labels: class ids `(n,)`, or None. With several conditions, a dict of arrays by column.
        num_classes: int, or None without labels.
        class_names: list of str, the name of each class id, or None without labels.
        fingerprint: `ganzoo.data.Fingerprint` of the whole data set, or None if it is unknown.
        conditions: `ganzoo.conditions.Condition` of each column of `labels` if they are a dict,
            else None.
    """

    pixels: np.ndarray
    labels: np.ndarray | dict[str, np.ndarray] | None = None
    num_classes: int | None = None
    class_names: list[str] | None = None
    fingerprint: Fingerprint | None = None
    conditions: tuple[Condition, ...] | None = None

    def take(self, indices: np.ndarray | slice) -> "ImageData":
        """Return the images at some indices as another `ImageData`."""
        indices = np.arange(len(self.pixels))[indices]
        pixels = allocate((len(indices), *self.pixels.shape[1:]), self.pixels.dtype)
        # In the default mode, "raise", NumPy fills a buffer first. The indices are in range.
        np.take(self.pixels, indices, axis=0, out=pixels, mode="clip")
        labels = map_labels(lambda values: values[indices], self.labels)
        return ImageData(
            pixels, labels, self.num_classes, self.class_names, conditions=self.conditions
        )

    # Both tensors are made once, for all pipelines. They are in host memory: beside a GPU,
    # TensorFlow would put them on the GPU.

    @functools.cached_property
    def pixel_tensor(self) -> tf.Tensor:
        """The pixels as a tensor, which shares the memory of arrays that ganzoo loaded."""
        with tf.device("CPU:0"):
            if not _can_share(self.pixels):
                return tf.constant(self.pixels)
            # The tensor holds a reference to the array.
            return tf.experimental.dlpack.from_dlpack(self.pixels.__dlpack__())

    @functools.cached_property
    def label_tensor(self) -> tf.Tensor | dict[str, tf.Tensor]:
        """The labels as int32 class ids or float32 numbers: a tensor, or a dict of tensors."""

        def convert(values):
            is_float = np.issubdtype(values.dtype, np.floating)
            return tf.constant(values, "float32" if is_float else "int32")

        with tf.device("CPU:0"):
            return map_labels(convert, self.labels)


class PixelStack:
    """Collect images in one array. No image is held twice.

    Args:
        num_images: int. Number of images that will be added.
        source: str or path. Name of the data set, for errors.
    """

    def __init__(self, num_images: int, source: str | os.PathLike):
        self._num_images = num_images
        self._source = str(source)
        self._pixels: np.ndarray | None = None
        self._num_added = 0
        self._sizes: set[tuple] = set()

    def add(self, images: np.ndarray) -> None:
        """Add images of one size.

        Args:
            images: `(batch, height, width, channels)`.

        Raises:
            ValueError: If the array of all images does not fit into memory.
        """
        self._sizes.add(images.shape[1:3])
        # Images of different sizes fit into no array. `finish` raises, and names all sizes.
        if len(self._sizes) > 1:
            return
        pixels = self._pixels
        if pixels is None:
            pixels = self._allocate(images.shape[1:], images.dtype)
        # One color image makes all images color images, and one with alpha gives all alpha.
        channels = _join_channels(images.shape[-1], pixels.shape[-1])
        if channels > pixels.shape[-1]:
            before = pixels[: self._num_added]
            pixels = self._allocate((*images.shape[1:3], channels), images.dtype)
            # One by one, so that no second copy of all images is in memory.
            for index, image in enumerate(before):
                pixels[index] = convert_channels(image, channels)
        end = self._num_added + len(images)
        pixels[self._num_added : end] = convert_channels(images, channels)
        self._pixels = pixels
        self._num_added = end

    def finish(self) -> np.ndarray:
        """Return all images as one array `(num_images, height, width, channels)`.

        Raises:
            ValueError: If sizes differ.
        """
        if len(self._sizes) > 1:
            raise sizes_error(self._source, self._sizes)
        if self._pixels is None:
            raise ValueError(f"Images are needed. Received: none, of {self._source!r}.")
        return self._pixels

    def _allocate(self, image_shape, dtype):
        try:
            return allocate((self._num_images, *image_shape), dtype)
        except MemoryError:
            height, width, channels = image_shape
            raise ValueError(
                f"A data set must fit into memory. Received: {self._source!r}, "
                f"{self._num_images} images of {height} x {width} x {channels}. Give a smaller "
                "`image_size` (--image-size), or fewer images."
            ) from None


def sizes_error(source: str | os.PathLike, sizes: Collection[tuple[int, int]]) -> ValueError:
    """Return the error about images of different sizes.

    Args:
        source: data set or folder.
        sizes: the `(height, width)` that occur.
    """
    smallest, *_, largest = sorted(sizes)
    return ValueError(
        f"Images must have one size. Received: {str(source)!r}, whose images have {len(sizes)} "
        f"different sizes, from {smallest[0]} x {smallest[1]} to {largest[0]} x {largest[1]} "
        "(height x width). Give one size for all, such as `image_size=64` (--image-size 64)."
    )


def map_labels(function: Callable, labels):
    """Return labels with a function applied to their array, or to each array of a dict.

    None stays None.
    """
    if isinstance(labels, dict):
        return {name: function(values) for name, values in labels.items()}
    return None if labels is None else function(labels)


def allocate(shape: tuple[int, ...], dtype: str | np.dtype = "uint8") -> np.ndarray:
    """Return an uninitialized array whose memory a tensor can share."""
    dtype = np.dtype(dtype)
    num_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    memory = np.empty(num_bytes + _ALIGNMENT, "uint8")
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + num_bytes].view(dtype).reshape(shape)


def _join_channels(*numbers):
    """Return the channels that images of several kinds fit in: colors if any, alpha if any."""
    has_alpha = any(channels in (2, 4) for channels in numbers)
    return (3 if max(numbers) >= 3 else 1) + has_alpha


def _can_share(array):
    """Return whether a tensor can share an array's memory."""
    flags = array.flags
    aligned = array.ctypes.data % _ALIGNMENT == 0
    # DLPack has no read-only arrays.
    return aligned and flags.c_contiguous and flags.writeable and array.dtype == np.uint8
