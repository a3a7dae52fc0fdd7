"""Named data as pipelines."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image

import ganzoo
from ganzoo import data, images
from ganzoo.distribution import Part


def gather(dataset):
    """All batches: one array, or a tuple of them."""
    batches = list(dataset.as_numpy_iterator())
    if isinstance(batches[0], tuple):
        return tuple(np.concatenate(part) for part in zip(*batches, strict=True))
    return np.concatenate(batches)


def test_the_sample_holds_1000_images_of_each_class_in_a_file_below_5_mb():
    images, labels = gather(data.load("sample", batch_size=1000, labels=True))
    assert images.shape == (10_000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [1000] * 10
    path = pathlib.Path(ganzoo.__file__).parent / "assets" / "fashion_mnist_sample.npz"
    assert path.stat().st_size < 5e6


def test_the_sample_looks_like_fashion_mnist():
    """Mean and spread of the whole training set, as published: 0.2860 and 0.3530."""
    pixels = (gather(data.load("sample", batch_size=1000)) + 1) / 2
    assert pixels.mean() == pytest.approx(0.2860, abs=0.004)
    assert pixels.std() == pytest.approx(0.3530, abs=0.004)
    assert len(np.unique(pixels.reshape(10_000, -1), axis=0)) > 9_980


def test_pipelines_give_whole_float32_batches_in_minus_1_to_1():
    batches = list(data.load("sample", batch_size=768).as_numpy_iterator())
    assert {(batch.shape, batch.dtype.name) for batch in batches} == {((768, 28, 28, 1), "float32")}
    assert len(batches) == 13
    assert min(batch.min() for batch in batches) == -1
    assert max(batch.max() for batch in batches) == 1


def test_labels_are_int32_and_belong_to_their_images(tmp_path):
    for index, name in enumerate(["apple", "pear", "zebra"]):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(4):
            pixels = np.full((8, 8), 100 * index + number, "uint8")
            Image.fromarray(pixels).save(folder / f"{number}.png")
    images, labels = gather(data.load(tmp_path, batch_size=3, labels=True))
    assert labels.dtype == "int32"
    assert len(images) == 12
    pixels = ganzoo.images.to_pixels(images)[:, 0, 0, 0]
    np.testing.assert_array_equal(pixels // 100, labels)
    assert sorted(pixels.tolist()) == [100 * i + n for i in range(3) for n in range(4)]


def test_every_pass_has_another_order_and_the_same_images(png_folder):
    dataset = data.load(png_folder, batch_size=5)
    first, second = gather(dataset), gather(dataset)
    assert np.any(first != second)
    np.testing.assert_array_equal(sort(first), sort(second))


def sort(images):
    return np.array(sorted(images.reshape(len(images), -1).tolist()))


def test_the_same_seed_gives_the_same_order_and_another_seed_another(png_folder):
    orders = [gather(data.load(png_folder, batch_size=5, seed=seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert np.any(orders[0] != orders[2])


def test_without_shuffling_the_order_is_that_of_the_files(png_folder):
    images = gather(data.load(png_folder, batch_size=4, shuffle=False))
    for path, image in zip(sorted(png_folder.iterdir()), images, strict=True):
        with Image.open(path) as file:
            expected = np.asarray(file)
        np.testing.assert_array_equal(ganzoo.images.to_pixels(image)[..., 0], expected)


def test_what_does_not_fill_a_batch_waits_for_the_next_pass(png_folder):
    dataset = data.load(png_folder, batch_size=7)
    assert len(dataset) == 2
    seen = {image.tobytes() for _ in range(12) for image in gather(dataset)}
    assert len(seen) == 20


def test_images_are_cropped_to_their_centre_and_resized(tmp_path):
    # Red on the left, green in the middle square, blue on the right.
    pixels = np.zeros((4, 12, 3), "uint8")
    pixels[:, :4, 0], pixels[:, 4:8, 1], pixels[:, 8:, 2] = 255, 255, 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (image,) = gather(data.load(tmp_path, image_size=2, batch_size=1))
    assert ganzoo.images.to_pixels(image).tolist() == [[[0, 255, 0]] * 2] * 2


def test_shrinking_does_not_alias(tmp_path):
    checkers = np.indices((32, 32)).sum(axis=0) % 2 * 255
    Image.fromarray(checkers.astype("uint8")).save(tmp_path / "a.png")
    (image,) = gather(data.load(tmp_path, image_size=8, batch_size=1))
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


# Shared by workers.


@pytest.mark.parametrize("count", [2, 3])
def test_workers_have_between_them_the_batches_of_one(count):
    pixels = np.arange(20, dtype="uint8").reshape(20, 1, 1, 1)
    image_data = data.ImageData(pixels, np.arange(20), 20)
    whole = list(data.pipeline(image_data, 6, labels=True, seed=1))
    parts = [
        list(data.pipeline(image_data, 6, labels=True, seed=1, batch_part=Part(index, count)))
        for index in range(count)
    ]
    for batch, *shares in zip(whole, *parts, strict=True):
        assert [len(labels) for _, labels in shares] == [6 // count] * count
        shared = np.concatenate([labels for _, labels in shares])
        assert sorted(shared) == sorted(batch[1].numpy())
        for share_images, share_labels in shares:
            pixels = images.to_pixels(share_images)[:, 0, 0, 0]
            np.testing.assert_array_equal(pixels, share_labels)


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


def test_workers_share_the_crops_of_one(photos):
    arguments = {"crop_size": 16, "batch_size": 8, "crops_per_image": 4, "seed": 1}
    whole = data.load_crops(photos, **arguments)
    parts = [data.load_crops(photos, **arguments, batch_part=Part(index, 2)) for index in (0, 1)]
    assert [len(part) for part in parts] == [len(whole)] * 2
    for batch, first, second in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(batch[0::2], first)
        np.testing.assert_array_equal(batch[1::2], second)
    # Every pixel tells its photo.
    own = [gather(data.load_crops(photos, **arguments, data_part=Part(i, 2))) for i in (0, 1)]
    assert [set(np.unique(images.to_pixels(crops)[..., 0])) for crops in own] == [{0, 2}, {1, 3}]


# What cannot be loaded is named.


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
    assert len(gather(data.load(png_folder, image_size=8, batch_size=3))) == 21


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"image_size": 0}, "image_size=0"),
        ({"batch_size": 21}, "20 images.*batch of 21"),
        ({"split": "test"}, "split='test'"),
        ({"labels": True}, "has no labels"),
    ],
)
def test_a_wrong_argument_is_named(png_folder, arguments, named):
    with pytest.raises(ValueError, match=named):
        data.load(png_folder, **arguments)


def test_a_folder_named_like_a_data_set_must_be_named_as_a_path(tmp_path, monkeypatch):
    folder = tmp_path / "mnist"  # where `--out mnist` of an earlier run may have put its grids
    folder.mkdir()
    Image.fromarray(np.zeros((8, 8), "uint8")).save(folder / "a.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "_read_tfds", lambda name, *_: f"the data set {name}")
    assert data.read("./mnist").pixels.shape == (1, 8, 8, 1)
    assert data.read(pathlib.Path("mnist")).pixels.shape == (1, 8, 8, 1)
    assert data.read("mnist") == "the data set mnist"


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(ValueError, match="holds no images"):
        data.load(tmp_path)


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
    )
    (line,) = outcome.stdout.splitlines()
    assert "'mnist'" in line
    assert str(tmp_path) in line
    assert "TFDS_DATA_DIR" in line
    assert "'sample'" in line


# Crops of photographs.


@pytest.fixture
def photos(tmp_path):
    """Four photos of different sizes; every pixel tells its photo, row and column."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, (height, width) in enumerate([(40, 50), (64, 33), (32, 32), (47, 90)]):
        rows, columns = np.mgrid[:height, :width]
        pixels = np.stack([np.full_like(rows, index), rows, columns], axis=-1).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_crops_are_pieces_of_their_photos_turned_and_mirrored(photos):
    dataset = data.load_crops(photos, crop_size=32, batch_size=8, crops_per_image=20)
    assert len(dataset) == 4 * 20 // 8
    crops = images.to_pixels(gather(dataset)).astype(int)
    assert crops.shape == (80, 32, 32, 3)
    sizes = np.array([(40, 50), (64, 33), (32, 32), (47, 90)])
    kinds, corners = set(), set()
    for crop in crops:
        index = crop[0, 0, 0]
        rows, columns = crop[..., 1], crop[..., 2]
        corner = rows.min(), columns.min()
        # All pixels of one square of the photo, each where a symmetry of the square puts it.
        square = np.stack(np.mgrid[:32, :32], axis=-1) + corner
        turned = [np.rot90(square, turns) for turns in range(4)]
        turned += [image[::-1] for image in turned]
        (kind,) = [k for k, s in enumerate(turned) if np.array_equal(crop[..., 1:], s)]
        assert np.all(np.array(corner) + 32 <= sizes[index])
        kinds.add(kind)
        corners.add((index, *corner))
    assert kinds == set(range(8))
    assert len(corners) > 40
    assert {corner for corner in corners if corner[0] == 2} == {(2, 0, 0)}


