"""Read and write images with 16 bits per channel, of which Pillow keeps 8 if they have color."""

import contextlib
import pathlib
import struct
import warnings
import zlib

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

from ganzoo.messages import printable

_PNG_START = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # By the color type of a PNG file.
_COLOR_TYPES = {channels: kind for kind, channels in _CHANNELS.items()}
# Tags of TIFF files that describe the picture, with their numbers.
_TEXTS = (270, 271, 272, 305, 306, 315, 33432)


def has_16_bits(image: Image.Image) -> bool:
    """Return True if an opened but not loaded image has 16 bits of more than one channel."""
    if isinstance(image, PngImagePlugin.PngImageFile) and image.tile:
        return str(image.tile[0].args).endswith(";16B") and image.mode in ("LA", "RGB", "RGBA")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = image.tag_v2.get(258, ())
        unsigned = set(image.tag_v2.get(339, (1,))) == {1}
        return len(bits) > 1 and set(bits) == {16} and unsigned and image.mode != "CMYK"
    return False


def read_16_bits(path: pathlib.Path | str, format: str) -> np.ndarray | None:
    """Read all bits of a PNG or TIFF file that `has_16_bits`.

    Args:
        path: image file.
        format: `"PNG"` or `"TIFF"`.

    Returns:
        uint16 `(height, width, channels)`, not turned upright, with alpha as the last of 2 or 4
        channels. None if only 8 bits can be read. Then a warning says why.
    """
    if format == "PNG":
        return _decode_png(pathlib.Path(path).read_bytes(), path)
    try:
        import tifffile
    except ImportError:
        _warn(path, "Install `keras-ganzoo[photos]` for all bits.")
        return None
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        try:
            values = page.asarray()
        except (ValueError, RuntimeError, ImportError):  # A compression that it lacks.
            _warn(path, "Install `imagecodecs` for its compression.")
            return None
        if page.planarconfig == 2:
            values = np.moveaxis(values, 0, -1)
        gray = page.photometric in (0, 1)
        if page.photometric == 0:
            values = 65_535 - values
    channels = 1 if gray else 3
    has_alpha = bool(page.extrasamples) and page.extrasamples[0] in (1, 2)
    values = values[..., : channels + has_alpha]
    if has_alpha and page.extrasamples[0] == 1:  # Colors are multiplied by alpha.
        alpha = np.maximum(values[..., -1:], 1) / np.float32(65_535)
        colors = np.minimum(values[..., :-1] / alpha, 65_535)
        values = np.concatenate([np.rint(colors).astype("uint16"), values[..., -1:]], axis=-1)
    return values


def _warn(path, advice):
    warnings.warn(f"{printable(path)}: read with 8 of its 16 bits. {advice}", stacklevel=4)


def _decode_png(content, path):
    """Decode a PNG file that Pillow has read without an error."""
    chunks, position = [], len(_PNG_START)
    while position < len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        chunks.append((kind, content[position + 8 : position + 8 + length]))
        position += length + 12
    by_kind = dict(chunks)
    width, height, _, color_type, _, _, interlaced = struct.unpack(">IIBBBBB", by_kind[b"IHDR"])
    if interlaced:
        _warn(path, "Save it without interlacing for all bits.")
        return None
    channels = _CHANNELS[color_type]
    packed = zlib.decompress(b"".join(data for kind, data in chunks if kind == b"IDAT"))
    rows = np.frombuffer(packed, "uint8").reshape(height, 1 + 2 * channels * width)
    filtered = rows[:, 1:].reshape(height, width, 2 * channels)
    values = _remove_filters(filtered, rows[:, 0]).view(">u2").astype("uint16")
    if b"tRNS" in by_kind and channels == 3:
        transparent = np.frombuffer(by_kind[b"tRNS"], ">u2")
        alpha = np.where((values == transparent).all(axis=-1), 0, 65_535).astype("uint16")
        values = np.dstack([values, alpha])
    return values


