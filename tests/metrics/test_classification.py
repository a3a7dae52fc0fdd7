"""Test classification accuracy scores with images of known variety."""

import numpy as np
import pytest

from ganzoo import metrics
from ganzoo.metrics import predict, train_classifier

STEPS = 50

# Tracing takes longer than the steps.
pytestmark = pytest.mark.usefixtures("eager")


def make_images(count, seed, modes=(0, 1)):
    """Return bars and their classes. Each class has two modes.

    Class 0 is a bright vertical bar or a dark horizontal one, class 1 the other two.
    """
    rng = np.random.default_rng(seed)
    labels, chosen = rng.integers(0, 2, count), rng.choice(modes, count)
    pixels = rng.integers(0, 40, (count, 8, 8, 1)).astype("uint8")
    pixels[labels == chosen, :, 3:5] = 255
    pixels[labels != chosen, 3:5] = 255
    pixels[chosen == 1] = 255 - pixels[chosen == 1]
    return pixels, labels


def measure(fake, real=None, num_steps=STEPS):
    metric = metrics.ClassificationAccuracy(num_steps=num_steps, seed=0)
    metric.update(fake[0], real=False, labels=fake[1])
    if real is not None:
        metric.update(real[0], real=True, labels=real[1])
    metric.update_test(*make_images(400, seed=9))
    return metric.result()


@pytest.mark.slow
def test_fake_images_of_the_real_distribution_teach_as_well_as_real_ones():
    result = measure(make_images(300, seed=1), make_images(300, seed=2))
    assert float(result) > 0.95
    assert result.details["real"] > 0.95
    assert result.details["gan_test"] > 0.95
    assert (result.metric, result.num_real, result.num_fake) == ("cas", 400, 300)


@pytest.mark.slow
def test_missing_modes_lower_gan_train_but_not_gan_test():
    result = measure(make_images(300, seed=1, modes=(0,)), make_images(300, seed=2))
    assert result.details["gan_test"] > 0.95
    assert float(result) < 0.85


def test_swapped_labels_teach_the_opposite():
    pixels, labels = make_images(300, seed=1)
    assert float(measure((pixels, 1 - labels), num_steps=25)) < 0.2


def test_the_seed_alone_determines_a_classifier():
    pixels, labels = make_images(100, seed=1)
    first, again, other = (
        predict(train_classifier(pixels, labels, 2, seed, num_steps=3), pixels)
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    np.testing.assert_allclose(first.sum(axis=1), 1, rtol=1e-5)


def test_parts_of_the_images_can_be_merged():
    pixels, labels = make_images(8, seed=1)
    whole, left, right = (metrics.ClassificationAccuracy(num_steps=2) for _ in range(3))
    for metric, part in ((whole, slice(0, 8)), (left, slice(0, 4)), (right, slice(4, 8))):
        metric.update(pixels[part], real=False, labels=labels[part])
        metric.update_test(pixels[part], labels[part])
    left.merge(right)
    assert left.result() == whole.result()


def test_small_images_and_labels_that_are_no_class_ids_are_refused():
    with pytest.raises(ValueError, match="at least 8 pixels"):
        train_classifier(np.zeros((2, 7, 9, 1), "uint8"), np.array([0, 1]), 2)
    metric = metrics.ClassificationAccuracy()
    with pytest.raises(ValueError, match="class ids"):
        metric.update(np.zeros((2, 8, 8, 1), "uint8"), real=False, labels=np.array([0.5, 1]))
