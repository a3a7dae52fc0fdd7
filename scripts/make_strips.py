"""Make docs/strips.png for the front page: one row of samples per family.

    python scripts/make_strips.py

A row shows the first cells of a preset's `samples.png`, which has seed 0 and no selection.
"""

import pathlib

from PIL import Image

from ganzoo.saving import weights

PICTURE = pathlib.Path(__file__).parent.parent / "docs" / "strips.png"
# Preset of each family, side of a cell of its samples, and number of cells in the row.
STRIPS = {
    "vanilla_mnist": (28, 16),
    "cgan_fashion_mnist": (28, 16),
    "dcgan_fashion_mnist": (28, 16),
    "lapgan_cifar10": (32, 16),
    "srgan_x4": (128, 9),
}
WIDTH, GAP = 960, 2


def strip(name, side, count):
    """Return the first cells of a preset's samples as one row with the width of the picture."""
    samples = Image.open(weights.find_description(name) / "samples.png").convert("RGB")
    columns = samples.width // (side + GAP)
    row = Image.new("RGB", (count * (side + GAP), side + GAP), "white")
    for index in range(count):
        left, top = (GAP + (side + GAP) * place for place in (index % columns, index // columns))
        cell = samples.crop((left, top, left + side, top + side))
        row.paste(cell, (GAP // 2 + index * (side + GAP), GAP // 2))
    # Enlarged pixels stay sharp squares.
    resampling = Image.Resampling.LANCZOS if row.width > WIDTH else Image.Resampling.NEAREST
    return row.resize((WIDTH, round(row.height * WIDTH / row.width)), resampling)


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
