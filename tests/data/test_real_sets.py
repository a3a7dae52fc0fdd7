"""Compare real data sets with their published counts, means and standard deviations."""

import numpy as np
import pytest
import tiny

from ganzoo import data

PUBLISHED_COUNTS = [
    ("mnist", "train", 60_000, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
    ("mnist", "test", 10_000, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
    ("fashion_mnist", "train", 60_000, [6000] * 10),
    ("fashion_mnist", "test", 10_000, [1000] * 10),
    ("cifar10", "train", 50_000, [5000] * 10),
    ("cifar10", "test", 10_000, [1000] * 10),
]


PUBLISHED_MOMENTS = {
    ("mnist", "train"): ([0.1307], [0.3081]),
    ("mnist", "test"): ([0.1325], [0.3105]),
    ("fashion_mnist", "train"): ([0.2860], [0.3530]),
    ("fashion_mnist", "test"): ([0.2868], [0.3524]),
    ("cifar10", "train"): ([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    ("cifar10", "test"): ([0.4942, 0.4851, 0.4504], [0.2467, 0.2429, 0.2616]),
}


@pytest.mark.datasets
@pytest.mark.parametrize(("name", "split", "count", "per_class"), PUBLISHED_COUNTS)
def test_a_real_data_set_has_its_published_counts_and_moments(name, split, count, per_class):
    dataset = data.load(name, split=split, batch_size=1000, labels=True, shuffle=False)
    images, labels = tiny.gather(dataset)
    side, channels = (32, 3) if name == "cifar10" else (28, 1)
    assert images.shape == (count, side, side, channels)
    assert np.bincount(labels).tolist() == per_class
    mean, std = PUBLISHED_MOMENTS[name, split]
    pixels = (images.astype("float64") + 1) / 2
    np.testing.assert_allclose(pixels.mean(axis=(0, 1, 2)), mean, atol=6e-5)
    np.testing.assert_allclose(pixels.std(axis=(0, 1, 2)), std, atol=6e-5)


@pytest.mark.datasets
def test_stacked_mnist_has_every_digit_once_in_each_color_channel():
    stacked, digits = data.load_arrays("stacked_mnist", "test"), data.load_arrays("mnist", "test")
    assert stacked.pixels.shape == (10_000, 28, 28, 3)
    assert stacked.num_classes == 1000
    assert data.find_splits("stacked_mnist") == {"test": 10_000, "train": 60_000}
    names = {
        image.tobytes(): label
        for image, label in zip(digits.pixels[..., 0], digits.labels, strict=True)
    }
    expected_labels = np.zeros(10_000, int)
    for channel in range(3):
        images = np.ascontiguousarray(stacked.pixels[..., channel])
        assert len({image.tobytes() for image in images}) == len(names)
        expected_labels = 10 * expected_labels + [names[image.tobytes()] for image in images]
    np.testing.assert_array_equal(stacked.labels, expected_labels)


@pytest.mark.datasets
def test_a_slice_of_a_real_split_is_resized_and_unknown_splits_are_refused():
    dataset = data.load("mnist", split="train[:100]", image_size=32, batch_size=50)
    assert tiny.gather(dataset).shape == (100, 32, 32, 1)
    with pytest.raises(ValueError, match=r"no split 'valid'.*test, train"):
        data.load("mnist", split="valid")
