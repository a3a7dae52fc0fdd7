"""Test images with 16 bits per channel, in files."""

import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from pictures import SRGB, repeat
from PIL import ExifTags, Image

from ganzoo.images import deep, photos, upscaling, writers

RNG = np.random.default_rng(4)


def write_png(path, pixels, filters, extra=b""):
    """Write a PNG file of 16 bits with given row filters, as the specification says."""
    height, width, channels = pixels.shape
    size = 2 * channels
    rows = pixels.astype(">u2").view("uint8").reshape(height, -1).astype(int)
    packed = b""
    for y, kind in enumerate(filters):
        filtered = []
        for x in range(len(rows[y])):
            left = rows[y][x - size] if x >= size else 0
            above = rows[y - 1][x] if y else 0
            corner = rows[y - 1][x - size] if y and x >= size else 0
            nearest = min((left, above, corner), key=lambda v: abs(left + above - corner - v))
            guess = (0, left, above, (left + above) // 2, nearest)[kind]
            filtered.append((rows[y][x] - guess) % 256)
        packed += bytes([kind, *filtered])

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
    packed = zlib.compress(packed)
    content += chunk(b"IDAT", packed[:9]) + chunk(b"IDAT", packed[9:]) + chunk(b"IEND", b"")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_all_bits_of_a_png_are_read_with_every_row_filter(channels, tmp_path):
    pixels = RNG.integers(0, 65_536, (10, 7, channels), "uint16")
    path = write_png(tmp_path / "a.png", pixels, [0, 1, 2, 3, 4, 4, 3, 2, 1, 0])
    photo = photos.read_photo(path, full_depth=True)
    read = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    np.testing.assert_array_equal(read, pixels)
    # By default Pillow reads the upper bits.
    shallow = photos.read_photo(path)
    assert shallow.pixels.dtype == "uint8"
    np.testing.assert_array_equal(shallow.pixels[..., 0], pixels[..., 0] >> 8)


@pytest.mark.parametrize(
    ("kind", "channels"), [*(("png", n) for n in (1, 2, 3, 4)), *(("tif", n) for n in (1, 3, 4))]
)
def test_upscaling_keeps_all_bits_the_profile_and_the_author(channels, kind, tmp_path):
    """The pixels of the result are compared with those that another library reads."""
    pixels = RNG.integers(1, 65_536, (4, 5, channels), "uint16")
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Ada"
    source = tmp_path / f"a.{kind}"
    profile = SRGB if channels > 2 else None
    deep.write_16_bits(source, pixels, {"png": "PNG", "tif": "TIFF"}[kind], profile, exif.tobytes())
    target = tmp_path / f"b.{kind}"
    upscaling.upscale_file(source, target, repeat, 2)
    if kind == "tif":
        read = tifffile.imread(target)
    else:
        photo = photos.read_photo(target, full_depth=True)
        read = photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])
    np.testing.assert_array_equal(read.reshape(8, 10, channels), repeat(pixels))
    with Image.open(target) as image:
        assert image.getexif()[ExifTags.Base.Artist] == "Ada"
        assert image.info.get("icc_profile") == profile


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_images_are_turned_upright_like_others(orientation, tmp_path):
    pixels = RNG.integers(0, 256, (4, 5, 3), "uint16") * 257
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    deep.write_16_bits(tmp_path / "deep.png", pixels, "PNG", exif=exif.tobytes())
    Image.fromarray((pixels // 257).astype("uint8")).save(tmp_path / "plain.png", exif=exif)
    made = photos.read_photo(tmp_path / "deep.png", full_depth=True)
    plain = photos.read_photo(tmp_path / "plain.png").pixels
    np.testing.assert_array_equal(made.pixels, plain.astype("uint16") * 257)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "predictor": True}])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_tiff_files_of_other_programs_are_read_with_all_bits(options, planes, tmp_path):
    pixels = RNG.integers(0, 65_536, (6, 8, 3), "uint16")
    stored = pixels if planes == "contig" else np.moveaxis(pixels, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planes, **options)
    read = photos.read_photo(tmp_path / "a.tif", full_depth=True).pixels
    np.testing.assert_array_equal(read, pixels)


def test_a_jpeg_of_a_deep_image_has_8_bits(tmp_path):
    deep.write_16_bits(tmp_path / "a.png", np.full((4, 5, 3), 257 * 90, "uint16"), "PNG")
    photo = photos.read_photo(tmp_path / "a.png", full_depth=True)
    writers.write_photo(tmp_path / "a.jpg", photo)
    with Image.open(tmp_path / "a.jpg") as image:
        assert np.abs(np.asarray(image).astype(int) - 90).max() <= 1


@pytest.mark.parametrize("kind", ["avif", "bmp", "tif", "gif"])
def test_other_formats_are_kept(kind, tmp_path):
    pixels = np.full((16, 16, 3), 200, "uint8")
    pixels[:8] = 40
    Image.fromarray(pixels).save(tmp_path / f"a.{kind}", lossless=True)
    upscaling.upscale_file(tmp_path / f"a.{kind}", tmp_path / f"b.{kind}", repeat, 2)
    with Image.open(tmp_path / f"b.{kind}") as image:
        assert image.format == {"tif": "TIFF"}.get(kind, kind.upper())
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - repeat(pixels)).max() <= 8


def test_heic_files_become_png(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    content = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 48), (200, 90, 20))).save(content, quality=90)
    (tmp_path / "a.heic").write_bytes(content.getvalue())
    ((source, target),) = upscaling.name_results([tmp_path / "a.heic"], tmp_path, 2)
    assert target.name == "a_x2.png"
    upscaling.upscale_file(source, target, repeat, 2)
    with Image.open(target) as image:
        assert image.size == (128, 96)
        assert np.abs(np.asarray(image).astype(int) - (200, 90, 20)).max() < 8


@pytest.mark.parametrize("content", [b"P6 0 4 255\n", b"GIF89a" + bytes(7) + b";"])
def test_images_without_pixels_are_refused(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.png: (cannot be read|empty)"):
        photos.read_photo(tmp_path / "a.png")
