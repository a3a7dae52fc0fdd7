"""Upscale photographs and animations in files, with their transparency and metadata."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from ganzoo.checks import to_list
from ganzoo.images import animations, videos
from ganzoo.images.lanczos import scaled_side
from ganzoo.images.photos import Photo, opened, read_photo
from ganzoo.images.pixels import to_8_bits
from ganzoo.images.writers import DEEP, WRITERS, check_writable, write_photo
from ganzoo.messages import printable
from ganzoo.saving.files import check_file_path, check_folder_path


def name_results(
    sources: pathlib.Path | str | Iterable[pathlib.Path | str],
    folder: pathlib.Path | str,
    outscale: float,
) -> list[tuple[pathlib.Path, pathlib.Path]]:
    """Return the output path of each image to upscale.

    An output is `<stem>_x<outscale><suffix>` in the folder. Formats that cannot be written become
    PNG, and containers of videos that do not hold H.264 become MKV.

    Args:
        sources: image files, or one of them.
        folder: folder of the outputs. It need not exist.
        outscale: float. Ratio of the output's size to the input's.

    Returns:
        List of `(source, target)` paths.

    Raises:
        ValueError: If two sources have the same target, a target is also a source, or a name is
            too long for the disk.

    Example:
        >>> [target.name for _, target in name_results(["a.jpg", "b.tga"], "large", 2.5)]
        ['a_x2.5.jpg', 'b_x2.5.png']
    """
    check_folder_path(folder)
    folder = pathlib.Path(folder)
    files = [pathlib.Path(source) for source in to_list(sources)]
    originals = {source.resolve() for source in files}
    taken: dict[pathlib.Path, pathlib.Path] = {}
    for source in files:
        suffix = source.suffix if source.suffix.lower() in WRITERS else ".png"
        if videos.has_video_suffix(source):
            suffix = videos.result_suffix(source.suffix)
        target = folder / f"{source.stem}_x{outscale:g}{suffix}"
        check_file_path(target)
        if target in taken:
            raise ValueError(
                f"{taken[target]} and {source} would both become {target}. Rename one of them, or "
                "upscale them into different folders."
            )
        if target.resolve() in originals:
            raise ValueError(
                f"{source} would become {target}, which is to be upscaled itself. Give another "
                "output folder, or remove one of the two images."
            )
        taken[target] = source
    return [(source, target) for target, source in taken.items()]


def upscale_file(
    source: pathlib.Path | str,
    target: pathlib.Path | str,
    upscale: Callable,
    outscale: float,
    overwrite: bool = False,
) -> None:
    """Read a photo, upscale it and write it.

    Args:
        source: image file, as for `read_photo`.
        target: file to write, as for `write_photo`.
        upscale: function, as for `upscale_photo`.
        outscale: float. Ratio of the sizes.
        overwrite: bool. Replace an existing file.

    Raises:
        ValueError: If the file cannot be read, its format cannot hold the result, or the target
            exists.
    """
    if not overwrite and pathlib.Path(target).exists():
        raise ValueError(f"{printable(target)}: exists. Remove it, or pass --overwrite.")
    writer = WRITERS.get(pathlib.Path(target).suffix.lower(), {})
    if writer.get("format") in animations.FORMATS:
        with opened(source) as image:
            # This decodes all frames. Damaged ones are reported before the work.
            animation = animations.inspect(image)
        if animation is not None:
            height, width = (scaled_side(side, outscale) for side in animation.shape)
            check_writable(target, height, width, None)
            animations.upscale_animation(
                source, target, animation, lambda pixels: _upscale_frame(pixels, upscale), writer
            )
            return
    photo = read_photo(source, full_depth=writer.get("format") in DEEP)
    # Check first: upscaling may take minutes.
    height, width = (scaled_side(side, outscale) for side in photo.pixels.shape[:2])
    check_writable(target, height, width, photo.alpha)
    write_photo(target, upscale_photo(photo, upscale))


def _upscale_frame(pixels, upscale):
    photo = Photo(pixels[..., :3], pixels[..., 3] if pixels.shape[-1] == 4 else None)
    photo = upscale_photo(photo, upscale)
    return photo.pixels if photo.alpha is None else np.dstack([photo.pixels, photo.alpha])


def upscale_photo(photo: Photo, upscale: Callable) -> Photo:
    """Upscale a photo, including its transparency.

    The opacity is upscaled like a gray image. It stays within the range of its neighbors, so that
    no pixel inside an opaque part becomes transparent, and none outside becomes visible.

    Args:
        photo: `Photo`.
        upscale: function from pixels `(height, width, channels)`, with 1 or 3 channels, to larger
            pixels of the same dtype.

    Returns:
        `Photo`.

    Example:
        >>> photo = Photo(np.zeros((20, 30, 3), "uint8"), alpha=np.full((20, 30), 9, "uint8"))
        >>> larger = upscale_photo(photo, lambda pixels: pixels.repeat(2, 0).repeat(2, 1))
        >>> larger.pixels.shape, larger.alpha.shape
        ((40, 60, 3), (40, 60))
    """
    if photo.alpha is None:
        return dataclasses.replace(photo, pixels=upscale(photo.pixels))
    pixels = upscale(_fill_transparent(photo.pixels, photo.alpha))
    alpha = _upscale_alpha(photo.alpha, pixels.shape[:2], upscale)
    return dataclasses.replace(photo, pixels=pixels, alpha=alpha)


def _upscale_alpha(alpha, shape, upscale):
    if alpha.min() == alpha.max():
        return np.full(shape, alpha.flat[0])
    made = upscale(alpha[..., None])[..., 0]
    padded = np.pad(alpha, 1, mode="edge")
    height, width = alpha.shape
    neighbors = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    nearest = np.ix_(
        *(np.arange(new) * old // new for new, old in zip(shape, alpha.shape, strict=True))
    )
    low, high = np.minimum.reduce(neighbors)[nearest], np.maximum.reduce(neighbors)[nearest]
    return np.clip(made, low, high)


def _fill_transparent(pixels, alpha):
    """Return pixels with colors spread into the parts that are fully transparent.

    Colors of transparent pixels are arbitrary, often black. Each upscaled pixel depends on its
    neighbors, so these colors would show as a fringe.
    """
    if alpha.min() > 0:
        return pixels
    # 8 bits are enough for colors that are not seen.
    filled = _fill_image(Image.fromarray(np.dstack([to_8_bits(pixels), to_8_bits(alpha)])))
    filled = np.asarray(filled)[..., :-1]
    if pixels.dtype == np.uint16:
        filled = filled.astype("uint16") * 257
    return np.where(alpha[..., None] > 0, pixels, filled)


def _fill_image(image):
    """Spread colors into the fully transparent parts of an LA or RGBA image."""
    known = image.getchannel("A").point(lambda alpha: 255 if alpha else 0)
    if known.getextrema()[0] == 255 or max(image.size) == 1:
        return image
    image = image.copy()
    image.putalpha(known)
    # Pillow weights colors by alpha, so the coarser image uses only the known pixels.
    coarser = _fill_image(image.reduce(2))
    return Image.composite(image, coarser.resize(image.size, Image.Resampling.BILINEAR), known)
