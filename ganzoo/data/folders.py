"""Folders of images."""

import os
import pathlib

import numpy as np

from ganzoo.data.arrays import ImageData, PixelStack, crop_and_resize
from ganzoo.distribution import Shard
from ganzoo.images import photos, to_pil


def load_arrays(folder: pathlib.Path, image_size: int | None, shard: Shard) -> ImageData:
    """Load the images of a folder and its subfolders. First-level subfolders are classes.

    Raises:
        ValueError: If there are too few images, if one cannot be read, or if sizes differ.
    """
    all_files = find_images(folder)
    files = take_shard(all_files, shard, folder)
    stack, unreadable = PixelStack(len(files), folder), []
    for path in files:
        try:
            image = to_pil(photos.read_photo(path).pixels)
        except ValueError:
            unreadable.append(path.relative_to(folder).as_posix())
            continue
        stack.add(crop_and_resize(image, image_size)[None])
    if unreadable:
        named = ", ".join(unreadable[:5]) + (", ..." if len(unreadable) > 5 else "")
        raise ValueError(
            f"{len(unreadable)} of {len(files)} images in {str(folder)!r} cannot be read: {named}. "
            "Repair or remove them."
        )
    pixels = stack.finish()
    classes = [_class_of(path, folder) for path in all_files]
    # An image outside of the subfolders has no class. Then the data set has no labels.
    if None in classes:
        return ImageData(pixels)
    names = sorted(set(classes))
    ids = {name: index for index, name in enumerate(names)}
    return ImageData(pixels, np.array([ids[_class_of(path, folder)] for path in files]), len(names))


def is_folder(name_or_dir: str | os.PathLike) -> bool:
    """Return whether an argument names a folder, and not a TFDS data set.

    A bare name, such as `"mnist"`, is the data set if there is one. `"./mnist"` is the folder.
    """
    if not pathlib.Path(name_or_dir).is_dir():
        return False
    # Windows separates by os.sep, a backslash, and by "/", too.
    if isinstance(name_or_dir, os.PathLike) or "/" in name_or_dir or os.sep in name_or_dir:
        return True
    import tensorflow_datasets as tfds

    return name_or_dir not in tfds.list_builders(with_community_datasets=False)


def require_train(name_or_dir: str | os.PathLike, split: str) -> None:
    """Raise a `ValueError` if the split of a folder or of the sample is not `"train"`."""
    if split != "train":
        raise ValueError(
            f"{str(name_or_dir)!r} has one split, 'train'. Received: split={split!r}. "
            "For other images, give their folder instead."
        )


def find_images(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the sorted paths of all images in a folder and its subfolders.

    Hidden folders are skipped. They belong to other programs, such as `.thumbnails`.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if photos.is_photo(path)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not files:
        raise ValueError(
            f"{str(folder)!r} holds no images. Looked for files ending in "
            f"{', '.join(sorted(photos.SUFFIXES))}."
        )
    return files


def take_shard(
    files: list[pathlib.Path], shard: Shard, folder: str | os.PathLike
) -> list[pathlib.Path]:
    """Return the files of one shard.

    Raises:
        ValueError: If there are fewer files than shards.
    """
    if len(files) < shard.count:
        raise ValueError(
            f"Each worker needs at least one image. Received: {str(folder)!r}, which holds "
            f"{len(files)} images, fewer than the {shard.count} workers. Give more images, or "
            "share them with --sharding element."
        )
    return files[shard.of(len(files))]


def _class_of(path, folder):
    """Return the name of the first-level subfolder that holds a file, or None."""
    parents = path.relative_to(folder).parts[:-1]
    return parents[0] if parents else None
