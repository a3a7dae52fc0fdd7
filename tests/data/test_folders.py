"""Test which files of a folder are read, as which class, and what is said of the others."""

import os
import pathlib
import shutil
import warnings

import numpy as np
import pytest
import tiny
from PIL import Image

from ganzoo import data
from ganzoo.data import folders


def write(path, level=0, size=(8, 8)):
    """Write an image of one gray level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, level, "uint8")).save(path)
    return path


def levels(image_data):
    return image_data.pixels[:, 0, 0, 0].tolist()


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        ([str(number) for number in range(12)], [str(number) for number in range(12)]),
        (["class10", "class2", "class1"], ["class1", "class2", "class10"]),
        (["010", "9", "1"], ["1", "9", "010"]),
        (["0.5", "-1", "0.25", "10"], ["-1", "0.25", "0.5", "10"]),
        (["b2c10", "b2c9", "b10", "a"], ["a", "b2c9", "b2c10", "b10"]),
        (["10 cats", "9 dogs", "birds"], ["9 dogs", "10 cats", "birds"]),
    ],
)
def test_classes_are_in_natural_order(names, ordered, tmp_path):
    for name in names:
        write(tmp_path / name / "a.png", level=ordered.index(name))
    found = data.load_arrays(tmp_path)
    assert found.class_names == ordered
    assert levels(found) == found.labels.tolist() == list(range(len(names)))
    loaded = data.load(tmp_path, batch_size=1, labels=True)
    assert loaded.class_names == ordered
    assert found.take(slice(1)).class_names == ordered


def test_links_to_folders_and_files_are_followed(tmp_path):
    write(tmp_path / "data" / "dogs" / "1.png", 1)
    write(tmp_path / "elsewhere" / "cats" / "below" / "2.png", 2)
    write(tmp_path / "elsewhere" / "3.png", 3)
    (tmp_path / "data" / "cats").symlink_to(tmp_path / "elsewhere" / "cats")
    (tmp_path / "data" / "dogs" / "3.png").symlink_to("../../elsewhere/3.png")
    (tmp_path / "link").symlink_to("data")
    for folder in (tmp_path / "data", tmp_path / "link"):
        found = data.load_arrays(folder)
        assert (found.class_names, found.labels.tolist()) == (["cats", "dogs"], [0, 1, 1])
        assert levels(found) == [2, 1, 3]


@pytest.mark.parametrize("target", [".", "..", "../../data", "../cats"])
def test_a_link_that_leads_back_is_refused(target, tmp_path):
    write(tmp_path / "data" / "cats" / "a.png")
    (tmp_path / "data" / "cats" / "loop").symlink_to(target)
    with pytest.raises(ValueError, match=r"cats/loop' is a link to .*, which contains it\. Remove"):
        data.load_arrays(tmp_path / "data")


def test_files_that_are_left_out_are_counted_and_named(tmp_path):
    for name in ("cats/1.png", "cats/2.png", "dogs/1.JPG", "preview.png", "old.bmp"):
        write(tmp_path / name)
    (tmp_path / "birds").mkdir()
    (tmp_path / "dogs" / "3.png").symlink_to("nowhere.png")
    for name in ("notes.txt", "dogs/2.cr2"):
        (tmp_path / name).touch()
    with pytest.warns(UserWarning, match="left out") as caught:
        found = data.load_arrays(tmp_path)
    assert str(caught[0].message) == (
        f"{str(tmp_path)!r}: left out images beside the class folders (2: old.bmp, preview.png), "
        "files that are not read as images (2: dogs/2.cr2, notes.txt), links to nothing "
        "(1: dogs/3.png), folders without images (1: birds)."
    )
    assert found.class_names == ["cats", "dogs"]
    assert found.labels.tolist() == [0, 0, 1]
    with pytest.warns(UserWarning, match="left out files"):
        everything = data.load_arrays(tmp_path, labels=False)
    assert (len(everything.pixels), everything.labels) == (5, None)


def test_files_of_other_programs_are_skipped_without_a_word(tmp_path):
    names = ["Thumbs.db", "desktop.ini", ".DS_Store", "cats/._1.png", "@eaDir/1.png"]
    names += ["__MACOSX/cats/1.png", ".ipynb_checkpoints/1.png", "cats/.thumbnails/1.png"]
    for name in ["cats/1.png", *names]:
        write(tmp_path / f"{name}.png").rename(tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = data.load_arrays(tmp_path)
    assert (len(found.pixels), found.class_names) == (1, ["cats"])


def test_files_of_common_formats_are_read(tmp_path):
    suffixes = [".JPG", ".jpeg", ".jfif", ".webp", ".bmp", ".TIF", ".tiff", ".gif", ".ppm", ".tga"]
    for suffix in suffixes:
        write(tmp_path / f"a{suffix}", 200)
    pixels = data.load_arrays(tmp_path).pixels
    assert len(pixels) == len(suffixes)
    assert np.abs(pixels.astype(int) - 200).max() <= 2


@pytest.mark.parametrize("name", ["日" * 75 + ".png", os.fsdecode(b"caf\xe9.png"), "a\nb.png"])
def test_names_of_any_bytes_are_read_and_named(name, tmp_path):
    write(tmp_path / name[:9] / name, 5, size=(40, 40))
    assert levels(data.load_arrays(tmp_path)) == [5]
    crops = data.load_crops(tmp_path, crop_size=32, batch_size=4)
    np.testing.assert_allclose(next(iter(crops)), 5 / 127.5 - 1, rtol=1e-6)
    (class_name,) = data.load_arrays(tmp_path).class_names
    class_name.encode()  # It can be printed.
    (tmp_path / name[:9] / name).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"1 of 1 images .*\.png\. Repair") as caught:
        data.load_arrays(tmp_path)
    assert "\n" not in str(caught.value)


def test_images_of_all_modes_come_to_one_number_of_channels(tmp_path):
    """A gray image, a palette, transparency and 16 bits beside a color image."""
    write(tmp_path / "1.png", 100)
    write(tmp_path / "2.gif", 100)
    rgba = np.full((8, 8, 4), 100, "uint8")
    Image.fromarray(rgba[..., :3]).quantize(2).save(tmp_path / "3.png")
    Image.fromarray(np.full((8, 8), 100 * 257, "uint16")).save(tmp_path / "4.png")
    assert data.load_arrays(tmp_path).pixels.shape == (4, 8, 8, 1)
    rgba[..., 0], rgba[:4, :, 3], rgba[4:, :, 3] = 50, 255, 0  # The lower half is hidden.
    Image.fromarray(rgba).save(tmp_path / "5.png")
    pixels = data.load_arrays(tmp_path).pixels
    assert pixels.shape == (5, 8, 8, 3)
    assert (pixels[:4] == 100).all()
    assert np.unique(pixels[4, :4].reshape(-1, 3), axis=0).tolist() == [[50, 100, 100]]
    assert (pixels[4, 4:] == 255).all()


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_an_empty_name_is_refused(name):
    with pytest.raises(ValueError, match=r"^Data need a name, .* Received: "):
        data.load(name)


def test_a_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Received: the file '.*a\.png'"):
        data.load(write(tmp_path / "a.png"))


@pytest.mark.parametrize("name", ["mnist", "sample"])
def test_a_folder_with_the_name_of_a_data_set_is_mentioned(name, tmp_path, monkeypatch):
    write(tmp_path / name / "a.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data.tfds, "load_arrays", lambda name, *_: data.ImageData(np.zeros(1)))
    with pytest.warns(UserWarning, match=rf"write './{name}'"):
        assert len(data.load_arrays(name).pixels) != 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert data.load_arrays(f"./{name}").pixels.shape == (1, 8, 8, 1)


def test_the_fingerprint_of_a_copy_is_the_same_and_that_of_other_images_is_not(tmp_path):
    folder = tiny.write_folder(tmp_path / "data", num_images=3, classes=("a", "b"))
    found = data.load_arrays(folder).fingerprint
    assert (found.num_images, found.image_shape) == (6, [8, 8, 1])
    assert (found.class_names, found.class_counts) == (["a", "b"], [3, 3])
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / ".DS_Store").touch()
    assert data.load_arrays(tmp_path / "copy").fingerprint == found
    assert data.load_arrays(folder, labels=False).fingerprint == found
    changes = {
        "renamed": lambda copy: (copy / "b").rename(copy / "z"),
        "removed": lambda copy: shutil.rmtree(copy / "b"),
        "filled": lambda copy: write(copy / "b" / "new.png"),
        "moved": lambda copy: (copy / "b" / "000.png").rename(copy / "a" / "new.png"),
        "replaced": lambda copy: write(copy / "b" / "000.png"),
        "resized": lambda copy: [write(path, size=(9, 9)) for path in copy.rglob("*.png")],
    }
    for name, change in changes.items():
        copy = pathlib.Path(shutil.copytree(folder, tmp_path / name))
        change(copy)
        assert data.load_arrays(copy).fingerprint != found, name
    assert folders.find_images(folder).fingerprint.describe() == (
        "6 images in 2 classes (a: 3, b: 3)"
    )
