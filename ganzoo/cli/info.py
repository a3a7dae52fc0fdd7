"""Define `ganzoo info`."""

import json
from typing import Annotated

import rich.markup
import typer

from ganzoo import registry
from ganzoo.cli.app import Json, make_table, print_table
from ganzoo.fingerprint import Fingerprint
from ganzoo.saving import untrusted, weights

# Keys of a card that have their own section, or repeat another key.
_HANDLED = {"preset", "data", "command", "training", "metrics", "licence", "limits"}
_HANDLED |= {"recipe", "learning_curve", "class_names", "conditions"}
# Suffixes of the scores that belong to another score, and a prefix.
_ERROR, _REAL, _BICUBIC = "_standard_error", "_of_unseen_real_images", "bicubic_"
_NOT_SCORES = {"extractor", "extractor_fingerprint", "images", "real_images", "seed", "command"}
_NOT_SCORES |= {"protocol"}


def info(
    preset: Annotated[str, typer.Argument(metavar="PRESET", help="Preset, or its folder.")],
    as_json: Json = False,
) -> None:
    """Print the model card of a preset.

    Example: `ganzoo info dcgan_fashion_mnist`
    """
    folder = weights.find_description(preset)
    config = untrusted.read_config(folder / "config.json")
    has_card = (folder / "card.json").is_file()
    card = untrusted.read_config(folder / "card.json") if has_card else {}
    if as_json:
        print(json.dumps({**config, **card}, indent=2))
        return
    print(f"{preset}\n")
    table = make_table("", "")
    table.show_header = False
    for name, text in _rows(config, card):
        table.add_row(name, rich.markup.escape(text))
    print_table(table)
    scores = card.get("metrics")
    if isinstance(scores, dict):
        print()
        _print_scores(scores)
    print()
    # A table would break long commands and paths.
    for title, line in _commands(card):
        print(f"{title:<8} {line}")
    picture = folder / "samples.png"
    print(f"{'Samples':<8} {picture}" if picture.is_file() else f"{'Folder':<8} {folder}")


def _family(config):
    name = config.get("family")
    if name not in {family.name for family in registry.families()}:
        return "none: two networks"
    family = registry.get_family(name)
    return f"{name} ({family.class_name}; {family.paper})"


def _rows(config, card):
    """Yield `(name, text)` for each section of the card."""
    yield "Family", _family(config)
    arguments = config.get("config", {})
    if isinstance(arguments, dict):
        hidden = ("seed", "generator", "discriminator", "trained_on", "class_names", "conditions")
        chosen = {key: value for key, value in arguments.items() if key not in hidden}
        yield "Model", ", ".join(f"{key}={_short(value)}" for key, value in chosen.items())
        if isinstance(names := arguments.get("class_names"), list):
            yield "Classes", ", ".join(map(str, names))
        for fields in arguments.get("conditions") or ():
            yield "Condition", f"{fields['name']}: {_condition(fields)}"
        if arguments.get("trained_on") is not None:
            yield "Trained on", Fingerprint.from_fields(arguments["trained_on"]).describe()
    data = card.get("data")
    if isinstance(data, dict):
        licence = data.get("licence")
        yield "Data", f"{data.get('name')}, split {data.get('split')} (license: {licence})"
    training = card.get("training")
    if isinstance(training, dict):
        yield "Training", _training(training)
    if "limits" in card:
        yield "Limits", str(card["limits"])
    if "licence" in card:
        yield "License", str(card["licence"])
    for key, value in card.items():
        if key not in _HANDLED:
            yield key.replace("_", " ").capitalize(), _short(value)


def _condition(fields):
    if "class_names" in fields:
        return ", ".join(map(str, fields["class_names"]))
    return f"number from {fields.get('low', 0):g} to {fields.get('high', 0):g}"


def _training(training):
    parts = []
    if "steps" in training:
        parts.append(f"{training['steps']:,} steps")
    if "minutes" in training:
        parts.append(f"{training['minutes']:g} minutes")
    if "images_per_second" in training:
        parts.append(f"{training['images_per_second']} images/s")
    versions = [
        f"{name} {training[key]}"
        for key, name in (("keras", "Keras"), ("tensorflow", "TensorFlow"))
        if key in training
    ]
    parts += [str(training["hardware"])] if "hardware" in training else []
    return "; ".join([*parts, *versions])


def _print_scores(scores):
    """Print a table of the rounded scores, and how they were measured."""
    is_upscaling = any(name.startswith(_BICUBIC) for name in scores)
    columns = ("upscaled", "bicubic") if is_upscaling else ("generated", "+-", "real images")
    table = make_table("metric", *columns, numbers=columns)
    for name, value in scores.items():
        if name in _NOT_SCORES or name.endswith((_ERROR, _REAL)) or name.startswith(_BICUBIC):
            continue
        others = (_BICUBIC + name,) if is_upscaling else (name + _ERROR, name + _REAL)
        values = (value, *map(scores.get, others))
        table.add_row(name, *("" if v is None else _short(v) for v in values))
    print_table(table)
    if "extractor" in scores:
        print(
            f"\nGenerated: {scores.get('images'):,} images (seed {scores.get('seed')}). "
            f"Features: {scores['extractor']}."
        )
        print("Real images: the same metric of unseen real images.")
    elif "protocol" in scores:
        print(f"\n{scores.get('images')}: {scores['protocol']}")


def _commands(card):
    """Yield `(title, command)` for the commands that train and measure the preset."""
    if "command" in card:
        yield "Train", card["command"]
    for value in card.values():
        if isinstance(value, dict) and "command" in value:
            yield "Measure", value["command"]


def _short(value):
    """Return a value as short text, with four digits for numbers."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return "x".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{k} {_short(v)}" for k, v in value.items() if k != "command")
    return str(value)
