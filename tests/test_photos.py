"""Image files of people, as they are read, upscaled and written."""

import io
import os
import struct

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from ganzoo import photos
from ganzoo.photos import Photo

# 5 wide and 4 high, so that a swapped axis shows.
GRAY = np.random.default_rng(0).integers(0, 256, (4, 5), "uint8")
RGB = np.random.default_rng(1).integers(0, 256, (4, 5, 3), "uint8")
ALPHA = np.random.default_rng(2).integers(0, 256, (4, 5), "uint8")
DEEP = np.random.default_rng(3).integers(0, 65_536, (4, 5), "uint16")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# The header alone: nothing here looks further.
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]


def save(path, pixels, mode=None, **options):
    """Writes an array by Pillow alone."""
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def repeat(pixels, scale=2):
    """The least function that upscales."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def load(path):
    """What Pillow reads: mode and channels."""
    with Image.open(path) as image:
        return image.mode, np.asarray(image)


# What is read.


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp", "A.PNG"])
def test_rgb_is_read_as_it_is(name, tmp_path):
    options = {"lossless": True} if name.endswith("webp") else {}
    photo = photos.read_photo(save(tmp_path / name, RGB, **options))
    np.testing.assert_array_equal(photo.pixels, RGB)
    assert photo.pixels.dtype == "uint8"
    assert (photo.alpha, photo.icc_profile, photo.exif) == (None, None, None)


def test_a_jpeg_is_what_pillow_makes_of_it(tmp_path):
    path = save(tmp_path / "a.jpg", RGB)
    np.testing.assert_array_equal(photos.read_photo(str(path)).pixels, load(path)[1])


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif"])
def test_gray_stays_gray(name, tmp_path):
    photo = photos.read_photo(save(tmp_path / name, GRAY))
    np.testing.assert_array_equal(photo.pixels, GRAY[..., None])
    assert photo.alpha is None


def test_one_bit_becomes_gray(tmp_path):
    photo = photos.read_photo(save(tmp_path / "a.png", GRAY > 99))
    np.testing.assert_array_equal(photo.pixels[..., 0], np.where(GRAY > 99, 255, 0))


@pytest.mark.parametrize("pixels", [GRAY[..., None], RGB], ids=["gray", "rgb"])
def test_alpha_is_read_beside_the_colours(pixels, tmp_path):
    photo = photos.read_photo(save(tmp_path / "a.png", np.dstack([pixels, ALPHA])))
    np.testing.assert_array_equal(photo.pixels, pixels)
    np.testing.assert_array_equal(photo.alpha, ALPHA)


def test_one_gray_that_is_transparent_becomes_alpha(tmp_path):
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
    colours = np.array([[10, 20, 30], [200, 100, 50], [0, 255, 7]])
    indices = np.array([[0, 1, 2], [2, 1, 0]])
    seen = indices != 2 if transparent else np.full((2, 3), True)
    np.testing.assert_array_equal(photo.pixels[seen], colours[indices][seen])
    if transparent:
        np.testing.assert_array_equal(photo.alpha, np.where(indices == 2, 0, 255))
    else:
        assert photo.alpha is None


@pytest.mark.parametrize(
    ("name", "dtype"), [("a.png", "uint16"), ("a.tif", "uint16"), ("a.tif", "int32")]
)
def test_16_bits_are_scaled_to_8_and_not_clipped(name, dtype, tmp_path):
    photo = photos.read_photo(save(tmp_path / name, DEEP.astype(dtype)))
    # 65535 = 257 * 255, in whole numbers rounded to the nearest.
    np.testing.assert_array_equal(photo.pixels[..., 0], (DEEP.astype(int) + 128) // 257)
    assert photo.pixels.dtype == "uint8"
    assert photo.pixels.max() > photo.pixels.min() + 100


def test_one_gray_of_16_bits_that_is_transparent_becomes_alpha(tmp_path):
    deep = np.array([[300, 301], [60_000, 300]], "uint16")
    photo = photos.read_photo(save(tmp_path / "a.png", deep, transparency=300))
    np.testing.assert_array_equal(photo.alpha, [[0, 255], [255, 0]])
    np.testing.assert_array_equal(photo.pixels[..., 0], [[1, 1], [233, 1]])


@pytest.mark.parametrize("values", [[[0.5]], [[70_000]], [[-1]]])
def test_values_of_unknown_range_are_refused(values, tmp_path):
    dtype = "float32" if values == [[0.5]] else "int32"
    path = save(tmp_path / "a.tif", np.array(values, dtype))
    with pytest.raises(ValueError, match=r"a\.tif: .*unknown range"):
        photos.read_photo(path)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_other_modes_become_rgb_as_by_pillow(mode, tmp_path):
    photo = photos.read_photo(save(tmp_path / "a.tif", RGB, mode))
    expected = Image.fromarray(RGB).convert(mode).convert("RGB")
    np.testing.assert_array_equal(photo.pixels, np.asarray(expected))


def make_cmyk_profile():
    """A colour profile by which lightness falls with black ink, and other inks are unseen."""
    white, black = bytes([255, 128, 128]), bytes([0, 128, 128])  # L*, a* and b*.
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


def test_inks_become_colours_by_their_profile(tmp_path):
    black = np.array([[0, 30, 90], [120, 150, 200]], "uint8")
    inks = np.dstack([np.random.default_rng(5).integers(0, 256, (2, 3, 3), "uint8"), black])
    image = Image.frombytes("CMYK", (3, 2), inks.tobytes())
    image.save(tmp_path / "a.tif", icc_profile=make_cmyk_profile())
    photo = photos.read_photo(tmp_path / "a.tif")
    # From CIE lightness over luminance to sRGB, all above the linear parts.
    luminance = ((100 * (1 - black / 255) + 16) / 116) ** 3
    expected = 255 * (1.055 * luminance ** (1 / 2.4) - 0.055)
    assert np.abs(photo.pixels - expected[..., None]).max() <= 2
    assert photo.icc_profile is None


def test_inks_with_a_broken_profile_become_colours_all_the_same(tmp_path):
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


@pytest.mark.parametrize("kind", ["jpg", "webp", "png"])
def test_date_and_author_stay_and_what_upscaling_makes_untrue_goes(kind, tmp_path):
    base = ExifTags.Base
    exif = Image.Exif()
    exif[base.Orientation] = 6
    exif[base.Artist] = "Ada"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[base.DateTimeOriginal] = "2020:02:03 04:05:06"
    details[base.ExifImageWidth] = 5
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    source = save(tmp_path / f"a.{kind}", RGB, exif=exif)
    target = tmp_path / f"b.{kind}"
    photos.upscale_file(source, target, repeat, 2)
    with Image.open(target) as image:
        assert image.size == (8, 10)
        found = image.getexif()
        assert base.Orientation not in found
        assert found[base.Artist] == "Ada"
        details = found.get_ifd(ExifTags.IFD.Exif)
        assert details == {base.DateTimeOriginal: "2020:02:03 04:05:06"}
        assert found.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 9])
def test_broken_exif_is_no_broken_image(exif, tmp_path):
    path = save(tmp_path / "a.png", RGB, exif=exif)
    photo = photos.read_photo(path)
    np.testing.assert_array_equal(photo.pixels, RGB)
    assert photo.exif is None


def test_of_an_animation_the_first_image_is_read(tmp_path):
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
def test_what_cannot_be_read_is_one_line_that_names_the_file(content, reason, tmp_path, recwarn):
    path = tmp_path / "photo.png"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(ValueError, match=reason) as caught:
        photos.read_photo(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    assert not recwarn.list


@pytest.mark.parametrize("limit", [5, 15])  # 20 pixels: an error of Pillow, and a warning.
def test_decompression_bombs_are_refused(limit, tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", RGB)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(ValueError, match=rf"a\.png: has more than {limit} pixels"):
        photos.read_photo(path)


# What is made of it.


def test_alpha_is_upscaled_as_by_bicubic_and_the_rest_is_kept():
    seen = []

    def upscale(pixels):
        seen.append(pixels)
        return repeat(pixels)

    opaque = np.maximum(ALPHA, 1)
    photo = Photo(RGB, opaque, SRGB, b"Exif\0\0")
    larger = photos.upscale_photo(photo, upscale, 2)
    np.testing.assert_array_equal(seen[0], RGB)
    np.testing.assert_array_equal(larger.pixels, np.kron(RGB, np.ones((2, 2, 1), "uint8")))
    bicubic = Image.fromarray(opaque).resize((10, 8), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(larger.alpha, np.asarray(bicubic))
    assert (larger.icc_profile, larger.exif) == (SRGB, b"Exif\0\0")


@pytest.mark.parametrize("size", [(64, 64), (7, 300), (33, 2), (1, 2)])
@pytest.mark.parametrize("colour", [(200, 30, 90), (250,)])
def test_colours_of_transparent_pixels_leave_no_fringe(size, colour):
    # One opaque pixel in a corner of a black, transparent image: what else is there is unseen.
    pixels = np.zeros((*size, len(colour)), "uint8")
    alpha = np.zeros(size, "uint8")
    pixels[-1, -1] = colour
    alpha[-1, -1] = 255
    given = []
    larger = photos.upscale_photo(Photo(pixels, alpha), lambda p: given.append(p) or repeat(p), 2)
    # What is left is the rounding of every coarser image; black would be 250 away.
    assert np.abs(given[0].astype(int) - colour).max() <= 12
    assert larger.pixels.shape == (2 * size[0], 2 * size[1], len(colour))
    assert larger.alpha[0, 0] < 255


def test_pixels_that_are_seen_keep_their_colours():
    alpha = np.where(ALPHA < 128, 0, ALPHA).astype("uint8")
    given = []
    photos.upscale_photo(Photo(RGB, alpha), lambda p: given.append(p) or repeat(p), 2)
    np.testing.assert_array_equal(given[0][alpha > 0], RGB[alpha > 0])
    assert np.any(given[0][alpha == 0] != RGB[alpha == 0])


def test_an_image_of_which_nothing_is_seen_is_upscaled():
    larger = photos.upscale_photo(Photo(RGB, np.zeros((4, 5), "uint8")), repeat, 2)
    assert larger.pixels.shape == (8, 10, 3)
    assert not larger.alpha.any()


# What is written.


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "transparent"])
@pytest.mark.parametrize("pixels", [GRAY[..., None], RGB], ids=["gray", "rgb"])
def test_a_png_holds_the_photo_exactly(pixels, alpha, tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    photos.write_photo(path, Photo(pixels, alpha))
    mode, written = load(path)
    assert mode == ("L" if pixels is not RGB else "RGB") + ("" if alpha is None else "A")
    expected = pixels if alpha is None else np.dstack([pixels, alpha])
    np.testing.assert_array_equal(written, np.squeeze(expected))
    assert [entry.name for entry in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "transparent"])
@pytest.mark.parametrize("pixels", [GRAY[..., None], RGB], ids=["gray", "rgb"])
def test_a_webp_loses_nothing_that_is_seen(pixels, alpha, tmp_path):
    photos.write_photo(tmp_path / "a.webp", Photo(pixels, alpha))
    mode, written = load(tmp_path / "a.webp")
    assert mode == ("RGB" if alpha is None else "RGBA")
    seen = np.full((4, 5), True) if alpha is None else alpha > 0
    np.testing.assert_array_equal(written[seen][:, :3], np.broadcast_to(pixels, RGB.shape)[seen])
    if alpha is not None:
        np.testing.assert_array_equal(written[..., 3], alpha)


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "A.JPG"])
def test_a_jpeg_keeps_fine_colours(name, tmp_path):
    # Red and blue columns, which half the colour resolution would mix.
    pixels = np.zeros((16, 16, 3), "uint8")
    pixels[:, ::2, 0] = pixels[:, 1::2, 2] = 255
    photos.write_photo(tmp_path / name, Photo(pixels))
    with Image.open(tmp_path / name) as image:
        assert image.format == "JPEG"
        # Horizontal and vertical sampling of the components: all alike.
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}
        assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 8


def test_a_gray_jpeg_is_gray(tmp_path):
    photos.write_photo(tmp_path / "a.jpg", Photo(GRAY[..., None]))
    mode, written = load(tmp_path / "a.jpg")
    assert mode == "L"
    assert np.abs(written.astype(int) - GRAY).mean() < 8


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_the_colour_profile_is_kept_from_file_to_file(kind, tmp_path):
    source = save(tmp_path / f"a.{kind}", RGB, icc_profile=SRGB)
    photos.upscale_file(source, tmp_path / f"b.{kind}", repeat, 2)
    with Image.open(tmp_path / f"b.{kind}") as image:
        assert image.info["icc_profile"] == SRGB


@pytest.mark.parametrize(
    ("name", "pixels", "profile", "kept"),
    [
        ("a.png", GRAY[..., None], GRAY_PROFILE, True),
        ("a.jpg", GRAY[..., None], GRAY_PROFILE, True),
        ("a.webp", GRAY[..., None], GRAY_PROFILE, False),
        ("a.webp", GRAY[..., None], SRGB, True),
        ("a.png", GRAY[..., None], SRGB, False),
        ("a.png", RGB, GRAY_PROFILE, False),
        ("a.png", RGB, b"short", False),
    ],
)
def test_a_profile_of_another_colour_space_is_left_out(name, pixels, profile, kept, tmp_path):
    photos.write_photo(tmp_path / name, Photo(pixels, icc_profile=profile))
    with Image.open(tmp_path / name) as image:
        assert image.info.get("icc_profile") == (profile if kept else None)


def test_opaque_alpha_goes_into_a_jpeg_and_transparent_does_not(tmp_path):
    photos.write_photo(tmp_path / "a.jpg", Photo(RGB, np.full((4, 5), 255, "uint8")))
    assert load(tmp_path / "a.jpg")[0] == "RGB"
    with pytest.raises(ValueError, match=r"b\.jpg: JPEG files cannot be transparent"):
        photos.write_photo(tmp_path / "b.jpg", Photo(RGB, ALPHA))
    assert not (tmp_path / "b.jpg").exists()


def test_what_a_format_cannot_hold_is_refused_before_the_work(tmp_path):
    source = save(tmp_path / "a.webp", np.zeros((1, 9000), "uint8"))
    with pytest.raises(ValueError, match=r"b\.webp: WEBP files have sides of up to 16383"):
        photos.upscale_file(source, tmp_path / "b.webp", pytest.fail, 2)
    photos.upscale_file(source, tmp_path / "b.png", repeat, 2)
    assert load(tmp_path / "b.png")[1].shape == (2, 18_000, 3)


def test_other_formats_are_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"a\.gif.*\.png, \.jpg, \.jpeg, \.webp"):
        photos.write_photo(tmp_path / "a.gif", Photo(RGB))


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", GRAY)
    monkeypatch.setattr(os, "replace", lambda *_: pytest.fail("stopped here"))
    with pytest.raises(pytest.fail.Exception):
        photos.write_photo(path, Photo(RGB))
    np.testing.assert_array_equal(load(path)[1], GRAY)


# Which files there are.


def test_files_and_folders_are_found_each_once(tmp_path):
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "c.webp", ".hidden.png", "below/d.png", "notes.txt"):
        (folder / name).touch()
    (folder / "folder.png").mkdir()
    (tmp_path / "other").touch()
    found = photos.find_photos([folder / "c.webp", str(folder), tmp_path / "other"])
    assert found == [
        folder / "c.webp",
        folder / "a.png",
        folder / "b.JPG",
        tmp_path / "other",
    ]


def test_missing_paths_and_empty_folders_are_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"none\.png: there is no such file"):
        photos.find_photos([tmp_path / "none.png"])
    with pytest.raises(ValueError, match="holds no images"):
        photos.find_photos([tmp_path])


def test_results_are_named_after_their_sources(tmp_path):
    names = ["a.png", "b.JPG", "c.jpeg", "d.webp", "e.tif", "f.gif", "g", "h.x.png"]
    results = photos.name_results(names, tmp_path, 4)
    assert [str(source) for source, _ in results] == names
    assert [target.name for _, target in results] == [
        "a_x4.png",
        "b_x4.JPG",
        "c_x4.jpeg",
        "d_x4.webp",
        "e_x4.png",
        "f_x4.png",
        "g_x4.png",
        "h.x_x4.png",
    ]
    assert {target.parent for _, target in results} == {tmp_path}


def test_results_never_meet_each_other_or_a_source(tmp_path):
    with pytest.raises(ValueError, match=r"a/p\.png and b/p\.png would both become .*p_x2\.png"):
        photos.name_results(["a/p.png", "b/p.png"], tmp_path, 2)
    with pytest.raises(ValueError, match=r"p\.gif and p\.png would both become"):
        photos.name_results(["p.gif", "p.png"], tmp_path, 2)
    sources = [tmp_path / "p.png", tmp_path / "p_x2.png"]
    with pytest.raises(ValueError, match=r"p_x2\.png, which is to be upscaled itself"):
        photos.name_results(sources, tmp_path / "below" / "..", 2)
    assert len(photos.name_results(sources, tmp_path, 4)) == 2
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="not a folder"):
        photos.name_results(["p.png"], tmp_path / "file", 2)
