"""Finding preset folders and verifying their weight files."""

import contextlib
import hashlib
import pathlib
import shutil
import tempfile

from ganzoo import registry

# Presets that come with the package, a folder each.
_PACKAGED = pathlib.Path(__file__).parent / "presets"


def find_preset(preset):
    """The folder of a preset, given by its registered name or as a folder.

    Raises:
        ValueError: If there is no such preset, or its weights are not the ones that
            were registered.
    """
    folder = pathlib.Path(preset)
    if (folder / "model.weights.h5").is_file() and (folder / "config.json").is_file():
        return folder
    if folder.is_dir():
        raise ValueError(
            f"{str(folder)!r} is not a preset. Needed in it: config.json and model.weights.h5, "
            "as `save_to_preset` writes them."
        )
    _, record = registry.get_preset(str(preset))
    folder = _PACKAGED / str(preset)
    verify(folder / record.weights.name, record.weights)
    return folder


def verify(path, file):
    """Compares a file on disk with its record.

    Raises:
        ValueError: If it is missing, or its content is another.
    """
    if not path.is_file():
        raise ValueError(f"{str(path)!r} is missing. Install ganzoo again.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != file.sha256:
        raise ValueError(
            f"{str(path)!r} is damaged: its SHA-256 is {digest}, not {file.sha256}. "
            "Install ganzoo again."
        )


@contextlib.contextmanager
def new_folder(path):
    """Yields a folder to fill; it appears at `path` whole, or not at all.

    Raises:
        ValueError: If `path` holds something already.
    """
    path = pathlib.Path(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{str(path)!r} is not empty. Choose another folder or remove it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield partial
        partial.chmod(0o755)
        if path.is_dir():
            path.rmdir()
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
