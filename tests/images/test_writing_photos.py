"""Test the files that photos are written to, in each format."""

import os

import numpy as np
import pytest
from pictures import ALPHA, GRAY, GRAY_PROFILE, RGB, SRGB, load, repeat, save
from PIL import Image

from ganzoo.images import upscaling, writers
from ganzoo.images.photos import Photo


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "transparent"])
@pytest.mark.parametrize("pixels", [GRAY[..., None], RGB], ids=["gray", "rgb"])
def test_a_png_holds_the_photo_exactly(pixels, alpha, tmp_path):
    path = tmp_path / "new" / "folder" / "a.png"
    writers.write_photo(path, Photo(pixels, alpha))
    mode, written = load(path)
    assert mode == ("L" if pixels is not RGB else "RGB") + ("" if alpha is None else "A")
    expected = pixels if alpha is None else np.dstack([pixels, alpha])
    np.testing.assert_array_equal(written, np.squeeze(expected))
    assert [entry.name for entry in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("alpha", [None, ALPHA], ids=["opaque", "transparent"])
@pytest.mark.parametrize("pixels", [GRAY[..., None], RGB], ids=["gray", "rgb"])
def test_a_webp_keeps_visible_pixels_exactly(pixels, alpha, tmp_path):
    writers.write_photo(tmp_path / "a.webp", Photo(pixels, alpha))
    mode, written = load(tmp_path / "a.webp")
    assert mode == ("RGB" if alpha is None else "RGBA")
    seen = np.full((4, 5), True) if alpha is None else alpha > 0
    np.testing.assert_array_equal(written[seen][:, :3], np.broadcast_to(pixels, RGB.shape)[seen])
    if alpha is not None:
        np.testing.assert_array_equal(written[..., 3], alpha)


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "A.JPG"])
def test_a_jpeg_keeps_the_full_color_resolution(name, tmp_path):
    # Half the color resolution would mix these red and blue columns.
    pixels = np.zeros((16, 16, 3), "uint8")
    pixels[:, ::2, 0] = pixels[:, 1::2, 2] = 255
    writers.write_photo(tmp_path / name, Photo(pixels))
    with Image.open(tmp_path / name) as image:
        assert image.format == "JPEG"
        # All components have the same horizontal and vertical sampling.
        assert {layer[1:3] for layer in image.layer} == {(1, 1)}
        assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 8


def test_a_gray_jpeg_is_gray(tmp_path):
    writers.write_photo(tmp_path / "a.jpg", Photo(GRAY[..., None]))
    mode, written = load(tmp_path / "a.jpg")
    assert mode == "L"
    assert np.abs(written.astype(int) - GRAY).mean() < 8


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_upscaling_keeps_the_color_profile(kind, tmp_path):
    source = save(tmp_path / f"a.{kind}", RGB, icc_profile=SRGB)
    upscaling.upscale_file(source, tmp_path / f"b.{kind}", repeat, 2)
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
def test_profiles_of_another_color_space_are_omitted(name, pixels, profile, kept, tmp_path):
    writers.write_photo(tmp_path / name, Photo(pixels, icc_profile=profile))
    with Image.open(tmp_path / name) as image:
        assert image.info.get("icc_profile") == (profile if kept else None)


def test_a_jpeg_accepts_opaque_alpha_and_refuses_transparency(tmp_path):
    writers.write_photo(tmp_path / "a.jpg", Photo(RGB, np.full((4, 5), 255, "uint8")))
    assert load(tmp_path / "a.jpg")[0] == "RGB"
    with pytest.raises(ValueError, match=r"b\.jpg: JPEG files cannot be transparent"):
        writers.write_photo(tmp_path / "b.jpg", Photo(RGB, ALPHA))
    assert not (tmp_path / "b.jpg").exists()


def test_images_too_large_for_the_format_are_refused_before_upscaling(tmp_path):
    source = save(tmp_path / "a.webp", np.zeros((1, 9000), "uint8"))
    with pytest.raises(ValueError, match=r"b\.webp: WEBP files have sides of up to 16383"):
        upscaling.upscale_file(source, tmp_path / "b.webp", pytest.fail, 2)
    upscaling.upscale_file(source, tmp_path / "b.png", repeat, 2)
    assert load(tmp_path / "b.png")[1].shape == (2, 18_000, 3)


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.tga.*\.png, \.jpg, \.jpeg, \.webp"):
        writers.write_photo(tmp_path / "a.tga", Photo(RGB))


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", GRAY)
    monkeypatch.setattr(os, "replace", lambda *_: pytest.fail("stopped here"))
    with pytest.raises(pytest.fail.Exception):
        writers.write_photo(path, Photo(RGB))
    np.testing.assert_array_equal(load(path)[1], GRAY)