def test_every_pass_has_other_crops_and_the_same_seed_the_same(photos):
    def load(seed):
        return data.load_crops(photos, crop_size=16, batch_size=4, crops_per_image=4, seed=seed)

    dataset = load(1)
    first, second = gather(dataset), gather(dataset)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(gather(load(1)), first)
    assert not np.array_equal(gather(load(2)), first)


def test_gray_photos_become_rgb(png_folder):
    crops = gather(data.load_crops(png_folder, crop_size=4, batch_size=4, crops_per_image=1))
    assert crops.shape == (20, 4, 4, 3)
    assert np.array_equal(crops[..., 0], crops[..., 2])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"crop_size": 33}, r"2\.png.* smaller than a crop: \(32, 32\)"),
        ({"crop_size": 0}, "crop_size=0"),
        ({"crop_size": 8, "batch_size": 65}, "4 images, too few for one batch of 65"),
        ({"name_or_dir": "sample"}, "28 x 28"),
    ],
)
def test_crops_that_cannot_be_had_are_refused(photos, arguments, named):
    with pytest.raises(ValueError, match=named):
        data.load_crops(**{"name_or_dir": photos, **arguments})


def test_a_photo_that_cannot_be_read_is_named(photos):
    (photos / "9.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"9\.png.* cannot be read"):
        data.load_crops(photos, crop_size=32)


# Batches from any point on.


def take(dataset, count):
    return [batch.numpy() for batch in dataset.take(count)]


@pytest.mark.parametrize("start", [1, 4, 6, 11])
def test_batches_from_a_number_on_are_those_that_would_have_come(png_folder, start):
    image_data = data.read(png_folder)
    straight = take(data.pipeline(image_data, 5, seed=2, start=0), 14)
    resumed = take(data.pipeline(image_data, 5, seed=2, start=start), 14 - start)
    np.testing.assert_array_equal(resumed, straight[start:])
    # Four batches are a pass over all images, in an order of its own.
    first, second = (np.concatenate(straight[i : i + 4]) for i in (0, 4))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(second, axis=0))


