"""Test how image files of users are read."""

import io
import struct

import numpy as np
import pytest
from pictures import ALPHA, DEEP, GRAY, RGB, load, save
from PIL import ExifTags, Image

from ganzoo.images import photos


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp", "A.PNG"])
def test_rgb_pixels_are_read_unchanged(name, tmp_path):
    options = {"lossless": True} if name.endswith("webp") else {}
    photo = photos.read_photo(save(tmp_path / name, RGB, **options))
    np.testing.assert_array_equal(photo.pixels, RGB)
    assert photo.pixels.dtype == "uint8"
    assert (photo.alpha, photo.icc_profile, photo.exif) == (None, None, None)


def test_a_jpeg_is_decoded_as_pillow_does(tmp_path):
    path = save(tmp_path / "a.jpg", RGB)
    np.testing.assert_array_equal(photos.read_photo(str(path)).pixels, load(path)[1])


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_gray_stays_gray(name, tmp_path):
    photo = photos.read_photo(save(tmp_path / name, GRAY))
    np.testing.assert_array_equal(photo.pixels, GRAY[..., None])
    assert photo.alpha is None


def test_one_bit_images_become_gray(tmp_path):
    photo = photos.read_photo(save(tmp_path / "a.png", GRAY > 99))
    np.testing.assert_array_equal(photo.pixels[..., 0], np.where(GRAY > 99, 255, 0))


@pytest.mark.parametrize("pixels", [GRAY[..., None], RGB], ids=["gray", "rgb"])
def test_alpha_is_read_separately_from_the_colors(pixels, tmp_path):
    photo = photos.read_photo(save(tmp_path / "a.png", np.dstack([pixels, ALPHA])))
    np.testing.assert_array_equal(photo.pixels, pixels)
    np.testing.assert_array_equal(photo.alpha, ALPHA)


def test_a_transparent_gray_level_becomes_alpha(tmp_path):
    gray = np.array([[7, 8, 7], [9, 7, 200]], "uint8")
    photo = photos.read_photo(save(tmp_path / "a.png", gray, transparency=7))
    np.testing.assert_array_equal(photo.pixels[..., 0], gray)
    np.testing.assert_array_equal(photo.alpha, [[0, 255, 0], [255, 0, 255]])


@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("kind", ["png", "gif"])
def test_a_palette_becomes_rgb(kind, transparent, tmp_path):
    image = Image.new("P", (3, 2))
    image.putpalette([10, 20, 30, 200, 100, 50, 0, 255, 7])
    image.putdata([0, 1, 2, 2, 1, 0])
    image.save(tmp_path / f"a.{kind}", **({"transparency": 2} if transparent else {}))
    photo = photos.read_photo(tmp_path / f"a.{kind}")
    colors = np.array([[10, 20, 30], [200, 100, 50], [0, 255, 7]])
    indices = np.array([[0, 1, 2], [2, 1, 0]])
    seen = indices != 2 if transparent else np.full((2, 3), True)
    np.testing.assert_array_equal(photo.pixels[seen], colors[indices][seen])
    if transparent:
        np.testing.assert_array_equal(photo.alpha, np.where(indices == 2, 0, 255))
    else:
        assert photo.alpha is None


