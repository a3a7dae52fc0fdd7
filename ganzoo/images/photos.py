"""Read image files of any kind, upscale them with their metadata, and write them.

Image files come in many modes. A `Photo` is gray or RGB, 8 or 16 bits per channel and upright. It
keeps its transparency, color profile and EXIF data separate from the pixels.
"""

import contextlib
import dataclasses
import importlib.util
import io
import math
import pathlib
import warnings
from collections.abc import Callable, Iterable

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from ganzoo.checks import to_list
from ganzoo.images import animations, deep, videos
from ganzoo.images.lanczos import scaled_side
from ganzoo.images.pixels import blend_with_white, to_8_bits, to_pil
from ganzoo.messages import first_line, list_names, printable
from ganzoo.saving.files import check_file_path, check_folder_path, new_file

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
# Full color resolution. Most JPEG files store half of it, which would lose the added detail.
_JPEG = {"format": "JPEG", "quality": 95, "subsampling": 0}
_TIFF = {"format": "TIFF", "compression": "tiff_adobe_deflate"}
_WRITERS = {
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
    del _WRITERS[".avif"]
_OPAQUE = {"BMP", "JPEG"}
# Formats whose files can have 16 bits per channel.
_DEEP = {"PNG", "TIFF"}
# Largest side in pixels, for formats whose limit an upscaled image may exceed.
_LONGEST_SIDE = {"AVIF": 65_535, "GIF": 65_535, "JPEG": 65_500, "WEBP": 16_383}
# Tags of a TIFF file that describe the photo: texts, date, author, and links to more.
_OF_THE_PHOTO = {270, 271, 272, 305, 306, 315, 33432, 34665, 34853}
# A JPEG segment holds at most 65,533 bytes. EXIF data must fit in one.
_EXIF_BYTES = 65_000


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
    paths: pathlib.Path | str | Iterable[pathlib.Path | str],
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
        >>> write_photo("photos/a.png", Photo(np.zeros((2, 3, 1), "uint8")))
        >>> [path.name for path in find_photos(["photos"])]
        ['a.png']
    """
    files = {}
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


def name_results(
    sources: pathlib.Path | str | Iterable[pathlib.Path | str],
    folder: pathlib.Path | str,
    outscale: float,
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Return the output path of each image to upscale.

    An output is `<stem>_x<outscale><suffix>` in the folder. Formats that cannot be written become
    PNG, and containers of videos that do not hold H.264 become MKV.

    Args:
        sources: image files, or one of them.
        folder: folder of the outputs. It need not exist.
        outscale: float. Ratio of the output's size to the input's.

    Returns:
        List of `(source, target)` paths.

    Raises:
        ValueError: If two sources have the same target, a target is also a source, or a name is
            too long for the disk.

    Example:
        >>> [target.name for _, target in name_results(["a.jpg", "b.tga"], "large", 2.5)]
        ['a_x2.5.jpg', 'b_x2.5.png']
    """
    check_folder_path(folder)
    folder = pathlib.Path(folder)
    sources = [pathlib.Path(source) for source in to_list(sources)]
    originals = {source.resolve() for source in sources}
    taken = {}
    for source in sources:
        suffix = source.suffix if source.suffix.lower() in _WRITERS else ".png"
        if videos.has_video_suffix(source):
            suffix = videos.result_suffix(source.suffix)
        target = folder / f"{source.stem}_x{outscale:g}{suffix}"
        check_file_path(target)
        if target in taken:
            raise ValueError(
                f"{taken[target]} and {source} would both become {target}. Rename one of them, or "
                "upscale them into different folders."
            )
        if target.resolve() in originals:
            raise ValueError(
                f"{source} would become {target}, which is to be upscaled itself. Give another "
                "output folder, or remove one of the two images."
            )
        taken[target] = source
    return [(source, target) for target, source in taken.items()]


def upscale_file(
    source: pathlib.Path | str,
    target: pathlib.Path | str,
    upscale: Callable,
    outscale: float,
    overwrite: bool = False,
) -> None:
    """Read a photo, upscale it and write it.

    Args:
        source: image file, as for `read_photo`.
        target: file to write, as for `write_photo`.
        upscale: function, as for `upscale_photo`.
        outscale: float. Ratio of the sizes.
        overwrite: bool. Replace an existing file.

    Raises:
        ValueError: If the file cannot be read, its format cannot hold the result, or the target
            exists.
    """
    if not overwrite and pathlib.Path(target).exists():
        raise ValueError(f"{printable(target)}: exists. Remove it, or pass --overwrite.")
    writer = _WRITERS.get(pathlib.Path(target).suffix.lower(), {})
    if writer.get("format") in animations.FORMATS:
        with _opened(source) as image:
            # This decodes all frames. Damaged ones are reported before the work.
            animation = animations.inspect(image)
        if animation is not None:
            sides = (scaled_side(side, outscale) for side in animation.shape)
            _check_writable(target, *sides, None)
            animations.upscale_animation(
                source, target, animation, lambda pixels: _upscale_frame(pixels, upscale), writer
            )
            return
    photo = read_photo(source, full_depth=writer.get("format") in _DEEP)
    # Check first: upscaling may take minutes.
    sides = (scaled_side(side, outscale) for side in photo.pixels.shape[:2])
    _check_writable(target, *sides, photo.alpha)
    write_photo(target, upscale_photo(photo, upscale))


def _upscale_frame(pixels, upscale):
    photo = Photo(pixels[..., :3], pixels[..., 3] if pixels.shape[-1] == 4 else None)
    photo = upscale_photo(photo, upscale)
    return photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])


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
    with _opened(path) as image:
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


