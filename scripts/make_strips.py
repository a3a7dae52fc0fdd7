"""Draws docs/strips.png for the front page: for each family a strip of samples of a preset.

    python scripts/make_strips.py

They are the first cells of the `samples.png` that every preset has: seed 0, not picked.
"""

import pathlib

from PIL import Image

from ganzoo import weights

PICTURE = pathlib.Path(__file__).parent.parent / "docs" / "strips.png"
# The preset of each family, the side of a cell of its samples, and how many cells are shown.
STRIPS = {
    "vanilla_mnist": (28, 16),
    "cgan_fashion_mnist": (28, 16),
    "dcgan_fashion_mnist": (28, 16),
    "lapgan_cifar10": (32, 16),
    "srgan_x4": (128, 9),
}
WIDTH, GAP = 960, 2


def strip(name, side, count):
    """The first cells of a preset's samples in one row, as wide as the picture."""
    samples = Image.open(weights.find_description(name) / "samples.png").convert("RGB")
    columns = samples.width // (side + GAP)
    row = Image.new("RGB", (count * (side + GAP), side + GAP), "white")
    for index in range(count):
        left, top = (GAP + (side + GAP) * place for place in (index % columns, index // columns))
        cell = samples.crop((left, top, left + side, top + side))
        row.paste(cell, (GAP // 2 + index * (side + GAP), GAP // 2))
    # Small pixels stay sharp squares.
    how = Image.Resampling.LANCZOS if row.width > WIDTH else Image.Resampling.NEAREST
    return row.resize((WIDTH, round(row.height * WIDTH / row.width)), how)


def main():
    strips = [strip(name, *layout) for name, layout in STRIPS.items()]
    picture = Image.new("RGB", (WIDTH, sum(row.height + GAP for row in strips)), "white")
    top = 0
    for row in strips:
        picture.paste(row, (0, top))
        top += row.height + GAP
    picture.save(PICTURE, optimize=True)
    print(f"{PICTURE}: {', '.join(STRIPS)}")


if __name__ == "__main__":
    main()
