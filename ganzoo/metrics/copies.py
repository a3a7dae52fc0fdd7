"""Count generated images that copy a training image."""

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor
from ganzoo.metrics.pairs import nearest
from ganzoo.metrics.streaming import Bank, StreamingMetric

# Neighbours that tell how close training images usually are to an image.
_NEIGHBOURS = 50
# A copy is nearer to a training image than this share of the mean distance to its neighbours.
COPY_RATIO = 0.5


class TrainingCopies(StreamingMetric):
    """Share of fake images that copy a training image, in [0, 1].

    A fake image is a copy if its distance to the nearest training image is less than half of its
    mean distance to the 50 nearest ones. A copy is near to one image, and a new image is about as
    near to many. Half of the data set is used if it has fewer than 100 images. Some real images are
    copies of others by this rule, so compare with the value of unseen real images.

    Add all images that the generator was trained on as real images.

    Args:
        extractor: see `StreamingMetric`.
        max_images: int. Number of fake images to use, the first ones.
        **kwargs: `split` and `seed`, for the record.

    Example:
        >>> metric = ganzoo.metrics.TrainingCopies()
        >>> training = np.random.default_rng(0).normal(size=(200, 8))
        >>> metric.update(training, real=True)
        >>> metric.update(np.concatenate([training[:1], -training[1:4]]), real=False)
        >>> float(metric.result())
        0.25

    Reference: Carlini et al., 2023 (arXiv:2301.13188), section 5.1: distances relative to those
    of the 50 nearest training images, with a factor of 0.5.
    """

    name = "copies"
    higher_is_better = False
    has_floor = True
    _fewest_real = 4
    _fewest_fake = 1

    def __init__(self, extractor: Extractor = None, max_images: int = 1000, **kwargs):
        super().__init__(extractor, **kwargs)
        self.training, self.fake = Bank(), Bank(max_images)

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        (self.training if real else self.fake).update(embedding.features)

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        self.update_embedding(training, real=True)

    def _merge(self, other):
        self.training.merge(other.training)
        self.fake.merge(other.fake)

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.training), len(self.fake)

    def worst_pairs(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the fake images that are nearest to a copy, and their training images.

        Args:
            count: int. Number of pairs.

        Returns:
            `(fakes, trainings)`, int arrays of indices in the order of `update`, the clearest copy
            first.
        """
        ratios, training = copy_ratios(self.fake.rows, self.training.rows)
        fakes = np.argsort(ratios)[:count]
        return fakes, training[fakes]

    def _result(self):
        ratios, _ = copy_ratios(self.fake.rows, self.training.rows)
        share = float(np.mean(ratios < COPY_RATIO))
        return {
            "value": share,
            "standard_error": float(np.sqrt(share * (1 - share) / len(ratios))),
            "details": {"smallest_ratio": float(ratios.min())},
        }


def copy_ratios(features: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compare each image's distance to its nearest training image with those to its neighbours.

    Args:
        features: float `(num_images, dim)`. Features of generated images.
        training: float `(num_training, dim)`, at least 4 images.

    Returns:
        `(ratios, indices)`: float `(num_images,)` in [0, 1], 0 for an exact copy; and the indices
        of the nearest training images.
    """
    count = min(_NEIGHBOURS, len(training) // 2)
    indices, distances = nearest(features, training, count)
    means = np.maximum(distances.mean(axis=1), np.finfo("float64").tiny)
    return distances[:, 0] / means, indices[:, 0]
