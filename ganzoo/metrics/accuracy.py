"""Whether images show the classes that were asked for."""

import numpy as np

from ganzoo.metrics.streaming import TwoSidedMetric


class LabelAccuracy(TwoSidedMetric):
    """Share of images in which a classifier reads the class that was asked for.

    In [0, 1], higher is better, but a generator beats real images (`details["real"]`)
    only by drawing clichés. `details` hold the share of each class, too.

    Args:
        extractor: name of one that classifies the same classes, or a function from
            pixels to an `Embedding` with probabilities.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.
    """

    name = "label_accuracy"
    higher_is_better = True
    _fewest_real = 0
    _fewest_fake = 1

    def __init__(self, extractor, split=None, seed=None):
        super().__init__(_Confusion, extractor, split=split, seed=seed)

    def update(self, images, real, labels):
        """Takes in a batch; as for any metric, and the class ids `(num_images,)`."""
        self.update_embedding(self.extractor(images), real, labels)

    def update_embedding(self, embedding, real, labels):
        probabilities = embedding.require_probabilities()
        labels = np.asarray(labels)
        num_classes = probabilities.shape[1]
        if labels.shape != (len(embedding),) or not np.all((labels >= 0) & (labels < num_classes)):
            raise ValueError(
                f"`labels` must be {len(embedding)} class ids below {num_classes}, the classes of "
                f"the extractor. Received: shape {labels.shape}, {labels.min()} to {labels.max()}."
            )
        (self.real if real else self.fake).update(labels, probabilities)

    def _result(self):
        counts = self.fake.counts
        share = np.trace(counts) / counts.sum()
        # Of classes that were asked for.
        each = {
            f"class_{label}": float(row[label] / row.sum())
            for label, row in enumerate(counts)
            if row.sum()
        }
        real = self.real.counts
        if np.sum(real):
            each = {"real": float(np.trace(real) / real.sum()), **each}
        error = np.sqrt(share * (1 - share) / counts.sum())
        return {"value": float(share), "standard_error": float(error), "details": each}


class _Confusion:
    """How many images of each class were read as each."""

    def __init__(self):
        self.counts = np.zeros((0, 0), int)

    def __len__(self):
        return int(self.counts.sum())

    def update(self, labels, probabilities):
        num_classes = probabilities.shape[1]
        if not self.counts.size:
            self.counts = np.zeros((num_classes, num_classes), int)
        np.add.at(self.counts, (labels, probabilities.argmax(axis=1)), 1)

    def merge(self, other):
        if len(other):
            self.counts = self.counts + other.counts if len(self) else other.counts.copy()
