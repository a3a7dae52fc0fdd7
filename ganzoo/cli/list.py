"""Define `ganzoo list`."""

import json

import rich.table

from ganzoo import registry
from ganzoo.cli.app import Json, out_console


def list_presets(as_json: Json = False) -> None:
    """List the presets, and the families to train.

    Example: `ganzoo list`
    """
    if as_json:
        print(json.dumps(_preset_rows(), indent=2))
        return
    presets = _table("preset", "family", "data", "score", "MB")
    for row in _preset_rows():
        presets.add_row(*map(str, row.values()))
    out_console.print(presets)
    print()
    families = _table("family", "class", "conditioned on", "paper")
    for family in registry.families():
        families.add_row(family.name, family.class_name, family.conditioned_on, family.paper)
    out_console.print(families)
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


def _table(*columns):
    return rich.table.Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))
