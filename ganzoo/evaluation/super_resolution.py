"""Evaluate super-resolution models, and bicubic interpolation for comparison."""

import dataclasses
import itertools
import math
import os
import pathlib
from collections.abc import Callable

import numpy as np

from ganzoo.base import GAN
from ganzoo.images import make_grid, photos, resize_bicubic
from ganzoo.metrics import lpips, niqe, psnr, ssim
from ganzoo.metrics.naturalness import BLOCK
from ganzoo.metrics.restoration import WINDOW
from ganzoo.perceptual import SMALLEST_SIDE


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """PSNR, SSIM, LPIPS and NIQE of an upscaled image, and of bicubic interpolation.

    PSNR is in dB, `inf` for equal images. SSIM is at most 1. For LPIPS and NIQE, lower is better.
    They are NaN for images with a side below 31 and 96 pixels. See `ganzoo.metrics`.
    """

    name: str
    psnr: float
    ssim: float
    lpips: float
    niqe: float
    bicubic_psnr: float
    bicubic_ssim: float
    bicubic_lpips: float
    bicubic_niqe: float


@dataclasses.dataclass(frozen=True)
class SuperResolutionResult:
    """Scores of a super-resolution model on a set of images.

    Attributes:
        data: str. The folder.
        scale: int. Ratio of high to low resolution.
        protocol: str. The measurement. Values of other protocols cannot be compared.
        mean: `ImageScore`. Means over the images that have a value.
        images: tuple with an `ImageScore` for each image, sorted by name.
    """

    data: str
    scale: int
    protocol: str
    mean: ImageScore
    images: tuple[ImageScore, ...]

    def to_dict(self) -> dict:
        """Return the record for JSON. Infinity and NaN become None."""
        return dataclasses.asdict(self, dict_factory=_finite)


def evaluate_super_resolution(
    gan: GAN, folder: str | os.PathLike, report: Callable[[ImageScore], object] | None = None
) -> SuperResolutionResult:
    """Measure how well a model restores images that were shrunk.

    Each image is cut at the right and the bottom to multiples of the scale, shrunk by antialiased
    bicubic interpolation, and rounded to uint8. Then it is upscaled by the model, and by bicubic
    interpolation. PSNR and SSIM leave out as many pixels as the scale at each border. LPIPS and
    NIQE measure the whole image. Gray images stay gray. Transparent images are put on white.

    Args:
        gan: super-resolution model, such as `ganzoo.SRGAN`.
        folder: folder of high-resolution images of any size.
        report: function that is called with the `ImageScore` of each image.

    Returns:
        A `SuperResolutionResult`.

    Raises:
        ValueError: If the model does not upscale images, the folder has no images, or one of them
            cannot be read or is too small. Then no image is upscaled.

    Example:
        >>> ganzoo.images.write_png(tmp_path / "a.png", np.zeros((40, 60, 3), "uint8"))
        >>> gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2)
        >>> result = ganzoo.evaluation.evaluate_super_resolution(gan, tmp_path)
        >>> result.mean.bicubic_ssim
        1.0
    """
    if gan.task != "super_resolution":
        raise ValueError(
            "`evaluate_super_resolution` needs a super-resolution model. Received: a "
            f"{type(gan).__name__}. Use `evaluate` for a model that generates images."
        )
    scores = []
    # An image that cannot be used must be reported before the long work.
    for path in check_photos(folder, gan.scale):
        scores.append(_score(gan, path))
        if report:
            report(scores[-1])
    rows = [dataclasses.astuple(score)[1:] for score in scores]
    return SuperResolutionResult(
        data=str(folder),
        scale=gan.scale,
        protocol=(
            f"x{gan.scale}; PSNR (dB) and SSIM: Y channel, {gan.scale}-pixel border; "
            "LPIPS (AlexNet v0.1) and NIQE (ganzoo's): whole images; bicubic: a=-0.5, antialiased"
        ),
        mean=ImageScore("mean", *map(_mean, zip(*rows, strict=True))),
        images=tuple(scores),
    )


def check_photos(folder: str | os.PathLike, scale: int) -> list[pathlib.Path]:
    """Return the images of a folder that a model of a scale can be measured on, sorted by name.

    Raises:
        ValueError: If the folder has no images, or one of them cannot be read or is too small.
    """
    files = photos.find_photos([folder])
    for path in files:
        _read(path, scale)
    return files


def compare_pictures(
    gan: GAN, folder: str | os.PathLike, count: int, side: int = 192
) -> dict[str, np.ndarray]:
    """Return pictures of bicubic interpolation, a model and the original, side by side.

    Args:
        gan: super-resolution model.
        folder: as for `evaluate_super_resolution`.
        count: int. Number of photographs, the first ones by name.
        side: int. Largest side of the part that is shown, from the center.

    Returns:
        Pixels by the name of the photograph.
    """
    pictures = {}
    for path in photos.find_photos([folder])[:count]:
        high_res = _read(path, gan.scale)
        sides = [min(length, side - side % gan.scale) for length in high_res.shape[:2]]
        top, left = (
            (length - part) // 2 for length, part in zip(high_res.shape[:2], sides, strict=True)
        )
        high_res = high_res[top : top + sides[0], left : left + sides[1]]
        low_res = _resize(high_res, *(part // gan.scale for part in sides))
        three = _resize(low_res, *sides), gan.upscale(low_res), high_res
        pictures[path.name] = make_grid(np.stack(three), columns=3)
    return pictures


def _read(path, scale):
    """Return the pixels of a photo, cut to multiples of the scale."""
    # The luma of a gray image is its gray, and differs from that of an RGB copy.
    pixels = photos.flatten(photos.read_photo(path))
    height, width = (side - side % scale for side in pixels.shape[:2])
    if min(height, width) < 2 * scale + WINDOW:
        raise ValueError(
            f"{path} is too small. Needed: sides of at least "
            f"{math.ceil(WINDOW / scale + 2) * scale} pixels at scale {scale}. Received: "
            f"{pixels.shape[1]} x {pixels.shape[0]}. Remove it."
        )
    return pixels[:height, :width]


def _resize(pixels, height, width):
    resized = resize_bicubic(pixels, height, width)
    return np.clip(np.rint(resized), 0, 255).astype("uint8")


def _score(gan, path):
    high_res = _read(path, gan.scale)
    height, width, _ = high_res.shape
    low_res = _resize(high_res, height // gan.scale, width // gan.scale)
    bicubic = _resize(low_res, height, width)
    figures = (_compare(high_res, made, gan.scale) for made in (gan.upscale(low_res), bicubic))
    return ImageScore(path.name, *map(float, itertools.chain(*figures)))


def _compare(high_res, made, scale):
    """Yield PSNR, SSIM, LPIPS and NIQE of an image, NaN if it is too small for one."""
    smallest = min(made.shape[:2])
    yield psnr(high_res, made, border=scale)
    yield ssim(high_res, made, border=scale)
    yield lpips(high_res, made) if smallest >= SMALLEST_SIDE else math.nan
    yield niqe(made) if smallest >= BLOCK else math.nan


def _mean(values):
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def _finite(items):
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in items
    }
