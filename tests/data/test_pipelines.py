"""Test batches of image data that memory holds."""

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image

import ganzoo
from ganzoo import data, images
from ganzoo.data import validation
from ganzoo.data.spec import DataSpec
from ganzoo.distribution import Shard


def test_batches_are_full_and_float32_in_minus_1_to_1():
    batches = list(data.load("sample", batch_size=768).as_numpy_iterator())
    assert {(batch.shape, batch.dtype.name) for batch in batches} == {((768, 28, 28, 1), "float32")}
    assert len(batches) == 13
    assert min(batch.min() for batch in batches) == -1
    assert max(batch.max() for batch in batches) == 1


def test_every_pass_has_another_order_and_the_same_images(png_folder):
    dataset = data.load(png_folder, batch_size=5)
    first, second = tiny.gather(dataset), tiny.gather(dataset)
    assert np.any(first != second)
    np.testing.assert_array_equal(sort(first), sort(second))


def sort(images):
    return np.array(sorted(images.reshape(len(images), -1).tolist()))


def test_the_seed_determines_the_order(png_folder):
    orders = [tiny.gather(data.load(png_folder, batch_size=5, seed=seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert np.any(orders[0] != orders[2])


def test_without_shuffling_the_order_is_that_of_the_files(png_folder):
    images = tiny.gather(data.load(png_folder, batch_size=4, shuffle=False))
    for path, image in zip(sorted(png_folder.iterdir()), images, strict=True):
        with Image.open(path) as file:
            expected = np.asarray(file)
        np.testing.assert_array_equal(ganzoo.images.to_pixels(image)[..., 0], expected)


def test_images_left_out_of_one_pass_appear_in_other_passes(png_folder):
    dataset = data.load(png_folder, batch_size=7)
    assert len(dataset) == 2
    seen = {image.tobytes() for _ in range(12) for image in tiny.gather(dataset)}
    assert len(seen) == 20


@pytest.mark.parametrize("start", [1, 4, 6, 11])
def test_a_resumed_pipeline_continues_with_the_same_batches(png_folder, start):
    image_data = data.load_arrays(png_folder)
    straight = tiny.take(data.pipeline(image_data, 5, seed=2, start=0), 14)
    resumed = tiny.take(data.pipeline(image_data, 5, seed=2, start=start), 14 - start)
    np.testing.assert_array_equal(resumed, straight[start:])
    # Four batches are one pass over all images. Every pass has another order.
    first, second = (np.concatenate(straight[i : i + 4]) for i in (0, 4))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(second, axis=0))


@pytest.mark.parametrize("count", [2, 3])
def test_workers_share_the_batches_of_a_single_worker(count):
    pixels = np.arange(20, dtype="uint8").reshape(20, 1, 1, 1)
    image_data = data.ImageData(pixels, np.arange(20), 20)
    whole = list(data.pipeline(image_data, 6, labels=True, seed=1))
    shards = [
        list(data.pipeline(image_data, 6, labels=True, seed=1, batch_shard=Shard(index, count)))
        for index in range(count)
    ]
    for batch, *shares in zip(whole, *shards, strict=True):
        assert [len(labels) for _, labels in shares] == [6 // count] * count
        shared = np.concatenate([labels for _, labels in shares])
        assert sorted(shared) == sorted(batch[1].numpy())
        for share_images, share_labels in shares:
            pixels = images.to_pixels(share_images)[:, 0, 0, 0]
            np.testing.assert_array_equal(pixels, share_labels)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": -1}, "batch_size=-1"),
        ({"image_size": 0}, "image_size=0"),
        ({"batch_size": 21}, "20 images.*batch of 21"),
        ({"split": "tset"}, "split='tset'"),
        ({"split": "test"}, "has no split 'test'"),
        ({"labels": True}, "has no labels"),
    ],
)
def test_invalid_arguments_are_refused_by_name(png_folder, arguments, named):
    with pytest.raises(ValueError, match=named):
        data.load(png_folder, **arguments)


def test_pipelines_are_not_autotuned_unless_their_options_say_so(png_folder):
    assert data.load(png_folder, batch_size=5).options().autotune.enabled is False
    crops = data.load_crops(png_folder, crop_size=4, batch_size=4)
    assert crops.options().autotune.enabled is False
    chosen = tf.data.Options()
    chosen.autotune.enabled = True
    batch = tf.data.Dataset.from_tensors(tiny.make_images(4))
    for given, enabled in ((batch, False), (batch.with_options(chosen), True)):
        checked, _ = validation.check(given, None, DataSpec(tiny.IMAGE_SHAPE))
        assert checked.options().autotune.enabled is enabled
