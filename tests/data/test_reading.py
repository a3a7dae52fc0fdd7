"""Data sets by name or folder, and what cannot be loaded."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import data, runs
from ganzoo.distribution import Part


def test_the_sample_holds_1000_images_of_each_class_in_a_file_below_5_mb():
    images, labels = tiny.gather(data.load("sample", batch_size=1000, labels=True))
    assert images.shape == (10_000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [1000] * 10
    path = pathlib.Path(ganzoo.__file__).parent / "assets" / "fashion_mnist_sample.npz"
    assert path.stat().st_size < 5e6


def test_the_sample_looks_like_fashion_mnist():
    """Mean and spread of the whole training set, as published: 0.2860 and 0.3530."""
    pixels = (tiny.gather(data.load("sample", batch_size=1000)) + 1) / 2
    assert pixels.mean() == pytest.approx(0.2860, abs=0.004)
    assert pixels.std() == pytest.approx(0.3530, abs=0.004)
    assert len(np.unique(pixels.reshape(10_000, -1), axis=0)) > 9_980


def test_labels_are_int32_and_belong_to_their_images(tmp_path):
    for index, name in enumerate(["apple", "pear", "zebra"]):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(4):
            pixels = np.full((8, 8), 100 * index + number, "uint8")
            Image.fromarray(pixels).save(folder / f"{number}.png")
    images, labels = tiny.gather(data.load(tmp_path, batch_size=3, labels=True))
    assert labels.dtype == "int32"
    assert len(images) == 12
    pixels = ganzoo.images.to_pixels(images)[:, 0, 0, 0]
    np.testing.assert_array_equal(pixels // 100, labels)
    assert sorted(pixels.tolist()) == [100 * i + n for i in range(3) for n in range(4)]


def test_images_are_cropped_to_their_centre_and_resized(tmp_path):
    # Red on the left, green in the middle square, blue on the right.
    pixels = np.zeros((4, 12, 3), "uint8")
    pixels[:, :4, 0], pixels[:, 4:8, 1], pixels[:, 8:, 2] = 255, 255, 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (image,) = tiny.gather(data.load(tmp_path, image_size=2, batch_size=1))
    assert ganzoo.images.to_pixels(image).tolist() == [[[0, 255, 0]] * 2] * 2


def test_shrinking_does_not_alias(tmp_path):
    checkers = np.indices((32, 32)).sum(axis=0) % 2 * 255
    Image.fromarray(checkers.astype("uint8")).save(tmp_path / "a.png")
    (image,) = tiny.gather(data.load(tmp_path, image_size=8, batch_size=1))
    np.testing.assert_allclose(image, 0, atol=0.05)  # Gray, not a pattern.


def test_the_sample_is_resized_too():
    assert next(iter(data.load("sample", image_size=16, batch_size=2))).shape == (2, 16, 16, 1)


def test_one_colour_image_makes_all_of_them_colour_images(tmp_path):
    tiny.write_folder(tmp_path, num_images=2)
    Image.fromarray(np.zeros((8, 8, 3), "uint8")).save(tmp_path / "colour.png")
    assert next(iter(data.load(tmp_path, batch_size=3))).shape == (3, 8, 8, 3)


def test_loose_files_beside_subfolders_leave_no_labels(tmp_path):
    tiny.write_folder(tmp_path, num_images=2, classes=("", "a", "b"))
    assert next(iter(data.load(tmp_path, batch_size=6))).shape == (6, 8, 8, 1)
    with pytest.raises(ValueError, match="has no labels"):
        data.load(tmp_path, batch_size=6, labels=True)


def test_workers_read_parts_of_a_folder_that_share_no_image(tmp_path):
    folder = tiny.write_folder(tmp_path, num_images=4, classes=("a", "b", "c"))
    whole = data.read(folder)
    parts = [data.read(folder, data_part=Part(index, 5)) for index in range(5)]
    assert [len(part.pixels) for part in parts] == [2] * 5
    assert {part.num_classes for part in parts} == {3}
    found = {
        image.tobytes(): label for image, label in zip(whole.pixels, whole.labels, strict=True)
    }
    seen = [
        (image.tobytes(), label)
        for part in parts
        for image, label in zip(part.pixels, part.labels, strict=True)
    ]
    assert len(dict(seen)) == 10
    assert all(found[image] == label for image, label in seen)
    with pytest.raises(ValueError, match="12 images, fewer than the 13 workers"):
        data.read(folder, data_part=Part(0, 13))


def test_unreadable_images_are_named(png_folder):
    (png_folder / "broken.png").write_bytes(b"not an image")
    whole = (png_folder / "000.png").read_bytes()
    (png_folder / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"2 of 22 images .* broken\.png, half\.png"):
        data.load(png_folder)


def test_different_sizes_are_refused_unless_one_is_given(png_folder):
    Image.fromarray(np.zeros((5, 9), "uint8")).save(png_folder / "z.png")
    with pytest.raises(ValueError, match=r"\(5, 9\) to \(8, 8\).*image_size"):
        data.load(png_folder, batch_size=2)
    assert len(tiny.gather(data.load(png_folder, image_size=8, batch_size=3))) == 21


def test_a_folder_named_like_a_data_set_must_be_named_as_a_path(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"  # where `--out mnist` of an earlier run may have put its grids
    folder.mkdir()
    Image.fromarray(np.zeros((8, 8), "uint8")).save(folder / "a.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data.tfds, "read", lambda name, *_: f"the data set {name}")
    assert data.read("./mnist").pixels.shape == (1, 8, 8, 1)
    assert data.read(pathlib.Path("mnist")).pixels.shape == (1, 8, 8, 1)
    assert data.read("mnist") == "the data set mnist"


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match="holds no images"):
        data.load(tmp_path)


def test_hidden_files_and_folders_are_no_images_and_tiff_files_are(tmp_path):
    """What editors, systems and writers that were killed leave beside photographs."""
    pixels = np.full((6, 6), 7, "uint8")
    for name in ("a/1.tif", "a/._1.png", "b/2.png", "b/.thumbnails/2.png", ".checkpoints/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "a" / "folder.png").mkdir()
    found = data.read(tmp_path)
    assert found.num_classes == 2
    assert found.labels.tolist() == [0, 1]
    assert data.find_splits(tmp_path) == {"train": None}


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'fashion_mnist'"):
        data.load("fashion_minst")


def test_a_known_set_that_is_neither_here_nor_to_be_had_says_where_it_was_looked_for(tmp_path):
    program = """
