"""Folders of images."""

import collections
import dataclasses
import hashlib
import operator
import os
import pathlib
import unicodedata
import warnings

import numpy as np

from ganzoo.conditions import Condition
from ganzoo.data import splits, tables
from ganzoo.data.arrays import ImageData, PixelStack, allocate, map_labels
from ganzoo.data.formats import ImageFormat
from ganzoo.data.headers import common_size
from ganzoo.data.order import natural_key, sort_names
from ganzoo.distribution import Shard
from ganzoo.fingerprint import Fingerprint
from ganzoo.images import has_alpha, on_white, photos
from ganzoo.messages import list_names, printable

_BESIDE = "images beside the class folders"


@dataclasses.dataclass(frozen=True)
class Listing:
    """List the images of a folder.

    Attributes:
        folder: the folder.
        files: paths of the images, in natural order.
        labels: int32 class ids of the images, or None if there are no class folders or labels are
            not wanted. With several columns of labels, a dict of arrays by column.
        class_names: names of the classes in natural order, or None.
        fingerprint: `Fingerprint` of the images.
        conditions: `Condition` of each of several columns of labels, or None.
    """

    folder: pathlib.Path
    files: list[pathlib.Path]
    labels: np.ndarray | dict[str, np.ndarray] | None
    class_names: list[str] | None
    fingerprint: Fingerprint
    conditions: tuple[Condition, ...] | None = None


def load_arrays(
    folder: pathlib.Path,
    split: str,
    image_format: ImageFormat,
    shard: Shard,
    labels: bool | str | os.PathLike | None = None,
) -> ImageData:
    """Load the images of a folder and its subfolders. First-level subfolders are classes.

    Args:
        folder: the folder.
        split: as for `find_images`.
        image_format: `ImageFormat` of the images.
        shard: `Shard` of the images to load.
        labels: as for `ganzoo.data.load_arrays`.

    Raises:
        ValueError: If there are too few images, if one cannot be read, if sizes differ, or if the
            labels do not fit the images.
    """
    listing = find_images(folder, labels, split)
    part = take_shard(listing, shard)
    if image_format.size is None:
        common_size(listing.files, folder)
    stack, unreadable = PixelStack(len(listing.files[part]), folder), []
    num_transparent = 0
    for path in listing.files[part]:
        try:
            image = photos.join_alpha(photos.read_photo(path))
        except ValueError:
            unreadable.append(path)
            continue
        num_transparent += has_alpha(image.shape)
        stack.add(image_format.apply(image)[None])
    refuse_unreadable(unreadable, listing)
    pixels = stack.finish()
    if image_format.alpha is None:
        pixels = _choose_alpha(pixels, num_transparent, folder)
    fingerprint = dataclasses.replace(listing.fingerprint, image_shape=pixels.shape[1:])
    names = listing.class_names
    return ImageData(
        pixels,
        map_labels(operator.itemgetter(part), listing.labels),
        len(names) if names else None,
        names,
        fingerprint,
        listing.conditions,
    )


def _choose_alpha(pixels, num_transparent, folder):
    """Return pixels without alpha if most images of a folder are opaque. Warn of a mixed one."""
    count = len(pixels)
    if num_transparent in (0, count):
        return pixels
    if 2 * num_transparent >= count:
        warnings.warn(
            f"{str(folder)!r}: {count - num_transparent} of {count} images are opaque. All get "
            "alpha, because most are transparent. alpha=False (--no-alpha) puts them on white.",
            stacklevel=3,
        )
        return pixels
    warnings.warn(
        f"{str(folder)!r}: {num_transparent} of {count} images are transparent, and are put on "
        "white, because most are opaque. alpha=True (--alpha) keeps their transparency.",
        stacklevel=3,
    )
    opaque = allocate((*pixels.shape[:-1], pixels.shape[-1] - 1))
    opaque[...] = on_white(pixels)
    return opaque


def refuse_unreadable(files: list[pathlib.Path], listing: Listing) -> None:
    """Raise a `ValueError` that counts and names image files that cannot be read, if any."""
    if files:
        raise ValueError(
            f"{len(files)} of {len(listing.files)} images in {str(listing.folder)!r} cannot be "
            f"read: {_list(files, listing.folder)}. Repair or remove them."
        )


