"""Files and folders that appear whole, or not at all."""

import contextlib
import json
import os
import pathlib
import shutil
import tempfile
import uuid


@contextlib.contextmanager
def new_file(path):
    """Yields a path to write to, of the same suffix; what is written there appears at `path`.

    What stood at `path` is replaced, and stays as it was if writing fails. Folders are made.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, and of this process alone: other machines may have its number, and the same disk.
    partial = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path, content):
    """Writes a file of indented JSON."""
    with new_file(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


@contextlib.contextmanager
def new_folder(path, replace=False):
    """Yields a folder to fill; it appears at `path` whole, or not at all.

    Args:
        path: the folder's place.
        replace: bool. Whether to put it in the place of a folder that is there.

    Raises:
        ValueError: If `path` holds something already.
    """
    path = pathlib.Path(path)
    if not replace and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{str(path)!r} is not empty. Choose another folder or remove it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    old = partial.with_name(f"{partial.name}.old")
    try:
        yield partial
        partial.chmod(0o755)
        if path.is_dir():
            # A folder cannot be renamed over one that holds something.
            path.rename(old)
        try:
            partial.rename(path)
        except OSError:
            if old.is_dir():
                old.rename(path)
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
