"""Measure how well generated images teach a classifier."""

import numpy as np

from ganzoo.images import on_white
from ganzoo.metrics.features import Embedding, as_pixels
from ganzoo.metrics.streaming import Bank, StreamingMetric
from ganzoo.metrics.training_classifiers import predict, train_classifier


class ClassificationAccuracy(StreamingMetric):
    """Accuracy of a classifier that learns from fake images only, on real images (GAN-train).

    The value is in [0, 1], and higher is better. It falls if images do not show their class, if
    they are not like real ones, and if they lack variety. `details["real"]` is the accuracy of the
    same classifier if it learns from as many real images. `details["gan_test"]` is the accuracy of
    this second classifier on the fake images (GAN-test), which does not fall with the variety.

    Two small networks are trained, which takes minutes on a CPU. Compare only values of equally
    many images. `standard_error` is that of the test images, not that of the training.

    Args:
        max_images: int, at least 2. Number of fake and of real images to learn from, the first
            ones. Add images in random order.
        num_steps: int. Steps of each training. None makes 10 passes, and at least 300 steps.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images and of the classifiers. None is 0.

    Example:
        >>> metric = ganzoo.metrics.ClassificationAccuracy(num_steps=1)
        >>> images, labels = np.zeros((4, 8, 8, 1), "uint8"), np.array([0, 1, 0, 1])
        >>> metric.update(images, real=False, labels=labels)
        >>> metric.update(images, real=True, labels=labels)
        >>> metric.update_test(images, labels)
        >>> float(metric.result())
        0.5

    Reference: Ravuri & Vinyals, 2019 (arXiv:1905.10887), section 3; Shmelkov et al., 2018
    (arXiv:1807.09499), section 3.
    """

    name = "cas"
    higher_is_better = True
    extra_details = ("gan_test",)
    _fewest_fake = 2

    def __init__(
        self,
        max_images: int = 60_000,
        num_steps: int | None = None,
        split: str | None = None,
        seed: int | None = None,
    ):
        super().__init__(None, split=split, seed=seed)
        self.num_steps = num_steps
        self.real, self.fake = _LabeledImages(max_images), _LabeledImages(max_images)
        self.test = _LabeledImages(None)

    def update(self, images, real: bool, labels=None) -> None:
        """Add images to learn from, and their labels.

        Args:
            images: `(num_images, height, width, channels)`, uint8 pixels or float images in
                [-1, 1].
            real: bool. True for real images, False for fake ones.
            labels: class ids `(num_images,)`. They are required.

        Raises:
            ValueError: If there are no labels.
        """
        if labels is None:
            raise ValueError("`labels` must be the class ids of the images. Received: None.")
        (self.real if real else self.fake).update(as_pixels(images), labels)

    def update_test(self, images, labels) -> None:
        """Add real images to test the classifiers with.

        Args:
            images: as for `update`. They must not be among the real images to learn from.
            labels: class ids `(num_images,)`.
        """
        self.test.update(as_pixels(images), labels)

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        pixels = on_white(embedding.require_pixels())
        (self.real if real else self.fake).update(pixels, embedding.require_labels())

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        # The training images may be sorted by class, and there may be too many.
        order = np.random.default_rng(self.seed or 0).permutation(len(training))
        self.update_embedding(training[order[: self.real.images.capacity]], real=True)
        self.test.update(on_white(held_out.require_pixels()), held_out.require_labels())

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.test), len(self.fake)

    @property
    def fewest_held_out(self) -> int:
        return 1

    def _merge(self, other):
        for name in ("real", "fake", "test"):
            theirs = getattr(other, name)
            if len(theirs):
                getattr(self, name).update(theirs.images.rows, theirs.labels.rows)

    def _result(self):
        parts = [part for part in (self.real, self.fake, self.test) if len(part)]
        num_classes = int(max(part.labels.rows.max() for part in parts)) + 1
        fake = self._learn(self.fake, num_classes)
        accuracy = _accuracy(fake, self.test)
        details = {}
        if len(self.real):
            real = self._learn(self.real, num_classes)
            details = {"real": _accuracy(real, self.test), "gan_test": _accuracy(real, self.fake)}
        error = np.sqrt(accuracy * (1 - accuracy) / len(self.test))
        return {"value": accuracy, "standard_error": float(error), "details": details}

    def _learn(self, part, num_classes):
        count = len(self.fake)
        pixels, labels = part.images.rows[:count], part.labels.rows[:count]
        return train_classifier(pixels, labels, num_classes, self.seed or 0, self.num_steps)


class _LabeledImages:
    """The first images that are added, with their labels."""

    def __init__(self, capacity):
        self.images, self.labels = Bank(capacity), Bank(capacity)

    def __len__(self):
        return len(self.images)

    def update(self, pixels, labels):
        labels = np.asarray(labels)
        if labels.shape != (len(pixels),) or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"`labels` must be {len(pixels)} class ids, one for each image. Received: "
                f"{labels.dtype} of shape {labels.shape}."
            )
        self.images.update(pixels)
        self.labels.update(labels)


def _accuracy(network, part):
    found = predict(network, part.images.rows).argmax(axis=1)
    return float(np.mean(found == part.labels.rows))
