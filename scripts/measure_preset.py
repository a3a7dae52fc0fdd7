"""Measures presets, and writes their cards' figures and their pictures anew.

    python scripts/measure_preset.py dcgan_mnist cgan_mnist

What comes with the package is measured and drawn: float16 weights draw a little otherwise than
those that were trained. The SHA-256 of the weights stays; the score in the family's `presets.py`
and its page have to be made what is printed here. Then `python scripts/make_zoo_page.py` and
`python scripts/make_strips.py` write what is made of the cards. Cards of super-resolution
presets, which are of photographs, are made by hand.
"""

import argparse
import json
import pathlib

import ganzoo
from ganzoo import evaluation, files, images

PRESETS = pathlib.Path(ganzoo.__file__).parent / "presets"
# How names of figures end that belong to another.
ERROR, REAL = "_standard_error", "_of_unseen_real_images"


def figures_of(measured):
    """The figures of an evaluation, as a card holds them."""
    figures = {}
    for name, result in measured.results.items():
        floor = measured.floors.get(name)
        if name == "precision_recall":
            for detail, value in result.details.items():
                figures[detail] = round(value, 4)
                figures[detail + REAL] = round(floor.details[detail], 4)
            continue
        figures[name] = float(f"{float(result):.4g}")
        if result.standard_error is not None:
            figures[name + ERROR] = float(f"{result.standard_error:.2g}")
        if "sigma" in result.details:
            figures[f"{name}_sigma"] = float(f"{result.details['sigma']:.3g}")
        real = float(floor) if floor else result.details.get("real")
        if real is not None:
            figures[name + REAL] = float(f"{real:.3g}")
    return figures


def measure(folder, data=None):
    """Writes the figures and pictures of a preset into its folder; returns the evaluation."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    gan = ganzoo.from_preset(folder)
    measured = evaluation.evaluate(gan, data or card["data"]["name"], ["all"], seed=0)
    fid = measured.results["fid"]
    card["metrics"] = {
        **figures_of(measured),
        "extractor": measured.extractor,
        "extractor_fingerprint": fid.extractor_fingerprint,
        "images": fid.num_fake,
        "real_images": fid.num_real,
        "seed": fid.seed,
        "command": f"ganzoo evaluate {folder.name} --data {card['data']['name']} --metrics all",
    }
    files.write_json(folder / "card.json", card)
    grid = images.make_grid(gan.preview(64, seed=0)["generated"], columns=gan.num_classes)
    images.write_png(folder / "samples.png", grid)
    if measured.neighbours is not None:  # Of data with a test split.
        grid = images.make_grid(measured.neighbours, columns=evaluation.NEIGHBOUR_COLUMNS)
        images.write_png(folder / "neighbours.png", grid)
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", help="such as dcgan_fashion_mnist")
    parser.add_argument("--evaluate-on", help="data, where the card's are not there any more")
    arguments = parser.parse_args()
    for name in arguments.names:
        measured = measure(PRESETS / name, arguments.evaluate_on)
        print(name, json.dumps(figures_of(measured), indent=2))


if __name__ == "__main__":
    main()
