"""Describe a preset in words: the rows of `ganzoo info` and the README.md of a repository."""

import json
import re
from collections.abc import Iterator

from ganzoo import registry
from ganzoo.fingerprint import Fingerprint

# Keys of a card that have their own section, or repeat another key.
_HANDLED = {"preset", "data", "command", "training", "metrics", "licence", "limits"}
_HANDLED |= {"recipe", "learning_curve", "class_names", "conditions"}
# Suffixes of the scores that belong to another score, and a prefix.
_ERROR, _REAL, _BICUBIC = "_standard_error", "_of_unseen_real_images", "bicubic_"
_NOT_SCORES = {"extractor", "extractor_fingerprint", "images", "real_images", "seed", "command"}
_NOT_SCORES |= {"protocol"}
# Identifiers of licenses on the Hub. Others are written as `other`, with their name.
_LICENSES = {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "lgpl-3.0"}
_LICENSES |= {"cc0-1.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "openrail"}


def rows(config: dict, card: dict) -> Iterator[tuple[str, str]]:
    """Yield `(name, text)` for each fact about a preset.

    Args:
        config: content of `config.json`.
        card: content of `card.json`. It may hold anything.
    """
    yield "Family", _describe_family(config)
    arguments = config.get("config", {})
    if isinstance(arguments, dict):
        hidden = ("seed", "generator", "discriminator", "trained_on", "class_names", "conditions")
        chosen = {key: value for key, value in arguments.items() if key not in hidden}
        yield "Model", ", ".join(f"{key}={_short(value)}" for key, value in chosen.items())
        if isinstance(names := arguments.get("class_names"), list):
            yield "Classes", ", ".join(map(str, names))
        for fields in arguments.get("conditions") or ():
            yield "Condition", f"{fields['name']}: {_describe_condition(fields)}"
        if arguments.get("trained_on") is not None:
            yield "Trained on", Fingerprint.from_fields(arguments["trained_on"]).describe()
    data = card.get("data")
    if isinstance(data, dict):
        licence = data.get("licence")
        yield "Data", f"{data.get('name')}, split {data.get('split')} (license: {licence})"
    training = card.get("training")
    if isinstance(training, dict):
        yield "Training", _describe_training(training)
    if "limits" in card:
        yield "Limits", str(card["limits"])
    if "licence" in card:
        yield "License", str(card["licence"])
    for key, value in card.items():
        if key not in _HANDLED:
            yield key.replace("_", " ").capitalize(), _short(value)


def score_rows(scores: dict) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the rounded scores of a card as a table.

    Args:
        scores: `metrics` of the card.

    Returns:
        `(columns, rows)`: names of the columns of numbers, and rows of text: the name of a score
        and a number for each column, or an empty text if it was not measured.
    """
    is_upscaling = any(name.startswith(_BICUBIC) for name in scores)
    columns = ("upscaled", "bicubic") if is_upscaling else ("generated", "+-", "real images")
    rows = []
    for name, value in scores.items():
        if name in _NOT_SCORES or name.endswith((_ERROR, _REAL)) or name.startswith(_BICUBIC):
            continue
        others = (_BICUBIC + name,) if is_upscaling else (name + _ERROR, name + _REAL)
        values = (value, *map(scores.get, others))
        rows.append((name, *("" if one is None else _short(one) for one in values)))
    return columns, rows


def describe_protocol(scores: dict) -> list[str]:
    """Return lines that say how the scores of a card were measured."""
    if "extractor" in scores:
        return [
            f"Generated: {scores.get('images'):,} images (seed {scores.get('seed')}). "
            f"Features: {scores['extractor']}.",
            "Real images: the same metric of unseen real images.",
        ]
    if "protocol" in scores:
        return [f"{scores.get('images')}: {scores['protocol']}"]
    return []


def commands(card: dict) -> Iterator[tuple[str, str]]:
    """Yield `(title, command)` for the commands that train and measure the preset."""
    if "command" in card:
        yield "Train", card["command"]
    for value in card.values():
        if isinstance(value, dict) and "command" in value:
            yield "Measure", value["command"]


def write_readme(address: str, config: dict, card: dict, has_samples: bool) -> str:
    """Return the README.md of a repository: a YAML header, and the card in Markdown.

    Args:
        address: str. Address of the repository, such as `"hf://user/name"`.
        config: content of `config.json`.
        card: content of `card.json`.
        has_samples: bool. Show `samples.png`.
    """
    name = address.rpartition("/")[2]
    lines = [*_header(config, card), "", f"# {name}", ""]
    if has_samples:
        lines += ["![Samples](samples.png)", ""]
    lines += [
        "A GAN of ganzoo (the package `keras-ganzoo`), the GAN model zoo for Keras 3.",
        "",
        "```sh",
        "pip install 'keras-ganzoo[hub]'",
        "```",
        "",
        "```python",
        "import ganzoo",
        "",
        f'gan = ganzoo.from_preset("{address}")',
        _example(config),
        "```",
        "",
        *_table(("", ""), rows(config, card)),
    ]
    scores = card.get("metrics")
    if isinstance(scores, dict):
        columns, score_lines = score_rows(scores)
        lines += ["", "## Scores", "", *_table(("metric", *columns), score_lines), ""]
        lines += describe_protocol(scores)
    for title, command in commands(card):
        lines += ["", f"## {title}", "", "```sh", command, "```"]
    return "\n".join(lines) + "\n"


def _header(config, card):
    """Return the lines of the YAML header. JSON values are YAML."""
    family = config.get("family")
    fields = {"library_name": "keras", **_license(card)}
    fields["tags"] = ["gan", "ganzoo", *([family] if family else [])]
    if _is_upscaling(config):
        fields["pipeline_tag"] = "image-to-image"
    elif not _has_labels(config):
        fields["pipeline_tag"] = "unconditional-image-generation"
    return ["---", *(f"{key}: {json.dumps(value)}" for key, value in fields.items()), "---"]


def _license(card):
    """Return the license of the card as fields of the header, none if the card has none."""
    if not (name := card.get("licence") or card.get("license")):
        return {}
    identifier = re.sub(r"\s+", "-", str(name).strip().lower())
    if identifier in _LICENSES:
        return {"license": identifier}
    return {"license": "other", "license_name": str(name)}


def _is_upscaling(config):
    family = config.get("family")
    return family is not None and registry.get_family(family).task == "super_resolution"


def _has_labels(config):
    arguments = config.get("config", {})
    return bool(arguments.get("num_classes") or arguments.get("conditions"))


def _example(config):
    """Return a line of Python that uses a model."""
    if _is_upscaling(config):
        return "large = gan.upscale(image)  # uint8 (height, width, 3)"
    return "images = gan.generate(64, seed=0)  # uint8 (64, height, width, channels)"


def _table(titles, rows):
    """Return the lines of a Markdown table."""
    lines = [titles, ["---"] * len(titles), *rows]
    return ["| " + " | ".join(map(_cell, line)) + " |" for line in lines]


def _cell(text):
    return " ".join(str(text).replace("|", "\\|").split())


def _describe_family(config):
    name = config.get("family")
    if name not in {family.name for family in registry.families()}:
        return "none: two networks"
    family = registry.get_family(name)
    return f"{name} ({family.class_name}; {family.paper})"


def _describe_condition(fields):
    if "class_names" in fields:
        return ", ".join(map(str, fields["class_names"]))
    return f"number from {fields.get('low', 0):g} to {fields.get('high', 0):g}"


def _describe_training(training):
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
