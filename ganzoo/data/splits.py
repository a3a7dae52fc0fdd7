"""Split folders of images into a training part and a part that is held out."""

import functools
import hashlib
import pathlib
from collections.abc import Collection, Sequence

# Names of folders that split the images of the folder around them, best first.
_TRAIN = ("train", "training")
_TEST = ("test", "testing", "val", "valid", "validation")
SPLITS = ("train", "test", "train+test")
# One image in this many is held out, if a folder has at least so many.
HELD_OUT = 10
FEWEST_TO_SPLIT = 100


def find_folders(names: Collection[str]) -> dict[str, str]:
    """Return the names of the folders of the splits, by split.

    Args:
        names: names of all first-level folders that hold images.

    Returns:
        Dict with `"train"` and `"test"`. It is empty if the folders are no splits: one of both is
        missing, or there are others.

    Example:
        >>> find_folders(["val", "train"]), find_folders(["train", "bus"])
        ({'train': 'train', 'test': 'val'}, {})
    """
    found = {
        "train": [name for name in _TRAIN if name in names],
        "test": [name for name in _TEST if name in names],
    }
    if not all(found.values()) or not {*names} <= {*_TRAIN, *_TEST}:
        return {}
    return {split: chosen[0] for split, chosen in found.items()}


def choose(
    files: Sequence[pathlib.Path], classes: Sequence[str | None]
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Return the files of the training part, and those that are held out, each in their order.

    The content of a file alone decides, so that new files do not move others to another part, and
    copies of an image are in the same part. About one file in ten is held out. A folder of fewer
    than 100 files is not split: a tenth would be too few to measure anything.

    Args:
        files: paths of the images.
        classes: class of each image, or None. Every class keeps an image in the training part.
    """
    if len(files) < FEWEST_TO_SPLIT:
        return list(files), []
    is_held_out = [_hash(path) % HELD_OUT == 0 for path in files]
    pairs = list(zip(classes, is_held_out, strict=True))
    trained = {name for name, held_out in pairs if not held_out}
    parts: tuple[list[pathlib.Path], list[pathlib.Path]] = ([], [])
    for path, (name, held_out) in zip(files, pairs, strict=True):
        parts[held_out and name in trained].append(path)
    return parts


def _hash(path):
    try:
        status = path.stat()
        return _hash_content(path, status.st_size, status.st_mtime_ns)
    except OSError:
        return 1  # Loading the image raises the error.


# A run lists its folder several times. The size and time tell whether a file has changed.
@functools.cache
def _hash_content(path, size, time):
    content = path.read_bytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big")
