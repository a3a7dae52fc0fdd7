"""Finding weight files, in preset folders and elsewhere, and verifying them."""

import os
import pathlib
import shutil

from ganzoo import downloads, registry
from ganzoo.files import new_file

# Where weights that did not come with the package are fetched from: below it, they lie at
# `<preset>/model.weights.h5`.
URL_VARIABLE = "GANZOO_PRESETS_URL"
# Presets that come with the package, a folder each; in small installations without weights.
_PACKAGED = pathlib.Path(__file__).parent / "presets"
_ASSETS = pathlib.Path(__file__).parent / "assets"
_LARGEST_HALF = 65_504


def home():
    """Folder of what ganzoo keeps for its user: `GANZOO_HOME`, or `~/.ganzoo`."""
    return pathlib.Path(os.environ.get("GANZOO_HOME") or pathlib.Path.home() / ".ganzoo")


def find_preset(preset):
    """The folder of a preset, given by its registered name or as a folder.

    Weights that did not come with the package are fetched once, and kept in `home()`. A
    folder of a registered name is meant where it is given as a path, as in `"./dcgan_mnist"`.

    Raises:
        ValueError: If there is no such preset, or its weights are not the ones that
            were registered.
        DownloadError: If its weights cannot be fetched.
    """
    folder = pathlib.Path(preset)
    if is_registered(preset):
        _, record = registry.get_preset(str(preset))
        if not (_PACKAGED / folder / record.weights.name).is_file():
            return _fetch_preset(str(preset), record.weights)
        verify(_PACKAGED / folder / record.weights.name, record.weights)
        return _PACKAGED / folder
    if (folder / "model.weights.h5").is_file() and (folder / "config.json").is_file():
        return folder
    if folder.is_dir():
        raise ValueError(
            f"{str(folder)!r} is not a preset. Needed in it: config.json and model.weights.h5, "
            "as `save_to_preset` writes them."
        )
    raise ValueError(registry.unknown("preset", str(preset), registry.presets()))


def find_description(preset):
    """The folder with the config, card and samples of a preset, which needs no weights in it.

    Raises:
        ValueError: If there is no such preset.
    """
    return _PACKAGED / preset if is_registered(preset) else find_preset(preset)


def is_registered(preset):
    """Whether a registered preset is meant: a path means the folder there, where there is one."""
    if not isinstance(preset, str) and pathlib.Path(preset).is_dir():
        return False
    return str(preset) in registry.presets()


def _fetch_preset(name, file):
    """The folder of a preset whose weights are fetched, where they are not there yet."""
    folder = home() / "presets" / name
    way_out = "Or give the folder of a preset, or a .keras file, in the place of the preset's name."
    try:
        verify(folder / file.name, file)
        fetched = True
    except ValueError:
        fetched = False  # What is missing is fetched; so is what was damaged since.
    source = os.environ.get(URL_VARIABLE, "")
    if not fetched and not source.startswith(("http://", "https://")):
        raise ValueError(
            f"The weights of preset {name!r} did not come with this installation. Set "
            f"{URL_VARIABLE} to the http:// or https:// address that they can be fetched from. "
            f"Received: {URL_VARIABLE}={source!r}. {way_out}"
        )
    try:
        # Before the weights, since these are what others take for a whole preset; and again
        # where a newer version brings others.
        for other in (_PACKAGED / name).iterdir():
            copy = folder / other.name
            if not copy.is_file() or copy.read_bytes() != other.read_bytes():
                with new_file(copy) as partial:
                    shutil.copy(other, partial)
        if not fetched:
            url = f"{source.rstrip('/')}/{name}/{file.name}"
            downloads.fetch(url, folder / file.name, file.sha256, file.size)
    except downloads.DownloadError as error:
        raise downloads.DownloadError(f"{error} {way_out}") from None
    except OSError as error:
        raise OSError(
            f"The weights of preset {name!r} cannot be kept in {str(folder)!r} ({error}). Set "
            f"GANZOO_HOME to a folder with room that can be written to. {way_out}"
        ) from None
    return folder


def find_asset(file):
    """The path of a file that comes with the package, given by its record.

    Raises:
        ValueError: If it is not the one that was recorded.
    """
    path = _ASSETS / file.name
    verify(path, file)
    return path


def verify(path, file):
    """Compares a file on disk with its record.

    Raises:
        ValueError: If it is missing, or its content is another.
    """
    if not path.is_file():
        raise ValueError(f"{str(path)!r} is missing. Install ganzoo again.")
    if (size := path.stat().st_size) != file.size:
        raise ValueError(
            f"{str(path)!r} is damaged: it has {size:,} bytes, not {file.size:,}. "
            "Install ganzoo again."
        )
    if (found := downloads.digest(path)) != file.sha256:
        raise ValueError(
            f"{str(path)!r} is damaged: its SHA-256 is {found}, not {file.sha256}. "
            "Install ganzoo again."
        )


def halve(path):
    """Rewrites the float32 weights of an HDF5 file as float16: half the size.

    Raises:
        ValueError: If a weight is too large for float16.
    """
    import h5py  # Slow, and not needed to read.

    half = path.with_suffix(".half")

    def copy(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()]
            if value.dtype == "float32":
                if not (abs(value) < _LARGEST_HALF).all():
                    raise ValueError(f"A weight of {name} is too large for float16.")
                value = value.astype("float16")
            item_copy = target.create_dataset(name, data=value)
        else:
            item_copy = target.require_group(name)
        item_copy.attrs.update(item.attrs)

    with h5py.File(path) as source, h5py.File(half, "w") as target:
        target.attrs.update(source.attrs)
        source.visititems(copy)
    half.replace(path)
