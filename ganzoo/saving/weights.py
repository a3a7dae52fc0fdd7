"""Find weight files in preset folders and elsewhere, download missing ones, and verify them."""

import os
import pathlib
import shutil

from ganzoo import messages, registry
from ganzoo.saving import downloads, hub
from ganzoo.saving.files import new_file

# Name of the weight file of a preset.
WEIGHTS = "model.weights.h5"
# Environment variable with the address of weights that are not part of the installation. The
# server must have them at `<address>/<preset>/model.weights.h5`.
URL_VARIABLE = "GANZOO_PRESETS_URL"
# Folders of the packaged presets. A small installation has them without weights.
_PACKAGED = pathlib.Path(__file__).parents[1] / "presets"
_ASSETS = pathlib.Path(__file__).parents[1] / "assets"
# Largest finite float16 value.
_LARGEST_HALF = 65_504


def home() -> pathlib.Path:
    """Return the folder of downloaded files: `GANZOO_HOME`, or `~/.ganzoo`."""
    return pathlib.Path(os.environ.get("GANZOO_HOME") or pathlib.Path.home() / ".ganzoo")


def find_preset(preset: pathlib.Path | str) -> pathlib.Path:
    """Return the folder of a preset. Download its weights if they are missing.

    Downloaded weights are kept in `home()`, and presets of the Hugging Face Hub in its cache.

    Args:
        preset: registered name, a folder, or an address such as `"hf://user/name"`. To load a
            folder that has the name of a registered preset, write it as a path, as in
            `"./dcgan_mnist"`.

    Returns:
        Folder with the config and weights.

    Raises:
        ValueError: If there is no such preset, or its weights differ from the registered ones.
        DownloadError: If the weights cannot be downloaded.
    """
    if hub.is_address(preset):
        folder = hub.download(str(preset))
        return _require_preset(folder, str(preset))
    folder = pathlib.Path(preset)
    if is_registered(preset):
        _, record = registry.get_preset(str(preset))
        if not (_PACKAGED / folder / record.weights.name).is_file():
            return _fetch_preset(str(preset), record.weights)
        verify(_PACKAGED / folder / record.weights.name, record.weights)
        return _PACKAGED / folder
    if folder.is_dir():
        return _require_preset(folder, str(folder))
    raise ValueError(messages.unknown("preset", str(preset), registry.presets()))


def _require_preset(folder, name):
    """Return a folder that holds a preset.

    Raises:
        ValueError: If a file is missing.
    """
    if (folder / WEIGHTS).is_file() and (folder / "config.json").is_file():
        return folder
    raise ValueError(
        f"{name!r} is not a preset. It must hold config.json and {WEIGHTS}, as `save_to_preset` "
        "writes them."
    )


def find_description(preset: pathlib.Path | str) -> pathlib.Path:
    """Return the folder with the config, card and samples of a preset. It may lack the weights.

    Raises:
        ValueError: If there is no such preset.
    """
    return _PACKAGED / preset if is_registered(preset) else find_preset(preset)


def is_registered(preset: pathlib.Path | str) -> bool:
    """Return True if `preset` is the name of a registered preset.

    An existing folder that is given as a `pathlib.Path` is not a name.
    """
    if not isinstance(preset, str) and pathlib.Path(preset).is_dir():
        return False
    return str(preset) in registry.presets()


def _fetch_preset(name, file):
    """Return the folder of a packaged preset, with downloaded weights."""
    folder = home() / "presets" / name
    remedy = "Or use the folder of a preset, or a .keras file, instead of the preset's name."
    try:
        verify(folder / file.name, file)
        fetched = True
    except ValueError:
        fetched = False  # The file is missing or damaged. Download it.
    source = os.environ.get(URL_VARIABLE, "")
    if not fetched and not source.startswith(("http://", "https://")):
        raise ValueError(
            f"The weights of preset {name!r} are not part of this installation. Set "
            f"{URL_VARIABLE} to the http:// or https:// address of a server that has them. "
            f"Received: {URL_VARIABLE}={source!r}. {remedy}"
        )
    try:
        # Copy the small files before the weights: other processes take a folder with weights for
        # a complete preset. Replace copies that an older version made.
        for other in (_PACKAGED / name).iterdir():
            copy = folder / other.name
            if not copy.is_file() or copy.read_bytes() != other.read_bytes():
                with new_file(copy) as partial:
                    shutil.copy(other, partial)
        if not fetched:
            url = f"{source.rstrip('/')}/{name}/{file.name}"
            downloads.fetch(url, folder / file.name, file.sha256, file.size)
    except downloads.DownloadError as error:
        raise downloads.DownloadError(f"{error} {remedy}") from None
    except OSError as error:
        raise OSError(
            f"The weights of preset {name!r} cannot be kept in {str(folder)!r} ({error}). Set "
            f"GANZOO_HOME to a writable folder with enough space. {remedy}"
        ) from None
    return folder


def find_asset(file: registry.File) -> pathlib.Path:
    """Return the path of a file of the package.

    Args:
        file: record of the file.

    Raises:
        ValueError: If the file is missing or differs from its record.
    """
    path = _ASSETS / file.name
    verify(path, file)
    return path


def make_record(path: pathlib.Path) -> registry.File:
    """Return the record of a file, with which `verify` checks copies of it."""
    return registry.File(path.name, downloads.digest(path), path.stat().st_size)


def verify(path: pathlib.Path, file: registry.File, remedy: str = "Install ganzoo again.") -> None:
    """Check that a file matches its record.

    Args:
        path: file to check.
        file: record with the expected size and SHA-256.
        remedy: str. What the error message advises.

    Raises:
        ValueError: If the file is missing, or its size or SHA-256 differs.
    """
    if not path.is_file():
        raise ValueError(f"{str(path)!r} is missing. {remedy}")
    if (size := path.stat().st_size) != file.size:
        raise ValueError(
            f"{str(path)!r} is damaged: it has {size:,} bytes, not {file.size:,}. {remedy}"
        )
    if (found := downloads.digest(path)) != file.sha256:
        raise ValueError(
            f"{str(path)!r} is damaged: its SHA-256 is {found}, not {file.sha256}. {remedy}"
        )


def halve(path: pathlib.Path) -> None:
    """Convert the float32 weights of an HDF5 file to float16, which halves its size.

    Raises:
        ValueError: If a weight is too large for float16.
    """
    import h5py  # Slow to import, and only needed here.

    half = path.with_suffix(".half")

    def copy(name, item):
        if isinstance(item, h5py.Dataset):
            value = item[()]
            if value.dtype == "float32":
                if not (abs(value) < _LARGEST_HALF).all():
                    raise ValueError(
                        f"A weight of {name} is too large for float16. Save without `half`."
                    )
                value = value.astype("float16")
            item_copy = target.create_dataset(name, data=value)
        else:
            item_copy = target.require_group(name)
        item_copy.attrs.update(item.attrs)

    with h5py.File(path) as source, h5py.File(half, "w") as target:
        target.attrs.update(source.attrs)
        source.visititems(copy)
    half.replace(path)
