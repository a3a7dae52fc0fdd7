"""Base classes of metrics that take images in batches."""

import abc
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from ganzoo.metrics.features import Embedding, Extractor, get_extractor, identify
from ganzoo.metrics.result import Result


class StreamingMetric(abc.ABC):
    """Metric of real and fake images that are added in batches.

    A subclass keeps sufficient statistics of the images, so that memory does not grow with
    their number, or features of a limited number of images.

    Args:
        extractor: name of an extractor (see `ganzoo.metrics.get_extractor`), or a function from
            uint8 pixels to float features `(num_images, dim)`. None means that `update` is given
            features.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.
    """

    # Name on the command line.
    name: ClassVar[str]
    higher_is_better: ClassVar[bool]
    # True if the value for unseen real images, in place of fake ones, shows how good it can be.
    has_floor: ClassVar[bool] = False
    # Keys of `details` to show to people in place of the value.
    shown_details: ClassVar[tuple[str, ...]] = ()
    # Keys of `details` to show to people beside the value.
    extra_details: ClassVar[tuple[str, ...]] = ()
    # Fewest images that give a result.
    _fewest_real = 2
    _fewest_fake = 2

    def __init__(
        self, extractor: Extractor = None, split: str | None = None, seed: int | None = None
    ):
        self.extractor = get_extractor(extractor)
        self.split = split
        self.seed = seed

    def update(self, images, real: bool) -> None:
        """Add a batch of images.

        Args:
            images: `(num_images, height, width, channels)`, uint8 pixels or float images in
                [-1, 1]; floats that seem to be scaled to [0, 1] cause a warning. Features
                `(num_images, dim)` if there is no extractor.
            real: bool. True for real images, False for fake ones.

        Raises:
            ValueError: If the images have another type or shape, or are not finite.
        """
        self.update_embedding(self.extractor(images), real)

    @abc.abstractmethod
    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        """Add a batch that is embedded already, so that several metrics share one embedding."""

    def update_real(self, training: Embedding, sample: Embedding, held_out: Embedding) -> None:
        """Add the real images that this metric compares with, out of those of a data set.

        Args:
            training: all training images, without probabilities.
            sample: some of the training images, in random order, without probabilities.
            held_out: real images that are not training images, in random order.
        """
        self.update_embedding(sample, real=True)

    @abc.abstractmethod
    def _merge(self, other):
        """Add the statistics of another metric of the same class."""

    @abc.abstractmethod
    def _result(self):
        """Return `{"value": ...}`, with other fields of `Result` that the metric computes.

        `num_real` and `num_fake` are among them if the value does not use all images.
        """

    @property
    @abc.abstractmethod
    def counts(self) -> tuple[int, int]:
        """Number of `(real, fake)` images that were added."""

    @property
    def fewest(self) -> tuple[int, int]:
        """Fewest `(real, fake)` images that give a result."""
        return self._fewest_real, self._fewest_fake

    @property
    def fewest_held_out(self) -> int:
        """Fewest held-out real images for `update_real`, and for the floor."""
        return self._fewest_fake if self.has_floor else 0

    def merge(self, other: "StreamingMetric") -> None:
        """Add the images of another metric, such as one of another process.

        Raises:
            ValueError: If the other metric has another class or extractor.
        """
        if type(other) is not type(self) or not self._has_extractor_of(other):
            raise ValueError(
                "Metrics can be merged only if they have one kind and extractor. Received: "
                f"{type(self).__name__}({self.extractor.name!r}) and "
                f"{type(other).__name__}({getattr(other, 'extractor', self.extractor).name!r})."
            )
        self._merge(other)

    def _has_extractor_of(self, other):
        """Return True if the extractors have the same name and, if known, the same weights."""
        names, prints = zip(*(identify(metric.extractor) for metric in (self, other)), strict=True)
        return names[0] == names[1] and (None in prints or prints[0] == prints[1])

    def result(self) -> Result:
        """Return the `Result` of the images so far. More may be added afterwards.

        Raises:
            ValueError: If there are too few images.
        """
        (num_real, num_fake), (least_real, least_fake) = self.counts, self.fewest
        if num_real < least_real or num_fake < least_fake:
            raise ValueError(
                f"Too few images for {self.name}. Needed: {least_real} real and "
                f"{least_fake} fake. Received: {num_real} and {num_fake}. Add more with "
                "`update`."
            )
        extractor, fingerprint = identify(self.extractor)
        known = {
            "extractor": extractor,
            "extractor_fingerprint": fingerprint,
            "num_real": num_real,
            "num_fake": num_fake,
            "split": self.split,
            "seed": self.seed,
        }
        return Result(metric=self.name, **{**known, **self._result()})


