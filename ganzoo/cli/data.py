"""Define `ganzoo data`."""

import json
import pathlib
import textwrap
from typing import Annotated

import typer

from ganzoo.cli.app import Json, import_tensorflow, interruptible, progress_bar
from ganzoo.saving.files import check_file_path

_WIDTH = 80
# Lines of a list of sizes, classes, files or groups.
_LISTED = 8


def data(
    folder: Annotated[pathlib.Path, typer.Argument(metavar="DIR", help="Folder of images.")],
    out: Annotated[
        pathlib.Path | None, typer.Option(metavar="PNG", help="Write a contact sheet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Describe a folder of images: sizes, classes, duplicates, damage, and how to train on it.

    Example: `ganzoo data ./photos --out sheet.png`
    """
    if out is not None:
        check_file_path(out)
        if out.suffix.lower() != ".png":
            raise ValueError(f"--out must end in .png. Received: {str(out)!r}.")
    import_tensorflow()
    from ganzoo import images
    from ganzoo.data import describe

    with interruptible(), progress_bar("Reading images", None) as update:
        found = describe(folder, report=lambda done, total: update(completed=done, total=total))
    if out is not None:
        images.write_png(out, found.sheet)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    _print(found)
    if out is not None:
        print(f"\nContact sheet: {out}")


def _print(found):
    total = found.num_images + len(found.unreadable)
    held_out = f", of which {found.num_held_out} are held out" if found.num_held_out else ""
    print(f"{found.folder}: {total:,} images{held_out}")
    _print_counts("Sizes (height x width)", {f"{h} x {w}": n for (h, w), n in found.sizes.items()})
    _print_counts("Channels", found.channels)
    if found.class_counts is not None:
        classes = dict(found.class_counts)
        if found.num_without_class:
            classes["(no class)"] = found.num_without_class
        _print_counts(f"Classes: {len(found.class_counts)}", classes)
    if found.labels:
        _print_list("Labels in labels.csv", [f"{k}: {v}" for k, v in found.labels.items()])
    if found.labels_problem:
        print(f"\n{textwrap.fill(f'labels.csv cannot be used: {found.labels_problem}', _WIDTH)}")
    _print_groups("Duplicates, with the same pixels", found.duplicates)
    _print_groups("Near-duplicates, which look the same", found.near_duplicates)
    _print_list("Unreadable", [f"{name}: {reason}" for name, reason in found.unreadable.items()])
    print("\nTrain with")
    print(_wrap_command(found.command))
    for reason in found.reasons:
        print(textwrap.fill(reason, _WIDTH, initial_indent="  - ", subsequent_indent="    "))


def _wrap_command(command):
    """Return a command in lines that end in a backslash, as a shell reads them."""
    lines = []
    # An option and its value stay in one line.
    for part in command.replace(" --", "\n--").split("\n"):
        if lines and len(lines[-1]) + len(part) + 5 <= _WIDTH:
            lines[-1] += f" {part}"
        else:
            lines.append(f"  {part}" if not lines else f"    {part}")
    return " \\\n".join(lines)


def _print_counts(title, counts):
    print(f"\n{title}")
    shown = list(counts.items())
    if len(shown) > _LISTED:
        rest = shown[_LISTED - 1 :]
        shown = [*shown[: _LISTED - 1], (f"{len(rest)} others", sum(n for _, n in rest))]
    width = max(len(f"{count:,}") for _, count in shown)
    for name, count in shown:
        print(f"  {count:>{width},}  {_cut(name, _WIDTH - width - 4)}")


def _print_groups(title, groups):
    number = sum(map(len, groups))
    lines = [" = ".join(group) for group in groups]
    _print_list(f"{title}: {number} images in {len(groups)} groups" if groups else title, lines)


def _print_list(title, lines):
    print(f"\n{title}" if lines else f"\n{title}: none")
    for line in lines[:_LISTED]:
        print(f"  {_cut(line, _WIDTH - 2)}")
    if len(lines) > _LISTED:
        print(f"  ... and {len(lines) - _LISTED} more (--json lists all)")


def _cut(text, width):
    return text if len(text) <= width else f"{text[: width - 3]}..."