@pytest.mark.parametrize("start", [2, 9, 12])
def test_crops_from_a_number_on_are_those_that_would_have_come(photos, start):
    arguments = {"crop_size": 16, "batch_size": 4, "crops_per_image": 5, "seed": 2}
    straight = take(data.load_crops(photos, **arguments, start=0), 14)
    tf.random.set_seed(0)  # Which changes nothing.
    resumed = take(data.load_crops(photos, **arguments, start=start), 14 - start)
    np.testing.assert_array_equal(resumed, straight[start:])


# The real sets. Facts over all pixels, as published by their authors and common tools.

REAL = [
    ("mnist", "train", 60_000, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
    ("mnist", "test", 10_000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
    ("fashion_mnist", "train", 60_000, [6000] * 10),
    ("fashion_mnist", "test", 10_000, [1000] * 10),
    ("cifar10", "train", 50_000, [5000] * 10),
    ("cifar10", "test", 10_000, [1000] * 10),
]
MOMENTS = {
    ("mnist", "train"): ([0.1307], [0.3081]),
    ("mnist", "test"): ([0.1325], [0.3105]),
    ("fashion_mnist", "train"): ([0.2860], [0.3530]),
    ("fashion_mnist", "test"): ([0.2868], [0.3524]),
    ("cifar10", "train"): ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    ("cifar10", "test"): ([0.4942, 0.4851, 0.4504], [0.2467, 0.2429, 0.2616]),
}


@pytest.mark.datasets
@pytest.mark.parametrize(("name", "split", "count", "per_class"), REAL)
def test_a_real_set_has_its_published_counts_and_moments(name, split, count, per_class):
    dataset = data.load(name, split=split, batch_size=1000, labels=True, shuffle=False)
    images, labels = gather(dataset)
    side, channels = (32, 3) if name == "cifar10" else (28, 1)
    assert images.shape == (count, side, side, channels)
    assert np.bincount(labels).tolist() == per_class
    mean, std = MOMENTS[name, split]
    pixels = (images.astype("float64") + 1) / 2
    np.testing.assert_allclose(pixels.mean(axis=(0, 1, 2)), mean, atol=6e-5)
    np.testing.assert_allclose(pixels.std(axis=(0, 1, 2)), std, atol=6e-5)


@pytest.mark.datasets
def test_stacked_mnist_has_every_digit_once_in_each_colour():
    stacked, digits = data.read("stacked_mnist", "test"), data.read("mnist", "test")
    assert stacked.pixels.shape == (10_000, 28, 28, 3)
    assert stacked.num_classes == 1000
    assert data.find_splits("stacked_mnist") == ["test", "train"]
    names = {
        image.tobytes(): label
        for image, label in zip(digits.pixels[..., 0], digits.labels, strict=True)
    }
    spelled = np.zeros(10_000, int)
    for channel in range(3):
        images = np.ascontiguousarray(stacked.pixels[..., channel])
        assert len({image.tobytes() for image in images}) == len(names)
        spelled = 10 * spelled + [names[image.tobytes()] for image in images]
    np.testing.assert_array_equal(stacked.labels, spelled)


@pytest.mark.datasets
def test_a_part_of_a_real_set_and_its_other_size():
    dataset = data.load("mnist", split="train[:100]", image_size=32, batch_size=50)
    assert gather(dataset).shape == (100, 32, 32, 1)
    with pytest.raises(ValueError, match=r"no split 'valid'.*test, train"):
        data.load("mnist", split="valid")


def test_crops_of_a_tfds_set_of_pairs_come_from_its_high_resolution_images(tmp_path):
    """A set made as TFDS makes DIV2K: `lr` beside `hr`, images of any size."""
    import tensorflow_datasets as tfds

    def make_pairs():
        for index in range(3):
            size = (20, 24 + 4 * index, 3)
            low_res = np.full(size, 10, "uint8")
            yield {"lr": low_res, "hr": np.full((40, 2 * size[1], 3), 200 + index, "uint8")}

    shapes = dict.fromkeys(("lr", "hr"), tf.TensorSpec((None, None, 3), "uint8"))
    tfds.dataset_builders.store_as_tfds_dataset(
        name="pairs_of_photos",
        version="1.0.0",
        data_dir=tmp_path,
        features=tfds.features.FeaturesDict({name: tfds.features.Image() for name in shapes}),
        split_datasets={
            "train": tf.data.Dataset.from_generator(make_pairs, output_signature=shapes)
        },
    )
    tfds.core.add_data_dir(tmp_path)
    crops = gather(data.load_crops("pairs_of_photos", crop_size=32, batch_size=6))
    assert crops.shape == (48, 32, 32, 3)
    assert sorted(np.unique(images.to_pixels(crops))) == [200, 201, 202]
    parts = [
        data.load_crops("pairs_of_photos", crop_size=32, batch_size=4, data_part=Part(index, 3))
        for index in range(3)
    ]
    colours = [set(np.unique(images.to_pixels(gather(part)))) for part in parts]
    assert sorted(colours, key=min) == [{200}, {201}, {202}]
