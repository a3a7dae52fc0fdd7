"""A part of every folder is held out, and stays the same when the folder changes."""

import pathlib
import shutil

import numpy as np
import pytest
import tiny

from ganzoo import data, images
from ganzoo.data import folders


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Return a folder of 400 images in two classes."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    return tiny.write_folder(folder, num_images=200, side=4, classes=("a", "b"))


def contents(folder, split):
    files = folders.find_images(pathlib.Path(folder), split=split).files
    return {path.read_bytes() for path in files}


def test_about_one_image_in_ten_is_held_out(photos):
    parts = {split: data.load_arrays(photos, split) for split in ("train", "test", "train+test")}
    training, held_out, whole = (len(part.pixels) for part in parts.values())
    assert training + held_out == whole == 400
    # 40 are expected, with a standard deviation of 6.
    assert 22 <= held_out <= 58
    assert data.find_splits(photos) == {"train": training, "test": held_out}
    assert not contents(photos, "train") & contents(photos, "test")
    assert parts["train"].fingerprint.num_held_out == held_out
    assert parts["test"].class_names == ["a", "b"]
    # In the order of the whole folder, with the labels of the whole folder.
    places = {image.tobytes(): index for index, image in enumerate(parts["train+test"].pixels)}
    for part in parts.values():
        found = [places[image.tobytes()] for image in part.pixels]
        assert found == sorted(found)
        np.testing.assert_array_equal(part.labels, parts["train+test"].labels[found])
    assert len(list(data.load(photos, batch_size=1))) == training


def test_new_names_and_new_images_move_no_image_to_another_part(photos, tmp_path):
    before = {split: contents(photos, split) for split in ("train", "test")}
    copy = shutil.copytree(photos, tmp_path / "copy")
    for path in list(copy.rglob("*.png")):
        path.rename(path.with_name(f"new_{path.name}"))
    new = np.random.default_rng(1).integers(0, 256, (100, 5, 5, 1), "uint8")
    for index, pixels in enumerate(new):
        images.write_png(copy / "ab"[index % 2] / f"{index}.png", pixels)
    after = {split: contents(copy, split) for split in ("train", "test")}
    assert before["train"] < after["train"]
    assert before["test"] < after["test"]


def test_copies_of_an_image_are_in_one_part(photos, tmp_path):
    copy = shutil.copytree(photos, tmp_path / "copy")
    for path in list(copy.rglob("*.png")):
        shutil.copy(path, path.with_name(f"copy_of_{path.name}"))
    for split in ("train", "test"):
        assert contents(copy, split) == contents(photos, split)


def test_small_folders_hold_out_nothing(tmp_path):
    folder = tiny.write_folder(tmp_path / "few", num_images=99, side=4)
    assert data.find_splits(folder) == {"train": 99}
    assert data.load_arrays(folder).fingerprint.num_held_out == 0
    with pytest.raises(ValueError, match=r"no split 'test'.*fewer than 100\. Add images") as caught:
        data.load(folder, split="test")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"'train', 'test' and 'train\+test'.*'valid'"):
        data.load(folder, split="valid")


def test_every_class_is_trained_on(tmp_path):
    names = [f"{index:03d}" for index in range(150)]
    folder = tiny.write_folder(tmp_path / "single", num_images=1, side=3, classes=names)
    # All images are equal, so all would be in one part.
    found = data.load_arrays(folder)
    assert np.bincount(found.labels, minlength=150).min() == 1


@pytest.mark.parametrize("names", [("train", "test"), ("training", "val"), ("train", "valid")])
def test_folders_of_splits_are_used(names, tmp_path):
    for name, classes in zip(names, (("a", "b", "c"), ("b", "c")), strict=True):
        tiny.write_folder(tmp_path / name, num_images=4, classes=classes)
    training, held_out = data.load_arrays(tmp_path), data.load_arrays(tmp_path, "test")
    assert training.class_names == held_out.class_names == ["a", "b", "c"]
    assert np.bincount(training.labels).tolist() == [4, 4, 4]
    assert np.bincount(held_out.labels).tolist() == [0, 4, 4]
    assert training.fingerprint.num_held_out == 8
    assert len(data.load_arrays(tmp_path, "train+test").pixels) == 20
    assert data.find_splits(tmp_path) == {"train": 12, "test": 8}


def test_images_of_a_third_split_are_named(tmp_path):
    for name in ("train", "test", "val"):
        tiny.write_folder(tmp_path / name, num_images=2)
    with pytest.warns(UserWarning, match=r"left out images of other splits \(2: val/000\.png"):
        found = data.load_arrays(tmp_path)
    assert (len(found.pixels), found.labels) == (2, None)


def test_other_folders_beside_train_are_classes(tmp_path):
    tiny.write_folder(tmp_path, num_images=2, classes=("train", "test", "bus"))
    assert data.load_arrays(tmp_path).class_names == ["bus", "test", "train"]
