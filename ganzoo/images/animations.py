"""Upscale animated images frame by frame."""

import pathlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from ganzoo.saving.files import new_file

# Formats of animations. TIFF and MPO files hold several pictures, but no animation.
FORMATS = {"AVIF", "GIF", "PNG", "WEBP"}


class Animation(NamedTuple):
    """Timing of an animation.

    Attributes:
        shape: `(height, width)`.
        durations: milliseconds that each frame is shown.
        transparent: bool. True if a pixel of a frame is.
        options: dict of the repetitions and the color profile, for `PIL.Image.Image.save`.
    """

    shape: tuple[int, int]
    durations: list[float]
    transparent: bool
    options: dict


def inspect(image: Image.Image) -> Animation | None:
    """Return the timing of an opened image, or None if it is not an animation."""
    if image.format not in FORMATS or getattr(image, "n_frames", 1) < 2:
        return None
    durations, transparent = [], False
    for frame in _frames(image):
        durations.append(frame.info.get("duration", 0))
        transparent |= frame.mode == "RGBA"
    # Without `loop`, GIF files are played once.
    options = {
        name: image.info[name]
        for name in ("loop", "icc_profile")
        if image.info.get(name) is not None
    }
    return Animation(image.size[::-1], durations, transparent, options)


def upscale_animation(
    source: pathlib.Path | str,
    target: pathlib.Path | str,
    animation: Animation,
    upscale: Callable,
    writer: dict,
) -> None:
    """Upscale an animation and write it. The file is written completely or not at all.

    Each frame is written whole, so that it does not depend on those before it.

    Args:
        source: animated image file.
        target: file to write.
        animation: result of `inspect`.
        upscale: function from RGB or RGBA pixels to larger ones.
        writer: options of `PIL.Image.Image.save`, with the format.
    """
    mode = "RGBA" if animation.transparent else "RGB"
    options = {**writer, **animation.options, "duration": animation.durations, "save_all": True}
    if writer["format"] == "GIF" and animation.transparent:
        options["disposal"] = 2  # Each frame replaces the one before it.
    with Image.open(source) as image, new_file(target) as partial:
        upscaled = _upscaled(image, upscale, mode, writer["format"])
        first = next(upscaled)
        # For PNG files, Pillow goes through the frames twice.
        others = list(upscaled) if writer["format"] == "PNG" else upscaled
        first.save(partial, append_images=others, **options)


def _frames(image) -> Iterator[Image.Image]:
    """Yield the frames as RGB images, or as RGBA if they have transparent pixels."""
    # The default image of an animated PNG file is only for programs that show no animations.
    first = 1 if getattr(image, "default_image", False) else 0
    for index in range(first, image.n_frames):
        image.seek(index)
        image.load()
        frame = image.convert("RGBA")
        if frame.getchannel("A").getextrema()[0] == 255:
            frame = frame.convert("RGB")
        frame.info = dict(image.info)
        yield frame


def _upscaled(image, upscale, mode, format):
    before, made = None, None
    for frame in _frames(image):
        pixels = np.asarray(frame)
        # Still scenes repeat frames.
        if before is None or not np.array_equal(pixels, before):
            before, made = pixels, upscale(pixels)
        result = Image.fromarray(made).convert(mode)
        if format == "GIF" and mode == "RGBA":
            # GIF pixels are opaque or transparent.
            result.putalpha(result.getchannel("A").point(lambda alpha: 255 * (alpha > 127)))
        yield result
