"""`ganzoo list` and `ganzoo info`."""

import json
from typing import Annotated

import rich.markup
import rich.table
import typer

from ganzoo import registry, untrusted, weights
from ganzoo.cli.common import Json, out_console


def list_presets(as_json: Json = False):
    """List the presets, and the families that can be trained.

    Example: `ganzoo list`
    """
    rows = [
        {
            "preset": name,
            "family": family.name,
            "data": preset.recipe["data"],
            "score": _headline(preset),
        }
        for name, (family, preset) in registry.presets().items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = rich.table.Table("preset", "family", "data", "score", box=None)
    for row in rows:
        table.add_row(*(str(value or "not measured yet") for value in row.values()))
    out_console.print(table)
    names = ", ".join(family.name for family in registry.families())
    print(f"\nFamilies to train: {names}. Try: ganzoo info {rows[0]['preset'] if rows else 'NAME'}")


def info(preset: Annotated[str, typer.Argument(metavar="PRESET")]):
    """Print the model card of a preset.

    Example: `ganzoo info dcgan_fashion_mnist`
    """
    folder = weights.find_description(preset)
    described = untrusted.read_config(folder / "config.json")
    if (folder / "card.json").is_file():
        described |= untrusted.read_config(folder / "card.json")
    rows = [(k, v if isinstance(v, str) else json.dumps(v)) for k, v in described.items()]
    if (folder / "samples.png").is_file():
        rows.append(("samples.png", str(folder / "samples.png")))
    table = rich.table.Table(rich.table.Column(style="bold"), "", show_header=False, box=None)
    for row in rows:
        table.add_row(*map(rich.markup.escape, row))
    out_console.print(table)


def _headline(preset):
    if not preset.scores:
        return None
    score = preset.scores[0]
    details = [score.extractor, f"{score.num_images} images"]
    return f"{score.metric} {score.value:g} ({', '.join(filter(None, details))})"
