"""Test folders of generated images with labels."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import ganzoo
from ganzoo import registry, sampling


@pytest.fixture(scope="module")
def cgan():
    return registry.get_family("cgan").build_test_model(seed=0, class_names=["bag", "a/b", "cat"])


def brightness(pixels):
    """Return "probabilities" that grow with the brightness, equal for all classes."""
    return np.repeat(pixels.mean(axis=(1, 2, 3))[:, None], 3, axis=1)


def test_a_folder_holds_equally_many_images_of_each_class(cgan, tmp_path):
    assert sampling.synthesize(cgan, 8, tmp_path / "made", seed=4) == {"bag": 3, "a/b": 3, "cat": 2}
    loaded = ganzoo.data.load_arrays(tmp_path / "made")
    assert loaded.class_names == ["a-b", "bag", "cat"]
    assert np.bincount(loaded.labels).tolist() == [3, 3, 2]
    expected = cgan.generate(8, labels=np.arange(8) % 3, seed=4)
    np.testing.assert_array_equal(loaded.pixels[loaded.labels == 1], expected[0::3])


def test_the_surest_images_of_each_class_are_kept(cgan, tmp_path):
    sampling.synthesize(cgan, 6, tmp_path / "made", keep=0.5, judge=brightness)
    loaded = ganzoo.data.load_arrays(tmp_path / "made")
    # Twice as many images are generated: four of each class.
    candidates = cgan.generate(12, labels=np.repeat([0, 1, 2], 4), seed=0)
    for folder_class, label in enumerate([1, 0, 2]):
        of_class = candidates[4 * label : 4 * label + 4]
        brightest = np.sort(np.argsort(-brightness(of_class)[:, 0], kind="stable")[:2])
        kept = loaded.pixels[loaded.labels == folder_class]
        np.testing.assert_array_equal(kept, of_class[brightest])


def test_records_hold_images_and_class_ids(cgan, tmp_path):
    sampling.synthesize(cgan, 4, tmp_path / "made", format="tfrecord", seed=4)
    (path,) = (tmp_path / "made").iterdir()
    examples = [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset([path])]
    labels = [example.features.feature["label"].int64_list.value[0] for example in examples]
    assert labels == [0, 1, 2, 0]
    png = examples[3].features.feature["image"].bytes_list.value[0]
    expected = cgan.generate(4, labels=[0, 1, 2, 0], seed=4)[3]
    np.testing.assert_array_equal(tf.io.decode_png(png), expected)


def test_a_judge_learns_from_a_folder_of_the_same_classes(png_folder, tmp_path, monkeypatch, eager):
    short = functools.partial(ganzoo.metrics.train_classifier, num_steps=20)
    monkeypatch.setattr("ganzoo.sampling.training_data.train_classifier", short)
    gan = ganzoo.CGAN(image_shape=(8, 8, 1), num_classes=2, base_filters=2)
    for name, level in (("dark", 20), ("light", 230)):
        for index in range(10):
            pixels = np.full((8, 8, 1), level + index, "uint8")
            ganzoo.images.write_png(tmp_path / "real" / name / f"{index}.png", pixels)
    judge = sampling.make_judge(gan, tmp_path / "real")
    pixels = np.stack([np.full((8, 8, 1), level, "uint8") for level in (25, 235)])
    np.testing.assert_array_equal(judge(pixels).argmax(axis=1), [0, 1])
    with pytest.raises(ValueError, match="no classes"):
        sampling.make_judge(gan, png_folder)


def test_wrong_arguments_are_refused(cgan, tmp_path):
    with pytest.raises(ValueError, match="no classes"):
        sampling.synthesize(registry.get_family("dcgan").build_test_model(), 3, tmp_path / "a")
    for keep in (0, 1.5, 0.5):  # The last one has no judge.
        with pytest.raises(ValueError, match="keep"):
            sampling.synthesize(cgan, 3, tmp_path / "a", keep=keep)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.txt").touch()
    with pytest.raises(ValueError, match="not empty"):
        sampling.synthesize(cgan, 3, tmp_path / "full")
