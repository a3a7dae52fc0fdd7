"""Test which features of TFDS data sets are read, and the errors for wrong names and splits."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from ganzoo import data
from ganzoo.distribution import Shard

COUNT = 6
CLASSES = tfds.features.ClassLabel


@pytest.fixture
def store(tfds_folder, monkeypatch):
    """Return a function that writes a data set, and returns its name."""

    def write(features, elements, supervised_keys=None):
        tfds.dataset_builders.store_as_tfds_dataset(
            name="pictures",
            version="1.0.0",
            data_dir=tfds_folder,
            features=tfds.features.FeaturesDict(features),
            split_datasets={"train": tf.data.Dataset.from_tensor_slices(elements)},
        )
        if supervised_keys:
            # `store_as_tfds_dataset` cannot write them.
            monkeypatch.setattr(tfds.core.DatasetInfo, "supervised_keys", supervised_keys)
        return "pictures"

    return write


def make_images(dtype="uint8", channels=1):
    levels = np.arange(COUNT, dtype=dtype) * (40 if dtype == "uint8" else 40 * 257)
    return levels[:, None, None, None] * np.ones((1, 4, 4, channels), dtype)


@pytest.mark.parametrize(
    ("supervised_keys", "names", "labels"),
    [
        (("photo", "label"), ["u", "v", "w"], [2, 1, 0, 2, 1, 0]),
        (("photo", "breed"), ["a", "b"], [0, 1, 0, 1, 0, 1]),
        (None, ["u", "v", "w"], [2, 1, 0, 2, 1, 0]),
    ],
)
def test_image_and_label_are_those_of_supervised_learning(supervised_keys, names, labels, store):
    name = store(
        {
            "breed": CLASSES(names=["a", "b"]),
            "label": CLASSES(names=["u", "v", "w"]),
            "mask": tfds.features.Image(shape=(4, 4, 1)),
            "photo": tfds.features.Image(shape=(4, 4, 1)),
        },
        {
            "breed": np.arange(COUNT) % 2,
            "label": 2 - np.arange(COUNT) % 3,
            "mask": 255 - make_images(),
            "photo": make_images(),
        },
        supervised_keys,
    )
    found = data.load_arrays(name)
    # Without supervised keys, the first image in alphabetical order is read.
    seen = found.pixels[:, 0, 0, 0] if supervised_keys else 255 - found.pixels[:, 0, 0, 0]
    order = np.argsort(seen)
    assert seen[order].tolist() == [0, 40, 80, 120, 160, 200]
    assert found.labels[order].tolist() == labels
    assert found.class_names == names
    assert data.load_arrays(name, labels=False).labels is None


def test_two_labels_of_which_none_is_preferred_are_no_label(store):
    features = {key: CLASSES(num_classes=2) for key in ("breed", "color")}
    elements = {key: np.zeros(COUNT, int) for key in features}
    name = store(
        {**features, "image": tfds.features.Image(shape=(4, 4, 1))},
        {**elements, "image": make_images()},
    )
    assert data.load_arrays(name).labels is None
    with pytest.raises(ValueError, match="has no labels"):
        data.load(name, batch_size=2, labels=True)


def test_images_of_16_bits_are_scaled_to_8(store):
    image = tfds.features.Image(shape=(4, 4, 1), dtype=np.uint16)
    name = store({"image": image}, {"image": make_images("uint16")})
    found = data.load_arrays(name, image_size=2)
    assert found.pixels.dtype == "uint8"
    assert sorted(found.pixels[:, 0, 0, 0].tolist()) == [0, 40, 80, 120, 160, 200]


def test_images_without_a_class_are_left_out(store):
    labels = np.array([1, -1, 0, -1, -1, 1])
    name = store(
        {"image": tfds.features.Image(shape=(4, 4, 1)), "label": CLASSES(num_classes=2)},
        {"image": make_images(), "label": labels},
    )
    with pytest.warns(UserWarning, match="left out 3 images without a class"):
        found = data.load_arrays(name)
    assert sorted(zip(found.pixels[:, 0, 0, 0], found.labels, strict=True)) == [
        (0, 1),
        (80, 0),
        (200, 1),
    ]
    assert len(data.load_arrays(name, labels=False).pixels) == COUNT


@pytest.fixture
def pictures(store):
    return store({"image": tfds.features.Image(shape=(4, 4, 1))}, {"image": make_images()})


WRONG_NAMES = {
    "pictures:9.9.9": r"has no version '9\.9\.9'\. It has: 1\.0\.0",
    "pictures:x": "has no version 'x'",
    "pictures/blue": "has no config 'blue'",
    "pictures/1.0.0": r"Write a version after a colon: 'pictures:1\.0\.0'",
    "mnist:9.9.9": "'mnist' has no version",
    "huggingface:cifar10": "Did you mean 'cifar10'",
    "huggingface:": "Unknown data set: 'huggingface:'",
    "mnist[:5]": "Did you mean 'mnist'",
    "gs://bucket/x": "Unknown data set",
}


def test_wrong_names_give_one_line(pictures, capsys):
    capsys.readouterr()
    for name, named in WRONG_NAMES.items():
        with pytest.raises(ValueError, match=named) as caught:
            data.find_splits(name)
        assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


WRONG_SPLITS = {
    "no data between": ["train[50%:10%]", "train[4:2]", "train[:0]", "train[6:]"],
    "no data between its limits": ["train[3:1]+train", "train[-2:-2]"],
    "incompatible with 6 examples": ["train[:7]", "train[9:]"],
    "It has: train": ["valid", "", None, 5, "train[::2]", "train[a:b]", "train[:200%]", "all[:2]"],
    r"It has: train\. Write": ["train[10%:5]"],  # TFDS would take 5 for 5 %.
}


def test_wrong_splits_give_one_line(pictures):
    for named, splits in WRONG_SPLITS.items():
        for split in splits:
            with pytest.raises(ValueError, match=rf"^TFDS .*'pictures' has no .*{named}") as caught:
                data.load_arrays(pictures, split)
            assert "\n" not in str(caught.value)
            assert "http" not in str(caught.value)


def test_a_part_of_a_split_is_read_and_more_workers_than_images_are_refused(pictures):
    assert len(data.load_arrays(pictures, "train[:2]+train[-1:]").pixels) == 3
    with pytest.raises(ValueError, match="fewer images than the 7 workers"):
        data.load_arrays(pictures, data_shard=Shard(0, 7))
