"""Folders of images."""

import os
import pathlib

import numpy as np

from ganzoo import photos
from ganzoo.data.arrays import ImageData, fit, stack, to_pil


def read(folder, image_size, part):
    """Reads the images below a folder; first-level subfolders are classes."""
    files = find_images(folder)
    parents = [path.relative_to(folder).parts[:-1] for path in files]
    names = sorted({parts[0] for parts in parents if parts})
    own_parents = parents[part.of(len(files))]
    files = take_part(files, part, folder)
    decoded, unreadable = [], []
    for path in files:
        try:
            decoded.append(fit(to_pil(photos.read_photo(path).pixels), image_size))
        except ValueError:
            unreadable.append(path.relative_to(folder).as_posix())
    if unreadable:
        named = ", ".join(unreadable[:5]) + (", ..." if len(unreadable) > 5 else "")
        raise ValueError(
            f"{len(unreadable)} of {len(files)} images in {str(folder)!r} cannot be read: {named}. "
            "Mend or remove them."
        )
    # A class for every image, or no classes: loose files beside subfolders belong to none.
    pixels = stack(decoded, folder)
    if not all(parents):
        return ImageData(pixels)
    return ImageData(pixels, np.array([names.index(p[0]) for p in own_parents]), len(names))


def is_meant(name_or_dir):
    """Whether a folder of that name is there and meant: a bare name means the data set."""
    if not pathlib.Path(name_or_dir).is_dir():
        return False
    if isinstance(name_or_dir, os.PathLike) or os.sep in name_or_dir:
        return True
    import tensorflow_datasets as tfds

    return name_or_dir not in tfds.list_builders(with_community_datasets=False)


def require_train(name_or_dir, split):
    if split != "train":
        raise ValueError(
            f"{str(name_or_dir)!r} has one split, 'train'. Received: split={split!r}. "
            "Give the folder of the other images instead."
        )


def find_images(folder):
    """Paths of all images below a folder, sorted; hidden folders are other programs' own."""
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


def take_part(files, part, folder):
    """The files of a part; a `ValueError` where there is none for each."""
    if len(files) < part.count:
        raise ValueError(
            f"{str(folder)!r} holds {len(files)} images, fewer than the {part.count} workers that "
            "share them. Give more images, or share them by element."
        )
    return files[part.of(len(files))]
