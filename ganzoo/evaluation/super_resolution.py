"""How well a model restores images, beside bicubic interpolation of the same."""

import dataclasses
import math

import numpy as np
from PIL import Image

from ganzoo import photos
from ganzoo.metrics import psnr, ssim
from ganzoo.metrics.restoration import WINDOW


@dataclasses.dataclass(frozen=True)
class ImageScore:
    """How near an upscaled image comes to the real one, and how near bicubic comes.

    PSNR in dB, `inf` for equal images; SSIM at most 1; see `ganzoo.metrics`.
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
        protocol: str. How it was measured: figures of other protocols do not compare.
        mean: the mean of all images, an `ImageScore`.
        images: tuple of an `ImageScore` for each image, by name.
    """

    data: str
    scale: int
    protocol: str
    mean: ImageScore
    images: tuple

    def to_dict(self):
        """The record as JSON takes it; infinity, which JSON lacks, is None."""
        return dataclasses.asdict(self, dict_factory=_finite)


def evaluate_super_resolution(gan, folder, report=None):
    """Measures how well a model restores images from bicubic ones of lower resolution.

    Each image is cut at the right and the bottom to multiples of the scale, shrunk by
    antialiased bicubic interpolation, rounded to uint8, and upscaled by the model and by
    bicubic interpolation. As many pixels as the scale are cut from each border of the
    results; gray images stay gray.

    Args:
        gan: a super-resolution model: one with `scale` and `upscale`, such as
            `ganzoo.SRGAN`.
        folder: folder of high-resolution images, of any sizes.
        report: function that is called with each image's `ImageScore`, to show progress.

    Returns:
        A `SuperResolutionResult`.

    Raises:
        ValueError: If the model does not upscale, the folder holds no images, or one of
            them cannot be read or is too small. Nothing is upscaled then.

    Example:
        >>> ganzoo.images.write_png(tmp_path / "a.png", np.zeros((40, 60, 3), "uint8"))
        >>> gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2)
        >>> result = ganzoo.evaluation.evaluate_super_resolution(gan, tmp_path)
        >>> result.mean.bicubic_ssim
        1.0
    """
    if not hasattr(gan, "upscale"):
        raise ValueError(
            f"Only super-resolution models restore images. Received: a {type(gan).__name__}. Use "
            "`evaluate`."
        )
    files = photos.find_photos([folder])
    for path in files:
        # All are read before the long work, so that one which does not do shows itself.
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
    """The pixels of a photo, cut so that its sides are multiples of the scale."""
    # Gray stays gray: its luma is the gray itself, by custom, and not that of an RGB copy.
    pixels = photos.read_photo(path).pixels
    height, width = (side - side % scale for side in pixels.shape[:2])
    if min(height, width) < 2 * scale + WINDOW:
        raise ValueError(
            f"{path}: too small, {pixels.shape[1]} x {pixels.shape[0]}. Sides must be at least "
            f"{math.ceil(WINDOW / scale + 2) * scale} pixels at scale {scale}. Remove it."
        )
    return pixels[:height, :width]


def _resize(pixels, height, width):
    # Pillow widens the kernel where it shrinks. At the border it differs from Matlab, by
    # 0.0002 dB on Set5.
    picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    return np.atleast_3d(np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)))


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
