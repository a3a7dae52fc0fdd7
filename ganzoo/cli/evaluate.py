"""Define `ganzoo evaluate`."""

import itertools
import json
import math
import pathlib
import sys
import textwrap
from typing import Annotated

import rich.markup
import typer

from ganzoo.checks import check_seed
from ganzoo.cli.app import (
    Json,
    Model,
    Seed,
    import_tensorflow,
    interruptible,
    make_table,
    print_table,
    progress_bar,
)
from ganzoo.saving.files import check_file_path

SCORE_COLUMNS = ("generated", "+-", "real images")
# Metrics of super-resolution, with the digits to show.
RESTORATION_DIGITS = {"PSNR": 2, "SSIM": 4, "LPIPS": 4, "NIQE": 2}


def evaluate(
    model: Model,
    data: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="Real images. For super-resolution, a folder.")
    ],
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="CSV file of labels, for models trained with one. [default: labels.csv in --data]",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="fid,kid,...|all",
            help="all is all that apply, except cas, which trains classifiers. "
            "[default: fid,kid,precision_recall,copies]",
        ),
    ] = None,
    num_images: Annotated[int, typer.Option("-n", min=1, help="Number of images.")] = 10_000,
    extractor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Feature network. [default: that of the data]"),
    ] = None,
    neighbours: Annotated[
        pathlib.Path | None,
        typer.Option(help="Write a PNG of generated images and their nearest training images."),
    ] = None,
    copies: Annotated[
        pathlib.Path | None,
        typer.Option(help="Write a PNG of the clearest copies beside their training images."),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Measure the generated images of a model, or compare super-resolution with bicubic upscaling.

    Example: `ganzoo evaluate dcgan_fashion_mnist --data fashion_mnist --metrics fid,kid`
    """
    check_seed(seed)
    for option, path in (("--neighbours", neighbours), ("--copies", copies)):
        if path:
            check_file_path(path)
            if path.suffix.lower() != ".png":
                raise ValueError(f"{option} must end in .png. Received: {str(path)!r}.")
    import_tensorflow()
    from ganzoo import evaluation, images
    from ganzoo.saving import loading

    # Downloads print to standard output, which is reserved for the scores.
    with interruptible():
        gan = loading.find_model(model)
        restores = gan.task == "super_resolution"
        if restores:
            _refuse_for_upscaling(metrics, extractor, neighbours, copies)
            result = _upscale_with_progress(gan, data)
        else:
            names = [name.strip() for name in metrics.split(",")] if metrics else []
            names = names or list(evaluation.DEFAULT_METRICS)
            names += ["neighbours"] if neighbours else []
            names += ["copies"] if copies else []
            result = _evaluate_with_progress(gan, data, names, num_images, extractor, seed, labels)
    pictures = (
        (neighbours, "neighbours", evaluation.NEIGHBOUR_COLUMNS),
        (copies, "copies", 2),
    )
    for path, name, columns in pictures:
        if path:
            grid = images.make_grid(getattr(result, name), columns)
            images.write_png(path, grid, images.zoom_for(grid))
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    elif restores:
        _print_restoration(result)
    else:
        print_evaluation(result)
        if copies:
            print(f"Clearest copies: {copies} (generated, nearest training image)")
        if neighbours:
            print(f"Neighbours: {neighbours} (generated, nearest training images)")


def _evaluate_with_progress(gan, data, names, num_images, extractor, seed, labels):
    from ganzoo import evaluation

    with progress_bar("Measuring real images", num_images) as update:

        def report(done):
            update(description="Measuring generated images", completed=done)

        return evaluation.evaluate(
            gan, data, names, num_images, extractor, seed, report=report, labels=labels
        )


def _upscale_with_progress(gan, data):
    from ganzoo import evaluation
    from ganzoo.images import photos

    done = itertools.count(1)
    with progress_bar("Upscaling", len(photos.find_photos([data]))) as update:

        def report(score):
            if not sys.stderr.isatty():
                print(score.name, file=sys.stderr)
            update(completed=next(done))

        return evaluation.evaluate_super_resolution(gan, data, report=report)


def _refuse_for_upscaling(metrics, extractor, neighbours, copies):
    if metrics or extractor or neighbours or copies:
        raise ValueError(
            "Super-resolution models are measured by PSNR, SSIM, LPIPS and NIQE. Remove "
            "--metrics, --extractor, --neighbours and --copies."
        )


def _print_restoration(result):
    table = make_table("image", "by", *RESTORATION_DIGITS, numbers=RESTORATION_DIGITS)
    for score in (*result.images, result.mean):
        for heading, by, prefix in ((score.name, "model", ""), ("", "bicubic", "bicubic_")):
            cells = [rich.markup.escape(heading), by]
            for name, digits in RESTORATION_DIGITS.items():
                value = getattr(score, prefix + name.lower())
                # Images may be too small for LPIPS and NIQE.
                cells.append("" if math.isnan(value) else f"{value:.{digits}f}")
            table.add_row(*cells)
    print_table(table)
    print(f"\n{textwrap.fill(result.protocol, 80)}")


def print_evaluation(result) -> None:
    """Print the scores of generated and real images as a table.

    Args:
        result: `ganzoo.evaluation.Evaluation`.
    """
    from ganzoo import evaluation

    table = make_table("metric", *SCORE_COLUMNS, "better", numbers=SCORE_COLUMNS)
    for name, *cells in result.rows():
        better = "lower" if evaluation.is_lower_better(name) else "higher"
        table.add_row(name, *("" if cell is None else cell for cell in cells), better)
    print_table(table)
    print(f"\n{result.protocol}")
