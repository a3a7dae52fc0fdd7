"""Describe what images are conditioned on: classes and numbers."""

import dataclasses
import difflib
import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ganzoo import messages

# Classes that an error lists.
_LISTED = 10
# Most columns of a grid that shows several conditions.
_MAX_COLUMNS = 20
# Names that exported models use otherwise.
_RESERVED = ("images", "latents", "num_images", "seed")


@dataclasses.dataclass(frozen=True)
class Condition:
    """Describe one condition of a model: one of several classes, or a number.

    Attributes:
        name: str. Column of the labels.
        num_classes: int, at least 2. None for a number.
        class_names: list of str. Name of each class id. None if they are unknown.
        mean: float. Mean of a number over the images of the data set. None for classes.
        std: float, above 0. Standard deviation of a number. Networks get `(number - mean) / std`.
        low: float or None. Smallest number of the images.
        high: float or None. Largest number of the images.

    Raises:
        ValueError: If a field has the wrong type or is out of range.

    Example:
        >>> Condition("gender", class_names=["female", "male"]).num_classes
        2
    """

    name: str
    num_classes: int | None = None
    class_names: Sequence[str] | None = None
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self):
        if not isinstance(self.name, str) or not self.name.strip():
            raise ValueError(f"A condition needs a name. Received: name={self.name!r}.")
        numbers = (self.mean, self.std, self.low, self.high)
        if self.num_classes is None and isinstance(self.class_names, (list, tuple)):
            # A frozen dataclass allows no plain assignment.
            object.__setattr__(self, "num_classes", len(self.class_names))
        if self.num_classes is not None:
            valid = isinstance(self.num_classes, int) and self.num_classes >= 2
            valid = valid and numbers == (None,) * 4
        else:
            given = [number for number in numbers if number is not None]
            valid = None not in (self.mean, self.std) and all(map(_is_finite, given))
            valid = valid and self.std > 0
        if not valid:
            raise ValueError(
                f"Condition {self.name!r} needs `class_names` of at least 2 classes, or `mean` and "
                f"`std` above 0 of a number. Received: {self.to_fields()}."
            )
        check_class_names(self.class_names, self.num_classes)

    @classmethod
    def from_fields(cls, fields) -> "Condition":
        """Return a condition from a dict of its fields. A `Condition` is returned as it is.

        Raises:
            ValueError: If they are not those of a condition.
        """
        if isinstance(fields, cls):
            return fields
        known = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(fields, Mapping) or "name" not in fields:
            raise ValueError(f"A condition must be a dict with a name. Received: {fields!r}.")
        for name in fields:
            if name not in known:
                raise ValueError(messages.unknown("field of a condition", name, known))
        return cls(**fields)

    def to_fields(self) -> dict:
        """Return the fields that are set, as JSON values."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields = {name: value for name, value in fields.items() if value is not None}
        if isinstance(self.class_names, (list, tuple)):
            del fields["num_classes"]
            fields["class_names"] = list(self.class_names)
        return fields

    @property
    def dtype(self) -> str:
        """Dtype of its labels: `"int32"` for class ids, or `"float32"` for numbers."""
        return "float32" if self.num_classes is None else "int32"

    @property
    def size(self) -> int:
        """Length of the vector that networks make of it: one-hot, or a number."""
        return self.num_classes or 1

    @property
    def input_name(self) -> str:
        """Name of the input of exported models, which takes letters, digits and `_` only."""
        name = re.sub(r"\W", "_", self.name, flags=re.ASCII)
        return name if name[0].isalpha() else f"label_{name}"

    def to_array(self, values) -> np.ndarray:
        """Return class ids, as int, or numbers, as float32, of what a user gives.

        Args:
            values: class ids or names, or numbers, one or several. Text may hold a number.

        Raises:
            ValueError: If a class is unknown, or a number is NaN, infinite or something else. The
                range of class ids is not checked.
        """
        if self.num_classes is not None:
            return class_ids(values, self.class_names)
        array = np.asarray(values)
        numbers = [_to_number(value) for value in array.ravel().tolist()]
        if None in numbers:
            wrong = array.ravel().tolist()[numbers.index(None)]
            raise ValueError(f"{self.name!r} must be a number. Received: {_shorten(wrong)}.")
        return np.array(numbers, "float32").reshape(array.shape)

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Return random labels: uniform classes, or normal numbers in the range of training."""
        if self.num_classes is not None:
            return rng.integers(self.num_classes, size=count)
        numbers = rng.normal(*self.mean_and_std, size=count)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        return np.clip(numbers, low, high).astype("float32")

    def examples(self) -> list:
        """Return labels that show the condition: all classes, or a low, middle and high number."""
        if self.num_classes is not None:
            return list(range(self.num_classes))
        mean, std = self.mean_and_std
        numbers = [mean - std, mean, mean + std]
        if self.low is not None:
            numbers[0] = max(numbers[0], self.low)
        if self.high is not None:
            numbers[2] = min(numbers[2], self.high)
        return [float(f"{number:.3g}") for number in numbers]

    @property
    def mean_and_std(self) -> tuple[float, float]:
        """Mean and standard deviation of a number. Classes have none."""
        if self.mean is None or self.std is None:
            raise ValueError(f"Condition {self.name!r} has classes, which have no mean.")
        return self.mean, self.std

    def describe(self, value) -> str:
        """Return one label as text."""
        if self.num_classes is None:
            return f"{self.name} {value:g}"
        return f"{self.name} {value}" if self.class_names is None else self.class_names[value]


