"""Measure how often images show the label they were generated for."""

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor
from ganzoo.metrics.streaming import TwoSidedMetric


class LabelAccuracy(TwoSidedMetric):
    """Share of images that a classifier assigns to the class they were generated for.

    The value is in [0, 1], and higher is better. `details["real"]` is the same for real images,
    and `details["class_0"]` and so on are the shares of each class. A generator exceeds
    real images only if it makes typical images alone.

    Args:
        extractor: name of an extractor that predicts the same classes, or a function from
            pixels to an `Embedding` with probabilities.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.
    """

    name = "label_accuracy"
    higher_is_better = True
    _fewest_real = 0
    _fewest_fake = 1

    def __init__(self, extractor: Extractor, split: str | None = None, seed: int | None = None):
        super().__init__(_Confusion, extractor, split=split, seed=seed)

    def update(self, images, real: bool, labels=None) -> None:
        """Add a batch of images and their labels.

        Args:
            images: `(num_images, height, width, channels)`, uint8 pixels or float images in
                [-1, 1].
            real: bool. True for real images, False for fake ones.
            labels: class ids `(num_images,)`. They are required.

        Raises:
            ValueError: If there are no labels, or the images have another type or shape.
        """
        if labels is None:
            raise ValueError(
                "Label accuracy needs the labels of the images. Received: labels=None."
            )
        self.update_embedding(self.extractor(images).with_labels(labels), real)

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        """Add a batch of embedded images that have labels."""
        probabilities = embedding.require_probabilities()
        labels = embedding.require_labels()
        num_classes = probabilities.shape[1]
        if labels.shape != (len(embedding),) or not np.all((labels >= 0) & (labels < num_classes)):
            raise ValueError(
                f"`labels` must be {len(embedding)} class ids below {num_classes}, the classes of "
                f"the extractor. Received: shape {labels.shape}, {labels.min()} to {labels.max()}."
            )
        (self.real if real else self.fake).update(labels, probabilities)

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        self.update_embedding(held_out, real=True)

    def _result(self):
        counts = self.fake.counts
        share = np.trace(counts) / counts.sum()
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
    """Confusion matrix: rows are labels, columns are predicted classes."""

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
