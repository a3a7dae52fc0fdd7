"""Bring images to one size."""

import dataclasses

import numpy as np
from PIL import Image, ImageOps

from ganzoo import messages
from ganzoo.checks import check_image_size

# How an image of another shape comes to the size of all images.
FITS = ("crop", "pad", "stretch")


@dataclasses.dataclass(frozen=True)
class ImageFormat:
    """Describe the size that images are brought to, and how.

    Attributes:
        size: `(height, width)`, or None to keep images as they are.
        fit: `"crop"`, `"pad"` or `"stretch"`. See `ganzoo.data.load`.
    """

    size: tuple[int, int] | None = None
    fit: str = "crop"

    @classmethod
    def of(cls, image_size: int | tuple[int, int] | None, fit: str) -> "ImageFormat":
        """Return the format of arguments of `ganzoo.data.load`.

        Raises:
            ValueError: If the size is no positive integer or pair of them, or the fit is unknown.
        """
        check_fit(fit)
        return cls(None if image_size is None else check_image_size(image_size), fit)

    def apply(self, image: Image.Image) -> np.ndarray:
        """Return a Pillow image as pixels `(height, width, channels)`."""
        if self.size is not None:
            image = _resize(image, self.size, self.fit)
        pixels = np.asarray(image)
        return pixels[..., None] if pixels.ndim == 2 else pixels


def check_fit(fit: str) -> None:
    """Check the name of a fit.

    Raises:
        ValueError: If it is not in `FITS`.
    """
    if fit not in FITS:
        raise ValueError(messages.unknown("fit", fit, FITS))


def _resize(image, size, fit):
    height, width = size
    if image.size == (width, height):
        return image
    # Pillow's filters are scaled with the ratio, so shrinking does not alias. Colors are weighted
    # by alpha.
    filter_ = Image.Resampling.BICUBIC
    if fit == "pad":
        background = [255] * len(image.getbands())
        if image.mode in ("LA", "RGBA"):
            background = [0] * len(image.getbands())
        return ImageOps.pad(image, (width, height), filter_, tuple(background))
    if fit == "crop":
        # The largest part of the wanted shape.
        part_width = min(image.width, max(1, round(image.height * width / height)))
        part_height = min(image.height, max(1, round(image.width * height / width)))
        left, top = (image.width - part_width) // 2, (image.height - part_height) // 2
        image = image.crop((left, top, left + part_width, top + part_height))
    return image.resize((width, height), filter_)
