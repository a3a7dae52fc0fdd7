"""Test the behavior that all streaming metrics share."""

import warnings

import numpy as np
import pytest

from ganzoo import metrics
from ganzoo.metrics.streaming import Bank, Moments

RNG = np.random.default_rng(7)
REAL, FAKE = RNG.normal(size=(400, 5)) * 3 + 2, RNG.normal(size=(300, 5)) @ RNG.normal(size=(5, 5))


def classify(pixels):
    """Return features from a fixed linear map, and probabilities of three classes."""
    flat = pixels.reshape(len(pixels), -1) / 255.0
    weights = np.random.default_rng(0).normal(size=(flat.shape[1], 8))
    features = flat @ weights
    exponentials = np.exp(features[:, :3])
    return metrics.Embedding(features, exponentials / exponentials.sum(axis=1, keepdims=True))


def make_pixels(count, seed):
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 1), "uint8")


def feed(metric, start=0, stop=None, batch_size=64):
    """Add images `start` to `stop` of 90 real and 90 fake ones to a metric, in batches."""
    for real in (True, False):
        pixels = make_pixels(90, seed=int(real))[start:stop]
        labels = np.arange(90)[start:stop] % 3
        for index in range(0, len(pixels), batch_size):
            batch = pixels[index : index + batch_size]
            if isinstance(metric, metrics.LabelAccuracy):
                metric.update(batch, real, labels[index : index + batch_size])
            else:
                metric.update(batch, real)
    if isinstance(metric, metrics.TrainingNeighbours):
        metric.update_unseen(make_pixels(90, seed=2)[start:stop])
    return metric


def make(kind):
    if kind is metrics.ParzenLogLikelihood:
        return kind(num_validation=20)
    return kind(classify)


