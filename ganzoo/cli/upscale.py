"""Define `ganzoo upscale`."""

import functools
import pathlib
import sys
from typing import Annotated

import typer

from ganzoo import messages
from ganzoo.cli.app import Model, import_tensorflow, progress_bar


def upscale(
    model: Model,
    images: Annotated[
        list[pathlib.Path], typer.Argument(metavar="IMAGE", help="Image files, or folders of them.")
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the upscaled images.")],
    outscale: Annotated[
        float | None,
        typer.Option(
            help="Ratio of the sizes, such as 2.5. The Lanczos filter resizes the network's "
            "result. [default: the model's scale]"
        ),
    ] = None,
    strength: Annotated[
        float,
        typer.Option(
            metavar="0..1",
            help="How much texture is invented: 1 as the model does, 0 as a model without a "
            "discriminator does.",
        ),
    ] = 1.0,
    tile: Annotated[
        int | None,
        typer.Option(
            min=16,
            help="Side of the tiles that are upscaled one by one, in pixels. "
            "[default: by the free memory]",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.")
    ] = False,
) -> None:
    """Upscale images with a super-resolution model.

    The result of photo.jpg is OUT/photo_x4.jpg. Existing files are not replaced. PNG, JPEG and WebP
    files keep their format. Other formats become PNG. Only the first frame of an animation is used.

    Example: `ganzoo upscale runs/srgan photo.jpg holidays/ --out large`
    """
    import_tensorflow()
    from ganzoo.images import photos
    from ganzoo.saving import loading

    sources = photos.find_photos(images)
    gan = loading.find_model(model)
    if gan.task != "super_resolution":
        raise ValueError(
            f"{model!r} is a {type(gan).__name__}, which cannot upscale. Give a super-resolution "
            "model, such as a run of `ganzoo train srgan`."
        )
    gan.check_upscaling(outscale, strength, tile)
    outscale = gan.scale if outscale is None else outscale
    results = photos.name_results(sources, out, outscale)
    upscale_pixels = functools.partial(gan.upscale, outscale=outscale, strength=strength, tile=tile)
    num_failed = 0
    for source, target in _with_progress(results):
        try:
            photos.upscale_file(source, target, upscale_pixels, outscale, overwrite)
        except (ValueError, OSError) as error:
            print(f"ganzoo: {error}", file=sys.stderr)
            num_failed += 1
    print(f"{out}: {messages.count(len(results) - num_failed, 'image')}")
    if num_failed:
        raise typer.Exit(1)


def _with_progress(results):
    """Yield pairs of files. Show a progress bar in a terminal, else one line per pair."""
    with progress_bar("Upscaling", len(results)) as update:
        for done, (source, target) in enumerate(results):
            update(completed=done)
            if not sys.stderr.isatty():
                print(f"{source} -> {target}", file=sys.stderr)
            yield source, target
        update(completed=len(results))
