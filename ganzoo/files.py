"""Files and folders that appear whole, or not at all."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import tempfile
import uuid


@contextlib.contextmanager
def new_file(path, durable=False):
    """Yields a path to write to, of the same suffix; what is written there appears at `path`.

    What stood at `path` is replaced, and stays as it was if writing fails. Folders are made.

    Args:
        path: the file's place.
        durable: bool. Whether it is on the disk when it appears, so that not even a loss
            of power leaves half of it. That takes some milliseconds.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, and of this process alone: other machines may have its number, and the same disk.
    partial = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        yield partial
        if durable:
            _flush(partial)
        os.replace(partial, path)
        if durable:
            _flush(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _flush(path):
    """Waits until the disk holds what a file or folder holds."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders, and writes none from a file that is open to read.
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partials(folder):
    """Removes what processes that were killed had begun to write below a folder."""
    for path in pathlib.Path(folder).rglob(".*"):
        if re.match(r"\.[0-9a-f]{32}\.", path.name) and path.is_file():
            path.unlink()


@contextlib.contextmanager
def locked(folder, message):
    """Holds a folder for this process alone; the system lets go of it when the process ends.

    The lock is the folder's own: nothing is written, and nothing can be left behind.
    Systems and disks without such locks (Windows, some network disks) refuse nobody.

    Args:
        folder: a folder that is there.
        message: of the error that is raised where another process holds it; None waits.

    Raises:
        ValueError: If another process holds the folder.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (fcntl.LOCK_NB if message else 0))
    except BlockingIOError:
        os.close(descriptor)
        raise ValueError(message) from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(descriptor)


def write_json(path, content):
    """Writes a file of indented JSON."""
    with new_file(path, durable=True) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


@contextlib.contextmanager
def new_folder(path, replace=False):
    """Yields a folder to fill; it appears at `path` whole, or not at all.

    Args:
        path: the folder's place; of a link, the place that it points to.
        replace: bool. Whether to put it in the place of a folder that is there.

    Raises:
        ValueError: If `path` holds something already, or is a folder that no other can be
            put in the place of: the working folder, or the root of a disk.
    """
    given, path = str(path), pathlib.Path(path).resolve()
    if path == pathlib.Path.cwd() or os.path.ismount(path):
        raise ValueError(
            f"{given!r} is the working folder or a disk, and stays where it is. Give a new folder "
            f"in it, such as {os.path.join(given, 'made')!r}."
        )
    if not replace and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{given!r} is not empty. Choose another folder or remove it.")
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
