"""Make a preset from a run: measure it, write its folder, and print its record.

    python scripts/make_preset.py runs/dcgan dcgan_mnist --data-licence "CC BY-SA 3.0" --hardware PC

The generator is the best one that the run measured (`ganzoo train --evaluate-every`), or else its
last one. The folder is written to `ganzoo/presets/`. Add the printed record to the family's
`presets.py`, and run `python scripts/make_zoo_page.py`, which writes docs/zoo.md. The cards and
samples of super-resolution presets are made by hand.
"""

import argparse
import dataclasses
import hashlib
import json
import pathlib
import pprint

import keras
import tensorflow as tf
from measure_preset import PRESETS, figures_of, measure

import ganzoo
from ganzoo import registry, training

# Default values of a recipe, which a command leaves out.
DEFAULTS = training.Recipe("", "")
FLAGS = {"start_from": "from"}


def command_of(recipe):
    """Return the command that trains a recipe.

    Args:
        recipe: fields of a `Recipe`, as a dict.
    """
    words = ["ganzoo", "train", recipe["family"]]
    for name, value in recipe.items():
        if name == "family" or value == getattr(DEFAULTS, name) or name == "mixed_precision":
            continue
        if name in ("model", "compile"):
            for key, setting in value.items():
                text = setting if isinstance(setting, str) else json.dumps(setting)
                words += [f"--{name}", f"{key}={text}"]
            continue
        flag = "--" + FLAGS.get(name, name).replace("_", "-")
        words += [flag] if value is True else [flag, str(value)]
    return " ".join(words) + f" --out runs/{recipe['family']}"


def shorten(recipe):
    """Return the fields of a recipe that differ from the defaults, and the seed."""
    return {k: v for k, v in recipe.items() if v != getattr(DEFAULTS, k) or k == "seed"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("name", help="such as dcgan_fashion_mnist")
    parser.add_argument("--data-licence", required=True)
    parser.add_argument("--hardware", required=True)
    parser.add_argument("--limits", default="", help="known limits of the model")
    parser.add_argument(
        "--discriminator",
        action="store_true",
        help="include the discriminator",
    )
    parser.add_argument("--evaluate-on", help="other data, if those of the run are missing")
    arguments = parser.parse_args()
    run, name = arguments.run, arguments.name

    best = run / "best.keras"
    gan = ganzoo.load(best if best.is_file() else run)
    recipe = dataclasses.asdict(training.read_recipe(run))
    recipe = {key: value for key, value in recipe.items() if value is not None}
    epochs = json.loads((run / "metrics.json").read_text())["epochs"]
    last = {"max_steps": gan.step, "evaluate_every": None}
    again = {k: v for k, v in shorten({**recipe, **last}).items() if v is not None}
    chosen = "those of the step with the lowest FID in" if best.is_file() else "the last ones of"
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
        "metrics": {},
        "licence": "Apache-2.0",
        "limits": f"{arguments.limits} The weights are {chosen} one training run, with one seed. "
        "Do not use the images as evidence of something real.".strip(),
    }
    folder = PRESETS / name
    gan.save_to_preset(folder, card, discriminator=arguments.discriminator, half=True)
    measured = measure(folder, arguments.evaluate_on)
    weights = (folder / "model.weights.h5").read_bytes()
    figures = figures_of(measured)
    config = {k: v for k, v in gan.get_config().items() if k in registered(gan)}
    record = registry.Preset(
        config=config,
        weights=registry.File(
            "model.weights.h5", hashlib.sha256(weights).hexdigest(), len(weights)
        ),
        # Precision depends on the machine: emulated half precision takes ten times as long.
        recipe={k: v for k, v in again.items() if k not in ("family", "mixed_precision")},
        scores=(
            registry.Score(
                "fid", figures["fid"], measured.extractor, measured.results["fid"].num_fake
            ),
        ),
    )
    print(json.dumps(figures, indent=2))
    pprint.pprint({name: record}, sort_dicts=False)


def registered(gan):
    """Return the names of the constructor arguments that determine the networks."""
    return set(gan.get_config()) - {"name", "trainable", "dtype", "seed", "recipe"}


if __name__ == "__main__":
    main()