class TwoSidedMetric(StreamingMetric):
    """Metric that computes the same statistics of real and of fake images, and compares them.

    Args:
        make_statistics: function that returns empty statistics: an object with `update(features)`,
            `merge(other)` and a length, the number of images in it.
        extractor: see `StreamingMetric`.
        **kwargs: `split` and `seed`, for the record.
    """

    def __init__(self, make_statistics: Callable, extractor: Extractor = None, **kwargs):
        super().__init__(extractor, **kwargs)
        self.real, self.fake = make_statistics(), make_statistics()

    def update_embedding(self, embedding: Embedding, real: bool) -> None:
        (self.real if real else self.fake).update(embedding.features)

    def _merge(self, other):
        self.real.merge(other.real)
        self.fake.merge(other.fake)

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.real), len(self.fake)


class Moments:
    """Count, mean and scatter matrix of vectors that are added in batches, in float64.

    The scatter matrix is the sum of the outer products of deviations from the mean.
    """

    def __init__(self):
        self.count = 0
        self.mean = 0.0
        self.scatter = 0.0

    def __len__(self):
        return self.count

    def update(self, vectors: np.ndarray) -> None:
        """Add vectors `(count, dim)`."""
        vectors = np.asarray(vectors, "float64")
        if len(vectors) == 0:
            return
        batch = Moments()
        batch.count = len(vectors)
        batch.mean = vectors.mean(axis=0)
        deviations = vectors - batch.mean
        batch.scatter = deviations.T @ deviations
        self.merge(batch)

    def merge(self, other: "Moments") -> None:
        """Add the vectors of other moments.

        Reference: Chan et al., 1979, equations 2.1.
        """
        if other.count == 0:
            return
        count = self.count + other.count
        apart = other.mean - self.mean
        share = other.count / count
        self.mean = self.mean + share * apart
        self.scatter = self.scatter + other.scatter + self.count * share * _outer(apart)
        self.count = count

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased estimate of the covariance matrix `(dim, dim)`."""
        return self.scatter / (self.count - 1)


def _outer(vector):
    return np.multiply.outer(vector, vector)


class Bank:
    """The first rows that are added, for metrics over pairs of images.

    Args:
        capacity: int. Number of rows to keep. None keeps all.
    """

    def __init__(self, capacity: int | None = None):
        self.capacity = capacity
        self._batches: list[np.ndarray] = []
        self._held = 0

    def update(self, rows: np.ndarray) -> None:
        """Add rows, as long as there is room."""
        rows = rows if self.capacity is None else rows[: self.capacity - self._held]
        if len(rows):
            self._batches.append(np.array(rows))
            self._held += len(rows)

    def merge(self, other: "Bank") -> None:
        """Add the rows of another bank."""
        self.update(other.rows)

    def __len__(self):
        return self._held

    @property
    def rows(self) -> np.ndarray:
        """All rows, in the order in which they were added."""
        if len(self._batches) > 1:
            self._batches = [np.concatenate(self._batches)]
        return self._batches[0] if self._batches else np.zeros((0, 0))


class BankMetric(TwoSidedMetric):
    """Metric that compares pairs of images, and keeps features of a limited number of them.

    Args:
        extractor: see `StreamingMetric`.
        max_images: int, at least 2. Number of real and of fake images to use, the first ones.
            Add images in random order.
        **kwargs: `split` and `seed`, for the record.
    """

    def __init__(self, extractor: Extractor = None, max_images: int = 10_000, **kwargs):
        super().__init__(lambda: Bank(max_images), extractor, **kwargs)
        if max_images < 2:
            raise ValueError(f"`max_images` must be at least 2. Received: {max_images}.")
        self.max_images = max_images