def is_folder(name_or_dir: str | os.PathLike) -> bool:
    """Return whether an argument names a folder, and not a TFDS data set.

    A bare name, such as `"mnist"`, is the data set if there is one. `"./mnist"` is the folder.

    Raises:
        ValueError: If the argument is empty, or the path of a file.
    """
    if not isinstance(name_or_dir, (str, os.PathLike)) or not str(name_or_dir).strip():
        raise ValueError(
            "Data need a name, such as 'fashion_mnist' or 'sample', or the path of a folder. "
            f"Received: {name_or_dir!r}."
        )
    is_path = isinstance(name_or_dir, os.PathLike) or is_path_like(name_or_dir)
    if not pathlib.Path(name_or_dir).is_dir():
        if pathlib.Path(name_or_dir).is_file():
            raise ValueError(
                f"Data need a folder of images, or a name. Received: the file {str(name_or_dir)!r}."
            )
        return False
    if is_path:
        return True
    import tensorflow_datasets as tfds

    if name_or_dir not in tfds.list_builders(with_community_datasets=False):
        return True
    warn_of_folder(str(name_or_dir), "the TFDS data set")
    return False


def is_path_like(name: str) -> bool:
    """Return True if a text has a separator of folders."""
    # Windows separates by os.sep, a backslash, and by "/", too.
    return "/" in name or os.sep in name


def warn_of_folder(name: str, meaning: str) -> None:
    """Warn that a name means something else than the folder of this name."""
    warnings.warn(
        f"{name!r} is {meaning} here. To read the folder of this name, write './{name}'.",
        stacklevel=2,
    )


def require_train(name_or_dir: str | os.PathLike, split: str) -> None:
    """Raise a `ValueError` if the split of photographs or of the sample is not `"train"`."""
    if split != "train":
        raise ValueError(
            f"{str(name_or_dir)!r} has one split, 'train'. Received: split={split!r}. "
            "For other images, give their folder instead."
        )


def find_splits(folder: pathlib.Path) -> dict[str, int]:
    """Return the number of images of each split of a folder.

    Raises:
        ValueError: As `find_images` does.
    """
    counted = find_images(folder, labels=False, quiet=True).fingerprint
    held_out = counted.num_held_out
    return {"train": counted.num_images, **({"test": held_out} if held_out else {})}


def find_images(
    folder: pathlib.Path,
    labels: bool | str | os.PathLike | None = None,
    split: str = "train",
    quiet: bool = False,
) -> Listing:
    """List the images in a folder and its subfolders, and warn about what is left out.

    Links are followed. Hidden files and folders, which belong to other programs, are skipped.

    Args:
        folder: the folder.
        labels: as for `ganzoo.data.load_arrays`.
        split: `"train"`, `"test"` or `"train+test"`. See `ganzoo.data.load`.
        quiet: bool. Do not warn.

    Raises:
        ValueError: If there are no images, the folder has no such split, a link leads back to a
            folder that contains it, or the labels do not fit the images.
    """
    if split not in splits.SPLITS:
        raise ValueError(
            f"Folders have the splits 'train', 'test' and 'train+test'. Received: split={split!r} "
            f"of {str(folder)!r}."
        )
    table = None
    if isinstance(labels, (str, os.PathLike)):
        table = tables.read_table(tables.find_table(labels, folder))
    found = _Found()
    _walk(folder, {os.path.realpath(folder): folder}, found)
    if not found.images:
        raise ValueError(
            f"{str(folder)!r} holds no images. Looked for files ending in "
            f"{', '.join(sorted(photos.SUFFIXES))}."
        )
    first_level = {path.relative_to(folder).parts[0] for path in found.images}
    split_folders = splits.find_folders(first_level)
    depth = 1 if split_folders else 0
    classes = {path: _class_of(path, folder, depth) for path in found.images}
    names = sort_names({name for name in classes.values() if name is not None})
    ids = {name: index for index, name in enumerate(names)}

    def place(path):
        # Images beside the class folders come first.
        parts = path.relative_to(folder).parts
        return ids.get(classes[path], -1), [natural_key(part) for part in parts]

    files, loose = sorted(found.images, key=place), []
    if table:
        # The table replaces the class folders.
        every, classes = files, dict.fromkeys(files)
        files, labeled = tables.label(table, every, folder)
        with_row = {*files}
        loose = [path for path in every if path not in with_row]
        found.others = [path for path in found.others if not path.samefile(table.path)]
    elif names and labels is not False:
        loose = [path for path in files if classes[path] is None]
        files = [path for path in files if classes[path] is not None]
    files, num_held_out, others = _take_split(files, folder, split, split_folders, classes)
    counts = collections.Counter(classes[path] for path in files)
    class_folders = [path for path in found.folders if _depth_of(path, folder) == depth + 1]
    left_out = {
        f"images without a row in {table.path.name}" if table else _BESIDE: loose,
        "images of other splits": others,
        "files that are not read as images": found.others,
        "links to nothing": found.dangling,
        "folders without images": [path for path in class_folders if path.name not in ids],
    }
    if not quiet:
        _warn_of_left_out(left_out, folder)
    if table:
        return _list_labeled(folder, files, labeled, num_held_out)
    shown = [printable(name) for name in names]
    fingerprint = Fingerprint(
        _digest(files, folder),
        len(files),
        class_names=shown or None,
        class_counts=[counts[name] for name in names] or None,
        num_held_out=num_held_out,
    )
    if not names or labels is False:
        return Listing(folder, files, None, None, fingerprint)
    numbers = np.array([ids[classes[path]] for path in files], "int32")
    return Listing(folder, files, numbers, shown, fingerprint)


