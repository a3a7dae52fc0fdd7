"""Compare the inception score with its extremes and its definition."""

import numpy as np
import pytest

from ganzoo import metrics


def score(probabilities):
    metric = metrics.InceptionScore(
        lambda pixels: metrics.Embedding(np.zeros((len(pixels), 1)), probabilities)
    )
    metric.update(np.zeros((len(probabilities), 2, 2, 1), "uint8"), real=False)
    return float(metric.result())


def test_certain_predictions_of_equally_frequent_classes_score_the_number_of_classes():
    assert score(np.eye(10)[np.arange(200) % 10]) == pytest.approx(10)


def test_a_single_class_and_uniform_predictions_score_1():
    assert score(np.eye(10)[np.zeros(50, int)]) == pytest.approx(1)
    assert score(np.full((50, 10), 0.1)) == pytest.approx(1)


def test_the_score_is_the_exponential_of_the_mean_kl_divergence():
    draws = np.random.default_rng(0).dirichlet(np.ones(4), size=300)
    marginal = draws.mean(axis=0)
    divergences = [
        sum(p * np.log(p / q) for p, q in zip(row, marginal, strict=True)) for row in draws
    ]
    assert score(draws) == pytest.approx(np.exp(np.mean(divergences)), rel=1e-9)


def test_an_extractor_that_does_not_classify_is_refused():
    metric = metrics.InceptionScore(lambda pixels: np.zeros((len(pixels), 3)))
    with pytest.raises(ValueError, match="extractor that classifies"):
        metric.update(np.zeros((2, 4, 4, 1), "uint8"), real=False)
