"""PSNR and SSIM of restored images, as super-resolution papers measure them.

The default is the usual protocol at scale 4: the luma channel, without 4 pixels at each border.
Values of other protocols cannot be compared. PSNR over RGB is about 1.8 dB lower.
"""

import numpy as np

from ganzoo.images.values import require_pixels

_PEAK = 255.0
# Luma of BT.601 in [16, 235] from channels in [0, 255]: `rgb2ycbcr` of Matlab without rounding.
_LUMA = np.array([65.481, 128.553, 24.966]) / 255.0
# Side and standard deviation of the Gaussian window of SSIM, in pixels.
WINDOW = 11
_SIGMA = 1.5
# Constants that keep the two ratios of SSIM finite.
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2


def psnr(real: np.ndarray, fake: np.ndarray, border: int = 4) -> np.floating | np.ndarray:
    """Compute the peak signal-to-noise ratio of the luma, `10 log10(255^2 / MSE)`.

    Higher is better. Papers report the mean of the decibels over a set of images.

    Args:
        real: uint8 `(height, width, channels)`, or a batch of them. RGB, or gray, which is used
            as luma unchanged.
        fake: uint8, of the shape of `real`.
        border: int, at least 0. Pixels to leave out at each side. Papers use the scale.

    Returns:
        float in dB, `inf` for equal images. `(num_images,)` for a batch.

    Raises:
        ValueError: If the pixels are not uint8, differ in shape, or nothing is left without the
            border.

    Example:
        >>> real = np.zeros((16, 16, 1), "uint8")
        >>> float(ganzoo.metrics.psnr(real, real + 255))
        0.0

    Reference: Ledig et al., 2016 (arXiv:1609.04802), section 3.1, for the luma and the border.
    """
    real, fake = _lumas(real, fake, border, smallest=1)
    error = np.mean((real - fake) ** 2, axis=(-2, -1))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(_PEAK**2 / error)


def ssim(real: np.ndarray, fake: np.ndarray, border: int = 4) -> np.floating | np.ndarray:
    """Compute the structural similarity of the luma, in Gaussian windows of 11 pixels, sigma 1.5.

    Higher is better. Windows that reach over the border are left out. Images are not shrunk
    first, as some implementations do. Values of other implementations cannot be compared: the
    authors of SRGAN used that of daala.

    Args:
        real: uint8 `(height, width, channels)`, or a batch of them. RGB, or gray, which is used
            as luma unchanged.
        fake: uint8, of the shape of `real`.
        border: int, at least 0. Pixels to leave out at each side. Papers use the scale.

    Returns:
        float in [-1, 1], 1 for equal images. `(num_images,)` for a batch.

    Raises:
        ValueError: If the pixels are not uint8, differ in shape, or no window fits inside the
            border.

    Example:
        >>> real = np.zeros((20, 20, 1), "uint8")
        >>> float(ganzoo.metrics.ssim(real, real))
        1.0

    Reference: Wang et al., 2004 (doi:10.1109/TIP.2003.819861), equation 13.
    """
    real, fake = _lumas(real, fake, border, smallest=WINDOW)
    real_mean, fake_mean = _smooth(real), _smooth(fake)
    real_variance = _smooth(real**2) - real_mean**2
    fake_variance = _smooth(fake**2) - fake_mean**2
    covariance = _smooth(real * fake) - real_mean * fake_mean
    luminance = (2 * real_mean * fake_mean + _C1) / (real_mean**2 + fake_mean**2 + _C1)
    structure = (2 * covariance + _C2) / (real_variance + fake_variance + _C2)
    return np.mean(luminance * structure, axis=(-2, -1))


def _lumas(real, fake, border, smallest):
    """Check two images; return their float64 luma `(..., height, width)` without the border."""
    real, fake = np.asarray(real), np.asarray(fake)
    require_pixels("`real` and `fake`", real, fake)
    if real.shape != fake.shape or real.ndim not in (3, 4) or real.shape[-1] not in (1, 3):
        raise ValueError(
            "`real` and `fake` must have the same shape (height, width, channels), or be batches "
            f"of it, with 1 or 3 channels. Received: {real.shape} and {fake.shape}."
        )
    if border < 0:
        raise ValueError(f"`border` must be at least 0. Received: border={border}.")
    height, width = real.shape[-3:-1]
    if min(height, width) < 2 * border + smallest:
        raise ValueError(
            f"Sides must be at least {2 * border + smallest} pixels at border={border}. "
            f"Received: {height} x {width}. Use larger images or a smaller border."
        )
    inside = (..., slice(border, height - border), slice(border, width - border), slice(None))
    return [_luma(pixels[inside].astype("float64")) for pixels in (real, fake)]


def _luma(pixels):
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels @ _LUMA + 16


def _smooth(plane):
    """Return the Gaussian mean of each window inside a plane."""
    distance = np.arange(WINDOW) - WINDOW // 2
    taps = np.exp(-(distance**2) / (2 * _SIGMA**2))
    taps /= taps.sum()
    for axis in (-2, -1):
        plane = np.lib.stride_tricks.sliding_window_view(plane, WINDOW, axis) @ taps
    return plane