def _list_labeled(folder, files, labeled, num_held_out):
    """Return the listing of some images with the labels of a table."""
    columns = [condition.name for condition in labeled.conditions]
    digest = f"{_digest(files, folder)} {labeled.digest}"
    fingerprint = Fingerprint(digest, len(files), columns=columns, num_held_out=num_held_out)
    rows = [labeled.places[path] for path in files]
    values = {name: array[rows] for name, array in labeled.values.items()}
    first = labeled.conditions[0]
    if len(columns) > 1 or first.class_names is None:
        return Listing(folder, files, values, None, fingerprint, labeled.conditions)
    names = list(first.class_names)
    counts = np.bincount(values[first.name], minlength=len(names)).tolist()
    fingerprint = dataclasses.replace(fingerprint, class_names=names, class_counts=counts)
    return Listing(folder, files, values[first.name], names, fingerprint)


def _take_split(files, folder, split, split_folders, classes):
    """Return the files of a split, the number that it holds out, and files of no split."""
    if split_folders:
        training, held_out = (
            [path for path in files if path.relative_to(folder).parts[0] == split_folders[name]]
            for name in ("train", "test")
        )
    else:
        training, held_out = splits.choose(files, [classes[path] for path in files])
    known = {*training, *held_out}
    others = [path for path in files if path not in known]
    if split == "test" and not held_out:
        raise ValueError(
            f"{str(folder)!r} has no split 'test': no images are held out of a folder with fewer "
            f"than {splits.FEWEST_TO_SPLIT}. Add images, or put some into the subfolders train/ "
            "and test/."
        )
    if split == "train":
        return training, len(held_out), others
    chosen = {*held_out} if split == "test" else {*training, *held_out}
    return [path for path in files if path in chosen], 0, others


def take_shard(listing: Listing, shard: Shard) -> slice:
    """Return the slice of the files that belong to one shard.

    Raises:
        ValueError: If there are fewer files than shards.
    """
    count = len(listing.files)
    if count < shard.count:
        raise ValueError(
            f"Each worker needs at least one image. Received: {str(listing.folder)!r}, which holds "
            f"{count} images, fewer than the {shard.count} workers. Give more images, or share "
            "them with --sharding element."
        )
    return shard.of(count)


@dataclasses.dataclass
class _Found:
    """Paths in a folder and its subfolders."""

    images: list = dataclasses.field(default_factory=list)
    others: list = dataclasses.field(default_factory=list)
    dangling: list = dataclasses.field(default_factory=list)
    folders: list = dataclasses.field(default_factory=list)


def _walk(folder, ancestors, found):
    """Add all paths below a folder to `found`.

    `ancestors` holds the folder and those that contain it, by their paths without links.
    """
    with os.scandir(folder) as entries:
        entries = sorted(entries, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        if photos.is_hidden(entry.name):
            continue
        if entry.is_dir():
            real = os.path.realpath(path)
            if real in ancestors:
                raise ValueError(
                    f"{str(path)!r} is a link to {str(ancestors[real])!r}, which contains it. "
                    "Remove the link."
                )
            found.folders.append(path)
            _walk(path, {**ancestors, real: path}, found)
        elif entry.is_file():
            (found.images if photos.has_photo_suffix(entry.name) else found.others).append(path)
        elif entry.is_symlink():
            found.dangling.append(path)


def _warn_of_left_out(left_out, folder):
    parts = [
        f"{kind} ({len(paths)}: {_list(paths, folder)})"
        for kind, paths in left_out.items()
        if paths
    ]
    if parts:
        warnings.warn(f"{str(folder)!r}: left out {', '.join(parts)}.", stacklevel=3)


def _list(paths, folder):
    """Return the first paths, relative to a folder, as text."""
    return list_names([path.relative_to(folder).as_posix() for path in paths])


def _digest(files, folder):
    """Return a hash of the names and sizes of files."""
    digest = hashlib.sha256()
    for path in files:
        # macOS decomposes letters with accents.
        name = unicodedata.normalize("NFC", path.relative_to(folder).as_posix())
        digest.update(os.fsencode(f"{name}\0{path.stat().st_size}\0"))
    return f"files {digest.hexdigest()[:12]}"


def _class_of(path, folder, depth):
    """Return the name of the class folder that holds a file, or None.

    Class folders are subfolders of the folder, or of its train/ and test/ at a depth of 1.
    """
    parents = path.relative_to(folder).parts[:-1]
    return parents[depth] if len(parents) > depth else None


def _depth_of(path, folder):
    return len(path.relative_to(folder).parts)
