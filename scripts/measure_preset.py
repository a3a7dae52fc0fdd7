"""Measure presets again, and update the scores in their cards and their pictures.

    python scripts/measure_preset.py dcgan_mnist cgan_mnist

This measures the packaged presets, because float16 weights generate slightly different images than
the trained weights. The SHA-256 of the weights does not change. Copy the printed scores to the
family's `presets.py` and to its page. Then run `python scripts/make_zoo_page.py` and
`python scripts/make_strips.py`, which read the cards. Super-resolution presets need a folder of
photographs, and their pictures are made by hand:

    python scripts/measure_preset.py srgan_x4 srresnet_x4 --evaluate-on Set5
"""

import argparse
import json
import pathlib

import ganzoo
from ganzoo import evaluation, images
from ganzoo.saving import files

# Decimal places of the scores of super-resolution.
PLACES = {"psnr": 2, "ssim": 4, "lpips": 4, "niqe": 2}
PRESETS = pathlib.Path(ganzoo.__file__).parent / "presets"
# Suffixes of scores that belong to another score.
ERROR, REAL = "_standard_error", "_of_unseen_real_images"


def figures_of(measured):
    """Return the scores of an evaluation in the format of a card."""
    if isinstance(measured, evaluation.SuperResolutionResult):
        return {
            prefix + name: round(getattr(measured.mean, prefix + name), places)
            for prefix in ("", "bicubic_")
            for name, places in PLACES.items()
        }
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
    """Write the scores and pictures of a preset into its folder.

    Args:
        folder: preset folder.
        data: name of the data. None uses those of the card.

    Returns:
        `ganzoo.evaluation.Evaluation` or `SuperResolutionResult`.
    """
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    gan = ganzoo.from_preset(folder)
    if gan.task == "super_resolution":
        measured = evaluation.evaluate_super_resolution(gan, data)
        card["metrics"] = {
            **figures_of(measured),
            "images": card["metrics"]["images"],
            "protocol": measured.protocol,
            "command": card["metrics"]["command"],
        }
        files.write_json(folder / "card.json", card)
        return measured
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
    if measured.neighbours is not None:  # Only data with a test split have neighbors.
        grid = images.make_grid(measured.neighbours, columns=evaluation.NEIGHBOUR_COLUMNS)
        images.write_png(folder / "neighbours.png", grid)
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", help="such as dcgan_fashion_mnist")
    parser.add_argument("--evaluate-on", help="data, if they are not those of the card")
    arguments = parser.parse_args()
    for name in arguments.names:
        measured = measure(PRESETS / name, arguments.evaluate_on)
        print(name, json.dumps(figures_of(measured), indent=2))


if __name__ == "__main__":
    main()
