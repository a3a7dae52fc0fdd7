"""Define `ganzoo synthesize`."""

import pathlib
from typing import Annotated

import typer

from ganzoo import messages
from ganzoo.cli.app import Model, Seed, import_tensorflow, interruptible, progress_bar


def synthesize(
    model: Model,
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the images, new or empty.")],
    num_images: Annotated[
        int, typer.Option("-n", min=1, help="Number of images, equally many of each class.")
    ] = 10_000,
    keep: Annotated[
        float,
        typer.Option(
            metavar="0..1",
            help="Keep this share of the generated images: those whose class a classifier is "
            "surest of. The number of images stays that of -n.",
        ),
    ] = 1.0,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="With --keep: real images that the classifier learns from. [default: the "
            "classifier of the preset's data]",
        ),
    ] = None,
    format: Annotated[
        str,
        typer.Option(metavar="png|tfrecord", help="A folder for each class, or TFRecord files."),
    ] = "png",
    seed: Seed = 0,
) -> None:
    """Write labeled images that a classifier can learn from.

    A PNG folder is read by `ganzoo train --data OUT`. The guide on training data says when this
    helps.

    Example: `ganzoo synthesize cgan_mnist -n 60000 --keep 0.9 --out made`
    """
    import_tensorflow()
    from ganzoo import sampling
    from ganzoo.saving import loading

    gan = loading.find_model(model)
    judge = None
    with interruptible(), progress_bar("Generating images", num_images) as update:
        if keep < 1:
            trained_on = loading.find_card(model).get("data", {}).get("name")
            judge = sampling.make_judge(gan, _require_data(data or trained_on), seed)
        totals = sampling.synthesize(
            gan, num_images, out, keep, judge, format, seed, lambda done: update(completed=done)
        )
    print(f"{out}: {messages.count(num_images, 'image')} of {len(totals)} classes")


def _require_data(name):
    if name is None:
        raise ValueError(
            "--keep needs real images for a classifier. Give them with --data NAME or DIR."
        )
    return name
