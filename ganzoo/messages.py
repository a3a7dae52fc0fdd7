"""Build the parts of error messages that many modules need, and hide messages of libraries."""

import contextlib
import difflib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence


def unknown(kind: str, name: object, known: Iterable[str]) -> str:
    """Return a message that lists the known names and suggests the one nearest to `name`.

    Args:
        kind: str. What the names are, such as `"loss"`.
        name: the unknown name.
        known: the valid names.

    Example:
        >>> unknown("loss", "hinje", ["hinge", "wasserstein"])
        "Unknown loss: 'hinje'. Did you mean 'hinge'? Known: hinge, wasserstein."
    """
    known = sorted(known)
    nearest = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return f"Unknown {kind}: {name!r}.{hint} Known: {', '.join(known) or 'none yet'}."


def count(number: int, noun: str) -> str:
    """Return a number of things as text.

    Args:
        number: int.
        noun: str. The thing, in the singular. Its plural must end in s.

    Example:
        >>> count(1, "image"), count(10_000, "image")
        ('1 image', '10,000 images')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def first_line(error: BaseException, limit: int = 100) -> str:
    r"""Return the first line of an error's message, or the name of its class if it has none.

    Args:
        error: the error.
        limit: int. Largest number of characters.

    Example:
        >>> first_line(ValueError()), first_line(ValueError("broken\nbecause ..."))
        ('ValueError', 'broken')
    """
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:limit]


def printable(name: object) -> str:
    r"""Return the name of a file with escapes for line breaks and for bytes that are no text.

    Example:
        >>> printable("a\nb.png"), printable("caf\udce9.png")
        ('a\\nb.png', 'caf\\udce9.png')
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(name))


def list_names(names: Sequence[object], limit: int = 5) -> str:
    """Return the first names of files as text.

    Example:
        >>> list_names(["a.png", "b.png", "c.png"], limit=2)
        'a.png, b.png, ...'
    """
    return ", ".join([*map(printable, names[:limit]), *["..."] * (len(names) > limit)])


@contextlib.contextmanager
def hide_native_messages() -> Iterator[None]:
    """Discard what libraries in C++ write to standard error. Python's errors are still raised."""
    sys.stderr.flush()
    standard_error = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
