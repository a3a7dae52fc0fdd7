"""Record the result of a metric with the data that a comparison needs."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class Result:
    """The value of a metric, and how it was measured. `float()` returns the value.

    Results can be compared and subtracted like numbers if they have the same metric and
    extractor. Otherwise this raises a `ValueError`, because their scales differ.

    Attributes:
        metric: str. Name on the command line, such as `"fid"`.
        value: float.
        extractor: str. Name of the extractor, or None if features were given.
        num_real: int. Real images in the value.
        num_fake: int. Fake images in the value.
        split: str. Data and split of the real images, or None if unknown.
        seed: int. Seed of the fake images, or None if unknown.
        standard_error: float. Standard error of the value, or None if unknown.
        details: dict of floats. Further figures.
        extractor_fingerprint: str. Identifies the weights of the extractor. None if unknown.

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

    def __float__(self) -> float:
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
        """Return the value of a result on the same scale, or a number unchanged."""
        if isinstance(other, Result):
            for kind in ("metric", "extractor", "extractor_fingerprint"):
                ours, theirs = getattr(self, kind), getattr(other, kind)
                unknown = kind == "extractor_fingerprint" and None in (ours, theirs)
                if ours != theirs and not unknown:
                    raise ValueError(
                        f"Results of different {kind}s are on different scales. Received: "
                        f"{ours!r} and {theirs!r}. Measure both with the same {kind}."
                    )
        return float(other)

    def to_dict(self) -> dict:
        """Return the record for JSON. Infinity and NaN become None."""
        record = dataclasses.asdict(self)
        for figures in (record, record["details"]):
            for name, value in figures.items():
                if isinstance(value, float) and not math.isfinite(value):
                    figures[name] = None
        return record
