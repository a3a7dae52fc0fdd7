"""Find image files of any kind, and read them with their metadata.

Image files come in many modes. A `Photo` is gray or RGB, 8 or 16 bits per channel and upright. It
keeps its transparency, color profile and EXIF data separate from the pixels.
"""

import contextlib
import dataclasses
import importlib.util
import io
import os
import pathlib
import warnings
from collections.abc import Iterable

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from ganzoo.checks import to_list
from ganzoo.images import deep
from ganzoo.images.pixels import blend_with_white, to_8_bits
from ganzoo.messages import first_line, list_names, printable

# Formats of the images in a folder. Pillow may have been built without some of them.
_FORMATS = {"AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG"}
_FORMATS |= {"PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP"}
# File name suffixes of these formats.
SUFFIXES = {
    suffix for suffix, format in Image.registered_extensions().items() if format in _FORMATS
}
# Files and folders that operating systems and file managers put beside images, in lower case.
_NOT_OF_THE_USER = {"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found"}
# HEIC files, which phones write, need an extra library.
_HEIF = {".heic", ".heif", ".hif"}
if importlib.util.find_spec("pillow_heif") is not None:
    SUFFIXES |= _HEIF
# Tags of a TIFF file that describe the photo: texts, date, author, and links to more.
_OF_THE_PHOTO = {270, 271, 272, 305, 306, 315, 33432, 34665, 34853}
# A JPEG segment holds at most 65,533 bytes. EXIF data must fit in one.
_EXIF_BYTES = 65_000
# How to turn pixels upright, by the EXIF orientation.
_UPRIGHT = {
    2: lambda values: values[:, ::-1],
    3: lambda values: values[::-1, ::-1],
    4: lambda values: values[::-1],
    5: lambda values: values.swapaxes(0, 1),
    6: lambda values: np.rot90(values, -1),
    7: lambda values: values[::-1, ::-1].swapaxes(0, 1),
    8: lambda values: np.rot90(values),
}


@dataclasses.dataclass(frozen=True)
class Photo:
    """Image file in memory.

    Attributes:
        pixels: uint8 or uint16 `(height, width, channels)`, 1 or 3 channels.
        alpha: array `(height, width)` of the same dtype, 0 where the image is transparent, or None.
        icc_profile: bytes. Color profile of the pixels, or None.
        exif: bytes. EXIF data without orientation and size, or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None


def find_photos(
    paths: str | os.PathLike | Iterable[str | os.PathLike],
) -> list[pathlib.Path]:
    """Find image files, including those in folders.

    Subfolders are not searched, because the folder of the results may be one of them.

    Args:
        paths: files, with any suffix, and folders; or one of them.

    Returns:
        List of paths in the given order, each file once. Files of a folder are sorted by name.

    Raises:
        ValueError: If a path does not exist, or a folder holds no images.

    Example:
        >>> Image.new("L", (3, 2)).save("a.png")
        >>> [path.name for path in find_photos(["."])]
        ['a.png']
    """
    files: dict[pathlib.Path, pathlib.Path] = {}
    for path in map(pathlib.Path, to_list(paths)):
        if not path.exists():
            raise ValueError(f"{path}: there is no such file or folder. Check the path.")
        for file in _photos_in(path) if path.is_dir() else [path]:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def is_hidden(name: str) -> bool:
    """Return True if a file or folder of this name belongs to another program.

    A name that starts with a dot is a partially written file, or metadata that macOS wrote.
    """
    return name.startswith(".") or name.lower() in _NOT_OF_THE_USER


def has_photo_suffix(name: str) -> bool:
    """Return True if a file's name says that it is an image."""
    return pathlib.PurePath(name).suffix.lower() in SUFFIXES


def _photos_in(folder):
    found, others = [], []
    for path in sorted(folder.iterdir()):
        if not is_hidden(path.name) and not path.is_dir():
            is_photo = has_photo_suffix(path.name) and path.is_file()
            (found if is_photo else others).append(path)
    if not found:
        raise ValueError(
            f"{folder}: the folder holds no images. It must hold files ending in "
            f"{', '.join(sorted(SUFFIXES))}. Subfolders are not searched."
        )
    if others:
        warnings.warn(
            f"{str(folder)!r}: left out files that are not read as images ({len(others)}: "
            f"{list_names([path.name for path in others])}).",
            stacklevel=2,
        )
    return found


