"""Define `ganzoo reproduce`."""

import pathlib
import shlex
from typing import Annotated

import typer

from ganzoo.cli.app import import_tensorflow, interruptible
from ganzoo.cli.report import report


def reproduce(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="Preset, or preset folder with a recipe.")
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Run folder.")],
    data: Annotated[
        str | None,
        typer.Option(
            help="Other data. For super-resolution, a folder of photographs.", metavar="NAME|DIR"
        ),
    ] = None,
) -> None:
    """Train a preset again with its recipe.

    Resume an interrupted run with `ganzoo train FAMILY --out RUN --resume`.

    Example: `ganzoo reproduce dcgan_fashion_mnist --out runs/again`
    """
    import_tensorflow()
    from ganzoo import registry, training
    from ganzoo.saving import weights

    with interruptible():
        recipe = training.recipe_of(preset)
        outcome = training.reproduce(preset, out, data)
    report(outcome)
    if not weights.is_registered(preset):
        return
    family, record = registry.get_preset(preset)
    for score in record.scores:
        print(f"\nThe preset's {score.metric} is {score.value:g}. Measure this run:")
        # Ganzoo does not know the folder of the user's benchmark photographs.
        on = "FOLDER_OF_SET5" if family.task == "super_resolution" else recipe.data
        print(f"  ganzoo evaluate {shlex.quote(str(out))} --data {on}")
