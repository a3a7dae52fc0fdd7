"""Write files and folders completely or not at all."""

import contextlib
import errno
import json
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator

# Suffixes of files: models, archives, data and images.
_FILE_SUFFIX = re.compile(
    r"\.(ckpt|h5|hdf5|keras|lite|onnx|pb|pbtxt|pkl|pt|pth|safetensors|tflite|gz|tar|tgz|zip|bin|csv"
    r"|json|npy|npz|tfrecord|txt|yaml|avif|bmp|gif|jpeg|jpg|mp4|png|tif|tiff|webp)",
    re.IGNORECASE,
)
# Temporary names are at most this long, or as long as the name of the file.
_TEMPORARY_BYTES = 100


def names_file(path: pathlib.Path | str) -> bool:
    """Return True if a path has the suffix of a file, such as `.onnx` or `.PNG`.

    A folder of such a name would surprise the person who gave it. Dots and spaces at the end, which
    Windows drops, do not matter.
    """
    return _FILE_SUFFIX.fullmatch(pathlib.Path(str(path).rstrip(". ")).suffix) is not None


def check_file_path(path: pathlib.Path | str) -> None:
    """Check that a file can be written at a path, before the work that makes its content.

    Raises:
        ValueError: If the path is that of a folder, or a name is too long for the disk.
    """
    is_folder = _exists(path) and pathlib.Path(path).is_dir()
    if is_folder or str(path).endswith(("/", os.sep)):
        raise ValueError(
            f"A file is written here, not a folder. Received: {str(path)!r}. Give the path of a "
            f"file, such as {os.path.join(path, 'made')!r}."
        )


def check_folder_path(path: pathlib.Path | str) -> None:
    """Check that a folder can be written at a path, before the work that makes its content.

    Raises:
        ValueError: If the path is that of a file, by its suffix or on the disk, a name is too long
            for the disk, or the path is not text.
    """
    check_text(path)
    if names_file(path) if not _exists(path) else not pathlib.Path(path).is_dir():
        raise ValueError(
            f"A folder is written here, not a file. Received: {str(path)!r}. Give the path of a "
            "folder."
        )


def check_text(path: pathlib.Path | str) -> None:
    """Check that other libraries can write to a path. They take text, but names may be any bytes.

    Raises:
        ValueError: If the path is not valid UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{str(path)!r} is not valid UTF-8, which TensorFlow needs. Choose another path."
        ) from None


def _exists(path):
    """Return whether a path exists.

    Raises:
        ValueError: If the path is empty or longer than the disk allows.
    """
    if not str(path):
        raise ValueError("A path is needed. Received: an empty text.")
    try:
        os.stat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError(
                f"{str(path)!r} is too long a name for this disk. Choose a shorter one."
            ) from None
        return False
    return True


def shorten(name: str, num_bytes: int) -> str:
    """Return the end of a file name that fits into a number of bytes.

    Example:
        >>> shorten("holiday.png", 6), shorten("画画.png", 7)
        ('ay.png', '画.png')
    """
    while len(os.fsencode(name)) > num_bytes:
        name = name[1:]
    return name


def _temporary(path):
    """Return a new path beside a path, whose name the disk can hold if it can hold the path's.

    It has the same suffix.
    """
    # A process id would not be unique: other machines may write to the same disk.
    prefix = f".{uuid.uuid4().hex}."
    room = max(len(os.fsencode(path.name)), _TEMPORARY_BYTES) - len(prefix)
    return path.with_name(prefix + shorten(path.name, room))


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

    Raises:
        ValueError: If `path` is that of a folder, or too long for the disk.
    """
    check_file_path(path)
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _temporary(path)
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
        ValueError: If `path` exists and is not empty, is that of a file, or is the working folder
            or the root of a disk, which cannot be replaced.
    """
    check_folder_path(path)
    # Also the parts before a `..` must exist, so that the given path leads to the folder.
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    given, path = str(path), pathlib.Path(path).resolve()
    if path == pathlib.Path.cwd() or os.path.ismount(path):
        raise ValueError(
            f"{given!r} is the working folder or a disk, which cannot be replaced. Give a new "
            f"folder in it, such as {os.path.join(given, 'made')!r}."
        )
    if not replace and path.exists() and any(path.iterdir()):
        raise ValueError(f"{given!r} is not empty. Choose another folder or remove it.")
    partial, old = _temporary(path), _temporary(path)
    partial.mkdir(mode=0o700)
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
