"""Compare the number of covered classes and their divergence with counts by hand."""

import numpy as np
import pytest

from ganzoo import metrics


def classify(pixels):
    """Return one of five classes: the level of the first pixel."""
    classes = pixels[:, 0, 0, 0]
    return metrics.Embedding(np.zeros((len(pixels), 1)), np.eye(5)[classes])


def measure(real, fake):
    metric = metrics.ModeCoverage(classify)
    for classes, is_real in ((real, True), (fake, False)):
        metric.update(np.array(classes, "uint8")[:, None, None, None], is_real)
    return metric.result()


def test_classes_are_counted_and_their_frequencies_compared():
    # Half of the real images and three quarters of the fake ones have class 0.
    result = measure([0, 0, 1, 1], [0, 0, 0, 1])
    assert float(result) == 2
    assert result.details["modes"] == 2
    assert result.details["kl"] == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))


def test_a_collapse_to_one_of_n_classes_has_divergence_log_n():
    result = measure(range(5), [3] * 20)
    assert float(result) == 1
    assert result.details["kl"] == pytest.approx(np.log(5))


def test_the_divergence_agrees_with_scipy():
    from scipy.stats import entropy

    rng = np.random.default_rng(0)
    real, fake = rng.choice(5, 4000, p=[0.1, 0.2, 0.3, 0.3, 0.1]), rng.choice(5, 3000)
    expected = entropy(np.bincount(fake), np.bincount(real))
    assert measure(real, fake).details["kl"] == pytest.approx(expected, rel=1e-12)


def test_a_class_without_real_images_has_infinite_divergence():
    result = measure([0, 1], [2, 2])
    assert result.details["kl"] == np.inf
    assert result.to_dict()["details"] == {"modes": 1, "kl": None}


def test_labels_and_extractor_must_have_the_same_number_of_classes():
    metric = metrics.ModeCoverage(classify)
    metric.update_classes(np.zeros(4, int), num_classes=3, real=True)
    metric.update(np.zeros((4, 1, 1, 1), "uint8"), real=False)
    with pytest.raises(ValueError, match=r"3 classes\. Received: an extractor of 5"):
        metric.result()
