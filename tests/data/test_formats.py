"""Images come to one size by cropping, padding or stretching, as Pillow does it."""

import numpy as np
import pytest
import tiny
from PIL import Image, ImageOps

import ganzoo
from ganzoo import data

SIZES = [(8, 12), (12, 8), (5, 5), (40, 56)]
CUBIC = Image.Resampling.BICUBIC


@pytest.fixture(scope="module")
def photo():
    """Return a smooth color image of 24 x 36."""
    rows, columns = np.mgrid[0:24, 0:36]
    waves = [np.sin(rows / 5), np.cos(columns / 7), np.sin((rows + columns) / 9)]
    return Image.fromarray(np.uint8(127 + 120 * np.stack(waves, axis=-1)))


def load(folder, photo, **kwargs):
    photo.save(folder / "a.png")
    return data.load_arrays(folder, **kwargs).pixels[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("fit", "reference"),
    [
        ("crop", lambda image, size: ImageOps.fit(image, size, CUBIC)),
        ("pad", lambda image, size: ImageOps.pad(image, size, CUBIC, "white")),
        ("stretch", lambda image, size: image.resize(size, CUBIC)),
    ],
)
def test_each_fit_is_that_of_pillow(fit, reference, size, photo, tmp_path):
    pixels = load(tmp_path, photo, image_size=size, fit=fit)
    expected = np.asarray(reference(photo, size[::-1]))
    assert pixels.shape == (*size, 3)
    # Pillow's crop starts between pixels, if half of the rest is no whole number.
    assert np.abs(pixels.astype(int) - expected).mean() < (3 if fit == "crop" else 0.01)


def test_a_number_is_the_side_of_a_square(photo, tmp_path):
    square = load(tmp_path, photo, image_size=8)
    np.testing.assert_array_equal(square, load(tmp_path, photo, image_size=(8, 8)))
    batch = next(iter(data.load(tmp_path, image_size=[6, 10], fit="pad", batch_size=1)))
    assert batch.shape == (1, 6, 10, 3)
    assert next(iter(data.load("sample", image_size=(14, 20), batch_size=2))).shape[1:3] == (14, 20)


def test_padding_adds_bars_and_stretching_keeps_all_colors(tmp_path):
    """The image is red on the left, green in the middle and blue on the right."""
    bars = np.zeros((4, 12, 3), "uint8")
    bars[:, :4, 0], bars[:, 4:8, 1], bars[:, 8:, 2] = 255, 255, 255
    image = Image.fromarray(bars)
    padded = load(tmp_path, image, image_size=(12, 12), fit="pad")
    np.testing.assert_array_equal(padded[4:8], bars)
    assert (padded[:4] == 255).all() and (padded[8:] == 255).all()
    cropped = load(tmp_path, image, image_size=(4, 4))
    assert (cropped == [0, 255, 0]).all()
    stretched = load(tmp_path, image, image_size=(12, 12), fit="stretch")
    np.testing.assert_array_equal(stretched[::4], bars[:3])


@pytest.mark.parametrize("size", [0, (0, 4), (4,), (4, 4, 3), "4x4", (2.5, 4), None])
def test_a_wrong_size_or_fit_gives_one_line(size, png_folder):
    if size is None:
        with pytest.raises(ValueError, match=r"^Unknown fit: 'pat'\. Did you mean 'pad'\?"):
            data.load(png_folder, fit="pat")
        return
    with pytest.raises(ValueError, match=r"^`image_size` must be an integer of .*pair") as caught:
        data.load(png_folder, image_size=size)
    assert "\n" not in str(caught.value)


def test_the_fit_belongs_to_the_fingerprint(png_folder):
    found = {
        fit: data.load_arrays(png_folder, image_size=(8, 4), fit=fit).fingerprint
        for fit in ("crop", "pad", "stretch")
    }
    assert len({str(fingerprint) for fingerprint in found.values()}) == 3
    assert found["pad"].describe() == "20 images of 8 x 4 x 1 (padded)"
    # Files of older versions do not name the fit.
    fields = {name: value for name, value in vars(found["crop"]).items() if name != "fit"}
    assert data.Fingerprint.from_fields(fields) == found["crop"]


def test_real_images_of_an_evaluation_come_to_their_size_like_those_of_the_training(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=12)
    for fit in ("crop", "pad"):
        loaded = data.load_arrays(folder, image_size=(8, 16), fit=fit)
        opened = ganzoo.evaluation.open_references(
            folder, (8, 16, 1), lambda pixels: pixels[:, 0, 0], trained_on=loaded.fingerprint
        )
        shown = {image.tobytes() for image in opened.images.pixels}
        assert shown <= {image.tobytes() for image in loaded.pixels}
