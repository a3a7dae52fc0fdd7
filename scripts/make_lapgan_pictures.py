"""Make the pictures of `lapgan_cifar10` for its page, with seed 0 and without selection.

    python scripts/make_lapgan_pictures.py

- docs/lapgan_levels.png: samples at each level. Rows are levels, columns are classes.
- docs/lapgan_from_real.png: test images, and images that grow from their downsampled versions.
"""

import pathlib

import numpy as np
from PIL import Image

import ganzoo
from ganzoo import data, images

DOCS = pathlib.Path(__file__).parent.parent / "docs"
COLUMNS, TIMES = 10, 3
COUNT = COLUMNS * TIMES
ENLARGED = 2


def enlarge(pixels, factor):
    """Repeat each pixel `factor` times in both directions."""
    return pixels.repeat(factor, axis=1).repeat(factor, axis=2)


def write(name, batches):
    """Write one grid of several batches.

    The first row of each batch comes first, then the second row of each batch, and so on.
    """
    stacked = np.stack(batches, axis=1)  # (images, batches, height, width, channels)
    rows = stacked.reshape(TIMES, COLUMNS, *stacked.shape[1:]).swapaxes(1, 2)
    grid = images.make_grid(rows.reshape(-1, *stacked.shape[2:]), columns=COLUMNS)
    size = [ENLARGED * length for length in grid.shape[1::-1]]
    picture = Image.fromarray(grid).resize(size, Image.Resampling.NEAREST)
    picture.save(DOCS / name, optimize=True)
    print(DOCS / name)


def main():
    gan = ganzoo.from_preset("lapgan_cifar10")
    side, _ = gan.level_sizes[-1]
    labels = np.tile(np.arange(COLUMNS), TIMES)
    grown = gan.generate(COUNT, labels=labels, seed=0, all_levels=True)
    write("lapgan_levels.png", [enlarge(one, side // one.shape[1]) for one in grown])

    real = data.load_arrays("cifar10", split=f"test[:{COUNT}]")
    made = [
        gan.generate(COUNT, labels=real.labels, seed=0, coarse_images=real.pixels, level=level)
        for level in reversed(range(gan.num_levels - 1))
    ]
    write("lapgan_from_real.png", [real.pixels, *made])


if __name__ == "__main__":
    main()
