"""Detect copies of training images."""

import math

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor
from ganzoo.metrics.pairs import chance_above, nearest
from ganzoo.metrics.streaming import Bank, StreamingMetric


class TrainingNeighbours(StreamingMetric):
    """Probability that a fake image is nearer to the training images than a real image is.

    It compares the distance of a fake image to its nearest training image with the distance of a
    real image that the generator has not seen. The value is in [0, 1]. 0.5 shows no copying, and 1
    means that all images are copies. Poor images have a value below 0.5. `details` hold the median
    distances and `z`, the number of standard errors from 0.5.

    The real images of `update` are the training images. Add all that the generator has seen, and
    add unseen real images by `update_unseen`.

    Args:
        extractor: see `StreamingMetric`.
        max_images: int. Number of fake and of unseen images to use, the first ones.
        **kwargs: `split` and `seed`, for the record.

    Reference: Meehan et al., 2020 (arXiv:2004.05675), section 4.1, without its division of the
    feature space into cells.
    """

    name = "neighbours"
    higher_is_better = False
    _fewest_real = 1

    def __init__(self, extractor: Extractor = None, max_images: int = 1000, **kwargs):
        super().__init__(extractor, **kwargs)
        self.training = Bank()
        self.fake, self.unseen = Bank(max_images), Bank(max_images)

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        (self.training if real else self.fake).update(embedding.features)

    def update_unseen(self, images) -> None:
        """Add a batch of real images that the generator was not trained on."""
        self.update_unseen_embedding(self.extractor(images))

    def update_unseen_embedding(self, embedding: Embedding) -> None:
        """Add a batch of unseen images that is embedded already."""
        self.unseen.update(embedding.features)

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        self.update_embedding(training, real=True)
        self.update_unseen_embedding(held_out)

    def _merge(self, other):
        for name in ("training", "fake", "unseen"):
            getattr(self, name).merge(getattr(other, name))

    @property
    def fewest_held_out(self) -> int:
        return 2

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.training), len(self.fake)

    def nearest(self, count: int) -> np.ndarray:
        """Return the indices of the nearest training images of each fake image.

        Args:
            count: int. Training images per fake image.

        Returns:
            int `(num_fakes, count)`, nearest first. Both sides are in the order of `update`.
        """
        return nearest(self.fake.rows, self.training.rows, count)[0]

    def _result(self):
        if len(self.unseen) < self.fewest_held_out:
            raise ValueError(
                f"Too few unseen images for {self.name}. Needed: {self.fewest_held_out}. Received: "
                f"{len(self.unseen)}. Add more with `update_unseen`."
            )
        training = self.training.rows
        fake, unseen = (
            nearest(bank.rows, training, 1)[1][:, 0] for bank in (self.fake, self.unseen)
        )
        value = chance_above(unseen, fake)
        # Standard error of the Mann-Whitney statistic if both distributions are equal.
        error = math.sqrt((len(fake) + len(unseen) + 1) / (12 * len(fake) * len(unseen)))
        return {
            "value": value,
            "standard_error": error,
            "details": {
                "fake_distance": float(np.median(fake)),
                "unseen_distance": float(np.median(unseen)),
                "z": (value - 0.5) / error,
            },
        }
