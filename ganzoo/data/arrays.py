"""Whole data sets as arrays of pixels."""

import dataclasses

import numpy as np
from PIL import Image


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A whole data set in memory.

    Attributes:
        pixels: uint8 `(n, height, width, channels)`.
        labels: class ids `(n,)`, or None.
        num_classes: int, or None without labels.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    num_classes: int | None = None

    def take(self, indices):
        """Some of the images, as another `ImageData`."""
        labels = None if self.labels is None else self.labels[indices]
        return ImageData(self.pixels[indices], labels, self.num_classes)


def stack(decoded, source):
    # One colour image makes all of them colour images.
    channels = max(image.shape[-1] for image in decoded)
    decoded = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in decoded]
    sizes = sorted({image.shape[:2] for image in decoded})
    if len(sizes) > 1:
        smallest, largest = sizes[0], sizes[-1]
        raise ValueError(
            f"Images in {str(source)!r} have {len(sizes)} different sizes, from {smallest} to "
            f"{largest} (height, width). Give one side for all with `image_size`."
        )
    return np.stack(decoded)


def fit(image, image_size):
    """A PIL image as pixels; cropped to its central square and resized if a size is given."""
    if image_size is not None and image.size != (image_size, image_size):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        # Pillow's filters are scaled with the ratio, so shrinking does not alias.
        image = image.resize((image_size, image_size), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def to_pil(pixels):
    return Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
