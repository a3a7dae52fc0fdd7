"""Test that memory holds image data only once, for any number of pipelines."""

import gc
import pathlib
import tracemalloc
import weakref

import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image

from ganzoo import data, images
from ganzoo.data.arrays import PixelStack, allocate

PEAK_RESET = pathlib.Path("/proc/self/clear_refs")


def peak_memory():
    """Return the peak of this process's memory since `PEAK_RESET` was written, in bytes."""
    (line,) = [
        line
        for line in pathlib.Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return 1024 * int(line.split()[1])


@pytest.fixture(params=["folder", "sample", "sample resized", "taken"])
def loaded(request, png_folder):
    """Return image data that were loaded in one of four ways."""
    if request.param == "folder":
        return data.load_arrays(png_folder)
    if request.param == "taken":
        return data.load_arrays(png_folder).take(np.arange(0, 20, 2))
    return data.load_arrays("sample", image_size=9 if "resized" in request.param else None)


def test_the_tensor_shares_the_memory_of_the_pixels(loaded):
    tensor = loaded.pixel_tensor
    np.testing.assert_array_equal(tensor, loaded.pixels)
    assert "CPU:0" in tensor.device
    loaded.pixels[3] += 1
    np.testing.assert_array_equal(tensor, loaded.pixels)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (7, 3, 5, 3), (5, 1, 4, 1), (1, 6, 1, 3)])
def test_arrays_of_every_shape_share_their_memory_with_the_tensor(shape):
    pixels = allocate(shape)
    assert pixels.ctypes.data % 64 == 0
    pixels[...] = np.arange(pixels.size).reshape(shape)
    tensor = data.ImageData(pixels).pixel_tensor
    pixels[0] += 9
    np.testing.assert_array_equal(tensor, pixels)


def unaligned(pixels):
    memory = np.zeros(pixels.size + 64, "uint8")
    start = -memory.ctypes.data % 64 + 1
    memory[start : start + pixels.size] = pixels.ravel()
    return memory[start : start + pixels.size].reshape(pixels.shape)


def read_only(pixels):
    pixels = pixels.copy()
    pixels.flags.writeable = False
    return pixels


@pytest.mark.parametrize(
    "change",
    [
        unaligned,
        read_only,
        lambda pixels: pixels[::2],
        lambda pixels: pixels[:, ::-1],
        np.asfortranarray,
    ],
    ids=["unaligned", "read-only", "strided", "mirrored", "column-order"],
)
def test_arrays_that_cannot_be_shared_are_copied(change):
    """TensorFlow aborts the process if it reads an array that is not aligned."""
    pixels = change(np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), "uint8"))
    batches = data.pipeline(data.ImageData(pixels), 5, shuffle=False)
    np.testing.assert_array_equal(images.to_pixels(tiny.gather(batches)), pixels)


def test_pipelines_share_one_tensor_and_give_the_values_of_the_pixels(png_folder):
    image_data = data.load_arrays(png_folder)
    first, second = (data.pipeline(image_data, 5, shuffle=False) for _ in range(2))
    assert image_data.pixel_tensor is image_data.pixel_tensor
    np.testing.assert_array_equal(images.to_pixels(tiny.gather(first)), image_data.pixels)
    # Both pipelines see a change of the array.
    image_data.pixels[...] = 255 - image_data.pixels
    for pipeline in (first, second):
        np.testing.assert_array_equal(images.to_pixels(tiny.gather(pipeline)), image_data.pixels)


def test_a_pipeline_keeps_its_pixels_in_memory_until_it_is_deleted():
    pixels = allocate((64, 8, 8, 1))
    pixels[...] = 7
    memory = weakref.ref(pixels.base)
    batches = data.pipeline(data.ImageData(pixels), 64)
    del pixels
    gc.collect()
    # Other arrays would overwrite the memory if it were free.
    others = [np.zeros((64, 8, 8, 1), "uint8") for _ in range(100)]
    assert memory() is not None
    (batch,) = batches
    assert np.all(images.to_pixels(batch) == 7)
    del batches, batch, others
    gc.collect()
    assert memory() is None


@pytest.mark.skipif(not PEAK_RESET.exists(), reason="needs Linux")
def test_pipelines_and_their_iterators_do_not_copy_the_pixels():
    pixels = allocate((4096, 64, 64, 6))  # The array has 96 MB.
    pixels[...] = 3
    image_data = data.ImageData(pixels)
    # The first turn also traces functions and loads libraries, so only the second one counts.
    for batch_size in (2, 4):
        PEAK_RESET.write_text("5")
        before = peak_memory()
        for seed in range(3):
            next(iter(data.pipeline(image_data, batch_size, seed=seed)))
    assert peak_memory() - before < pixels.nbytes / 2


@pytest.mark.parametrize("color_at", [None, 0, 25])
def test_loading_a_folder_holds_no_image_in_memory_twice(tmp_path, color_at):
    tiny.write_folder(tmp_path, num_images=40, side=128)
    if color_at is not None:
        Image.new("RGB", (128, 128), (9, 8, 7)).save(tmp_path / f"{color_at:03d}.png")
    data.load_arrays(tmp_path)  # The first call also imports modules.
    tracemalloc.start()
    pixels = data.load_arrays(tmp_path).pixels
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if color_at is None:
        assert peak < 1.3 * pixels.nbytes
        return
    assert pixels.shape == (40, 128, 128, 3)
    assert pixels[color_at, 5, 6].tolist() == [9, 8, 7]
    # The gray images before the first color image are copied into an array with colors.
    assert peak < 1.7 * pixels.nbytes
    for index in (24, 39):
        with Image.open(tmp_path / f"{index:03d}.png") as image:
            for channel in range(3):
                np.testing.assert_array_equal(pixels[index, ..., channel], image)


def test_a_data_set_that_does_not_fit_into_memory_is_refused():
    image = np.broadcast_to(np.uint8(0), (1, 4000, 3000, 3))
    with pytest.raises(
        ValueError, match=r"'lsun', 1000000000 images of 4000 x 3000 x 3.*image_size"
    ):
        PixelStack(10**9, "lsun").add(image)


@pytest.mark.parametrize(
    "indices",
    [np.array([4, -1, 4]), slice(1, 19, 3), np.arange(20) % 7 == 0, np.array([], int)],
    ids=["integers", "slice", "mask", "empty"],
)
def test_taking_images_keeps_their_labels(tmp_path, indices):
    tiny.write_folder(tmp_path, num_images=10, classes=("a", "b"))
    image_data = data.load_arrays(tmp_path)
    taken = image_data.take(indices)
    np.testing.assert_array_equal(taken.pixels, image_data.pixels[indices])
    np.testing.assert_array_equal(taken.labels, image_data.labels[indices])
    assert taken.num_classes == 2
    with pytest.raises(IndexError):
        image_data.take(np.array([20]))


def test_labels_become_one_int32_tensor(tmp_path):
    tiny.write_folder(tmp_path, num_images=3, classes=("a", "b"))
    image_data = data.load_arrays(tmp_path)
    assert image_data.label_tensor.dtype == tf.int32
    assert image_data.label_tensor is image_data.label_tensor
    assert image_data.label_tensor.numpy().tolist() == [0, 0, 0, 1, 1, 1]