def resolve(
    num_classes: int | None,
    class_names: Sequence[str] | None,
    conditions: Sequence[Condition | dict] | None,
) -> tuple[Condition, ...]:
    """Return the conditions of a model from the arguments of its constructor.

    Args:
        num_classes: int for a model with one condition of classes, else None.
        class_names: name of each class id, or None.
        conditions: several conditions, or None.

    Raises:
        ValueError: If a value is out of range, or both classes and conditions are given.
    """
    if not conditions:
        if num_classes is not None and num_classes < 2:
            raise ValueError(
                f"`num_classes` must be at least 2. Received: num_classes={num_classes}."
            )
        check_class_names(class_names, num_classes)
        return () if num_classes is None else (Condition("labels", num_classes, class_names),)
    if num_classes is not None or class_names is not None:
        raise ValueError(
            "`conditions` hold the classes of each column. Received: `num_classes` or "
            "`class_names`, too. Remove them."
        )
    conditions = tuple(map(Condition.from_fields, conditions))
    names = [condition.input_name for condition in conditions]
    for name in names:
        if names.count(name) > 1 or name in _RESERVED:
            raise ValueError(
                f"Conditions need different names, which are not {', '.join(_RESERVED)}. Received: "
                f"{', '.join(repr(condition.name) for condition in conditions)}. Rename a column."
            )
    return conditions


def by_name(labels, conditions: Sequence[Condition]) -> dict:
    """Return labels as a dict, by the names of conditions.

    Args:
        labels: dict of labels by column. A model with one condition also takes its labels alone, or
            in a dict with any one key.
        conditions: conditions of the model.

    Raises:
        ValueError: If several columns are needed, and labels are no dict.
    """
    names = [condition.name for condition in conditions]
    if isinstance(labels, Mapping):
        if len(names) == len(labels) == 1:
            return dict(zip(names, labels.values(), strict=True))
        return dict(labels)
    if len(names) == 1:
        return {names[0]: labels}
    raise ValueError(
        f"Labels must be a dict with {list_columns(names)}. Received: {_shorten(labels)}."
    )


def describe(condition: Condition) -> str:
    """Return what the labels of a condition are as text.

    Example:
        >>> describe(Condition("age", mean=40.0, std=20.0, low=1.0, high=99.0))
        'numbers from 1 to 99 (mean 40)'
    """
    if condition.num_classes is None:
        known = condition.low is not None and condition.high is not None
        limits = f" from {condition.low:g} to {condition.high:g}" if known else ""
        return f"numbers{limits} (mean {condition.mean:.4g})"
    names = list(condition.class_names or ())[:_LISTED]
    names += ["..."] * (len(names) < condition.num_classes)
    return f"{condition.num_classes} classes ({', '.join(names)})"


def list_columns(names: Iterable[str]) -> str:
    """Return the names of columns as text."""
    return ", ".join(map(repr, names))


def examples(conditions: Sequence[Condition]) -> list[dict]:
    """Return combinations of labels, one for each column of a grid, at most 20 of several."""
    rows = list(itertools.product(*(condition.examples() for condition in conditions)))
    if len(conditions) > 1 and len(rows) > _MAX_COLUMNS:
        chosen = np.linspace(0, len(rows) - 1, _MAX_COLUMNS).round().astype(int)
        rows = [rows[index] for index in chosen]
    names = [condition.name for condition in conditions]
    return [dict(zip(names, row, strict=True)) for row in rows]