@pytest.mark.parametrize(
    ("name", "dtype"), [("a.png", "uint16"), ("a.tif", "uint16"), ("a.tif", "int32")]
)
def test_16_bits_are_scaled_to_8_and_not_clipped(name, dtype, tmp_path):
    photo = photos.read_photo(save(tmp_path / name, DEEP.astype(dtype)))
    # Divide by 257 = 65535 / 255, and round to the nearest integer.
    np.testing.assert_array_equal(photo.pixels[..., 0], (DEEP.astype(int) + 128) // 257)
    assert photo.pixels.dtype == "uint8"
    assert photo.pixels.max() > photo.pixels.min() + 100


def test_a_transparent_16_bit_gray_level_becomes_alpha(tmp_path):
    deep = np.array([[300, 301], [60_000, 300]], "uint16")
    photo = photos.read_photo(save(tmp_path / "a.png", deep, transparency=300))
    np.testing.assert_array_equal(photo.alpha, [[0, 255], [255, 0]])
    np.testing.assert_array_equal(photo.pixels[..., 0], [[1, 1], [233, 1]])


@pytest.mark.parametrize("name", ["a.tif", "a.pfm"])
def test_floats_from_0_to_1_are_scaled_to_8_bits(name, tmp_path):
    path = save(tmp_path / name, np.array([[0, 0.5], [0.25, 1]], "float32"))
    assert photos.read_photo(path).pixels[..., 0].tolist() == [[0, 128], [64, 255]]


@pytest.mark.parametrize("largest", [1, 255, 1023, 65_535])
def test_the_largest_value_of_a_portable_graymap_is_white(largest, tmp_path):
    values = np.array([0, largest // 2, largest], ">u2" if largest > 255 else "u1")
    (tmp_path / "a.pgm").write_bytes(b"P5 3 1 %d\n" % largest + values.tobytes())
    expected = np.rint(255 / largest * np.array([0, largest // 2, largest]))
    read = photos.read_photo(tmp_path / "a.pgm").pixels.ravel()
    assert np.abs(read - expected).max() <= 1  # Pillow rounds first.


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([[1.5]], "float32"), ([[70_000]], "int32"), ([[-1]], "int32"), ([[200]], "int32")],
    ids=["float", "above-16-bits", "negative", "8-bits-in-32"],
)
def test_values_of_unknown_range_are_refused(values, dtype, tmp_path):
    path = save(tmp_path / "a.tif", np.array(values, dtype))
    with pytest.raises(ValueError, match=r"a\.tif: .*unknown range"):
        photos.read_photo(path)


@pytest.mark.parametrize("kind", ["png", "gif", "tif"])
def test_a_palette_of_grays_is_gray(kind, tmp_path):
    image = Image.new("P", (3, 1))
    image.putpalette([7, 7, 7, 200, 200, 200, 255, 0, 255])
    image.putdata([0, 1, 0])
    image.save(tmp_path / f"a.{kind}")
    assert photos.read_photo(tmp_path / f"a.{kind}").pixels.tolist() == [[[7], [200], [7]]]
    image.putdata([0, 1, 2])
    image.save(tmp_path / "b.png", transparency=2)  # The only other color cannot be seen.
    photo = photos.read_photo(tmp_path / "b.png")
    assert photo.pixels[0, :2].tolist() == [[7], [200]]
    assert photos.flatten(photo).tolist() == [[[7], [200], [255]]]


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_a_flattened_photo_shows_no_color_of_transparent_pixels(name, tmp_path):
    pixels = np.dstack([RGB, np.array([[0, 51, 255, 0, 0]] * 4, "uint8")])
    options = {"lossless": True} if name.endswith("webp") else {}
    seen = photos.flatten(photos.read_photo(save(tmp_path / name, pixels, **options)))
    assert (seen[:, [0, 3, 4]] == 255).all()
    np.testing.assert_array_equal(seen[:, 2], RGB[:, 2])
    # A fifth of the color lies on white.
    np.testing.assert_array_equal(seen[:, 1], np.rint(0.2 * RGB[:, 1] + 0.8 * 255))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_modes_become_rgb_as_pillow_converts_them(mode, tmp_path):
    photo = photos.read_photo(save(tmp_path / "a.tif", RGB, mode))
    expected = Image.fromarray(RGB).convert(mode).convert("RGB")
    np.testing.assert_array_equal(photo.pixels, np.asarray(expected))


def make_cmyk_profile():
    """Return a color profile: black ink lowers the lightness, and other inks are invisible."""
    white, black = bytes([255, 128, 128]), bytes([0, 128, 128])  # The bytes are L*, a* and b*.
    same = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65_536 * one for one in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table += 4 * same + 2**3 * (white + black) + 3 * same
    header = struct.pack(
        ">8xI4s4s4s12x4s28x3i",
        0x02100000,
        b"prtr",
        b"CMYK",
        b"Lab ",
        b"acsp",
        63_190,
        65_536,
        54_061,
    )
    body = header[4:].ljust(124, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(table)) + table
    return struct.pack(">I", len(body) + 4) + body


def test_cmyk_is_converted_with_its_color_profile(tmp_path):
    black = np.array([[0, 30, 90], [120, 150, 200]], "uint8")
    inks = np.dstack([np.random.default_rng(5).integers(0, 256, (2, 3, 3), "uint8"), black])
    image = Image.frombytes("CMYK", (3, 2), inks.tobytes())
    image.save(tmp_path / "a.tif", icc_profile=make_cmyk_profile())
    photo = photos.read_photo(tmp_path / "a.tif")
    # Convert CIE lightness to luminance, then to sRGB. All values are above the linear parts.
    luminance = ((100 * (1 - black / 255) + 16) / 116) ** 3
    expected = 255 * (1.055 * luminance ** (1 / 2.4) - 0.055)
    assert np.abs(photo.pixels - expected[..., None]).max() <= 2
    assert photo.icc_profile is None


def test_cmyk_with_a_broken_color_profile_is_converted_without_it(tmp_path):
    inks = Image.fromarray(RGB).convert("CMYK")
    inks.save(tmp_path / "a.tif", icc_profile=b"no profile" * 20)
    photo = photos.read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels, np.asarray(inks.convert("RGB")))


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["png", "tif"])
def test_a_photo_is_turned_upright(orientation, kind, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    photo = photos.read_photo(save(tmp_path / f"a.{kind}", RGB, exif=exif))
    np.testing.assert_array_equal(photo.pixels, UPRIGHT[orientation](RGB))


@pytest.mark.parametrize("pixels", [DEEP, np.dstack([RGB, ALPHA]), GRAY > 99])
def test_every_mode_is_turned_upright(pixels, tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = photos.read_photo(save(tmp_path / "turned.png", pixels, exif=exif))
    plain = photos.read_photo(save(tmp_path / "plain.png", pixels))
    np.testing.assert_array_equal(turned.pixels, np.rot90(plain.pixels, -1))
    if plain.alpha is not None:
        np.testing.assert_array_equal(turned.alpha, np.rot90(plain.alpha, -1))


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 9])
def test_images_with_broken_exif_are_read(exif, tmp_path):
    path = save(tmp_path / "a.png", RGB, exif=exif)
    photo = photos.read_photo(path)
    np.testing.assert_array_equal(photo.pixels, RGB)
    assert photo.exif is None


def test_the_first_image_of_an_animation_is_read(tmp_path):
    frames = [Image.fromarray(np.full((4, 5), value, "uint8")) for value in (40, 90, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.all(photos.read_photo(tmp_path / "a.gif").pixels == 40)


def png_bytes(pixels=RGB):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def jpeg_bytes():
    content = io.BytesIO()
    Image.fromarray(RGB.repeat(20, 0).repeat(20, 1)).save(content, "JPEG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty, or not an image"),
        (b"Dear Ada,\nall is well.", "empty, or not an image"),
        (png_bytes()[:60], "cannot be read"),
        (png_bytes()[:-30], "cannot be read"),
        (png_bytes().replace(b"IDAT", b"IDAT\xff\xff"), "cannot be read"),
        (jpeg_bytes()[:-600], "cannot be read"),
        (b"GIF89a", "empty, or not an image"),
        (None, "cannot be read"),
    ],
    ids=["empty", "text", "cut", "cut-late", "damaged", "jpeg-cut", "gif-header", "folder"],
)
def test_the_error_for_an_unreadable_file_is_one_line_that_names_it(
    content, reason, tmp_path, recwarn
):
    path = tmp_path / "photo.png"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        photos.read_photo(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert not recwarn.list


# The photo has 20 pixels. Pillow raises an error above twice its limit, and warns above the limit.
@pytest.mark.parametrize("limit", [5, 15], ids=["error", "warning"])
def test_decompression_bombs_are_refused(limit, tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", RGB)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=rf"a\.png: has more than {limit} pixels"):
        photos.read_photo(path)
