"""Whether a generator copies its training images."""

import math

import numpy as np

from ganzoo.metrics.pairs import chance_above, nearest
from ganzoo.metrics.streaming import Bank, StreamingMetric


class TrainingNeighbours(StreamingMetric):
    """Whether fake images lie nearer to training images than unseen real ones do.

    The chance that, of a fake image and an unseen real one, the fake is nearer to its
    nearest training image: in [0, 1]. 0.5 is no sign of copying, 1 is copies alone; a
    generator of poor images falls below 0.5. `details` hold the median distances, and
    `z`, the value's distance from 0.5 in standard errors.

    Real images are the training images: all that the generator has seen must come in.

    Args:
        extractor: see `StreamingMetric`.
        max_images: int. The first so many fake and unseen images are used.
        **kwargs: `split` and `seed`, for the record.

    Reference: Meehan et al., 2020 (arXiv:2004.05675), section 4.1, of all images at once
    where they divide them into cells.
    """

    name = "neighbours"
    higher_is_better = False
    _fewest_real = 1

    def __init__(self, extractor=None, max_images=1000, **kwargs):
        super().__init__(extractor, **kwargs)
        self.training = Bank()
        self.fake, self.unseen = Bank(max_images), Bank(max_images)

    def update_embedding(self, embedding, real):
        (self.training if real else self.fake).update(embedding.features)

    def update_unseen(self, images):
        """Takes in a batch of real images that the generator was not trained on."""
        self.update_unseen_embedding(self.extractor(images))

    def update_unseen_embedding(self, embedding):
        """Takes in a batch of unseen images that is an `Embedding` already."""
        self.unseen.update(embedding.features)

    def _merge(self, other):
        for name in ("training", "fake", "unseen"):
            getattr(self, name).merge(getattr(other, name))

    @property
    def counts(self):
        return len(self.training), len(self.fake)

    def nearest(self, count):
        """Indices of the nearest training images of each fake, `(num_fakes, count)`.

        Both are counted in the order in which they came.
        """
        return nearest(self.fake.rows, self.training.rows, count)[0]

    def _result(self):
        if len(self.unseen) < 2:
            raise ValueError(
                f"Too few unseen images for {self.name}. Needed: 2. Received: "
                f"{len(self.unseen)}. Give more with `update_unseen`."
            )
        training = self.training.rows
        fake, unseen = (
            nearest(bank.rows, training, 1)[1][:, 0] for bank in (self.fake, self.unseen)
        )
        value = chance_above(unseen, fake)
        # Of the Mann-Whitney statistic, where nothing tells the two kinds apart.
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