def _remove_filters(filtered, kinds):
    """Undo the filters of PNG rows (ISO/IEC 15948, section 9.2).

    A value depends on its neighbors at the left, above, and above left. So all values of a diagonal
    are computed at once.

    Args:
        filtered: uint8 `(height, width, bytes)`.
        kinds: uint8 `(height,)`, the filter of each row.
    """
    height, width, size = filtered.shape
    known = np.zeros((height + 1, width + 1, size), "uint8")
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        left = known[rows + 1, columns].astype("int16")
        above = known[rows, columns + 1].astype("int16")
        corner = known[rows, columns].astype("int16")
        kind = kinds[rows][:, None]
        # The nearest of the three to left + above - corner, by Paeth.
        to_left, to_above = np.abs(above - corner), np.abs(left - corner)
        to_corner = np.abs(left + above - 2 * corner)
        paeth = np.where(
            (to_left <= to_above) & (to_left <= to_corner),
            left,
            np.where(to_above <= to_corner, above, corner),
        )
        guesses = [0, left, above, (left + above) // 2, paeth]
        guess = np.select([kind == index for index in range(5)], guesses)
        known[rows + 1, columns + 1] = filtered[rows, columns] + guess.astype("uint8")
    return np.ascontiguousarray(known[1:, 1:])


def write_16_bits(
    path: pathlib.Path,
    pixels: np.ndarray,
    format: str,
    icc_profile: bytes | None = None,
    exif: bytes | None = None,
) -> None:
    """Write a PNG or TIFF file with 16 bits per channel.

    Args:
        path: file to write.
        pixels: uint16 `(height, width, channels)`, 1 to 4 channels.
        format: `"PNG"` or `"TIFF"`.
        icc_profile: bytes. Color profile, or None.
        exif: bytes. EXIF data, or None. TIFF files keep its texts and date.

    Raises:
        ValueError: If a library is missing.
    """
    if format == "PNG":
        path.write_bytes(_encode_png(pixels, icc_profile, exif))
        return
    texts = describing_tags(exif)
    channels = pixels.shape[-1]
    if channels == 1:
        options = {"icc_profile": icc_profile, "tiffinfo": texts}
        options = {name: value for name, value in options.items() if value}
        image = Image.fromarray(pixels[..., 0])
        image.save(path, "TIFF", compression="tiff_adobe_deflate", **options)
        return
    if channels == 2:  # Few programs read gray with opacity.
        pixels = np.dstack([pixels[..., :1]] * 3 + [pixels[..., 1:]])
    try:
        import tifffile
    except ImportError:
        raise ValueError(
            "Color TIFF files of 16 bits need tifffile. Install `keras-ganzoo[photos]`."
        ) from None
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb",
        planarconfig="contig",
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        iccprofile=icc_profile,
        extratags=[(tag, "s", 0, text, True) for tag, text in texts.items()],
        software=False,
        metadata=None,
    )


def describing_tags(exif: bytes | None) -> dict[int, str]:
    """Return the texts of EXIF data that TIFF files can hold, by the number of their tag."""
    found = Image.Exif()
    with contextlib.suppress(Exception):  # EXIF data is often damaged.
        found.load(exif or b"")
    return {tag: str(found[tag]) for tag in _TEXTS if tag in found}


def _encode_png(pixels, icc_profile, exif):
    height, width, channels = pixels.shape
    values = pixels.astype(">u2").view("uint8").reshape(height, width, 2 * channels)
    # Filter 1 stores the difference to the pixel at the left.
    filtered = values.copy()
    filtered[:, 1:] -= values[:, :-1]
    rows = np.ones((height, 1 + 2 * channels * width), "uint8")
    rows[:, 1:] = filtered.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOR_TYPES[channels], 0, 0, 0)
    parts = [_PNG_START, _chunk(b"IHDR", header)]
    if icc_profile:
        parts.append(_chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc_profile)))
    if exif:
        parts.append(_chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    parts += [_chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)), _chunk(b"IEND", b"")]
    return b"".join(parts)


def _chunk(kind, data):
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
