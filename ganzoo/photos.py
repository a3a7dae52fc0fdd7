"""Image files of people: read, upscaled with all that belongs to them, and written.

Files come in many modes; a photo is gray or RGB, 8 bits deep and upright, with its
transparency, colour profile and EXIF data beside the pixels.
"""

import dataclasses
import io
import math
import pathlib
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from ganzoo.files import new_file

# Endings by which the images of a folder are told from its other files.
SUFFIXES = {".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
# Half the colour resolution is what most JPEG files have; detail is what people upscale for.
_JPEG = {"format": "JPEG", "quality": 95, "subsampling": 0}
_WRITERS = {
    ".png": {"format": "PNG"},
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    # WebP with loss always has half the colour resolution, whatever its quality.
    ".webp": {"format": "WEBP", "lossless": True},
}
# Pixels, where a format has a limit that an upscaled image may reach.
_LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
# What one segment of a JPEG file holds.
_EXIF_BYTES = 65_000


@dataclasses.dataclass(frozen=True)
class Photo:
    """An image file in memory.

    Attributes:
        pixels: uint8 `(height, width, channels)`, 1 or 3 channels.
        alpha: uint8 `(height, width)`, 0 where it is transparent, or None.
        icc_profile: bytes of the colour profile of the pixels, or None.
        exif: bytes of the EXIF data, without orientation and size, or None.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None


def find_photos(paths):
    """Image files, and those that lie in folders.

    Folders below a folder are left alone: results have one folder, which may be
    among them.

    Args:
        paths: files, which may have any ending, and folders.

    Returns:
        list of paths, each file once, in the order given; those of a folder are sorted.

    Raises:
        ValueError: If a path is missing, or a folder holds no images.

    Example:
        >>> write_photo("photos/a.png", Photo(np.zeros((2, 3, 1), "uint8")))
        >>> [path.name for path in find_photos(["photos"])]
        ['a.png']
    """
    files = {}
    for path in map(pathlib.Path, paths):
        if not path.exists():
            raise ValueError(f"{path}: there is no such file or folder.")
        for file in _photos_in(path) if path.is_dir() else [path]:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def is_photo(path):
    """Whether a file of a folder is one of its images, by its name."""
    # What starts with a dot is half-written, or a system's note about another file.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _photos_in(folder):
    found = sorted(path for path in folder.iterdir() if is_photo(path))
    if not found:
        raise ValueError(
            f"{folder}: the folder holds no images. Looked for files ending in "
            f"{', '.join(sorted(SUFFIXES))}, not in folders below it."
        )
    return found


def name_results(sources, folder, scale):
    """Where upscaled files go: `(source, target)` for each of them.

    A target is `<stem>_x<scale><suffix>` in the folder; files of kinds that are only
    read become PNG files.

    Raises:
        ValueError: If two sources would have one target, or a target is a source.

    Example:
        >>> [target.name for _, target in name_results(["a.jpg", "b.tif"], "large", 4)]
        ['a_x4.jpg', 'b_x4.png']
    """
    folder = pathlib.Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder}: not a folder. Give a folder for the upscaled images.")
    sources = [pathlib.Path(source) for source in sources]
    originals = {source.resolve() for source in sources}
    taken = {}
    for source in sources:
        suffix = source.suffix if source.suffix.lower() in _WRITERS else ".png"
        target = folder / f"{source.stem}_x{scale}{suffix}"
        if target in taken:
            raise ValueError(
                f"{taken[target]} and {source} would both become {target}. Rename one of them, or "
                "upscale them into two folders."
            )
        if target.resolve() in originals:
            raise ValueError(
                f"{source} would become {target}, which is to be upscaled itself. Give another "
                "folder, or leave one of the two out."
            )
        taken[target] = source
    return [(source, target) for target, source in taken.items()]


def upscale_file(source, target, upscale, scale):
    """Reads a photo, upscales it and writes it; arguments as for the functions for each.

    Raises:
        ValueError: If the file cannot be read, or its format cannot hold the result.
    """
    photo = read_photo(source)
    height, width, _ = photo.pixels.shape
    # Before the work, which may take minutes.
    _check_writable(target, scale * height, scale * width, photo.alpha)
    write_photo(target, upscale_photo(photo, upscale, scale))


def read_photo(path):
    """Reads an image file of any kind that Pillow knows.

    It is turned upright by its EXIF orientation. Gray stays gray; 16 bits are scaled to
    8; palettes, CMYK and the like become RGB. Of an animation, this is the first image.

    Returns:
        `Photo`.

    Raises:
        ValueError: If the file is damaged, no image, or larger than Pillow thinks safe.

    Example:
        >>> Image.new("RGBA", (30, 20)).save("a.png")
        >>> photo = read_photo("a.png")
        >>> photo.pixels.shape, photo.alpha.shape
        ((20, 30, 3), (20, 30))
    """
    try:
        with warnings.catch_warnings():
            # What Pillow remarks about odd files that it reads nevertheless.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                exif = _apply_exif(image)
                return Photo(*_decode(image), exif=exif)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ValueError(
            f"{path}: has more than {Image.MAX_IMAGE_PIXELS:,} pixels, which are too many to be "
            "safe. Cut it into parts."
        ) from None
    except UnidentifiedImageError:
        raise ValueError(f"{path}: empty, or not an image of a known kind.") from None
    # Pillow has another exception for each kind of damage.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{path}: cannot be read ({reason}). Mend it, or leave it out.") from None


def _apply_exif(image):
    """Turns an image upright, and returns what remains of its EXIF data, or None."""
    try:
        ImageOps.exif_transpose(image, in_place=True)
        # The tags of a TIFF file say how its pixels are stored.
        if image.format == "TIFF":
            return None
        exif = image.getexif()
        exif.pop(ExifTags.Base.Orientation, None)
        details = exif.get_ifd(ExifTags.IFD.Exif)
        # Sizes are no longer true, and notes of the maker break when they are moved.
        for tag in ("ExifImageWidth", "ExifImageHeight", "MakerNote"):
            details.pop(ExifTags.Base[tag], None)
        content = exif.tobytes()
    # Much EXIF data is damaged, which is no damage to the image.
    except Exception:
        return None
    return content if len(exif) and len(content) <= _EXIF_BYTES else None


def _decode(image):
    """`(pixels, alpha, icc_profile)` of a Pillow image."""
    profile = image.info.get("icc_profile")
    if image.mode == "F" or image.mode.startswith("I"):
        return *_decode_deep(image), profile
    if image.mode == "CMYK":
        # The profile speaks of inks: it is used up here.
        image, profile = _mix_inks(image, profile), None
    gray = image.mode in ("1", "L", "LA", "La")
    transparent = image.mode.lower().endswith("a") or "transparency" in image.info
    pixels = np.asarray(image.convert(("L" if gray else "RGB") + ("A" if transparent else "")))
    if transparent:
        return pixels[..., :-1], pixels[..., -1], profile
    return pixels[..., None] if gray else pixels, None, profile


def _decode_deep(image):
    """`(pixels, alpha)` of a gray image of 16 bits, which Pillow would clip to 8."""
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65_535:
        raise ValueError("32-bit values of unknown range: convert them to 8 or 16 bits")
    transparent = image.info.get("transparency")
    alpha = None if transparent is None else np.where(values == transparent, 0, 255)
    pixels = np.rint(values[..., None] / np.float32(257)).astype("uint8")
    return pixels, None if alpha is None else alpha.astype("uint8")


def _mix_inks(image, profile):
    """A CMYK image as RGB: by its profile, or without a usable one by plain arithmetic."""
    try:
        inks = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(
            image, inks, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (TypeError, OSError, ImageCms.PyCMSError):
        return image.convert("RGB")


def upscale_photo(photo, upscale, scale):
    """Makes a photo `scale` times as high and wide, with its transparency.

    Args:
        photo: `Photo`.
        upscale: function of uint8 `(height, width, channels)` that returns `scale` times
            the size.
        scale: int.

    Returns:
        `Photo`.

    Example:
        >>> photo = Photo(np.zeros((20, 30, 3), "uint8"), alpha=np.full((20, 30), 9, "uint8"))
        >>> larger = upscale_photo(photo, lambda pixels: pixels.repeat(2, 0).repeat(2, 1), 2)
        >>> larger.pixels.shape, larger.alpha.shape
        ((40, 60, 3), (40, 60))
    """
    if photo.alpha is None:
        return dataclasses.replace(photo, pixels=upscale(photo.pixels))
    height, width = photo.alpha.shape
    image = _fill_transparent(Image.fromarray(np.dstack([photo.pixels, photo.alpha])))
    alpha = Image.fromarray(photo.alpha).resize(
        (scale * width, scale * height), Image.Resampling.BICUBIC
    )
    return dataclasses.replace(
        photo, pixels=upscale(np.asarray(image)[..., :-1]), alpha=np.asarray(alpha)
    )


def _fill_transparent(image):
    """Spreads colours into where an LA or RGBA image is fully transparent.

    What is there is arbitrary, often black, and would be seen as a fringe: an upscaled
    pixel takes after all those around it.
    """
    known = image.getchannel("A").point(lambda alpha: 255 if alpha else 0)
    if known.getextrema()[0] == 255 or max(image.size) == 1:
        return image
    image = image.copy()
    image.putalpha(known)
    # Pillow weighs colours by alpha: those of a coarser image come from known pixels alone.
    coarser = _fill_transparent(image.reduce(2))
    return Image.composite(image, coarser.resize(image.size, Image.Resampling.BILINEAR), known)


def write_photo(path, photo):
    """Writes a photo, whole or not at all; folders are made.

    JPEG has quality 95 and full colour resolution; PNG and WebP lose nothing.

    Args:
        path: file ending in `.png`, `.jpg`, `.jpeg` or `.webp`.
        photo: `Photo`. Its profile is left out where it is not one of gray or RGB, as
            the file is.

    Raises:
        ValueError: If the format is another, or cannot hold the photo.
    """
    path = pathlib.Path(path)
    _check_writable(path, *photo.pixels.shape[:2], photo.alpha)
    writer = _WRITERS[path.suffix.lower()]
    channels = photo.pixels
    if photo.alpha is not None and writer["format"] != "JPEG":
        channels = np.dstack([photo.pixels, photo.alpha])
    image = Image.fromarray(channels.squeeze(-1) if channels.shape[-1] == 1 else channels)
    if writer["format"] == "WEBP":
        # It knows no gray.
        image = image.convert(image.mode.replace("L", "RGB"))
    kept = {}
    # Bytes 16 to 20 of a profile name its colour space.
    space = b"GRAY" if image.mode.startswith("L") else b"RGB "
    if photo.icc_profile and photo.icc_profile[16:20] == space:
        kept["icc_profile"] = photo.icc_profile
    if photo.exif:
        kept["exif"] = photo.exif
    with new_file(path) as partial:
        image.save(partial, **writer, **kept)


def _check_writable(path, height, width, alpha):
    """Raises where the format that a path names cannot hold an image."""
    writer = _WRITERS.get(pathlib.Path(path).suffix.lower())
    if writer is None:
        raise ValueError(f"{path}: cannot be written. Give a name in {', '.join(_WRITERS)}.")
    limit = _LONGEST_SIDE.get(writer["format"], math.inf)
    if max(height, width) > limit:
        raise ValueError(
            f"{path}: {writer['format']} files have sides of up to {limit} pixels, which the "
            f"result of {width} x {height} exceeds. Save the original as .png first."
        )
    if writer["format"] == "JPEG" and alpha is not None and alpha.min() < 255:
        raise ValueError(
            f"{path}: JPEG files cannot be transparent, as this image is. Give it a name in .png."
        )
