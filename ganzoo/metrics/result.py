"""What a metric says, with all that is needed to compare it."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Result:
    """A figure, and how it was come by; `float()` reads the figure alone.

    Results order as their values do, as long as they are of one metric and extractor:
    figures of different extractors are on different scales.

    Attributes:
        metric: str. Its name on the command line, such as `"fid"`.
        value: float.
        extractor: str. What embedded the images; None where nothing did.
        num_real: int. Real images that went into it.
        num_fake: int. Fake images that went into it.
        split: str. Data and split of the real images; None where it was not given.
        seed: int. Seed of the fake images; None where it was not given.
        standard_error: float. Of the value, over draws of images; None where unknown.
        details: dict of floats. Figures that belong to this one.
        extractor_fingerprint: str. Which weights the extractor has; None where it does not
            say.

    Example:
        >>> ours = Result("fid", 1.9, "fashion_mnist", 60_000, 10_000)
        >>> float(ours), ours < Result("fid", 4.2, "fashion_mnist", 60_000, 10_000)
        (1.9, True)
    """

    metric: str
    value: float
    extractor: str | None
    num_real: int
    num_fake: int
    split: str | None = None
    seed: int | None = None
    standard_error: float | None = None
    details: dict = dataclasses.field(default_factory=dict)
    extractor_fingerprint: str | None = None

    def __float__(self):
        return float(self.value)

    def __lt__(self, other):
        return float(self) < self._comparable(other)

    def __le__(self, other):
        return float(self) <= self._comparable(other)

    def __gt__(self, other):
        return float(self) > self._comparable(other)

    def __ge__(self, other):
        return float(self) >= self._comparable(other)

    def __sub__(self, other):
        return float(self) - self._comparable(other)

    def __truediv__(self, other):
        return float(self) / self._comparable(other)

    def _comparable(self, other):
        """The value of another result, or a bare number, if it is on the same scale."""
        if isinstance(other, Result):
            for kind in ("metric", "extractor", "extractor_fingerprint"):
                ours, theirs = getattr(self, kind), getattr(other, kind)
                unknown = kind == "extractor_fingerprint" and None in (ours, theirs)
                if ours != theirs and not unknown:
                    raise ValueError(
                        f"Results of different {kind}s are on different scales. Received: "
                        f"{ours!r} and {theirs!r}. Measure both with one {kind}."
                    )
        return float(other)

    def to_dict(self):
        """The record as JSON takes it, which knows no infinity: None stands for it."""
        record = dataclasses.asdict(self)
        for figures in (record, record["details"]):
            for name, value in figures.items():
                if isinstance(value, float) and not math.isfinite(value):
                    figures[name] = None
        return record
