"""Extractors: those that come with ganzoo, and the one that Keras downloads."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import ganzoo
from ganzoo import metrics
from ganzoo.metrics.classifiers import CLASSIFIERS, build_classifier
from ganzoo.metrics.features import Network


def make_pixels(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_that_come_with_ganzoo_are_small_and_embed(name):
    record = CLASSIFIERS[name]
    assert record.weights.size < 2e6
    extractor = metrics.get_extractor(name)
    assert metrics.get_extractor(name) is extractor
    embedding = extractor(make_pixels((3, *record.image_shape)))
    assert embedding.features.shape == (3, 128)
    assert embedding.features.dtype == "float32"
    np.testing.assert_allclose(embedding.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_features_do_not_hang_on_the_precision_of_training():
    before = keras.config.dtype_policy()
    network = _tiny_network()
    expected = network(make_pixels((4, 16, 16, 1))).features
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(network(make_pixels((4, 16, 16, 1))).features, expected)
    finally:
        keras.config.set_dtype_policy(before)


def _tiny_network(channels=1):
    keras.utils.set_random_seed(0)
    return Network("tiny", build_classifier((16, 16, channels), 3), (16, 16, channels), "v1")


def test_images_of_another_size_are_resized_and_gray_ones_coloured():
    network = _tiny_network(channels=3)
    gray = make_pixels((2, 16, 16, 1))
    rgb = gray.repeat(3, axis=-1)
    # Up to rounding, which one and three channels need not share.
    np.testing.assert_allclose(network(gray).features, network(rgb).features, rtol=1e-5, atol=1e-6)
    large = rgb.repeat(2, axis=1).repeat(2, axis=2)
    # Antialiased: means of squares of two, which hold one colour here, and little more.
    prepared = np.asarray(network.prepare(tf.cast(large, "float32") / 127.5 - 1))
    assert prepared.shape == (2, 16, 16, 3)
    assert np.corrcoef(prepared.ravel(), rgb.ravel())[0, 1] > 0.9


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="no images"):
        _tiny_network()(make_pixels((0, 16, 16, 1)))


def test_three_digits_are_read_channel_by_channel():
    stacked, single = metrics.get_extractor("stacked_mnist"), metrics.get_extractor("mnist")
    pixels = make_pixels((4, 28, 28, 3))
    made = stacked(pixels)
    read = [single(pixels[..., channel : channel + 1]) for channel in range(3)]
    assert made.features.shape == (4, 384)
    np.testing.assert_array_equal(made.features[:, 128:256], read[1].features)
    # Not the most likely of 1,000 alone: the chance of the number that any three digits spell.
    for hundreds, tens, ones in [(0, 0, 7), (3, 1, 4), (9, 9, 9)]:
        expected = (
            read[0].probabilities[:, hundreds]
            * read[1].probabilities[:, tens]
            * read[2].probabilities[:, ones]
        )
        number = 100 * hundreds + 10 * tens + ones
        np.testing.assert_allclose(made.probabilities[:, number], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="takes images of 3 channels"):
        stacked(make_pixels((4, 28, 28, 1)))


def test_inception_is_the_one_of_keras_with_its_pooled_features(monkeypatch):
    """Random weights stand in for ImageNet's, which are downloaded."""
    build = keras.applications.InceptionV3
    monkeypatch.setattr(
        keras.applications, "InceptionV3", lambda weights, **kwargs: build(weights=None, **kwargs)
    )
    extractor = metrics.features._build_inception.__wrapped__()
    embedding = extractor(make_pixels((2, 32, 32, 3)))
    assert embedding.features.shape == (2, 2048)
    assert embedding.probabilities.shape == (2, 1000)
    np.testing.assert_allclose(embedding.probabilities.sum(axis=1), 1, rtol=1e-4)


def test_inception_without_a_network_names_the_way_out(monkeypatch):
    def fail(**_):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "InceptionV3", fail)
    with pytest.raises(ValueError, match=r"URL fetch failure.* come with ganzoo") as error:
        metrics.features._build_inception.__wrapped__()
    assert "\n" not in str(error.value)


@pytest.mark.datasets
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_read_test_images_as_well_as_recorded(name):
    test = ganzoo.data.read(name, "test")
    extractor = metrics.get_extractor(name)
    classes = np.concatenate(
        [
            extractor(test.pixels[start : start + 1000]).probabilities.argmax(axis=1)
            for start in range(0, len(test.pixels), 1000)
        ]
    )
    accuracy = np.mean(classes == test.labels)
    assert accuracy == pytest.approx(CLASSIFIERS[name].test_accuracy, abs=5e-4)
