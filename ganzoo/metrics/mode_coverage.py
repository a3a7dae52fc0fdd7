"""How many of the classes a generator makes, and how often each."""

import numpy as np

from ganzoo.metrics.streaming import TwoSidedMetric


class ModeCoverage(TwoSidedMetric):
    """Number of classes that a classifier finds among the fake images.

    Higher is better, up to the number of classes in the data. The result's `details`
    hold it as `modes`, and `kl`: the divergence `KL(fake || real)` of the frequencies of
    classes, in nats, lower is better; infinite where fake images are of a class that no
    real one has. Both hang on the number of images: of few, rare classes are missed, and
    `kl` is about `(num_classes - 1) / (2 * num_images)` too large.

    On Stacked MNIST (`ganzoo.data.load("stacked_mnist")`) this is the field's test of
    mode collapse.

    Args:
        extractor: name of one that classifies, or a function from pixels to an
            `Embedding` with probabilities.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.

    Reference: Metz et al., 2016 (arXiv:1611.02163), section 3.3.1.
    """

    name = "modes"
    higher_is_better = True
    _fewest_real = _fewest_fake = 1

    def __init__(self, extractor, split=None, seed=None):
        super().__init__(_ClassCounts, extractor, split=split, seed=seed)

    def update_embedding(self, embedding, real):
        probabilities = embedding.require_probabilities()
        self.update_classes(probabilities.argmax(axis=1), probabilities.shape[1], real)

    def update_classes(self, classes, num_classes, real):
        """Takes in images whose classes are known, such as those of labelled data.

        Args:
            classes: class ids `(num_images,)`.
            num_classes: int.
            real: bool. Whether the images are real or fake.
        """
        (self.real if real else self.fake).update(classes, num_classes)

    def _result(self):
        real, fake = self.real.counts, self.fake.counts
        if len(real) != len(fake):
            raise ValueError(
                f"The real images have {len(real)} classes. Received: an extractor of {len(fake)}. "
                "Take the classifier of the data."
            )
        shown = fake > 0
        with np.errstate(divide="ignore"):
            ratios = (fake[shown] / fake.sum()) / (real[shown] / real.sum())
        modes = int(np.count_nonzero(shown))
        kl = float(np.sum(fake[shown] / fake.sum() * np.log(ratios)))
        return {"value": modes, "details": {"modes": modes, "kl": kl}}


class _ClassCounts:
    """How many images there are of each class."""

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
