"""Test the extractors that come with ganzoo, and Inception, which Keras downloads."""

import keras
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

import ganzoo
from ganzoo import data, metrics
from ganzoo.metrics.classifiers import CLASSIFIERS, build_classifier
from ganzoo.metrics.features import Network
from ganzoo.perceptual import load_alexnet


def make_pixels(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_packaged_classifiers_are_small_and_return_features_and_probabilities(name):
    record = CLASSIFIERS[name]
    assert record.weights.size < 2e6
    extractor = metrics.get_extractor(name)
    assert metrics.get_extractor(name) is extractor
    embedding = extractor(make_pixels((3, *record.image_shape)))
    assert embedding.features.shape == (3, 128)
    assert embedding.features.dtype == "float32"
    np.testing.assert_allclose(embedding.probabilities.sum(axis=1), 1, rtol=1e-5)


def test_features_do_not_depend_on_the_dtype_policy():
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


def test_images_of_other_sizes_are_resized_and_gray_images_become_rgb():
    network = _tiny_network(channels=3)
    gray = make_pixels((2, 16, 16, 1))
    rgb = gray.repeat(3, axis=-1)
    # One and three channels may be rounded differently.
    np.testing.assert_allclose(network(gray).features, network(rgb).features, rtol=1e-5, atol=1e-6)
    large = rgb.repeat(2, axis=1).repeat(2, axis=2)
    # Antialiasing averages squares of two by two pixels. Here, these pixels are equal.
    prepared = np.asarray(network.prepare(tf.cast(large, "float32") / 127.5 - 1))
    assert prepared.shape == (2, 16, 16, 3)
    assert np.corrcoef(prepared.ravel(), rgb.ravel())[0, 1] > 0.9


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="no images"):
        _tiny_network()(make_pixels((0, 16, 16, 1)))


def test_stacked_mnist_classifies_each_channel_as_a_digit():
    stacked, single = metrics.get_extractor("stacked_mnist"), metrics.get_extractor("mnist")
    pixels = make_pixels((4, 28, 28, 3))
    stacked_embedding = stacked(pixels)
    single_embeddings = [single(pixels[..., channel : channel + 1]) for channel in range(3)]
    assert stacked_embedding.features.shape == (4, 384)
    np.testing.assert_array_equal(
        stacked_embedding.features[:, 128:256], single_embeddings[1].features
    )
    # The probability of a number is the product of the probabilities of its digits.
    for hundreds, tens, ones in [(0, 0, 7), (3, 1, 4), (9, 9, 9)]:
        expected = (
            single_embeddings[0].probabilities[:, hundreds]
            * single_embeddings[1].probabilities[:, tens]
            * single_embeddings[2].probabilities[:, ones]
        )
        number = 100 * hundreds + 10 * tens + ones
        np.testing.assert_allclose(stacked_embedding.probabilities[:, number], expected, rtol=1e-5)
    with pytest.raises(ValueError, match="takes images of 3 channels"):
        stacked(make_pixels((4, 28, 28, 1)))


@pytest.mark.slow
def test_inception_returns_pooled_features_and_probabilities(monkeypatch):
    """Random weights replace the ImageNet weights, which would be downloaded."""
    build = keras.applications.InceptionV3
    monkeypatch.setattr(
        keras.applications, "InceptionV3", lambda weights, **kwargs: build(weights=None, **kwargs)
    )
    extractor = metrics.features._build_inception.__wrapped__()
    embedding = extractor(make_pixels((2, 32, 32, 3)))
    assert embedding.features.shape == (2, 2048)
    assert embedding.probabilities.shape == (2, 1000)
    np.testing.assert_allclose(embedding.probabilities.sum(axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (Exception("URL fetch failure\nTry again"), "URL fetch failure"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_failed_download_of_inception_says_what_to_do(error, named, monkeypatch):
    def fail(**_):
        raise error

    monkeypatch.setattr(keras.applications, "InceptionV3", fail)
    with pytest.raises(ValueError, match=rf"\({named}\).* comes with ganzoo") as raised:
        metrics.features._build_inception.__wrapped__()
    assert "\n" not in str(raised.value)


# `scripts/train_classifier.py` prints these accuracies.
ACCURACIES = {"cifar10": 0.8990, "fashion_mnist": 0.9314, "mnist": 0.9963}


def test_every_classifier_has_a_recorded_accuracy():
    assert set(ACCURACIES) == set(CLASSIFIERS)


@pytest.mark.datasets
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_reach_the_recorded_accuracy_on_test_images(name):
    test = ganzoo.data.load_arrays(name, "test")
    extractor = metrics.get_extractor(name)
    classes = np.concatenate(
        [
            extractor(test.pixels[start : start + 1000]).probabilities.argmax(axis=1)
            for start in range(0, len(test.pixels), 1000)
        ]
    )
    accuracy = np.mean(classes == test.labels)
    assert accuracy == pytest.approx(ACCURACIES[name], abs=5e-4)


def test_alexnet_embeds_images_of_any_kind_and_predicts_no_classes():
    extractor = metrics.get_extractor("alexnet")
    gray = make_pixels((2, 8, 12, 1))
    embedding = extractor(gray)
    assert embedding.features.shape == (2, 256)
    assert embedding.probabilities is None
    np.testing.assert_allclose(
        extractor(gray.repeat(3, axis=-1)).features, embedding.features, rtol=1e-4, atol=1e-5
    )
    # Features are means of the last feature maps, of sides from 96 to 224 pixels.
    rgb = make_pixels((1, 100, 240, 3))
    resized = tf.image.resize(rgb / np.float32(127.5) - 1, (100, 224), antialias=True)
    expected = load_alexnet()(resized)[-1].numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(extractor(rgb).features, expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="cifar10, fashion_mnist, inception_v3"):
        embedding.require_probabilities()


@pytest.mark.slow
def test_fid_by_alexnet_rises_with_blur_and_with_noise():
    extractor = metrics.get_extractor("alexnet")
    real, unseen = data.load_arrays("sample").pixels[:40].reshape(2, 20, 28, 28, 1)
    static = np.random.default_rng(0).normal(size=unseen.shape)
    training = extractor(real)

    def fid(pixels):
        metric = metrics.FrechetDistance(extractor)
        metric.update_embedding(training, real=True)
        metric.update(np.clip(pixels, 0, 255).astype("uint8"), real=False)
        return float(metric.result())

    floor = fid(unseen)
    for damaged in (
        [scipy.ndimage.gaussian_filter(unseen, (0, width, width, 0)) for width in (0.7, 1.5)],
        [unseen + level * static for level in (10, 40)],
    ):
        little, much = map(fid, damaged)
        assert floor < little < much
