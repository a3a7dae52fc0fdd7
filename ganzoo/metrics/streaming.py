"""What all metrics share: batches in, sufficient statistics kept, a result out."""

import abc

import numpy as np

from ganzoo.metrics.features import get_extractor, identify
from ganzoo.metrics.result import Result


class StreamingMetric(abc.ABC):
    """A metric of real and fake images that come in batches.

    Args:
        extractor: name of an extractor (see `ganzoo.metrics.get_extractor`), or a
            function from uint8 pixels to float features `(num_images, dim)`. None takes
            what `update` is given as features.
        split: str. Data and split of the real images, for the record.
        seed: int. Seed of the fake images, for the record.
    """

    name: str
    higher_is_better: bool
    # Fewer images than this on either side give no figure.
    _fewest_real = 2
    _fewest_fake = 2

    def __init__(self, extractor=None, split=None, seed=None):
        self.extractor = get_extractor(extractor)
        self.split = split
        self.seed = seed

    def update(self, images, real):
        """Takes in a batch.

        Args:
            images: uint8 pixels, or float images in [-1, 1], `(num_images, height, width,
                channels)`; features `(num_images, dim)` where there is no extractor.
            real: bool. Whether they are real or fake.

        Raises:
            ValueError: If the images are of another kind or shape, or not finite.
        """
        self.update_embedding(self.extractor(images), real)

    @abc.abstractmethod
    def update_embedding(self, embedding, real):
        """Takes in a batch that is an `Embedding` already: several metrics can share one."""

    @abc.abstractmethod
    def _merge(self, other):
        """Takes in the statistics of another metric of the same kind."""

    @abc.abstractmethod
    def _result(self):
        """The value as `{"value": ...}`, and what else of a `Result` the metric has.

        `num_real` and `num_fake` are there if not all images that came in are in the figure.
        """

    @property
    @abc.abstractmethod
    def counts(self):
        """How many images came in, `(real, fake)`."""

    def merge(self, other):
        """Takes in what another process has gathered: the result is that of one process.

        Raises:
            ValueError: If the other metric is another, or has another extractor.
        """
        if type(other) is not type(self) or not self._embeds_alike(other):
            raise ValueError(
                "Only metrics of one kind and extractor merge. Received: "
                f"{type(self).__name__}({self.extractor.name!r}) and "
                f"{type(other).__name__}({getattr(other, 'extractor', self.extractor).name!r})."
            )
        self._merge(other)

    def _embeds_alike(self, other):
        """Whether the other's extractor has the name and, where known, the weights of this."""
        names, prints = zip(*(identify(metric.extractor) for metric in (self, other)), strict=True)
        return names[0] == names[1] and (None in prints or prints[0] == prints[1])

    def result(self):
        """The figure so far, a `Result`; more images may come in after it.

        Raises:
            ValueError: If there are too few images.
        """
        num_real, num_fake = self.counts
        if num_real < self._fewest_real or num_fake < self._fewest_fake:
            raise ValueError(
                f"Too few images for {self.name}. Needed: {self._fewest_real} real and "
                f"{self._fewest_fake} fake. Received: {num_real} and {num_fake}. Give more with "
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
    """A metric that gathers the same of real and of fake images, and compares the two.

    Args:
        gather: function that makes an empty gathering: an object with `update` (of
            features), `merge` and a length, the number of images in it.
        **kwargs: `extractor`, `split`, `seed`.
    """

    def __init__(self, gather, extractor=None, **kwargs):
        super().__init__(extractor, **kwargs)
        self.real, self.fake = gather(), gather()

    def update_embedding(self, embedding, real):
        (self.real if real else self.fake).update(embedding.features)

    def _merge(self, other):
        self.real.merge(other.real)
        self.fake.merge(other.fake)

    @property
    def counts(self):
        return len(self.real), len(self.fake)


class Moments:
    """Count, mean and scatter matrix of vectors that come in batches, in float64."""

    def __init__(self):
        self.count = 0
        self.mean = 0.0
        self.scatter = 0.0  # Sum of outer products of the deviations from the mean.

    def __len__(self):
        return self.count

    def update(self, vectors):
        vectors = np.asarray(vectors, "float64")
        if len(vectors) == 0:
            return
        batch = Moments()
        batch.count = len(vectors)
        batch.mean = vectors.mean(axis=0)
        deviations = vectors - batch.mean
        batch.scatter = deviations.T @ deviations
        self.merge(batch)

    def merge(self, other):
        """Adds the other's vectors (Chan et al., 1979, equations 2.1)."""
        if other.count == 0:
            return
        count = self.count + other.count
        apart = other.mean - self.mean
        share = other.count / count
        self.mean = self.mean + share * apart
        self.scatter = self.scatter + other.scatter + self.count * share * _outer(apart)
        self.count = count

    @property
    def covariance(self):
        """Unbiased: divided by one less than the count."""
        return self.scatter / (self.count - 1)


def _outer(vector):
    return np.multiply.outer(vector, vector)


class Bank:
    """The first rows that come in, as many as it holds.

    What metrics over pairs of images need: they cannot do with sums.
    """

    def __init__(self, capacity=None):
        self.capacity = capacity  # None holds them all.
        self._batches = []
        self._held = 0

    def update(self, rows):
        rows = rows if self.capacity is None else rows[: self.capacity - self._held]
        if len(rows):
            self._batches.append(np.array(rows))
            self._held += len(rows)

    def merge(self, other):
        self.update(other.rows)

    def __len__(self):
        return self._held

    @property
    def rows(self):
        """All rows that are held, in the order they came."""
        if len(self._batches) > 1:
            self._batches = [np.concatenate(self._batches)]
        return self._batches[0] if self._batches else np.zeros((0, 0))


class BankMetric(TwoSidedMetric):
    """A metric of the features themselves, of so many images of each side at most.

    Args:
        max_images: int. The first so many real and so many fake images are used: bring
            them in an order that means nothing.
        **kwargs: `extractor`, `split`, `seed`.
    """

    def __init__(self, extractor=None, max_images=10_000, **kwargs):
        super().__init__(lambda: Bank(max_images), extractor, **kwargs)
        if max_images < 2:
            raise ValueError(f"`max_images` must be at least 2. Received: {max_images}.")
        self.max_images = max_images
