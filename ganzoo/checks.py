"""Check arguments that functions of all modules take: counts, seeds and lists of names."""

import operator
import os
from collections.abc import Iterable

# The largest seed that Keras accepts.
_LARGEST_SEED = 2**32 - 1


def check_positive(**numbers: int) -> None:
    """Check that arguments are integers of at least 1.

    Args:
        **numbers: values by the name of their argument.

    Raises:
        ValueError: If one is not. The message names it.

    Example:
        >>> check_positive(batch_size=2.5)
        Traceback (most recent call last):
        ValueError: `batch_size` must be an integer of at least 1. Received: batch_size=2.5.
    """
    for name, value in numbers.items():
        if not _is_integer(value) or value < 1:
            raise ValueError(
                f"`{name}` must be an integer of at least 1. Received: {name}={value!r}."
            )


def check_image_size(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """Return an image size as `(height, width)`. A number is the side of a square.

    Raises:
        ValueError: If it is neither an integer of at least 1 nor a pair of them.

    Example:
        >>> check_image_size(64), check_image_size((64, 96))
        ((64, 64), (64, 96))
    """
    pair = image_size if isinstance(image_size, (tuple, list)) else (image_size, image_size)
    if len(pair) != 2 or not all(_is_integer(side) and side >= 1 for side in pair):
        raise ValueError(
            "`image_size` must be an integer of at least 1, or a pair of them (height, width). "
            f"Received: image_size={image_size!r}."
        )
    return operator.index(pair[0]), operator.index(pair[1])


def check_seed(seed: int) -> int:
    """Return a seed as an int.

    Raises:
        ValueError: If it is not an integer from 0 to 4294967295.
    """
    if not _is_integer(seed) or not 0 <= seed <= _LARGEST_SEED:
        raise ValueError(
            f"`seed` must be an integer from 0 to {_LARGEST_SEED}. Received: seed={seed!r}."
        )
    return operator.index(seed)


def to_list(values: object) -> list:
    """Return a list of values. A single name or path is a list of one.

    Python would take the letters of a name for names.

    Example:
        >>> to_list("fid"), to_list(("fid", "kid"))
        (['fid'], ['fid', 'kid'])
    """
    if isinstance(values, (str, os.PathLike)) or not isinstance(values, Iterable):
        return [values]
    return list(values)


def _is_integer(value):
    """Return True for a Python or NumPy integer. A bool is not accepted as a number."""
    return hasattr(value, "__index__") and not isinstance(value, bool)
