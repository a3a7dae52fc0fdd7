"""Makes a preset of a run: measures it, writes its folder, prints its record.

    python scripts/make_preset.py runs/dcgan dcgan_mnist --data-licence "CC BY-SA 3.0" --hardware PC

The generator is the best that the run measured (`ganzoo train --evaluate-every`), or else
its last. The folder comes into `ganzoo/presets/`; the record goes into the family's
`presets.py`, and then `python scripts/make_zoo_page.py` writes the page of the zoo. Cards and
samples of super-resolution presets, which are of photographs, are made by hand.
"""

import argparse
import hashlib
import json
import pathlib
import pprint
import tempfile

import keras
import tensorflow as tf

import ganzoo
from ganzoo import evaluation, images, registry, runs

PRESETS = pathlib.Path(ganzoo.__file__).parent / "presets"
# What a recipe says and a command does not need to: it is the default.
DEFAULTS = runs.Recipe("", "")
FLAGS = {"start_from": "from"}


def command_of(recipe):
    """The command that trains a recipe."""
    words = ["ganzoo", "train", recipe["family"]]
    for name, value in recipe.items():
        if name == "family" or value == getattr(DEFAULTS, name) or name == "mixed_precision":
            continue
        flag = "--" + FLAGS.get(name, name).replace("_", "-")
        words += [flag] if value is True else [flag, str(value)]
    return " ".join(words) + f" --out runs/{recipe['family']}"


def shorten(recipe):
    """What of a recipe is not the default, and what was left to the family or machine."""
    return {k: v for k, v in recipe.items() if v != getattr(DEFAULTS, k) or k == "seed"}


def figures_of(measured):
    """The figures of an evaluation, as a card holds them."""
    figures = {}
    for name, result in measured.results.items():
        if name == "precision_recall":
            figures |= {k: round(v, 4) for k, v in result.details.items()}
            continue
        figures[name] = float(f"{float(result):.4g}")
        if result.standard_error is not None:
            figures[f"{name}_standard_error"] = float(f"{result.standard_error:.2g}")
        if name in measured.floors:
            figures[f"{name}_of_unseen_real_images"] = float(f"{float(measured.floors[name]):.3g}")
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("name", help="such as dcgan_fashion_mnist")
    parser.add_argument("--data-licence", required=True)
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--limits", default="", help="what is known of its weaknesses")
    parser.add_argument("--discriminator", action="store_true", help="keep it, to train on")
    parser.add_argument("--evaluate-on", help="data, where the run's are not there any more")
    arguments = parser.parse_args()
    run, name = arguments.run, arguments.name

    best = run / "best.keras"
    gan = ganzoo.load(best if best.is_file() else run)
    recipe = {
        key: value
        for key, value in json.loads((run / "config.json").read_text())["recipe"].items()
        if value is not None
    }
    epochs = json.loads((run / "metrics.json").read_text())["epochs"]
    data = arguments.evaluate_on or recipe["data"]
    # What comes with the package is measured: float16 weights draw a little otherwise.
    with tempfile.TemporaryDirectory() as scratch:
        gan.save_to_preset(pathlib.Path(scratch, name), half=True)
        shipped = ganzoo.from_preset(pathlib.Path(scratch, name))
        measured = evaluation.evaluate(shipped, data, ["all"], seed=0)
    fid = measured.results["fid"]
    last = {"max_steps": gan.step, "evaluate_every": None}
    again = {k: v for k, v in shorten({**recipe, **last}).items() if v is not None}
    card = {
        "preset": name,
        "data": {"name": recipe["data"], "split": "train", "licence": arguments.data_licence},
        "command": command_of({**recipe, **last}),
        "recipe": again,
        "training": {
            "steps": gan.step,
            "minutes": round(sum(e["seconds"] for e in epochs if e["step"] <= gan.step) / 60, 1),
            "images_per_second": round(
                sorted(e["images_per_second"] or 0 for e in epochs)[len(epochs) // 2]
            ),
            "hardware": arguments.hardware,
            "keras": keras.version(),
            "tensorflow": tf.version.VERSION,
        },
        "learning_curve": [
            {"step": epoch["step"], "fid": float(f"{epoch['fid']:.4g}")}
            for epoch in epochs
            if "fid" in epoch
        ],
        "metrics": {
            **figures_of(measured),
            "extractor": measured.extractor,
            "extractor_fingerprint": fid.extractor_fingerprint,
            "images": fid.num_fake,
            "seed": fid.seed,
            "command": f"ganzoo evaluate {name} --data {recipe['data']} --metrics all",
        },
        "licence": "Apache-2.0",
        "limits": " ".join(
            [
                arguments.limits,
                "One seed. Not for use where images must be true to anything.",
            ]
        ).strip(),
    }
    folder = PRESETS / name
    gan.save_to_preset(folder, card, discriminator=arguments.discriminator, half=True)
    grid = images.make_grid(measured.neighbours, columns=evaluation.NEIGHBOUR_COLUMNS)
    images.write_png(folder / "neighbours.png", grid)
    weights = (folder / "model.weights.h5").read_bytes()
    config = {k: v for k, v in gan.get_config().items() if k in registered(gan)}
    record = registry.Preset(
        config=config,
        weights=registry.File(
            "model.weights.h5", hashlib.sha256(weights).hexdigest(), len(weights)
        ),
        # Half precision is a matter of the machine: emulated, it takes ten times as long.
        recipe={k: v for k, v in again.items() if k not in ("family", "mixed_precision")},
        scores=(registry.Score("fid", card["metrics"]["fid"], measured.extractor, fid.num_fake),),
    )
    print(json.dumps(card["metrics"], indent=2))
    pprint.pprint({name: record}, sort_dicts=False)


def registered(gan):
    """Names of the arguments that decide a network's shape."""
    return set(gan.get_config()) - {"name", "trainable", "dtype", "seed", "recipe"}


if __name__ == "__main__":
    main()
