"""Test data sets by name or folder, and the errors if they cannot be loaded."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import data, training
from ganzoo.distribution import Shard


def test_the_sample_holds_1000_images_of_each_class_in_a_file_below_5_mb():
    images, labels = tiny.gather(data.load("sample", batch_size=1000, labels=True))
    assert images.shape == (10_000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [1000] * 10
    path = pathlib.Path(ganzoo.__file__).parent / "assets" / "fashion_mnist_sample.npz"
    assert path.stat().st_size < 5e6


def test_the_sample_has_the_mean_and_deviation_of_fashion_mnist():
    """The published mean and deviation of the whole training set are 0.2860 and 0.3530."""
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


def test_images_are_cropped_to_their_center_and_resized(tmp_path):
    # The image is red on the left, green in the middle and blue on the right.
    pixels = np.zeros((4, 12, 3), "uint8")
    pixels[:, :4, 0], pixels[:, 4:8, 1], pixels[:, 8:, 2] = 255, 255, 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (image,) = tiny.gather(data.load(tmp_path, image_size=2, batch_size=1))
    assert ganzoo.images.to_pixels(image).tolist() == [[[0, 255, 0]] * 2] * 2


def test_shrinking_does_not_alias(tmp_path):
    checkers = np.indices((32, 32)).sum(axis=0) % 2 * 255
    Image.fromarray(checkers.astype("uint8")).save(tmp_path / "a.png")
    (image,) = tiny.gather(data.load(tmp_path, image_size=8, batch_size=1))
    np.testing.assert_allclose(image, 0, atol=0.05)  # The result is gray without a pattern.


def test_the_sample_is_resized():
    assert next(iter(data.load("sample", image_size=16, batch_size=2))).shape == (2, 16, 16, 1)


def test_one_color_image_turns_all_images_into_color_images(tmp_path):
    tiny.write_folder(tmp_path, num_images=2)
    Image.fromarray(np.zeros((8, 8, 3), "uint8")).save(tmp_path / "color.png")
    assert next(iter(data.load(tmp_path, batch_size=3))).shape == (3, 8, 8, 3)


def test_workers_load_disjoint_shards_of_a_folder(tmp_path):
    folder = tiny.write_folder(tmp_path, num_images=4, classes=("a", "b", "c"))
    whole = data.load_arrays(folder)
    shards = [data.load_arrays(folder, data_shard=Shard(index, 5)) for index in range(5)]
    assert [len(shard.pixels) for shard in shards] == [2] * 5
    assert {shard.num_classes for shard in shards} == {3}
    found = {
        image.tobytes(): label for image, label in zip(whole.pixels, whole.labels, strict=True)
    }
    seen = [
        (image.tobytes(), label)
        for shard in shards
        for image, label in zip(shard.pixels, shard.labels, strict=True)
    ]
    assert len(dict(seen)) == 10
    assert all(found[image] == label for image, label in seen)
    with pytest.raises(ValueError, match="12 images, fewer than the 13 workers"):
        data.load_arrays(folder, data_shard=Shard(0, 13))


def test_unreadable_images_are_named(png_folder):
    (png_folder / "broken.png").write_bytes(b"not an image")
    whole = (png_folder / "000.png").read_bytes()
    (png_folder / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"2 of 22 images .* broken\.png, half\.png"):
        data.load(png_folder)


def test_images_of_different_sizes_need_an_image_size(png_folder):
    Image.fromarray(np.zeros((5, 9), "uint8")).save(png_folder / "z.png")
    with pytest.raises(ValueError, match=r"from 5 x 9 to 8 x 8 .height x width.*image_size"):
        data.load(png_folder, batch_size=2)
    assert len(tiny.gather(data.load(png_folder, image_size=8, batch_size=3))) == 21


def test_a_folder_with_the_name_of_a_data_set_is_loaded_only_by_its_path(tmp_path, monkeypatch):
    # An earlier run with `--out mnist` may have written its grids there.
    tiny.write_folder(tmp_path / "mnist", num_images=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data.tfds, "load_arrays", lambda name, *_: f"the data set {name}")
    assert data.load_arrays("./mnist").pixels.shape == (1, 8, 8, 1)
    assert data.load_arrays(pathlib.Path("mnist")).pixels.shape == (1, 8, 8, 1)
    assert data.load_arrays("mnist") == "the data set mnist"


def test_windows_paths_may_have_slashes_and_backslashes(tmp_path, monkeypatch):
    for name in ("mnist", r"photos\mnist"):
        tiny.write_folder(tmp_path / name, num_images=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "sep", "\\")
    monkeypatch.setattr(data.tfds, "load_arrays", lambda name, *_: f"the data set {name}")
    for path in ("./mnist", r"photos\mnist"):
        assert data.load_arrays(path).pixels.shape == (1, 8, 8, 1)
    assert data.load_arrays("mnist") == "the data set mnist"


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match="holds no images"):
        data.load(tmp_path)


def test_hidden_files_are_skipped_and_tiff_files_are_loaded(tmp_path):
    """Editors, file managers and interrupted programs leave hidden files beside photographs."""
    pixels = np.full((6, 6), 7, "uint8")
    for name in ("a/1.tif", "a/._1.png", "b/2.png", "b/.thumbnails/2.png", ".checkpoints/3.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "a" / "folder.png").mkdir()
    found = data.load_arrays(tmp_path)
    assert found.num_classes == 2
    assert found.labels.tolist() == [0, 1]
    assert data.find_splits(tmp_path) == {"train": 2}


def test_the_error_for_an_unknown_name_suggests_the_nearest_one():
    with pytest.raises(ValueError, match="Did you mean 'fashion_mnist'"):
        data.load("fashion_minst")


@pytest.mark.slow
def test_the_error_for_a_missing_data_set_names_the_searched_folder(tmp_path):
    outcome = subprocess.run(
        [sys.executable, pathlib.Path(__file__).parent / "load_offline.py", "mnist"],
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
    """Write a TFDS data set like MNIST, and return its name.

    Its images have one size, classes and two splits.
    """
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


def test_tfds_data_sets_are_loaded_by_name(letters):
    assert data.find_splits(letters) == {"test": 5, "train": 10}
    whole = data.load_arrays(letters)
    shown = whole.pixels[:, 0, 0, 0]
    assert sorted(shown) == list(range(10))
    np.testing.assert_array_equal(whole.labels, shown % 3)
    assert (whole.pixels.shape, whole.num_classes) == ((10, 8, 8, 1), 3)
    assert len(data.load_arrays(letters, "train[:4]").pixels) == 4
    resized = data.load_arrays(letters, "test", image_size=6)
    assert resized.pixels.shape == (5, 6, 6, 1)
    np.testing.assert_array_equal(resized.labels, resized.pixels[:, 0, 0, 0] % 3)
    shards = [data.load_arrays(letters, data_shard=Shard(index, 3)).pixels for index in range(3)]
    assert [len(shard) for shard in shards] == [3] * 3
    assert len(set(np.concatenate(shards)[:, 0, 0, 0])) == 9
    dataset = data.load(letters, split="test", batch_size=5, labels=True)
    ((images, labels),) = list(dataset)
    np.testing.assert_array_equal(ganzoo.images.to_pixels(images)[:, 0, 0, 0] % 3, labels)


def test_tfds_images_that_are_not_square_are_cropped(tfds_folder):
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
    assert data.load_arrays("portraits").pixels.shape == (2, 8, 6, 3)
    assert data.load_arrays("portraits", image_size=8).pixels.shape == (2, 8, 8, 3)


def test_unknown_splits_of_tfds_data_sets_are_refused(letters):
    with pytest.raises(ValueError, match=r"no split 'valid'. It has: test, train"):
        data.load_arrays(letters, "valid")
    with pytest.raises(ValueError, match=r"no 'test\[:9\]': .*incompatible with 5 examples"):
        data.load_arrays(letters, "test[:9]")


def test_errors_without_a_message_are_named_by_their_class(letters, monkeypatch):
    import tensorflow_datasets as tfds

    def fail(*_, **__):
        raise ValueError

    monkeypatch.setattr(tfds.core.DatasetBuilder, "as_dataset", fail)
    with pytest.raises(ValueError, match=r"has no 'test\[:3\]': ValueError$"):
        data.load_arrays(letters, "test[:3]")
    monkeypatch.setattr(tfds.core.DatasetBuilder, "is_prepared", lambda self: False)
    monkeypatch.setattr(data.tfds.downloads, "require_network", fail)
    with pytest.raises(
        ValueError, match=r"cannot be downloaded \(ValueError\)\. Set TFDS_DATA_DIR"
    ):
        data.load_arrays(letters)


def test_empty_splits_are_refused(letters):
    with pytest.raises(ValueError, match=r"'letters' has no 'train\[:0\]': .*no data"):
        data.load_arrays(letters, "train[:0]")


def test_tfds_images_of_different_sizes_need_an_image_size(tfds_folder):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    def make_photos():
        for side in (6, 8, 8):
            yield {"image": np.full((side, side, 3), side, "uint8")}

    signature = {"image": tf.TensorSpec((None, None, 3), "uint8")}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="sizes",
        version="1.0.0",
        data_dir=tfds_folder,
        features=tfds.features.FeaturesDict({"image": tfds.features.Image()}),
        split_datasets={
            "train": tf.data.Dataset.from_generator(make_photos, output_signature=signature)
        },
    )
    with pytest.raises(ValueError, match=r"'sizes'.* 2 different sizes, from 6 x 6 to 8 x 8"):
        data.load_arrays("sizes")
    pixels = data.load_arrays("sizes", image_size=4).pixels
    assert pixels.shape == (3, 4, 4, 3)
    assert sorted(pixels[:, 0, 0, 0]) == [6, 8, 8]


def test_the_old_name_read_still_loads_arrays(png_folder):
    assert data.read(png_folder, image_size=4).pixels.shape == (20, 4, 4, 1)


@pytest.mark.slow
def test_a_run_trains_if_the_test_split_is_smaller_than_the_held_out_images(letters, tmp_path):
    """The doctor takes 256 images if the test split has as many."""
    recipe = training.Recipe("vanilla", letters, batch_size=5, max_steps=1)
    assert training.train(recipe, tmp_path / "run", verbose=0).step == 1
