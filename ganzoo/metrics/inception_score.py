"""Compute the inception score."""

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor
from ganzoo.metrics.streaming import StreamingMetric


class InceptionScore(StreamingMetric):
    """Confidence of a classifier in each fake image, and diversity of the predicted classes.

    The value is `exp(mean of KL(p(class | image) || p(class)))`, from 1 to the number of
    classes, and higher is better. It uses no real images: one image per class reaches the
    maximum. Read it together with a distance. It is computed over all images at once; the paper
    averages over ten parts.

    Args:
        extractor: name of an extractor that classifies, or a function from pixels to an
            `Embedding` with probabilities.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.

    Reference: Salimans et al., 2016 (arXiv:1606.03498), section 4.
    """

    name = "is"
    higher_is_better = True
    has_floor = True
    _fewest_real = 0

    def __init__(self, extractor: Extractor, split: str | None = None, seed: int | None = None):
        super().__init__(extractor, split, seed)
        self.num_real = self.num_fake = 0
        self.sum_of_probabilities = 0.0
        self.sum_of_entropies = 0.0

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        """Do nothing: the score uses no real images."""

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        if real:
            self.num_real += len(embedding)
            return
        probabilities = np.asarray(embedding.require_probabilities(), "float64")
        self.num_fake += len(probabilities)
        self.sum_of_probabilities += probabilities.sum(axis=0)
        self.sum_of_entropies += _entropies(probabilities).sum()

    def _merge(self, other):
        self.num_real += other.num_real
        self.num_fake += other.num_fake
        self.sum_of_probabilities += other.sum_of_probabilities
        self.sum_of_entropies += other.sum_of_entropies

    @property
    def counts(self) -> tuple[int, int]:
        return self.num_real, self.num_fake

    def _result(self):
        together = _entropies(self.sum_of_probabilities / self.num_fake)
        return {"value": float(np.exp(together - self.sum_of_entropies / self.num_fake))}


def _entropies(probabilities):
    """Return the entropies along the last axis, in nats."""
    return -np.sum(probabilities * np.log(np.clip(probabilities, 1e-300, None)), axis=-1)