KINDS = [
    metrics.FrechetDistance,
    metrics.InceptionScore,
    metrics.KernelDistance,
    metrics.LabelAccuracy,
    metrics.ModeCoverage,
    metrics.ParzenLogLikelihood,
    metrics.PrecisionRecall,
    metrics.TrainingNeighbours,
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
def test_the_result_does_not_depend_on_the_batch_size(kind):
    results = [feed(make(kind), batch_size=size).result() for size in (1, 7, 90)]
    assert len({result.num_fake for result in results}) == 1
    for result in results[1:]:
        assert float(result) == pytest.approx(float(results[0]), rel=1e-6)


@every_kind
def test_merged_parts_give_the_result_of_a_single_metric(kind):
    first, second = feed(make(kind), 0, 31), feed(make(kind), 31, None)
    first.merge(second)
    together = feed(make(kind)).result()
    merged = first.result()
    assert merged.num_real == together.num_real
    assert merged.num_fake == together.num_fake
    assert float(merged) == pytest.approx(float(together), rel=1e-9)
    for name, value in together.details.items():
        assert merged.details[name] == pytest.approx(value, rel=1e-9), name


@every_kind
def test_parts_with_only_real_or_only_fake_images_merge_in_any_order(kind):
    whole = feed(make(kind))
    for order in (1, -1):
        merged = make(kind)
        for real in (True, False)[::order]:
            part = make(kind)
            pixels, labels = make_pixels(90, seed=int(real)), np.arange(90) % 3
            part.update(pixels, real, *([labels] if kind is metrics.LabelAccuracy else []))
            if real and kind is metrics.TrainingNeighbours:
                part.update_unseen(make_pixels(90, seed=2))
            merged.merge(part)
        assert float(merged.result()) == pytest.approx(float(whole.result()), rel=1e-9)


@every_kind
def test_float_images_and_their_pixels_give_the_same_result(kind):
    from ganzoo.images import from_pixels

    of_pixels, of_images = make(kind), make(kind)
    for real in (True, False):
        pixels = make_pixels(60, seed=int(real))
        extra = (np.arange(60) % 3,) if kind is metrics.LabelAccuracy else ()
        of_pixels.update(pixels, real, *extra)
        of_images.update(np.asarray(from_pixels(pixels)), real, *extra)
    if kind is metrics.TrainingNeighbours:
        for metric in (of_pixels, of_images):
            metric.update_unseen(make_pixels(60, seed=2))
    assert float(of_pixels.result()) == float(of_images.result())


@every_kind
def test_a_result_records_how_it_was_measured(kind):
    arguments = {"split": "digits train", "seed": 3}
    if kind is metrics.ParzenLogLikelihood:
        result = feed(kind(num_validation=20, **arguments)).result()
        assert result.extractor == "scaled_pixels"
    else:
        result = feed(kind(classify, **arguments)).result()
        assert result.extractor == "classify"
    assert (result.split, result.seed, result.num_fake) == ("digits train", 3, 90)
    assert result.metric == kind.name
    assert result.to_dict()["value"] == float(result)


@every_kind
def test_too_few_images_are_refused(kind):
    metric = make(kind)
    with pytest.raises(ValueError, match=r"Too few images .* Received: 0 and 0"):
        metric.result()


def test_metrics_of_different_extractors_cannot_be_merged():
    with pytest.raises(ValueError, match="one kind and extractor"):
        metrics.FrechetDistance().merge(metrics.FrechetDistance(classify))
    with pytest.raises(ValueError, match="one kind and extractor"):
        metrics.FrechetDistance().merge(metrics.KernelDistance())


def test_extractors_with_other_weights_count_as_different():
    class Extractor:
        name = "mine"

        def __init__(self, fingerprint):
            self.fingerprint = fingerprint

        def __call__(self, images):
            return classify(images)

    first, again, other = (feed(metrics.FrechetDistance(Extractor(p))) for p in ("a", "a", "b"))
    assert first.result() <= again.result()
    with pytest.raises(ValueError, match=r"different scales.*'a' and 'b'"):
        assert first.result() < other.result()
    with pytest.raises(ValueError, match="one kind and extractor"):
        first.merge(other)
    # Records of older versions have no fingerprint and compare by name.
    assert first.result() <= metrics.Result("fid", 1e9, "mine", 10, 10)


def test_a_keras_model_can_be_the_extractor():
    import keras

    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(4)], name="by_keras"
    )
    metric = feed(metrics.FrechetDistance(model))
    assert metric.result().extractor == "by_keras"
    by_hand = feed(metrics.FrechetDistance(lambda pixels: model(pixels).numpy()))
    assert float(metric.result()) == float(by_hand.result())


def test_the_result_counts_only_the_images_that_it_used():
    metric = metrics.KernelDistance()
    metric.update(REAL, real=True)
    metric.update(FAKE, real=False)
    assert (metric.result().num_real, metric.result().num_fake) == (300, 300)


def test_results_of_different_extractors_cannot_be_compared():
    first = metrics.Result("fid", 1.0, "mnist", 10, 10)
    for other in (
        metrics.Result("fid", 2.0, "cifar10", 10, 10),
        metrics.Result("kid", 2.0, "mnist", 10, 10),
    ):
        for compare in (float.__lt__, float.__ge__, float.__sub__, float.__truediv__):
            with pytest.raises(ValueError, match="different scales"):
                getattr(first, compare.__name__)(other)
    second = metrics.Result("fid", 2.0, "mnist", 50, 10)
    assert first < second
    assert second >= first
    assert second / first == 2
    assert second - first == 1
    assert second > 1.5


@pytest.mark.parametrize(
    ("images", "named"),
    [
        (np.zeros((2, 6, 6), "uint8"), r"shape.*`x\[..., None\]`"),
        (np.zeros((2, 3, 6, 6), "uint8"), r"shape.*`np.moveaxis\(x, 1, -1\)`"),
        (np.zeros((2, 6, 6, 1), "int64"), "int64"),
        (np.ones((2, 6, 6, 1), bool), r"`np.uint8\(x \* 255\)`"),
        (np.full((2, 6, 6, 1), 65535, "uint16"), r"`np.uint8\(x // 257\)`"),
        (np.full((2, 6, 6, 1), 2.0), "from 2 to 2"),
        (np.full((2, 6, 6, 1), np.nan), "NaN in 2 of 2"),
    ],
)
def test_arrays_that_are_not_images_are_refused(images, named):
    metric = metrics.FrechetDistance(classify)
    with pytest.raises(ValueError, match=named):
        metric.update(images, real=True)
    assert metric.counts == (0, 0)


