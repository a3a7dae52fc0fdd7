"""Evaluate super-resolution models, and bicubic interpolation for comparison."""

import dataclasses
import math
import os
from collections.abc import Callable

import numpy as np
from PIL import Image

from ganzoo.base import GAN
from ganzoo.images import photos, to_pil
from ganzoo.metrics import psnr, ssim
from ganzoo.metrics.restoration import WINDOW


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """PSNR and SSIM of an upscaled image, and of bicubic interpolation.

    PSNR is in dB, `inf` for equal images. SSIM is at most 1. See `ganzoo.metrics`.
    """

    name: str
    psnr: float
    ssim: float
    bicubic_psnr: float
    bicubic_ssim: float


@dataclasses.dataclass(frozen=True)
class SuperResolutionResult:
    """Scores of a super-resolution model on a set of images.

    Attributes:
        data: str. The folder.
        scale: int. Ratio of high to low resolution.
        protocol: str. The measurement. Values of other protocols cannot be compared.
        mean: `ImageScore`. Mean over all images.
        images: tuple with an `ImageScore` for each image, sorted by name.
    """

    data: str
    scale: int
    protocol: str
    mean: ImageScore
    images: tuple[ImageScore, ...]

    def to_dict(self) -> dict:
        """Return the record for JSON. Infinity becomes None."""
        return dataclasses.asdict(self, dict_factory=_finite)


def evaluate_super_resolution(
    gan: GAN, folder: str | os.PathLike, report: Callable[[ImageScore], object] | None = None
) -> SuperResolutionResult:
    """Measure how well a model restores images that were shrunk.

    Each image is cut at the right and the bottom to multiples of the scale, shrunk by antialiased
    bicubic interpolation, and rounded to uint8. Then it is upscaled by the model, and by bicubic
    interpolation. As many pixels as the scale are left out at each border. Gray images stay gray.

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
    files = photos.find_photos([folder])
    for path in files:
        # An image that cannot be used must be reported before the long work.
        _read(path, gan.scale)
    scores = []
    for path in files:
        scores.append(_score(gan, path))
        if report:
            report(scores[-1])
    columns = [dataclasses.astuple(score)[1:] for score in scores]
    return SuperResolutionResult(
        data=str(folder),
        scale=gan.scale,
        protocol=(
            f"x{gan.scale}, Y channel, {gan.scale}-pixel border, PSNR in dB, "
            "bicubic (a=-0.5, antialiased)"
        ),
        mean=ImageScore("mean", *np.mean(columns, axis=0).tolist()),
        images=tuple(scores),
    )


def _read(path, scale):
    """Return the pixels of a photo, cut to multiples of the scale."""
    # The luma of a gray image is its gray, and differs from that of an RGB copy.
    pixels = photos.read_photo(path).pixels
    height, width = (side - side % scale for side in pixels.shape[:2])
    if min(height, width) < 2 * scale + WINDOW:
        raise ValueError(
            f"{path} is too small. Needed: sides of at least "
            f"{math.ceil(WINDOW / scale + 2) * scale} pixels at scale {scale}. Received: "
            f"{pixels.shape[1]} x {pixels.shape[0]}. Remove it."
        )
    return pixels[:height, :width]


def _resize(pixels, height, width):
    # Pillow widens the kernel to shrink an image. Matlab, which papers use, treats the border
    # differently: 0.0002 dB on Set5.
    resized = to_pil(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.atleast_3d(np.asarray(resized))


def _score(gan, path):
    high_res = _read(path, gan.scale)
    height, width, _ = high_res.shape
    low_res = _resize(high_res, height // gan.scale, width // gan.scale)
    bicubic = _resize(low_res, height, width)
    figures = [
        float(metric(high_res, made, border=gan.scale))
        for made in (gan.upscale(low_res), bicubic)
        for metric in (psnr, ssim)
    ]
    return ImageScore(path.name, *figures)


def _finite(items):
    return {key: None if value == math.inf else value for key, value in items}