def read_photo(path: pathlib.Path | str, full_depth: bool = False) -> Photo:
    """Read an image file of any format that Pillow supports.

    The image is turned upright according to its EXIF orientation. Gray images stay gray, also those
    with a palette of grays. Other palettes, CMYK and other modes become RGB. Only the first frame
    of an animation is read.

    Args:
        path: image file.
        full_depth: bool. Return 16-bit values, and floats from 0 to 1, as uint16. By default they
            are scaled to 8 bits.

    Returns:
        `Photo`.

    Raises:
        ValueError: If the file is damaged, is not an image, or has more pixels than Pillow
            considers safe.

    Example:
        >>> Image.new("RGBA", (30, 20)).save("a.png")
        >>> photo = read_photo("a.png")
        >>> photo.pixels.shape, photo.alpha.shape
        ((20, 30, 3), (20, 30))
    """
    with opened(path) as image:
        has_16_bits = full_depth and deep.has_16_bits(image)
        # Pillow turns TIFF files upright when it loads them, and reads others to find their EXIF.
        orientation = _orientation_of(image) if has_16_bits and image.format == "TIFF" else None
        image.load()
        values = deep.read_16_bits(path, image.format) if has_16_bits else None
        orientation = orientation or _orientation_of(image)
        exif = _apply_exif(image)
        pixels, alpha, profile = _decode(image)
        if values is not None:
            if orientation in _UPRIGHT:
                values = _UPRIGHT[orientation](values)
            num_colors = values.shape[-1] - 1 + values.shape[-1] % 2
            pixels = values[..., :num_colors]
            alpha = values[..., -1] if num_colors < values.shape[-1] else None
    if not full_depth:
        pixels, alpha = to_8_bits(pixels), None if alpha is None else to_8_bits(alpha)
    return Photo(pixels, alpha, profile, exif)


def read_size(path: pathlib.Path | str) -> tuple[int, int]:
    """Return the height and width of an image file, from its header. Nothing is decoded.

    The EXIF orientation, which may exchange both, is not applied.

    Raises:
        ValueError: If the file is no image, or has more pixels than Pillow considers safe.
    """
    with opened(path) as image:
        return image.height, image.width


def _orientation_of(image):
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # EXIF data is often damaged.
        return None


