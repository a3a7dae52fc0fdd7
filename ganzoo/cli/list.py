"""Define `ganzoo list`."""

import json

from ganzoo import registry
from ganzoo.cli.app import Json, make_table, print_table


def list_presets(as_json: Json = False) -> None:
    """List the presets, and the families to train.

    Example: `ganzoo list`
    """
    if as_json:
        print(json.dumps(_preset_rows(), indent=2))
        return
    presets = make_table("preset", "family", "data", "score", "MB", numbers=["MB"])
    for row in _preset_rows():
        presets.add_row(*(str(value) for value in row.values()))
    print_table(presets)
    print("\nFID depends on the data set. Compare only presets of the same data.\n")
    families = make_table("family", "class", "conditioned on", "paper")
    for family in registry.families():
        # With its arXiv number, a row is longer than 80 characters.
        authors, _, _ = family.paper.partition(", arXiv")
        families.add_row(family.name, family.class_name, family.conditioned_on, authors)
    print_table(families)
    print("\nNext: ganzoo info PRESET, ganzoo train FAMILY --help")


def _preset_rows():
    return [
        {
            "preset": name,
            "family": family.name,
            "data": preset.recipe["data"],
            "score": _headline(preset),
            "megabytes": round(preset.weights.size / 1e6, 1),
        }
        for name, (family, preset) in registry.presets().items()
    ]


def _headline(preset):
    if not preset.scores:
        return None
    score = preset.scores[0]
    name = score.metric.upper() if score.metric.islower() else score.metric
    unit = " dB" if "PSNR" in name else ""
    return f"{name} {score.value:.4g}{unit}"
