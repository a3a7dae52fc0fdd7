"""Batches of data that have been read."""

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image

import ganzoo
from ganzoo import batches, data, images
from ganzoo.distribution import Part


def test_pipelines_give_whole_float32_batches_in_minus_1_to_1():
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


def test_the_same_seed_gives_the_same_order_and_another_seed_another(png_folder):
    orders = [tiny.gather(data.load(png_folder, batch_size=5, seed=seed)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(orders[0], orders[1])
    assert np.any(orders[0] != orders[2])


def test_without_shuffling_the_order_is_that_of_the_files(png_folder):
    images = tiny.gather(data.load(png_folder, batch_size=4, shuffle=False))
    for path, image in zip(sorted(png_folder.iterdir()), images, strict=True):
        with Image.open(path) as file:
            expected = np.asarray(file)
        np.testing.assert_array_equal(ganzoo.images.to_pixels(image)[..., 0], expected)


def test_what_does_not_fill_a_batch_waits_for_the_next_pass(png_folder):
    dataset = data.load(png_folder, batch_size=7)
    assert len(dataset) == 2
    seen = {image.tobytes() for _ in range(12) for image in tiny.gather(dataset)}
    assert len(seen) == 20


@pytest.mark.parametrize("start", [1, 4, 6, 11])
def test_batches_from_a_number_on_are_those_that_would_have_come(png_folder, start):
    image_data = data.read(png_folder)
    straight = tiny.take(data.pipeline(image_data, 5, seed=2, start=0), 14)
    resumed = tiny.take(data.pipeline(image_data, 5, seed=2, start=start), 14 - start)
    np.testing.assert_array_equal(resumed, straight[start:])
    # Four batches are a pass over all images, in an order of its own.
    first, second = (np.concatenate(straight[i : i + 4]) for i in (0, 4))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first, axis=0), np.sort(second, axis=0))


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


def test_iterators_end_at_once_and_a_choice_to_tune_them_is_kept(png_folder):
    assert data.load(png_folder, batch_size=5).options().autotune.enabled is False
    crops = data.load_crops(png_folder, crop_size=4, batch_size=4)
    assert crops.options().autotune.enabled is False
    chosen = tf.data.Options()
    chosen.autotune.enabled = True
    batch = tf.data.Dataset.from_tensors(tiny.make_images(4))
    for given, enabled in ((batch, False), (batch.with_options(chosen), True)):
        checked, _ = batches.check(given, None, tiny.IMAGE_SHAPE, None)
        assert checked.options().autotune.enabled is enabled
