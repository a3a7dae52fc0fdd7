"""Draws the pictures of `lapgan_cifar10` for its page, of the data set and seed 0, not picked.

    python scripts/make_lapgan_pictures.py

- docs/lapgan_levels.png: samples as they grow, a row for each level, a column for each class.
- docs/lapgan_from_real.png: test images, and what is made of them brought down to the levels.
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
    """Each pixel as a square of `factor` pixels."""
    return pixels.repeat(factor, axis=1).repeat(factor, axis=2)


def write(name, batches):
    """One grid of several batches of the same images: their first rows, then their second ones."""
    stacked = np.stack(batches, axis=1)  # (images, batches, height, width, channels)
    rows = stacked.reshape(TIMES, COLUMNS, *stacked.shape[1:]).swapaxes(1, 2)
    grid = images.make_grid(rows.reshape(-1, *stacked.shape[2:]), columns=COLUMNS)
    size = [ENLARGED * length for length in grid.shape[1::-1]]
    picture = Image.fromarray(grid).resize(size, Image.Resampling.NEAREST)
    picture.save(DOCS / name, optimize=True)
    print(DOCS / name)


def main():
    gan = ganzoo.from_preset("lapgan_cifar10")
    side = gan.level_sides[-1]
    labels = np.tile(np.arange(COLUMNS), TIMES)
    grown = gan.generate(COUNT, labels=labels, seed=0, all_levels=True)
    write("lapgan_levels.png", [enlarge(one, side // one.shape[1]) for one in grown])

    real = data.read("cifar10", split=f"test[:{COUNT}]")
    made = [
        gan.generate(COUNT, labels=real.labels, seed=0, coarse_images=real.pixels, level=level)
        for level in reversed(range(gan.num_levels - 1))
    ]
    write("lapgan_from_real.png", [real.pixels, *made])


if __name__ == "__main__":
    main()
