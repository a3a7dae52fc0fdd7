"""Define `ganzoo sample`."""

import math
import os
import pathlib
from typing import Annotated

import typer

from ganzoo import messages
from ganzoo.cli.app import Model, Seed, import_tensorflow, interruptible, progress_bar
from ganzoo.cli.labels import parse_labels
from ganzoo.saving.files import check_file_path

# Columns of a grid that shows all classes. A wider one does not fit on a screen.
_MAX_COLUMNS = 20
# Fewer labels may have several columns each, up to this number.
_FEW_COLUMNS = 8


def sample(
    model: Model,
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="PNG file for a grid, folder/ for single PNGs, .gif or .webp."
        ),
    ],
    num_images: Annotated[int, typer.Option("-n", help="Number of images, or of walks.")] = 64,
    labels: Annotated[
        str | None,
        typer.Option(
            help="Class names or ids, such as bag,shirt or 0,1, used in turn. Of several columns: "
            "age=42,gender=female. A column may be repeated; all combinations are made. [default: "
            "all classes, in the columns of a grid]"
        ),
    ] = None,
    interpolate: Annotated[
        bool,
        typer.Option(
            "--interpolate", help="Interpolate between latents or, with --labels, classes."
        ),
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="tfrecord|npz|png",
            help="Write many images to the folder --out, in blocks. Shards may share it.",
        ),
    ] = None,
    no_copies: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|DIR",
            help="Replace images that copy one of these training images.",
        ),
    ] = None,
    shards: Annotated[int, typer.Option(help="With --format: number of processes.")] = 1,
    shard: Annotated[
        int | None, typer.Option(help="With --format: index of this process, from 0.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Generate images with a trained model.

    With `--interpolate`, each row of a .png is a walk, and a .gif or .webp is animated. With
    `--format` there may be millions of images. Existing files are not written again. `--format png`
    writes labels.csv, too, which `ganzoo train --data DIR --labels labels.csv` reads.

    Example: `ganzoo sample dcgan_fashion_mnist -n 64 --seed 0 --out grid.png`

    Example: `ganzoo sample cgan_fashion_mnist --labels bag,shirt -n 20 --out grid.png`

    Example: `ganzoo sample RUN -n 1000000 --format tfrecord --shards 8 --shard 3 --out DIR`
    """
    # `pathlib` drops the final slash, which marks a folder.
    is_folder = out.endswith(("/", os.sep))
    path = pathlib.Path(out)
    if no_copies is not None and (format or interpolate):
        raise ValueError(
            "--no-copies cannot be combined with --format or --interpolate. Remove one of them."
        )
    if format is not None:
        if interpolate:
            raise ValueError("--format and --interpolate cannot be combined. Remove one of them.")
        if shard is None and shards > 1:
            raise ValueError(f"--shard is missing. Pass a number from 0 to {shards - 1}.")
        _sample_in_bulk(model, num_images, path, format, seed, labels, shards, shard or 0)
        return
    if shards != 1 or shard is not None:
        raise ValueError("--shards and --shard need --format tfrecord, npz or png.")
    is_folder = is_folder or path.is_dir() or not path.suffix
    kind = "folder" if is_folder else path.suffix.lower()
    if interpolate and kind not in (".png", ".gif", ".webp"):
        raise ValueError(
            "With --interpolate, --out must be a .png, .gif or .webp file. Received: "
            f"{str(path)!r}."
        )
    if not interpolate and kind not in (".png", "folder"):
        raise ValueError(
            f"--out must be a .png file or a folder. Received: {str(path)!r}. For a .gif or .webp "
            "file, add --interpolate."
        )
    if kind != "folder":
        check_file_path(path)
    elif path.is_file():
        raise ValueError(f"--out must be a folder here. Received: the file {str(path)!r}.")
    classes = parse_labels(labels)
    import_tensorflow()

    from ganzoo import evaluation, images, sampling
    from ganzoo.base import require_generation
    from ganzoo.data.labels import cycle
    from ganzoo.saving import loading

    gan = loading.find_model(model)
    require_generation(gan)
    if interpolate:
        walks = sampling.interpolate(gan, num_rows=num_images, labels=classes, seed=seed)
        num_rows, num_steps = walks.shape[:2]
        if kind == ".png":
            grid = images.make_grid(walks.reshape(-1, *walks.shape[2:]), columns=num_steps)
            images.write_png(path, grid, images.zoom_for(grid))
        else:
            frames = [images.make_grid(step) for step in walks.swapaxes(0, 1)]
            images.write_animation(path, frames, images.zoom_for(frames[0]))
        print(f"{path}: {messages.count(num_rows, 'walk')} of {num_steps} images")
        return
    if classes is None and kind == ".png":
        classes = _labels_of_columns(gan)
    repeated = cycle(classes, range(num_images))
    if no_copies is None:
        pixels = gan.generate(num_images, labels=repeated, seed=seed)
    else:
        with interruptible():
            references = evaluation.open_references(
                no_copies, gan.image_shape, trained_on=gan.trained_on
            )
            pixels, num_replaced = sampling.generate_originals(
                gan, references, num_images, repeated, seed
            )
        print(f"Replaced {num_replaced} copies of training images.")
    if kind == ".png":
        columns, captions = _arrange(gan, classes, num_images)
        images.write_png(path, images.draw_grid(pixels, columns, captions))
    else:
        for index, image in enumerate(pixels):
            images.write_png(path / f"{index:05d}.png", image)
    print(f"{path}: {messages.count(num_images, 'image')}")


def _labels_of_columns(gan):
    """Return a label for each column of a grid, or None without conditions or for many classes."""
    _, labels = gan.balanced_labels(1)
    return labels if (_count(labels) or 0) <= _MAX_COLUMNS else None


def _arrange(gan, labels, num_images):
    """Return the number of columns of a grid and their captions. Each column has one label."""
    count = _count(labels)
    if count is None:
        return None, None
    # A few labels are repeated, because two columns of many rows do not fit on a screen.
    repeats = math.ceil(math.sqrt(num_images) / count)
    repeats = max(1, min(repeats, _FEW_COLUMNS // count))
    columns = min(repeats * count, num_images)
    captions = gan.captions_of(labels)
    return columns, captions and (captions * repeats)[:columns]


def _sample_in_bulk(model, num_images, out, format, seed, labels, shards, shard):
    classes = parse_labels(labels)
    import_tensorflow()
    from ganzoo import sampling
    from ganzoo.saving import loading

    gan = loading.find_model(model)
    with (
        # SIGTERM, for example from a batch system, leaves no partial file.
        interruptible(),
        progress_bar("Generating images", num_images / max(shards, 1)) as update,
    ):
        drawn = sampling.sample(
            gan,
            num_images,
            out,
            format,
            seed,
            classes,
            shards,
            shard,
            report=lambda done: update(completed=done),
        )
    print(
        f"{out}: {drawn.num_images:,} of {messages.count(num_images, 'image')} in "
        f"{messages.count(drawn.num_files, 'file')} ({drawn.num_made:,} new)"
    )


def _count(labels):
    """Return the number of labels that are used in turn, or None for fewer than 2."""
    if labels is None:
        return None
    count = len(next(iter(labels.values())) if isinstance(labels, dict) else labels)
    return count if count > 1 else None
