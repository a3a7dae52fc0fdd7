"""Read the labels of images from a CSV file, with one row per image."""

import csv
import hashlib
import io
import math
import os
import pathlib
import posixpath
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ganzoo.conditions import Condition, resolve
from ganzoo.data.order import sort_names
from ganzoo.messages import first_line, list_names, printable

# Name of the file beside the images, if no other one is given.
DEFAULT_NAME = "labels.csv"
# Column with the paths of the images.
_FILE = "file"
_DELIMITERS = ",;\t"


class Table(NamedTuple):
    """Texts of a CSV file.

    Attributes:
        path: the file.
        columns: names of the columns except `file`.
        rows: texts of each row, in the order of `columns`, by the path of the image.
        lines: number of the line of each row, by the path of the image.
    """

    path: pathlib.Path
    columns: list[str]
    rows: dict[str, list[str]]
    lines: dict[str, int]


class Labels(NamedTuple):
    """Labels of images.

    Attributes:
        values: array `(num_images,)` by column: int32 class ids, or float32 numbers.
        conditions: `Condition` of each column.
        places: position of each image in the arrays, by its path.
        digest: str. Hash of the labels.
    """

    values: dict[str, np.ndarray]
    conditions: tuple[Condition, ...]
    places: dict[pathlib.Path, int]
    digest: str


def find_table(labels: str | os.PathLike, folder: pathlib.Path) -> pathlib.Path:
    """Return the path of a CSV file in the folder of the images, or elsewhere.

    Raises:
        ValueError: If there is no such file.
    """
    for path in (folder / labels, pathlib.Path(labels)):
        if path.is_file():
            return path
    raise ValueError(
        f"Labels must be a CSV file with the columns {_FILE!r} and others. Received: "
        f"{str(labels)!r}, which is neither a file in {str(folder)!r} nor the path of one."
    )


