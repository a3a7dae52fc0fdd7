"""Bring images to one size and kind."""

import dataclasses

import numpy as np
from PIL import Image, ImageOps

from ganzoo import images, messages
from ganzoo.checks import check_image_size

# How an image of another shape comes to the size of all images.
FITS = ("crop", "pad", "stretch")


@dataclasses.dataclass(frozen=True)
class ImageFormat:
    """Describe the size and the kind that images are brought to, and how.

    Attributes:
        size: `(height, width)`, or None to keep images as they are.
        fit: `"crop"`, `"pad"` or `"stretch"`. See `ganzoo.data.load`.
        alpha: True, False or None. See `ganzoo.data.load`.
    """

    size: tuple[int, int] | None = None
    fit: str = "crop"
    alpha: bool | None = None

    @classmethod
    def of(
        cls, image_size: int | tuple[int, int] | None, fit: str, alpha: bool | None
    ) -> "ImageFormat":
        """Return the format of arguments of `ganzoo.data.load`.

        Raises:
            ValueError: If the size is no positive integer or pair of them, or the fit is unknown.
        """
        check_fit(fit)
        return cls(None if image_size is None else check_image_size(image_size), fit, alpha)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Return the pixels `(height, width, channels)` of an image in this format."""
        pixels = self.set_alpha(pixels)
        if self.size is not None:
            pixels = np.asarray(_resize(images.to_pil(pixels), self.size, self.fit))
        return pixels[..., None] if pixels.ndim == 2 else pixels

    def set_alpha(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels `(..., height, width, channels)` with or without alpha, as `alpha` says."""
        if self.alpha is None:
            return pixels
        colors = pixels.shape[-1] - images.has_alpha(pixels.shape)
        return images.convert_channels(pixels, colors + self.alpha)


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
