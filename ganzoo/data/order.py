"""Sort names in natural order."""

import re
from collections.abc import Iterable


def sort_names(names: Iterable[str]) -> list[str]:
    """Return names in natural order: numbers by their values, also within text.

    Example:
        >>> sort_names(["10", "2", "-1"]), sort_names(["class10", "class2", "b"])
        (['-1', '2', '10'], ['b', 'class2', 'class10'])
    """
    names = list(names)
    if all(re.fullmatch(r"[+-]?\d+(\.\d+)?", name) for name in names):
        return sorted(names, key=lambda name: (float(name), name))
    return sorted(names, key=natural_key)


def natural_key(name: str) -> tuple:
    """Return a key that sorts names in natural order."""
    # Text and numbers alternate, and text comes first.
    parts = re.split(r"(\d+)", name)
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name
