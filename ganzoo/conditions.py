"""Describe what images are conditioned on, and find the class ids of names."""

import difflib
import re
from collections.abc import Sequence

import numpy as np

# Classes that an error lists.
_LISTED = 10


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
