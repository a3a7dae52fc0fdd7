"""Folders of transparent images keep their transparency, and others are put on white."""

import warnings

import numpy as np
import pytest
from PIL import Image

from ganzoo import data, images


def make(mode, seed=0, size=(8, 8)):
    """Return an image with random colors whose lower half is transparent, if the mode has alpha."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, bands), "uint8")
    if mode in ("LA", "RGBA"):
        pixels[:4, :, -1], pixels[4:, :, -1] = 255, 0
    return Image.fromarray(pixels.squeeze(-1) if bands == 1 else pixels)


def write(folder, modes):
    folder.mkdir(exist_ok=True)
    for index, mode in enumerate(modes):
        make(mode, index).save(folder / f"{index}.png")
    return folder


def on_white(image):
    """Return the pixels of an image on white, as Pillow composes them."""
    image = image.convert("RGBA")
    background = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(background, image).convert("RGB"))


@pytest.mark.parametrize(
    ("modes", "channels"),
    [
        (["RGBA"] * 3, 4),
        (["LA"] * 3, 2),
        (["RGB"] * 3, 3),
        (["LA", "RGBA"], 4),
        (["RGBA", "RGBA", "RGB"], 4),
        (["LA", "LA", "RGB"], 4),
        (["RGBA", "L"], 4),
        (["RGBA", "RGB", "RGB"], 3),
        (["LA", "L", "L"], 1),
    ],
)
def test_most_images_decide_about_alpha_and_one_decides_about_colors(modes, channels, tmp_path):
    folder = write(tmp_path / "data", modes)
    kinds = {mode in ("LA", "RGBA") for mode in modes}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pixels = data.load_arrays(folder).pixels
    assert pixels.shape == (len(modes), 8, 8, channels)
    assert len(caught) == (len(kinds) > 1)
    for index, mode in enumerate(modes):
        shown = on_white(make(mode, index)).astype(int)
        found = images.convert_channels(pixels[index], 3).astype(int)
        assert np.abs(found - shown).max() <= 1


def test_a_mixed_folder_is_named_with_its_numbers(tmp_path):
    folder = write(tmp_path / "data", ["RGBA", "RGBA", "RGB"])
    with pytest.warns(UserWarning, match=r"1 of 3 images are opaque\. All get alpha.*--no-alpha"):
        assert (data.load_arrays(folder).pixels[2, ..., 3] == 255).all()
    folder = write(tmp_path / "more", ["RGBA", "RGB", "RGB"])
    with pytest.warns(UserWarning, match="1 of 3 images are transparent, and are put on white"):
        data.load_arrays(folder)


def test_alpha_can_be_asked_for_and_refused(tmp_path):
    folder = write(tmp_path / "data", ["RGBA", "RGBA", "RGB"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        white = data.load_arrays(folder, alpha=False).pixels
        clear = data.load_arrays(folder, alpha=True).pixels
    assert np.abs(white[0].astype(int) - on_white(make("RGBA"))).max() <= 1
    assert (clear[2, ..., 3] == 255).all()
    assert next(iter(data.load("sample", alpha=True, batch_size=2))).shape == (2, 28, 28, 2)


def test_files_with_alpha_that_are_opaque_are_opaque(tmp_path):
    for index in range(3):
        make("RGB", index).convert("RGBA").save(tmp_path / f"{index}.png")
    assert data.load_arrays(tmp_path).pixels.shape == (3, 8, 8, 3)


@pytest.mark.parametrize("image_size", [None, (6, 5)])
def test_colors_that_nobody_sees_do_not_matter(image_size, tmp_path):
    """Two folders differ only in the colors of fully transparent pixels."""
    loaded = []
    for name, hidden in (("black", 0), ("loud", 255)):
        pixels = np.array(make("RGBA"))
        pixels[4:, :, :3] = hidden
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "a.png")
        dataset = data.load(tmp_path / name, image_size=image_size, batch_size=1)
        loaded.append(next(iter(dataset)).numpy())
    np.testing.assert_array_equal(*loaded)
    # Premultiplied: transparent pixels are -1 in all channels.
    if image_size is None:
        assert (loaded[0][0, 4:] == -1).all()


def test_padding_of_transparent_images_is_transparent(tmp_path):
    make("RGBA", size=(8, 4)).save(tmp_path / "a.png")
    pixels = data.load_arrays(tmp_path, image_size=8, fit="pad").pixels
    assert (pixels[0, :, :2] == 0).all() and (pixels[0, :, 6:] == 0).all()
    opaque = data.load_arrays(tmp_path, image_size=8, fit="pad", alpha=False).pixels
    assert (opaque[0, :, :2] == 255).all()


@pytest.mark.parametrize("before", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("after", ["L", "LA", "RGB", "RGBA"])
def test_channels_are_converted_as_by_pillow(before, after):
    image = make(before)
    pixels = np.atleast_3d(np.asarray(image))
    keeps_alpha = before.endswith("A") <= after.endswith("A")
    seen = image if keeps_alpha else Image.fromarray(on_white(image))
    expected = np.atleast_3d(np.asarray(seen.convert(after)))
    found = images.convert_channels(pixels, expected.shape[-1])
    assert found.dtype == "uint8"
    assert np.abs(found.astype(int) - expected).max() <= 1
