"""Define `ganzoo info`."""

import json
from typing import Annotated

import rich.markup
import rich.table
import typer

from ganzoo import registry
from ganzoo.cli.app import Json, out_console
from ganzoo.saving import untrusted, weights

# Keys of a card that have their own section, or repeat another key.
_HANDLED = {"preset", "data", "command", "training", "metrics", "licence", "limits"}
_HANDLED |= {"recipe", "learning_curve"}
# Suffixes of scores that belong to another score.
_ERROR, _REAL = "_standard_error", "_of_unseen_real_images"
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
    table = rich.table.Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(config, card):
        table.add_row(name, rich.markup.escape(text))
    picture = folder / "samples.png"
    place = picture if picture.is_file() else folder
    table.add_row("Samples" if picture.is_file() else "Folder", rich.markup.escape(str(place)))
    out_console.print(table)
    scores = card.get("metrics")
    if isinstance(scores, dict):
        print()
        out_console.print(_score_table(scores))
        _print_protocol(scores)


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
        chosen = {k: v for k, v in arguments.items() if k not in ("seed", "generator")}
        chosen.pop("discriminator", None)
        yield "Model", ", ".join(f"{key}={_short(value)}" for key, value in chosen.items())
    data = card.get("data")
    if isinstance(data, dict):
        yield (
            "Data",
            f"{data.get('name')}, split {data.get('split')}, license {data.get('licence')}",
        )
    training = card.get("training")
    if isinstance(training, dict):
        yield "Training", _training(training)
    if "command" in card:
        yield "Command", str(card["command"])
    if "limits" in card:
        yield "Limits", str(card["limits"])
    if "licence" in card:
        yield "License", str(card["licence"])
    for key, value in card.items():
        if key not in _HANDLED:
            yield key.replace("_", " ").capitalize(), _short(value)


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


def _score_table(scores):
    """Return a table of the rounded scores of generated and real images."""
    table = rich.table.Table("Score", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("generated", "+-", "unseen real images"):
        table.add_column(column, justify="right")
    for name, value in scores.items():
        if name in _NOT_SCORES or name.endswith((_ERROR, _REAL)):
            continue
        others = scores.get(name + _ERROR), scores.get(name + _REAL)
        table.add_row(name, *("" if v is None else _short(v) for v in (value, *others)))
    return table


def _print_protocol(scores):
    if "extractor" in scores:
        print(
            f"\n{scores.get('images'):,} images (seed {scores.get('seed')}), features of "
            f"{scores['extractor']}."
        )
    elif "protocol" in scores:
        print(f"\n{scores.get('images')}: {scores['protocol']}")
    if "command" in scores:
        print(f"Measure again: {scores['command']}")


def _short(value):
    """Return a value as short text, with four digits for numbers."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and all(isinstance(one, int) for one in value):
        return "x".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_short(one)}" for key, one in value.items())
    return str(value)
