"""Write photographs in the formats that people use."""

import math
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from ganzoo.images import deep
from ganzoo.images.photos import Photo
from ganzoo.images.pixels import to_8_bits, to_pil
from ganzoo.saving.files import new_file

# Full color resolution. Most JPEG files store half of it, which would lose the added detail.
_JPEG = {"format": "JPEG", "quality": 95, "subsampling": 0}
_TIFF = {"format": "TIFF", "compression": "tiff_adobe_deflate"}
WRITERS: dict[str, dict[str, Any]] = {
    ".png": {"format": "PNG"},
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    # Lossy WebP always halves the color resolution, at every quality.
    ".webp": {"format": "WEBP", "lossless": True},
    ".avif": {"format": "AVIF", "quality": 90, "subsampling": "4:4:4"},
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": {"format": "BMP"},
    ".gif": {"format": "GIF"},
}
if "AVIF" not in Image.SAVE:  # Pillow has been built without it.
    del WRITERS[".avif"]
_OPAQUE = {"BMP", "JPEG"}
# Formats whose files can have 16 bits per channel.
DEEP = {"PNG", "TIFF"}
# Largest side in pixels, for formats whose limit an upscaled image may exceed.
_LONGEST_SIDE = {"AVIF": 65_535, "GIF": 65_535, "JPEG": 65_500, "WEBP": 16_383}


def write_photo(path: pathlib.Path | str, photo: Photo) -> None:
    """Write a photo. The file is written completely or not at all.

    Missing folders are created. JPEG uses quality 95, AVIF 90, both with full color resolution.
    PNG, TIFF, BMP and WebP are lossless. GIF has 256 colors. Only PNG and TIFF hold 16 bits.

    Args:
        path: file ending in `.png`, `.jpg`, `.jpeg`, `.webp`, `.avif`, `.tif`, `.tiff`, `.bmp` or
            `.gif`.
        photo: `Photo`. A color profile is only written if it matches the file's color space, gray
            or RGB.

    Raises:
        ValueError: If the suffix is another, or the format cannot hold the photo.
    """
    path = pathlib.Path(path)
    height, width = photo.pixels.shape[:2]
    check_writable(path, height, width, photo.alpha)
    writer = WRITERS[path.suffix.lower()]
    channels = photo.pixels
    if photo.alpha is not None and writer["format"] not in _OPAQUE:
        channels = np.dstack([photo.pixels, photo.alpha])
    if channels.dtype == np.uint16 and writer["format"] in DEEP:
        space = b"GRAY" if channels.shape[-1] < 3 else b"RGB "
        profile = photo.icc_profile or b""
        kept_profile = profile if profile[16:20] == space else None
        with new_file(path) as partial:
            deep.write_16_bits(partial, channels, writer["format"], kept_profile, photo.exif)
        return
    image = to_pil(to_8_bits(channels))
    if writer["format"] == "GIF" and photo.alpha is not None:
        # GIF pixels are opaque or transparent.
        image = image.convert("RGBA")
        image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)))
    if writer["format"] in ("AVIF", "WEBP"):
        # These have no gray mode.
        image = image.convert(image.mode.replace("L", "RGB"))
    kept: dict[str, Any] = {}
    # Bytes 16 to 19 of a profile name its color space.
    space = b"GRAY" if image.mode.startswith("L") else b"RGB "
    if photo.icc_profile and photo.icc_profile[16:20] == space and writer["format"] != "BMP":
        kept["icc_profile"] = photo.icc_profile
    if photo.exif and writer["format"] == "TIFF":
        kept["tiffinfo"] = deep.describing_tags(photo.exif)
    elif photo.exif and writer["format"] not in ("BMP", "GIF"):
        kept["exif"] = photo.exif
    with new_file(path) as partial:
        image.save(partial, **writer, **kept)


def check_writable(path, height, width, alpha):
    """Check that the format that a path names can hold an image.

    Args:
        path: file to write.
        height: int. In pixels.
        width: int. In pixels.
        alpha: array `(height, width)`, or None.

    Raises:
        ValueError: If it cannot.
    """
    writer = WRITERS.get(pathlib.Path(path).suffix.lower())
    if writer is None:
        raise ValueError(
            f"{path}: cannot be written. Use one of the suffixes {', '.join(WRITERS)}."
        )
    limit = _LONGEST_SIDE.get(writer["format"], math.inf)
    if max(height, width) > limit:
        raise ValueError(
            f"{path}: {writer['format']} files have sides of up to {limit} pixels. Received: a "
            f"result of {width} x {height}. Save the original as .png first."
        )
    opaque = alpha is None or alpha.min() == np.iinfo(alpha.dtype).max
    if writer["format"] in _OPAQUE and not opaque:
        raise ValueError(
            f"{path}: {writer['format']} files cannot be transparent, as this image is. Use the "
            "suffix .png."
        )
