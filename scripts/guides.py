"""Read and run the guides, which are programs with text between their cells.

A guide is a file of `docs/guides` in Jupytext's percent format: `# %% [markdown]` begins text, and
`# %% TITLE` begins code. Lines `# !ganzoo ...` are commands of a shell.

`python scripts/guides.py first-gan` runs a guide and stores what it prints and shows in
`docs/guides/outputs`, for the site. Without a name, all guides run. `--check` stores nothing.
"""

import ast
import contextlib
import hashlib
import io
import json
import os
import pathlib
import re
import shlex
import shutil
import sys
import tempfile
import time
from typing import NamedTuple

GUIDES = pathlib.Path(__file__).parents[1] / "docs" / "guides"
OUTPUTS = GUIDES / "outputs"
MARKER = re.compile(r"^# %%(?: \[markdown\]|(?: (.*))?)$", re.MULTILINE)


class Cell(NamedTuple):
    """Text or code of a guide. The title of code says what its picture shows."""

    is_code: bool
    title: str
    source: str

    @property
    def digest(self):
        return hashlib.sha256(self.source.encode()).hexdigest()[:16]

    @property
    def commands(self):
        """Lines of the shell, or an empty list."""
        prefix = "# !"
        lines = self.source.splitlines()
        return [x.removeprefix(prefix) for x in lines] if self.source.startswith(prefix) else []


def read(path):
    """Return the cells of a guide."""
    cells = []
    for part in re.split(r"^(?=# %%)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        marker, _, source = part.partition("\n")
        is_code = marker != "# %% [markdown]"
        if not is_code:
            source = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
        cells.append(Cell(is_code, marker.removeprefix("# %%").strip(), source.strip()))
    return cells


def run(path):
    """Run a guide in the current folder. Yield `(cell, text, value)` for each cell of code."""
    names = {"__name__": "__main__"}
    for cell in read(path):
        if cell.is_code:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                value = run_commands(cell.commands) if cell.commands else execute(cell, names)
            yield cell, printed.getvalue().strip(), value


def run_commands(commands):
    """Run commands of ganzoo in this process, which has TensorFlow already."""
    from ganzoo import cli

    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        if program != "ganzoo":
            raise ValueError(f"Guides run commands of ganzoo only. Received: {command!r}.")
        try:
            cli.main(arguments)
        except SystemExit as stop:
            if stop.code:
                raise RuntimeError(f"{command!r} ended with code {stop.code}.") from None


def execute(cell, names):
    """Execute code, and return the value of its last line if that is an expression."""
    tree = ast.parse(cell.source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell.title or "cell", "exec"), names)
    if last is not None:
        return eval(compile(ast.Expression(last.value), cell.title or "cell", "eval"), names)


def record(path):
    """Run a guide in a temporary folder, and store its outputs and its time."""
    OUTPUTS.mkdir(exist_ok=True)
    for old in OUTPUTS.glob(f"{path.stem}-*.png"):
        old.unlink()
    rows, start = [], time.monotonic()
    with working_folder():
        for cell, text, value in run(path):
            row = {"code": cell.digest, "text": text}
            if hasattr(value, "save") and hasattr(value, "convert"):
                row["picture"] = f"{path.stem}-{len(rows)}.png"
                value.save(OUTPUTS / row["picture"], optimize=True)
            elif value is not None:
                row["text"] = f"{text}\n{value!r}".strip()
            rows.append(row)
    found = {"seconds": round(time.monotonic() - start), "cells": rows}
    (OUTPUTS / f"{path.stem}.json").write_text(json.dumps(found, indent=1) + "\n")


@contextlib.contextmanager
def working_folder():
    """Change to a temporary folder that holds the photograph of the guides."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(GUIDES / "photo.png", folder)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def recorded(path):
    """Return the stored outputs of a guide."""
    return json.loads((OUTPUTS / f"{path.stem}.json").read_text(encoding="utf-8"))


def check(path):
    """Run a guide in a temporary folder, and store nothing."""
    with working_folder():
        for _ in run(path):
            pass


def main(arguments):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    names = [name for name in arguments if name != "--check"]
    for path in [GUIDES / f"{name}.py" for name in names] or sorted(GUIDES.glob("*.py")):
        if "--check" in arguments:
            check(path)
        else:
            record(path)
            print(path.stem, recorded(path)["seconds"], "s")


if __name__ == "__main__":
    main(sys.argv[1:])
