"""Define `ganzoo info`."""

import json
from typing import Annotated

import rich.markup
import typer

from ganzoo.cli.app import Json, make_table, print_table
from ganzoo.saving import model_card, untrusted, weights


def info(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="Preset, its folder or its hf://user/name.")
    ],
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
    for name, text in model_card.rows(config, card):
        table.add_row(name, rich.markup.escape(text))
    print_table(table)
    scores = card.get("metrics")
    if isinstance(scores, dict):
        print()
        _print_scores(scores)
    print()
    # A table would break long commands and paths.
    for title, line in model_card.commands(card):
        print(f"{title:<8} {line}")
    picture = folder / "samples.png"
    print(f"{'Samples':<8} {picture}" if picture.is_file() else f"{'Folder':<8} {folder}")


def _print_scores(scores):
    """Print a table of the rounded scores, and how they were measured."""
    columns, rows = model_card.score_rows(scores)
    table = make_table("metric", *columns, numbers=columns)
    for row in rows:
        table.add_row(*row)
    print_table(table)
    if lines := model_card.describe_protocol(scores):
        print()
        print("\n".join(lines))
