"""`ganzoo sample` and `ganzoo upscale`."""

import functools
import os
import pathlib
import sys
from typing import Annotated

import rich.console
import rich.progress
import typer

from ganzoo.cli.common import Model, Seed, import_tensorflow
from ganzoo.cli.training import interruptible


def sample(
    model: Model,
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="PNG file for a grid, a folder/ for single PNGs, .gif or .webp."
        ),
    ],
    num_images: Annotated[int, typer.Option("-n", help="Number of images, or of walks.")] = 64,
    labels: Annotated[
        str | None, typer.Option(help="Class ids, such as 0,1,2, taken in turn.")
    ] = None,
    interpolate: Annotated[
        bool,
        typer.Option("--interpolate", help="Walk between latents; with --labels, between classes."),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="tfrecord|npz|png",
            help="Write many images into the folder --out, in files that shards share.",
        ),
    ] = None,
    shards: Annotated[int, typer.Option(help="With --format: processes that share it.")] = 1,
    shard: Annotated[
        int | None, typer.Option(help="Which of the shards to make, from 0 on.")
    ] = None,
    seed: Seed = 0,
):
    """Make images with a trained model.

    With `--interpolate` a .png shows a walk in every row, a .gif or .webp moves. With
    `--format` there may be millions, and what is there already is not made again.

    Example: `ganzoo sample dcgan_fashion_mnist -n 64 --seed 0 --out grid.png`

    Example: `ganzoo sample RUN -n 1000000 --format tfrecord --shards 8 --shard 3 --out DIR`
    """
    # A path forgets the slash that tells a folder from a file.
    is_folder = out.endswith(("/", os.sep))
    out = pathlib.Path(out)
    if format is not None:
        if interpolate:
            raise ValueError("--format is for single images. Leave it or --interpolate out.")
        if shard is None and shards > 1:
            raise ValueError(f"--shard is missing: give one from 0 to {shards - 1}.")
        _sample_in_bulk(model, num_images, out, format, seed, labels, shards, shard or 0)
        return
    if shards != 1 or shard is not None:
        raise ValueError("--shards and --shard need --format tfrecord, npz or png.")
    is_folder = is_folder or out.is_dir() or not out.suffix
    kind = "folder" if is_folder else out.suffix.lower()
    allowed = (".png", ".gif", ".webp") if interpolate else (".png", "folder")
    if kind not in allowed:
        raise ValueError(
            f"--out must be {' or '.join(allowed)} here. Received: {str(out)!r}. Animations need "
            "--interpolate, and folders go without it."
        )
    classes = _parse_labels(labels)
    import_tensorflow()
    import numpy as np

    from ganzoo import images, runs
    from ganzoo.interpolation import interpolate as interpolate_between

    gan = runs.find_model(model)
    if interpolate:
        walks = interpolate_between(gan, num_rows=num_images, labels=classes, seed=seed)
        num_rows, num_steps = walks.shape[:2]
        if kind == ".png":
            grid = images.make_grid(walks.reshape(-1, *walks.shape[2:]), columns=num_steps)
            images.write_png(out, grid, images.zoom_for(grid))
        else:
            frames = np.stack([images.make_grid(step) for step in walks.swapaxes(0, 1)])
            images.write_animation(out, frames, images.zoom_for(frames[0]))
        print(f"{out}: {num_rows} walks of {num_steps} images")
        return
    in_turn = classes and [classes[index % len(classes)] for index in range(num_images)]
    pixels = gan.generate(num_images, labels=in_turn, seed=seed)
    if kind == ".png":
        # A column for each class that was asked for.
        columns = len(classes) if classes and len(classes) > 1 else None
        grid = images.make_grid(pixels, columns)
        images.write_png(out, grid, images.zoom_for(grid))
    else:
        for index, image in enumerate(pixels):
            images.write_png(out / f"{index:05d}.png", image)
    print(f"{out}: {num_images} images")


def _sample_in_bulk(model, num_images, out, format, seed, labels, shards, shard):
    classes = _parse_labels(labels)
    import_tensorflow()
    from ganzoo import bulk, runs

    gan = runs.find_model(model)
    with (
        # A batch system's SIGTERM leaves no half a file.
        interruptible(),
        rich.progress.Progress(console=rich.console.Console(stderr=True)) as progress,
    ):
        task = progress.add_task(f"Shard {shard} of {shards}", total=num_images / max(shards, 1))
        drawn = bulk.sample(
            gan,
            num_images,
            out,
            format,
            seed,
            classes,
            shards,
            shard,
            report=lambda done: progress.update(task, completed=done),
        )
    print(
        f"{out}: {drawn.num_images} of {num_images} images in {drawn.num_files} files, "
        f"{drawn.num_made} of them new"
    )


def upscale(
    model: Model,
    images: Annotated[
        list[pathlib.Path], typer.Argument(metavar="IMAGE", help="Image files, or folders of them.")
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the larger images.")],
    tile: Annotated[
        int | None,
        typer.Option(
            min=16, help="Side of the tiles that are upscaled one by one, in pixels. [default: 192]"
        ),
    ] = None,
):
    """Make images larger with a super-resolution model.

    A photo.jpg becomes OUT/photo_x4.jpg. PNG, JPEG and WebP stay what they are, other
    kinds become PNG; of an animation, the first image is taken.

    Example: `ganzoo upscale runs/srgan photo.jpg holidays/ --out large`
    """
    from ganzoo import photos

    sources = photos.find_photos(images)
    import_tensorflow()
    from ganzoo import runs

    gan = runs.find_model(model)
    if not hasattr(gan, "upscale"):
        raise ValueError(
            f"{model!r} is a {type(gan).__name__}, which cannot upscale. Give a super-resolution "
            "model, such as a run of `ganzoo train srgan`."
        )
    results = photos.name_results(sources, out, gan.scale)
    upscale_pixels = functools.partial(gan.upscale, tile=tile)
    num_failed = 0
    for source, target in _with_progress(results):
        try:
            photos.upscale_file(source, target, upscale_pixels, gan.scale)
        except (ValueError, OSError) as error:
            print(f"ganzoo: {error}", file=sys.stderr)
            num_failed += 1
    print(f"{out}: {len(results) - num_failed} images")
    if num_failed:
        raise typer.Exit(1)


def _parse_labels(labels):
    """`"0,1,2"` as a list of class ids; None without labels."""
    if labels is None:
        return None
    try:
        return [int(label) for label in labels.split(",")]
    except ValueError:
        raise ValueError(
            f"--labels must be class ids such as 0,1,2. Received: {labels!r}."
        ) from None


def _with_progress(results):
    """Goes through pairs of files with a bar for a person, a line for each in a file."""
    if sys.stderr.isatty():
        console = rich.console.Console(stderr=True)
        yield from rich.progress.track(results, "Upscaling", console=console)
        return
    for source, target in results:
        print(f"{source} -> {target}", file=sys.stderr)
        yield source, target