@contextlib.contextmanager
def opened(path):
    """Open an image with Pillow, for use in a `with` block.

    Args:
        path: image file.

    Raises:
        ValueError: If the file cannot be opened, or the block raises an error while it decodes.
    """
    if pathlib.Path(path).suffix.lower() in _HEIF:
        _register_heif(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns about unusual files that it reads nevertheless.
            warnings.filterwarnings("ignore", module="PIL")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if 0 in image.size:
                    raise ValueError(f"its size is {image.width} x {image.height} pixels")
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(
            f"{printable(path)}: has more than {Image.MAX_IMAGE_PIXELS:,} pixels, which is too "
            "many to decode safely. Cut the image into parts."
        ) from None
    except UnidentifiedImageError:
        raise ValueError(
            f"{printable(path)}: empty, or not an image of a supported format. Convert it to PNG."
        ) from None
    # Pillow raises many kinds of exceptions for damaged files.
    except Exception as error:
        reason = first_line(error)
        raise ValueError(
            f"{printable(path)}: cannot be read ({reason}). Repair it, or remove it."
        ) from None


def _register_heif(path):
    try:
        import pillow_heif
    except ImportError:
        raise ValueError(
            f"{printable(path)}: HEIC files need pillow-heif. Install `keras-ganzoo[photos]`, "
            "or convert the file to JPEG."
        ) from None
    pillow_heif.register_heif_opener()


def flatten(photo: Photo) -> np.ndarray:
    """Return the pixels of a photo on a white background, without transparency.

    Transparent pixels have arbitrary colors, which nobody sees.

    Args:
        photo: `Photo`.

    Returns:
        uint8 `(height, width, channels)`, 1 or 3 channels.

    Example:
        >>> black = np.zeros((1, 3, 1), "uint8")
        >>> flatten(Photo(black, alpha=np.array([[0, 128, 255]], "uint8"))).ravel().tolist()
        [255, 127, 0]
    """
    if photo.alpha is None:
        return photo.pixels
    return blend_with_white(photo.pixels, photo.alpha[..., None])


def join_alpha(photo: Photo) -> np.ndarray:
    """Return the pixels of a photo, with alpha if a part of it is transparent.

    Colors of pixels that are fully transparent, which nobody sees, become black.

    Args:
        photo: `Photo`.

    Returns:
        uint8 `(height, width, channels)`, 1 to 4 channels.

    Example:
        >>> gray = np.full((1, 2, 1), 9, "uint8")
        >>> join_alpha(Photo(gray, alpha=np.array([[0, 255]], "uint8"))).tolist()
        [[[0, 0], [9, 255]]]
    """
    if photo.alpha is None or photo.alpha.min() == 255:
        return photo.pixels
    return np.dstack([photo.pixels * (photo.alpha > 0)[..., None], photo.alpha])


def _apply_exif(image):
    """Turn an image upright. Return its remaining EXIF data, or None."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
        exif = image.getexif()
        # Most tags of a TIFF file describe how its pixels are stored, not the photo.
        if image.format == "TIFF":
            for tag in set(exif) - _OF_THE_PHOTO:
                del exif[tag]
        exif.pop(ExifTags.Base.Orientation, None)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        # The sizes have changed. Maker notes hold file offsets and break when they are moved.
        for tag in ("ExifImageWidth", "ExifImageHeight", "MakerNote"):
            details.pop(ExifTags.Base[tag], None)
        content = exif.tobytes()
    # EXIF data is often damaged. The image can still be used.
    except Exception:
        return None
    return content if len(exif) and len(content) <= _EXIF_BYTES else None


def _decode(image):
    """Return `(pixels, alpha, icc_profile)` of a Pillow image."""
    profile = image.info.get("icc_profile")
    if image.mode == "F" or image.mode.startswith("I"):
        return *_decode_deep(image), profile
    if image.mode == "CMYK":
        # The profile describes CMYK inks, so it is not valid for the RGB result.
        image, profile = _mix_inks(image, profile), None
    gray = image.mode in ("1", "L", "LA", "La")
    transparent = image.mode.lower().endswith("a") or "transparency" in image.info
    pixels = np.atleast_3d(image.convert(("L" if gray else "RGB") + ("A" if transparent else "")))
    pixels, alpha = (pixels[..., :-1], pixels[..., -1]) if transparent else (pixels, None)
    if image.mode.startswith("P") and _is_gray(pixels, alpha):
        pixels = pixels[..., :1]
    return pixels, alpha, profile


def _is_gray(pixels, alpha):
    """Return True if the channels of all pixels that can be seen are equal."""
    differ = (pixels != pixels[..., :1]).any(axis=-1)
    return not (differ if alpha is None else differ & (alpha > 0)).any()


def _decode_deep(image):
    """Return uint16 `(pixels, alpha)` of a gray image that Pillow would clip to 8 bits.

    16-bit integers and floats from 0 to 1 have a known range. TIFF files may also hold 32-bit
    integers: these are 16-bit values if they are so large.
    """
    values = np.asarray(image)
    low, high = values.min(), values.max()
    largest = 1 if image.mode == "F" else 65_535
    # 8-bit values would become black.
    too_dark = image.mode == "I" and image.format == "TIFF" and 0 < high <= 255
    if not (low >= 0 and high <= largest) or too_dark:
        raise ValueError(
            f"values from {low:g} to {high:g}, of unknown range: convert them to 8 or 16 bits"
        )
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else np.where(values == transparent, 0, 65_535)
    pixels = np.rint(values[..., None] * np.float64(65_535 / largest)).astype("uint16")
    return pixels, None if alpha is None else alpha.astype("uint16")


def _mix_inks(image, profile):
    """Convert a CMYK image to RGB by its profile, or by plain arithmetic without a valid one."""
    try:
        inks = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            image, inks, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (TypeError, OSError, ImageCms.PyCMSError):
        return image.convert("RGB")
