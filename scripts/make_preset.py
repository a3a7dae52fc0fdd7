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

import keras
import tensorflow as tf
from measure_preset import PRESETS, figures_of, measure

import ganzoo
from ganzoo import registry, runs

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
    last = {"max_steps": gan.step, "evaluate_every": None}
    again = {k: v for k, v in shorten({**recipe, **last}).items() if v is not None}
    chosen = "Of its run the step with the best FID. " if best.is_file() else ""
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
        "limits": f"{arguments.limits} One seed. {chosen}Not for use where images must be true to "
        "anything.".strip(),
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
        # Half precision is a matter of the machine: emulated, it takes ten times as long.
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
    """Names of the arguments that decide a network's shape."""
    return set(gan.get_config()) - {"name", "trainable", "dtype", "seed", "recipe"}


if __name__ == "__main__":
    main()