def to_vectors(columns: Mapping, conditions: Sequence[Condition]) -> np.ndarray:
    """Return labels as the vectors that networks make of them.

    Args:
        columns: arrays `(num_images,)` by the names of conditions. Classes are ids in range.
        conditions: conditions of the model.

    Returns:
        float32 `(num_images, size)`: one-hot classes, and standardized numbers.

    Example:
        >>> columns = {"age": np.array([50.0, 30.0]), "kind": np.array([0, 1])}
        >>> age = Condition("age", mean=40.0, std=10.0)
        >>> to_vectors(columns, (age, Condition("kind", num_classes=2))).tolist()
        [[1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]]
    """
    parts = []
    for condition in conditions:
        values = np.asarray(columns[condition.name])
        if condition.num_classes is None:
            mean, std = condition.mean_and_std
            parts.append((values[:, None] - mean) / std)
        else:
            parts.append(np.eye(condition.num_classes)[values])
    return np.concatenate(parts, axis=1).astype("float32")


def _to_number(value):
    """Return a finite number, also of text, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _is_finite(number):
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return is_number and math.isfinite(number)


def _shorten(value):
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_class_names(class_names: Sequence[str] | None, num_classes: int | None) -> None:
    """Check the names of a model's classes.

    Args:
        class_names: name of each class id, or None.
        num_classes: int, or None for a model without classes.

    Raises:
        ValueError: If there is not one text per class, or two are equal.
    """
    if class_names is None:
        return
    if num_classes is None:
        raise ValueError(
            "`class_names` needs `num_classes`. Received: class_names without it. Give their "
            f"number: num_classes={len(class_names)}."
        )
    texts = [name for name in class_names if isinstance(name, str)]
    if isinstance(class_names, str) or len(texts) != len(class_names):
        raise ValueError(
            f"`class_names` must be a list of texts. Received: class_names={class_names!r}."
        )
    if len(set(texts)) != len(texts) or len(texts) != num_classes:
        raise ValueError(
            f"`class_names` must be {num_classes} different names, one for each class id. "
            f"Received: {len(texts)} names, of which {len(set(texts))} differ."
        )


def class_ids(labels, class_names: Sequence[str] | None) -> np.ndarray:
    """Return labels with names replaced by class ids.

    Capitals do not matter, unless two names differ only by them. Text such as `"3"` is a class id,
    unless the classes themselves are called by numbers.

    Args:
        labels: class ids or names, one or several.
        class_names: name of each class id, or None if they are unknown.

    Returns:
        Array. The labels are unchanged if they are no text.

    Raises:
        ValueError: If there is no such class.

    Example:
        >>> class_ids(["bag", "Coat", "1"], ["Coat", "Bag"]).tolist()
        [1, 0, 1]
        >>> class_ids("10", ["2", "10"]).tolist()
        1
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "USO":
        return labels
    texts = [text.decode() if isinstance(text, bytes) else text for text in labels.flat]
    ids = {text: _find_class(text, class_names) for text in set(texts)}
    return np.array([ids[text] for text in texts], "int64").reshape(labels.shape)


def _find_class(text, class_names):
    names = list(class_names or ())
    if text in names:
        return names.index(text)
    if not isinstance(text, str):
        raise ValueError(f"Labels must be class ids or names. Received: {text!r}.")
    text = text.strip()
    folded = [name.casefold() for name in names]
    same = [index for index, name in enumerate(folded) if name == text.casefold()]
    if len(same) == 1:
        return same[0]
    if same:
        found = ", ".join(repr(names[index]) for index in same)
        raise ValueError(f"Class {text!r} could be {found}. Write its capitals.")
    is_number = re.compile(r"[+-]?\d+").fullmatch
    if is_number(text) and not any(map(is_number, names)):
        return int(text)
    if not names:
        raise ValueError(
            f"The model knows no class names. Received: {text!r}. Give class ids, such as 0."
        )
    nearest = difflib.get_close_matches(text.casefold(), folded, n=3)
    nearest = nearest or [name for name in folded if text.casefold() in name][:3]
    hint = " or ".join(repr(names[folded.index(name)]) for name in nearest)
    known = ", ".join([*names[:_LISTED], *["..."] * (len(names) > _LISTED)])
    raise ValueError(
        f"Unknown class: {text!r}.{f' Did you mean {hint}?' if hint else ''} Known: {known}."
    )
