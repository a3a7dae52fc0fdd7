"""Read the sizes of images from the headers of their files, before the images are decoded."""

import contextlib
import pathlib
from collections.abc import Sequence

from ganzoo.data.arrays import sizes_error
from ganzoo.images import photos


def common_size(files: Sequence[pathlib.Path], folder: pathlib.Path) -> tuple[int, int] | None:
    """Return the `(height, width)` of all images.

    Args:
        files: paths of the images.
        folder: their folder, for the error.

    Returns:
        `(height, width)`. None if it is not known before the images are decoded: some are turned
        by 90 degrees, or no file can be read.

    Raises:
        ValueError: If sizes differ.
    """
    sizes = set()
    for path in files:
        # Damaged files are named together, when all are decoded.
        with contextlib.suppress(ValueError):
            sizes.add(photos.read_size(path))
    if len({tuple(sorted(size)) for size in sizes}) > 1:
        raise sizes_error(folder, sizes)
    return sizes.pop() if len(sizes) == 1 else None
