"""Define `ganzoo upscale`."""

import contextlib
import functools
import hashlib
import os
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from ganzoo import messages
from ganzoo.cli.app import Model, import_tensorflow, progress_bar

# Seconds between lines of progress where there is no terminal.
_LINE_EVERY = 30


def upscale(
    model: Model,
    images: Annotated[
        list[pathlib.Path],
        typer.Argument(metavar="IMAGE", help="Image and video files, or folders of images."),
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the results.")],
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
    """Upscale images and videos with a super-resolution model.

    The result of photo.jpg is OUT/photo_x4.jpg. Existing files are not replaced. PNG, JPEG, WebP,
    AVIF, TIFF, BMP and GIF files keep their format, 16 bits, and animation. Other formats become
    PNG. Videos become H.264 with their sound, in MP4, MOV or MKV. The same command resumes an
    interrupted video.

    Example: `ganzoo upscale runs/srgan photo.jpg holidays/ film.mp4 --out large`
    """
    import_tensorflow()
    from ganzoo.images import photos, upscaling, videos
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
    results = upscaling.name_results(sources, out, outscale)
    upscale_pixels = functools.partial(gan.upscale, outscale=outscale, strength=strength, tile=tile)
    num_failed, num_videos = 0, 0
    for source, target in _with_progress(results):
        is_video = videos.has_video_suffix(source)
        try:
            if is_video:
                settings = {
                    "outscale": outscale,
                    "strength": strength,
                    "weights": _digest(gan.ema_generator.get_weights()),
                }
                with _frame_progress(source) as report:
                    videos.upscale_video(
                        source, target, upscale_pixels, outscale, settings, report, overwrite
                    )
            else:
                upscaling.upscale_file(source, target, upscale_pixels, outscale, overwrite)
            num_videos += is_video
        except (ValueError, OSError, MemoryError) as error:
            print(f"ganzoo: {_explain(error, source, target)}", file=sys.stderr)
            num_failed += 1
    num_images = len(results) - num_failed - num_videos
    counts = [(num_images, "image"), (num_videos, "video")]
    counts = [pair for pair in counts if pair[0]] or counts[:1]
    print(f"{out}: {' and '.join(messages.count(*pair) for pair in counts)}")
    if num_failed:
        raise typer.Exit(1)


def _explain(error, source, target):
    """Return the message of an error in one line that names the file."""
    if isinstance(error, MemoryError):
        return f"{messages.printable(source)}: too large for the memory. Choose a smaller --tile."
    if isinstance(error, OSError):
        reason = error.strerror or messages.first_line(error)
        return (
            f"{messages.printable(target)}: cannot be written ({reason}). Check the permissions "
            "and the free space."
        )
    return str(error)


def _digest(weights):
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(weight.tobytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _frame_progress(source) -> Iterator:
    """Yield a function that shows the frames of a video that are done, and the time left."""
    start: dict[str, float] = {}
    name = os.path.basename(source)
    with progress_bar(messages.printable(name), 1) as update:

        def report(done, total):
            update(completed=done, total=total)
            now = time.monotonic()
            # The first call tells what an interrupted run has done.
            if not start:
                start.update(time=now, done=done, line=now)
                return
            if sys.stderr.isatty() or (now - start["line"] < _LINE_EVERY and done < total):
                return
            left = (now - start["time"]) / (done - start["done"]) * (total - done)
            start["line"] = now
            print(
                f"{name}: {done:,} of {messages.count(total, 'frame')}, {left / 60:.1f} min left",
                file=sys.stderr,
            )

        yield report


def _with_progress(results):
    """Yield pairs of files. Show a progress bar in a terminal, else one line per pair."""
    # Videos show their own bar.
    from ganzoo.images import videos

    if any(videos.has_video_suffix(source) for source, _ in results) or not sys.stderr.isatty():
        for source, target in results:
            print(f"{source} -> {target}", file=sys.stderr)
            yield source, target
        return
    with progress_bar("Upscaling", len(results)) as update:
        for done, pair in enumerate(results):
            update(completed=done)
            yield pair
        update(completed=len(results))
