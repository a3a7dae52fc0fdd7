"""Write files and folders completely or not at all."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator


@contextlib.contextmanager
def new_file(path: pathlib.Path | str, durable: bool = False) -> Iterator[pathlib.Path]:
    """Yield a temporary path to write to, and rename it to `path` at the end.

    A file at `path` is replaced. If writing fails, it stays unchanged. Missing folders are created.

    Args:
        path: file to write.
        durable: bool. Flush the file to the disk before the renaming, so that a power failure
            cannot leave half of it. This takes some milliseconds.

    Yields:
        Temporary path with the same suffix.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A process id would not be unique: other machines may write to the same disk.
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
    """Wait until the content of a file or folder is on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open folders.
    # Windows flushes only files that are open for writing.
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_partials(folder: pathlib.Path | str) -> None:
    """Remove the temporary files that killed processes left below a folder."""
    for path in pathlib.Path(folder).rglob(".*"):
        if re.match(r"\.[0-9a-f]{32}\.", path.name) and path.is_file():
            path.unlink()


@contextlib.contextmanager
def locked(folder: pathlib.Path | str, message: str | None) -> Iterator[None]:
    """Hold a lock on a folder. The operating system releases it when the process ends.

    The lock is on the folder itself, so no lock file can be left behind. Windows and some network
    disks do not support such locks. There this function has no effect.

    Args:
        folder: existing folder.
        message: str or None. Message of the error if another process holds the lock. None waits
            for the lock.

    Raises:
        ValueError: If another process holds the lock, and there is a message.
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


def write_json(path: pathlib.Path | str, content: dict | list) -> None:
    """Write a file of indented JSON. It is written completely or not at all.

    Args:
        path: file to write.
        content: JSON values.
    """
    with new_file(path, durable=True) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


@contextlib.contextmanager
def new_folder(path: pathlib.Path | str, replace: bool = False) -> Iterator[pathlib.Path]:
    """Yield a temporary folder to fill, and rename it to `path` at the end.

    Args:
        path: folder to write. A link is resolved first.
        replace: bool. Replace an existing folder.

    Yields:
        Temporary folder.

    Raises:
        ValueError: If `path` exists and is not empty, or is the working folder or the root of a
            disk, which cannot be replaced.
    """
    given, path = str(path), pathlib.Path(path).resolve()
    if path == pathlib.Path.cwd() or os.path.ismount(path):
        raise ValueError(
            f"{given!r} is the working folder or a disk, which cannot be replaced. Give a new "
            f"folder in it, such as {os.path.join(given, 'made')!r}."
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
            # A folder cannot be renamed to the path of a folder that is not empty.
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