def read_table(path: pathlib.Path) -> Table:
    """Read a CSV file with a column `file` and one or more others.

    Values are separated by commas, semicolons or tabs.

    Raises:
        ValueError: If it is no such file, or two rows have the same image.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{str(path)!r} must be UTF-8 text. Save it as CSV in UTF-8.") from None
    delimiter, header = _read_header(path, text)
    place = [name.casefold() for name in header].index(_FILE)
    columns = [name for index, name in enumerate(header) if index != place]
    if not columns or "" in columns or len(set(columns)) < len(columns):
        raise ValueError(
            f"{str(path)!r} needs a column {_FILE!r}, and one or more others of different names. "
            f"Received: the columns {', '.join(map(repr, header))}."
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    table = Table(path, columns, {}, {})
    try:
        next(reader)
        for values in filter(None, reader):
            _add(table, [value.strip() for value in values], place, reader.line_num)
    except csv.Error as error:
        raise ValueError(
            f"{str(path)!r}, line {reader.line_num}: {first_line(error)}. Repair the line."
        ) from None
    if not table.rows:
        raise ValueError(f"{str(path)!r} needs a row for each image. Received: no rows.")
    return table


def label(table: Table, files: Sequence[pathlib.Path], folder: pathlib.Path) -> tuple[list, Labels]:
    """Return the images that have a row, and their labels.

    A column of numbers becomes a number. A column of text becomes classes, in natural order.

    Args:
        table: the table.
        files: paths of the images.
        folder: folder of the images. The column `file` holds paths in it.

    Returns:
        `(files, labels)`: images that have a row, and their `Labels`.

    Raises:
        ValueError: If a row has no image or a value is missing, or if a column mixes numbers with
            text or has only one value.
    """
    names = [_normalize(path.relative_to(folder).as_posix()) for path in files]
    known = set(names)
    if unknown := [name for name in table.rows if name not in known]:
        raise ValueError(
            f"{str(table.path)!r} names {len(unknown)} of {len(table.rows)} files that are not "
            f"images in {str(folder)!r}: {_list(unknown, table)}. Add the images, or remove the "
            "rows."
        )
    kept = [pair for pair in zip(names, files, strict=True) if pair[0] in table.rows]
    names, files = [name for name, _ in kept], [path for _, path in kept]
    digest = hashlib.sha256()
    for name in names:
        digest.update("\0".join([name, *table.rows[name], ""]).encode())
    pairs = [_read_column(index, table, names) for index in range(len(table.columns))]
    conditions = tuple(condition for condition, _ in pairs)
    if len(conditions) > 1:
        resolve(None, None, conditions)  # Checks their names.
    values = dict(zip(table.columns, (array for _, array in pairs), strict=True))
    places = {path: index for index, path in enumerate(files)}
    return files, Labels(values, conditions, places, f"labels {digest.hexdigest()[:12]}")


def _read_header(path, text):
    """Return `(delimiter, names)` of the first line."""
    first = text.partition("\n")[0].strip()
    for delimiter in _DELIMITERS:
        header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        if _FILE in map(str.casefold, header):
            return delimiter, header
    raise ValueError(
        f"{str(path)!r} needs a first line with the names of its columns, one of them {_FILE!r}. "
        f"Received: {printable(first[:80])!r}."
    )


def _add(table, values, place, line):
    """Add a row to a table."""
    if len(values) != len(table.columns) + 1:
        raise ValueError(
            f"{str(table.path)!r}, line {line}: {len(table.columns) + 1} values are needed, as in "
            f"the first line. Received: {len(values)}. Repair the line."
        )
    name = _normalize(values.pop(place))
    if name in table.rows:
        raise ValueError(
            f"{str(table.path)!r}, line {line}: {printable(name)!r} has a row already, in line "
            f"{table.lines[name]}. Remove one of them."
        )
    table.rows[name] = values
    table.lines[name] = line


def _normalize(name):
    """Return a path in the one form that all programs agree on."""
    # macOS decomposes letters with accents, and Windows separates folders by backslashes.
    return posixpath.normpath(unicodedata.normalize("NFC", name.replace("\\", "/")))


def _read_column(index, table, names):
    """Return `(condition, array)` of a column."""
    column, texts = table.columns[index], [table.rows[name][index] for name in names]
    numbers = [_to_number(text) for text in texts]
    place = f"{str(table.path)!r}, column {column!r}"
    if missing := [n for n, text in zip(names, texts, strict=True) if _is_missing(text)]:
        raise ValueError(
            f"{place}: {len(missing)} of {len(names)} values are missing: {_list(missing, table)}. "
            "Fill them in, or remove the rows."
        )
    if len(set(texts)) == 1:
        raise ValueError(f"{place}: all values are {texts[0]!r}. Remove the column.")
    if None not in numbers:
        array = np.array(numbers)
        fields = {"mean": array.mean(), "std": array.std(), "low": array.min(), "high": array.max()}
        fields = {name: float(value) for name, value in fields.items()}
        return Condition(column, **fields), array.astype("float32")
    if any(number is not None for number in numbers):
        pairs = list(zip(names, numbers, strict=True))
        others = [name for name, number in pairs if number is None]
        raise ValueError(
            f"{place}: numbers and text are mixed: {len(others)} of {len(names)} values are text: "
            f"{_list(others, table)}. Give numbers only, or make all of them text, such as "
            f"'{column}_1'."
        )
    class_names = sort_names(set(texts))
    ids = {name: number for number, name in enumerate(class_names)}
    shown = [printable(name) for name in class_names]
    return Condition(column, class_names=shown), np.array([ids[text] for text in texts], "int32")


def is_number_or_missing(text: str) -> bool:
    """Return True if a text in a table is not read as the name of a class."""
    return _is_missing(text) or _to_number(text) is not None


def _is_missing(text):
    return text.strip().lower() in ("", "nan")


def _to_number(text):
    """Return a finite number, or None for other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _list(names, table):
    """Return the first of some rows as text."""
    return list_names([f"{name} (line {table.lines[name]})" for name in names], limit=3)
