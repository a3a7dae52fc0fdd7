"""Parse labels that are given on the command line."""

import csv
import itertools


def parse_labels(text: str | None, option: str = "--labels") -> list[str] | dict | None:
    """Parse classes such as `"bag,shirt"` or `"0,1"`, or columns such as `"age=42,gender=female"`.

    A value that contains a comma is written in quotes.

    Args:
        text: str, or None without labels.
        option: str. Option of the command line, for errors.

    Returns:
        List of texts, or a dict of lists of one length: all combinations of the values of the
        columns. None without labels.

    Raises:
        ValueError: If the text has another form.
    """
    if text is None:
        return None
    (parts,) = csv.reader([text], skipinitialspace=True)
    parts = [part.strip() for part in parts]
    pairs = [part.partition("=")[::2] for part in parts]
    if not all(parts) or len({"=" in part for part in parts}) > 1 or not all(k for k, _ in pairs):
        raise ValueError(
            f"{option} must be class names or ids, such as bag,shirt or 0,1, or values of columns, "
            f"such as age=42,gender=female. Received: {text!r}."
        )
    if "=" not in parts[0]:
        return parts
    columns: dict[str, list[str]] = {}
    for name, value in pairs:
        columns.setdefault(name.strip(), []).append(value.strip())
    rows = zip(*itertools.product(*columns.values()), strict=True)
    return dict(zip(columns, map(list, rows), strict=True))


def parse_one_label(text: str | None, option: str) -> str | dict | None:
    """Parse the labels of one image, in the form of `parse_labels`.

    Args:
        text: str, or None without labels.
        option: str. Option of the command line, for errors.

    Returns:
        Text, or a dict of texts by column. None without labels.

    Raises:
        ValueError: If the text has another form, or several labels are given.
    """
    labels = parse_labels(text, option)
    if labels is None:
        return None
    columns = labels if isinstance(labels, dict) else {"": labels}
    if any(len(values) != 1 for values in columns.values()):
        raise ValueError(f"{option} must be the labels of one image. Received: {text!r}.")
    single = {name: values[0] for name, values in columns.items()}
    return single if isinstance(labels, dict) else single[""]
