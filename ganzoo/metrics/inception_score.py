"""The inception score."""

import numpy as np

from ganzoo.metrics.streaming import StreamingMetric


class InceptionScore(StreamingMetric):
    """How sure a classifier is of each fake image, and how many classes they make up.

    `exp(mean of KL(p(class | image) || p(class)))`, from 1 to the number of classes;
    higher is better. Copies of a single image of each class reach the most, and real
    images are not looked at: read it beside a distance. It is of all images at once,
    where the paper averages over ten parts.

    Args:
        extractor: name of one that classifies, or a function from pixels to
            an `Embedding` with probabilities.
        split: str. For the record.
        seed: int. Seed of the fake images, for the record.

    Reference: Salimans et al., 2016 (arXiv:1606.03498), section 4.
    """

    name = "is"
    higher_is_better = True
    _fewest_real = 0

    def __init__(self, extractor, split=None, seed=None):
        super().__init__(extractor, split, seed)
        self.num_real = self.num_fake = 0
        self.sum_of_probabilities = 0.0
        self.sum_of_entropies = 0.0

    def update_embedding(self, embedding, real):
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
    def counts(self):
        return self.num_real, self.num_fake

    def _result(self):
        together = _entropies(self.sum_of_probabilities / self.num_fake)
        return {"value": float(np.exp(together - self.sum_of_entropies / self.num_fake))}


def _entropies(probabilities):
    """In nats, along the last axis."""
    return -np.sum(probabilities * np.log(np.clip(probabilities, 1e-300, None)), axis=-1)