import sys, urllib.request, socket
urllib.request.getproxies = lambda: {}
def refuse(*_, **__): raise socket.gaierror("no network")
socket.getaddrinfo = refuse
from ganzoo import data, images
from ganzoo.distribution import Part
try:
    data.load("mnist")
except ValueError as error:
    print(error)
"""
    outcome = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TFDS_DATA_DIR": str(tmp_path), "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    (line,) = outcome.stdout.splitlines()
    assert "'mnist'" in line
    assert str(tmp_path) in line
    assert "TFDS_DATA_DIR" in line
    assert "'sample'" in line


@pytest.fixture
def letters(tfds_folder):
    """A set as TFDS keeps MNIST: images of one size with classes, in two splits."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def make(count):
        pixels = np.arange(count, dtype="uint8")[:, None, None, None] * np.ones(
            (1, 8, 8, 1), "uint8"
        )
        elements = {"image": pixels, "label": np.arange(count) % 3}
        return tf.data.Dataset.from_tensor_slices(elements)

    tfds.dataset_builders.store_as_tfds_dataset(
        name="letters",
        version="1.0.0",
        data_dir=tfds_folder,
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(8, 8, 1)),
                "label": tfds.features.ClassLabel(names=["a", "b", "c"]),
            }
        ),
        split_datasets={"train": make(10), "test": make(5)},
    )
    return "letters"


def test_a_tfds_set_is_read_by_its_name(letters):
    assert data.find_splits(letters) == {"test": 5, "train": 10}
    whole = data.read(letters)
    shown = whole.pixels[:, 0, 0, 0]
    assert sorted(shown) == list(range(10))
    np.testing.assert_array_equal(whole.labels, shown % 3)
    assert (whole.pixels.shape, whole.num_classes) == ((10, 8, 8, 1), 3)
    assert len(data.read(letters, "train[:4]").pixels) == 4
    resized = data.read(letters, "test", image_size=6)
    assert resized.pixels.shape == (5, 6, 6, 1)
    np.testing.assert_array_equal(resized.labels, resized.pixels[:, 0, 0, 0] % 3)
    parts = [data.read(letters, data_part=Part(index, 3)).pixels[:, 0, 0, 0] for index in range(3)]
    assert [len(part) for part in parts] == [3] * 3
    assert len(set(np.concatenate(parts))) == 9
    dataset = data.load(letters, split="test", batch_size=5, labels=True)
    ((images, labels),) = list(dataset)
    np.testing.assert_array_equal(ganzoo.images.to_pixels(images)[:, 0, 0, 0] % 3, labels)


def test_a_tfds_set_that_is_not_square_is_cut(tfds_folder):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    tfds.dataset_builders.store_as_tfds_dataset(
        name="portraits",
        version="1.0.0",
        data_dir=tfds_folder,
        features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=(8, 6, 3))}),
        split_datasets={
            "train": tf.data.Dataset.from_tensor_slices({"image": np.zeros((2, 8, 6, 3), "uint8")})
        },
    )
    assert data.read("portraits").pixels.shape == (2, 8, 6, 3)
    assert data.read("portraits", image_size=8).pixels.shape == (2, 8, 8, 3)


def test_what_a_tfds_set_does_not_have_is_said(letters):
    with pytest.raises(ValueError, match=r"no split 'valid'. It has: test, train"):
        data.read(letters, "valid")
    with pytest.raises(ValueError, match=r"no 'test\[:9\]': .*incompatible with 5 examples"):
        data.read(letters, "test[:9]")


def test_a_run_holds_out_what_a_small_test_split_has(letters, tmp_path):
    """The doctor takes 256 images where there are as many."""
    recipe = runs.Recipe("vanilla", letters, batch_size=5, max_steps=1)
    assert runs.train(recipe, tmp_path / "run", verbose=0).step == 1
