"""Define `ganzoo edit`."""

import functools
import math
import pathlib
import sys
from typing import Annotated

import typer

from ganzoo import messages
from ganzoo.cli.app import Model, Seed, import_tensorflow
from ganzoo.cli.labels import parse_labels, parse_one_label
from ganzoo.saving.files import check_file_path, check_folder_path

# Least width of an animation in pixels, for images that divide it.
_ANIMATION_WIDTH = 224


def _panel(name):
    return {"rich_help_panel": name}


def edit(
    model: Model,
    pictures: Annotated[
        list[pathlib.Path],
        typer.Argument(metavar="PHOTO", help="Image files, or folders of images."),
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the results.")],
    labels: Annotated[
        str | None,
        typer.Option(
            help="Change the class: names or ids, such as bag,shirt or 0,1. Of several columns: "
            "age=42,gender=female. Other columns are kept.",
            **_panel("Edits, one of them"),
        ),
    ] = None,
    direction: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=1,
            help="Move along direction K of the latents. 1 is the strongest.",
            **_panel("Edits, one of them"),
        ),
    ] = None,
    to: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="PHOTO",
            help="Interpolate to another photograph.",
            **_panel("Edits, one of them"),
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="LOW,HIGH", help="How far to move along the direction.", **_panel("Direction")
        ),
    ] = "-3,3",
    method: Annotated[
        str,
        typer.Option(
            metavar="sefa|pca",
            help="How directions are found: by weights of the first layer, or by principal "
            "components of the images' features.",
            **_panel("Direction"),
        ),
    ] = "sefa",
    photo_labels: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What the photographs show, in the form of --labels. [default: the labels that "
            "reproduce a photograph best]",
            **_panel("Photographs"),
        ),
    ] = None,
    fit: Annotated[
        str,
        typer.Option(
            metavar="crop|pad|stretch",
            help="How photographs of another shape come to the size of the model. crop cuts the "
            "largest part out of the middle.",
            **_panel("Photographs"),
        ),
    ] = "crop",
    features: Annotated[
        str,
        typer.Option(
            metavar="alexnet|none",
            help="Compare images by features beside their pixels, or by pixels only.",
            **_panel("Search for the latents"),
        ),
    ] = "alexnet",
    steps: Annotated[
        int, typer.Option(help="Steps of gradient descent.", **_panel("Search for the latents"))
    ] = 200,
    starts: Annotated[
        int,
        typer.Option(
            help="Starts of each search. The best result is kept.",
            **_panel("Search for the latents"),
        ),
    ] = 4,
    seed: Seed = 0,
    format: Annotated[
        str, typer.Option(metavar="gif|webp", help="Format of the animation.")
    ] = "gif",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing results.")
    ] = False,
) -> None:
    """Edit photographs with a trained model.

    The model makes its own version of a photograph, which is then changed. A small model keeps the
    coarse look, not the details. For photo.jpg, OUT/photo_edit.png is a strip of the photograph and
    its edits, and OUT/photo_edit.gif is animated.

    Example: `ganzoo edit cgan_fashion_mnist shirt.png --labels dress,coat --out edited`

    Example: `ganzoo edit dcgan_cifar10 ship.png --direction 1 --by -3,3 --out edited`

    Example: `ganzoo edit lapgan_cifar10 ship.png --to car.png --out edited`
    """
    if sum(value is not None for value in (labels, direction, to)) != 1:
        raise ValueError("Give one edit: --labels, --direction or --to.")
    if format not in ("gif", "webp"):
        raise ValueError(messages.unknown("animation format", format, ("gif", "webp")))
    low, high = _parse_range(by)
    wanted, known = parse_labels(labels), parse_one_label(photo_labels, "--photo-labels")
    import_tensorflow()
    import ganzoo
    from ganzoo import sampling
    from ganzoo.images import photos
    from ganzoo.saving import loading

    results = _name_results(photos.find_photos(pictures), out, format)
    gan = loading.find_model(model)
    ganzoo.base.require_generation(gan)

    read = functools.partial(sampling.read_picture, image_shape=gan.image_shape, fit=fit)
    find = functools.partial(
        sampling.find_latents,
        gan,
        labels=known,
        num_steps=steps,
        num_starts=starts,
        seed=seed,
        features=None if features == "none" else features,
    )
    if labels is not None:
        if gan.conditions:
            gan.read_labels(wanted)  # Report an unknown class before any search.
        change = functools.partial(sampling.relabel, gan, labels=wanted)
    elif to is not None:
        change = functools.partial(sampling.blend, gan, end=find(read(to)))
    else:
        assert direction is not None  # One of the three is given.
        found = ganzoo.directions(gan, method, count=direction, seed=seed)
        if len(found) < direction:
            raise ValueError(
                f"`direction` must be at most {len(found)} for this model. Received: "
                f"direction={direction}."
            )
        change = functools.partial(
            sampling.move, gan, direction=found[direction - 1], low=low, high=high
        )
    num_failed = 0
    for source, (strip, animation) in results.items():
        print(f"{source} -> {strip}", file=sys.stderr)
        try:
            _refuse_existing((strip, animation), overwrite)
            pixels = read(source)
        except ValueError as error:
            print(f"ganzoo: {error}", file=sys.stderr)
            num_failed += 1
            continue
        _write(change(find(pixels)), strip, animation)
    print(f"{out}: {messages.count(len(results) - num_failed, 'photograph')}")
    if num_failed:
        raise typer.Exit(1)


def _parse_range(text):
    """Parse two numbers such as `"-3,3"`."""
    try:
        low, high = map(float, text.split(","))
        finite = math.isfinite(low) and math.isfinite(high)
    except ValueError:
        finite = False
    if not finite:
        raise ValueError(f"--by must be two numbers, such as -3,3. Received: {text!r}.")
    return low, high


def _name_results(sources, folder, format):
    """Return the paths of the strip and the animation of each photograph."""
    check_folder_path(folder)
    results, taken = {}, {}
    for source in sources:
        if source.stem in taken:
            raise ValueError(
                f"{taken[source.stem]} and {source} would have the same results. Rename one of "
                "them, or edit them into different folders."
            )
        taken[source.stem] = source
        results[source] = tuple(
            folder / f"{source.stem}_edit.{suffix}" for suffix in ("png", format)
        )
        for path in results[source]:
            check_file_path(path)
    return results


def _refuse_existing(paths, overwrite):
    for path in paths:
        if path.exists() and not overwrite:
            raise ValueError(f"{messages.printable(path)}: exists. Remove it, or pass --overwrite.")


def _write(edit, strip, animation):
    from ganzoo import images

    images.write_png(strip, images.draw_grid(edit.columns, len(edit.columns), edit.captions))
    zoom = max(1, _ANIMATION_WIDTH // edit.frames.shape[2])
    images.write_animation(animation, edit.frames, zoom)