def _orientation_of(image):
    try:
        return image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # EXIF data is often damaged.
        return None


@contextlib.contextmanager
def _opened(path):
    """Open an image. Errors of its file in this block become a `ValueError` of one line."""
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


def upscale_photo(photo: Photo, upscale: Callable) -> Photo:
    """Upscale a photo, including its transparency.

    The opacity is upscaled like a gray image. It stays within the range of its neighbors, so that
    no pixel inside an opaque part becomes transparent, and none outside becomes visible.

    Args:
        photo: `Photo`.
        upscale: function from pixels `(height, width, channels)`, with 1 or 3 channels, to larger
            pixels of the same dtype.

    Returns:
        `Photo`.

    Example:
        >>> photo = Photo(np.zeros((20, 30, 3), "uint8"), alpha=np.full((20, 30), 9, "uint8"))
        >>> larger = upscale_photo(photo, lambda pixels: pixels.repeat(2, 0).repeat(2, 1))
        >>> larger.pixels.shape, larger.alpha.shape
        ((40, 60, 3), (40, 60))
    """
    if photo.alpha is None:
        return dataclasses.replace(photo, pixels=upscale(photo.pixels))
    pixels = upscale(_fill_transparent(photo.pixels, photo.alpha))
    alpha = _upscale_alpha(photo.alpha, pixels.shape[:2], upscale)
    return dataclasses.replace(photo, pixels=pixels, alpha=alpha)


def _upscale_alpha(alpha, shape, upscale):
    if alpha.min() == alpha.max():
        return np.full(shape, alpha.flat[0])
    made = upscale(alpha[..., None])[..., 0]
    padded = np.pad(alpha, 1, mode="edge")
    height, width = alpha.shape
    neighbors = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    nearest = np.ix_(
        *(np.arange(new) * old // new for new, old in zip(shape, alpha.shape, strict=True))
    )
    low, high = np.minimum.reduce(neighbors)[nearest], np.maximum.reduce(neighbors)[nearest]
    return np.clip(made, low, high)


def _fill_transparent(pixels, alpha):
    """Return pixels with colors spread into the parts that are fully transparent.

    Colors of transparent pixels are arbitrary, often black. Each upscaled pixel depends on its
    neighbors, so these colors would show as a fringe.
    """
    if alpha.min() > 0:
        return pixels
    # 8 bits are enough for colors that are not seen.
    filled = _fill_image(Image.fromarray(np.dstack([to_8_bits(pixels), to_8_bits(alpha)])))
    filled = np.asarray(filled)[..., :-1]
    if pixels.dtype == np.uint16:
        filled = filled.astype("uint16") * 257
    return np.where(alpha[..., None] > 0, pixels, filled)


def _fill_image(image):
    """Spread colors into the fully transparent parts of an LA or RGBA image."""
    known = image.getchannel("A").point(lambda alpha: 255 if alpha else 0)
    if known.getextrema()[0] == 255 or max(image.size) == 1:
        return image
    image = image.copy()
    image.putalpha(known)
    # Pillow weights colors by alpha, so the coarser image uses only the known pixels.
    coarser = _fill_image(image.reduce(2))
    return Image.composite(image, coarser.resize(image.size, Image.Resampling.BILINEAR), known)


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
    _check_writable(path, *photo.pixels.shape[:2], photo.alpha)
    writer = _WRITERS[path.suffix.lower()]
    channels = photo.pixels
    if photo.alpha is not None and writer["format"] not in _OPAQUE:
        channels = np.dstack([photo.pixels, photo.alpha])
    if channels.dtype == np.uint16 and writer["format"] in _DEEP:
        space = b"GRAY" if channels.shape[-1] < 3 else b"RGB "
        profile = photo.icc_profile or b""
        profile = profile if profile[16:20] == space else None
        with new_file(path) as partial:
            deep.write_16_bits(partial, channels, writer["format"], profile, photo.exif)
        return
    image = to_pil(to_8_bits(channels))
    if writer["format"] == "GIF" and photo.alpha is not None:
        # GIF pixels are opaque or transparent.
        image = image.convert("RGBA")
        image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)))
    if writer["format"] in ("AVIF", "WEBP"):
        # These have no gray mode.
        image = image.convert(image.mode.replace("L", "RGB"))
    kept = {}
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


def _check_writable(path, height, width, alpha):
    """Raise `ValueError` if the format that a path names cannot hold an image."""
    writer = _WRITERS.get(pathlib.Path(path).suffix.lower())
    if writer is None:
        raise ValueError(
            f"{path}: cannot be written. Use one of the suffixes {', '.join(_WRITERS)}."
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
