"""Count the classes of the data that a generator makes."""

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor
from ganzoo.metrics.streaming import TwoSidedMetric


class ModeCoverage(TwoSidedMetric):
    """Number of classes that a classifier finds among the fake images.

    Higher is better, up to the number of classes in the data. `details` hold it as `modes`, and
    `kl`, the divergence `KL(fake || real)` of the class frequencies in nats. Lower is better for
    `kl`. It is infinite if fake images have a class that no real image has. Both depend on the
    number of images: few images miss rare classes, and `kl` is about
    `(num_classes - 1) / (2 * num_images)` too large.

    On Stacked MNIST (`ganzoo.data.load("stacked_mnist")`) this is the standard test of mode
    collapse.

    Args:
        extractor: name of an extractor that classifies, or a function from pixels to an
            `Embedding` with probabilities.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.

    Reference: Metz et al., 2016 (arXiv:1611.02163), section 3.3.1.
    """

    name = "modes"
    higher_is_better = True
    has_floor = True
    shown_details = ("modes", "kl")
    _fewest_real = _fewest_fake = 1

    def __init__(self, extractor: Extractor, split: str | None = None, seed: int | None = None):
        super().__init__(_ClassCounts, extractor, split=split, seed=seed)

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        probabilities = embedding.require_probabilities()
        self.update_classes(probabilities.argmax(axis=1), probabilities.shape[1], real)

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        num_classes = held_out.require_probabilities().shape[1]
        self.update_classes(training.require_labels(), num_classes, real=True)

    def update_classes(self, classes: np.ndarray, num_classes: int, real: bool) -> None:
        """Add images whose classes are known, such as labeled data.

        Args:
            classes: class ids `(num_images,)`.
            num_classes: int.
            real: bool. True for real images, False for fake ones.
        """
        (self.real if real else self.fake).update(classes, num_classes)

    def _result(self):
        real, fake = self.real.counts, self.fake.counts
        if len(real) != len(fake):
            raise ValueError(
                f"The real images have {len(real)} classes. Received: an extractor of {len(fake)}. "
                "Use the classifier of the data set."
            )
        shown = fake > 0
        with np.errstate(divide="ignore"):
            ratios = (fake[shown] / fake.sum()) / (real[shown] / real.sum())
        modes = int(np.count_nonzero(shown))
        kl = float(np.sum(fake[shown] / fake.sum() * np.log(ratios)))
        return {"value": modes, "details": {"modes": modes, "kl": kl}}


class _ClassCounts:
    """Number of images of each class."""

    def __init__(self):
        self.counts = np.zeros(0, int)

    def __len__(self):
        return int(self.counts.sum())

    def update(self, classes, num_classes):
        self._add(np.bincount(classes, minlength=num_classes))

    def merge(self, other):
        if len(other):
            self._add(other.counts)

    def _add(self, counts):
        self.counts = self.counts + counts if self.counts.size else counts