def test_images_scaled_to_0_1_are_warned_of():
    scaled = (make_pixels(4, seed=0) / 255).astype("float32")
    for metric in (metrics.FrechetDistance(classify), metrics.ParzenLogLikelihood()):
        with pytest.warns(UserWarning, match=r"`x \* 2 - 1`"):
            metric.update(scaled, real=False)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            metric.update(scaled * 2 - 1, real=False)


def test_features_that_are_not_finite_are_refused():
    metric = metrics.FrechetDistance()
    with pytest.raises(ValueError, match="1 of them not finite"):
        metric.update(np.array([[1.0, np.inf]]), real=True)


def test_an_unknown_extractor_is_refused():
    with pytest.raises(ValueError, match=r"one of .*inception_v3.* Received: extractor='vgg'"):
        metrics.FrechetDistance("vgg")


def test_moments_of_batches_equal_the_moments_of_all_vectors():
    moments = Moments()
    for start in range(0, 400, 37):
        moments.update(REAL[start : start + 37])
    moments.update(REAL[:0])
    np.testing.assert_allclose(moments.mean, REAL.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.covariance, np.cov(REAL, rowvar=False), rtol=1e-12)


def test_moments_far_from_the_origin_keep_their_precision():
    """Sums of squares would lose all digits: the variance is 1e-16 of the squared mean."""
    moments = Moments()
    for start in range(0, 400, 50):
        moments.update(REAL[start : start + 50] + 1e8)
    np.testing.assert_allclose(moments.covariance, np.cov(REAL, rowvar=False), rtol=1e-6)


def test_a_bank_keeps_only_the_first_rows():
    bank, other = Bank(5), Bank(5)
    bank.update(np.arange(3)[:, None])
    other.update(np.arange(10, 20)[:, None])
    bank.merge(other)
    assert bank.rows[:, 0].tolist() == [0, 1, 2, 10, 11]
    assert len(bank) == 5


def embed(count, seed):
    """Return a labeled embedding of random images, by `classify`."""
    pixels = make_pixels(count, seed)
    embedding = metrics.Embedding(classify(pixels).features, classify(pixels).probabilities, pixels)
    return embedding.with_labels(np.arange(count) % 3)


@every_kind
def test_a_metric_uses_the_real_images_that_it_needs(kind):
    """`update_real` gets three sets of real images. Their sizes differ and show which is used."""
    training, held_out = embed(60, seed=1), embed(31, seed=2)
    training = metrics.Embedding(training.features, None, training.pixels, training.labels)
    metric = make(kind)
    metric.update_real(training, training[:45], held_out)
    metric.update_embedding(embed(90, seed=0), real=False)
    used = {
        metrics.FrechetDistance: 60,
        metrics.InceptionScore: 0,
        metrics.KernelDistance: 45,
        metrics.LabelAccuracy: 31,
        metrics.ModeCoverage: 60,
        metrics.ParzenLogLikelihood: 20 + 31,
        metrics.PrecisionRecall: 45,
        metrics.TrainingNeighbours: 60,
    }
    assert metric.result().num_real == used[kind]
    if kind is metrics.TrainingNeighbours:
        assert len(metric.unseen) == 31


def test_slices_of_an_embedding_keep_their_labels():
    embedding = embed(6, seed=0)
    joined = metrics.Embedding.join([embedding[4:], embedding[[0, 1]]])
    assert joined.labels.tolist() == [1, 2, 0, 1]
    np.testing.assert_array_equal(joined.pixels[2], embedding.pixels[0])
    with pytest.raises(ValueError, match="needs labels"):
        metrics.LabelAccuracy(classify).update_embedding(embedding.with_labels(None), real=False)
