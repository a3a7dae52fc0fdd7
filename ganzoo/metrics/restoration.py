"""How near restored pixels are to the real ones, as super-resolution is measured.

Defaults are the protocol of the field at scale 4: luma alone, 4 pixels cut from each
border. Figures over all of RGB, or with another border, cannot be compared: PSNR over
RGB is about 1.8 dB lower.
"""

import numpy as np

_PEAK = 255.0
# Luma of BT.601 in 16..235, for channels in 0..255: Matlab's `rgb2ycbcr`, not rounded.
_LUMA = np.array([65.481, 128.553, 24.966]) / 255.0
# Pixels, as the sigma, of the Gaussian window of SSIM.
WINDOW = 11
_SIGMA = 1.5
# The constants that keep the two ratios of SSIM finite.
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2


def psnr(real, fake, border=4):
    """Peak signal-to-noise ratio of the luma, `10 log10(255^2 / mean squared error)`.

    Higher is better. The mean over a set is the mean of its images' decibels.

    Args:
        real: uint8 `(height, width, channels)`, or a batch of them; RGB, or gray, which
            is taken as luma as it is.
        fake: uint8, of the shape of `real`.
        border: int, at least 0. Pixels that are left out on each side; the scale by
            custom.

    Returns:
        float in dB, `inf` for equal images; `(num_images,)` for a batch.

    Raises:
        ValueError: If the pixels are not uint8, differ in shape, or are all border.

    Example:
        >>> real = np.zeros((16, 16, 1), "uint8")
        >>> float(ganzoo.metrics.psnr(real, real + 255))
        0.0

    Reference: the border and the luma are those of Ledig et al., 2016
    (arXiv:1609.04802), section 3.1.
    """
    real, fake = _lumas(real, fake, border, smallest=1)
    error = np.mean((real - fake) ** 2, axis=(-2, -1))
    with np.errstate(divide="ignore"):
        return 10 * np.log10(_PEAK**2 / error)


def ssim(real, fake, border=4):
    """Structural similarity of the luma, with a Gaussian window of 11 pixels, sigma 1.5.

    Higher is better. Windows that would reach over the border are left out, and nothing
    is shrunk before. Figures of another implementation do not compare, such as those of
    SRGAN's authors, who took daala's.

    Args:
        real: uint8 `(height, width, channels)`, or a batch of them; RGB, or gray, which
            is taken as luma as it is.
        fake: uint8, of the shape of `real`.
        border: int, at least 0. Pixels that are left out on each side; the scale by
            custom.

    Returns:
        float in [-1, 1], 1 for equal images; `(num_images,)` for a batch.

    Raises:
        ValueError: If the pixels are not uint8, differ in shape, or are smaller than a
            window inside the border.

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
    """The float64 luma `(..., height, width)` of two checked images, without the border."""
    real, fake = np.asarray(real), np.asarray(fake)
    if real.dtype != np.uint8 or fake.dtype != np.uint8:
        raise ValueError(
            "`real` and `fake` must be uint8 pixels in [0, 255]. Received: "
            f"{real.dtype} and {fake.dtype}. Try `ganzoo.images.to_pixels`."
        )
    if real.shape != fake.shape or real.ndim not in (3, 4) or real.shape[-1] not in (1, 3):
        raise ValueError(
            "`real` and `fake` must have one shape (height, width, channels), or be batches of "
            f"it, with 1 or 3 channels. Received: {real.shape} and {fake.shape}."
        )
    if border < 0:
        raise ValueError(f"`border` must be at least 0. Received: border={border}.")
    height, width = real.shape[-3:-1]
    if min(height, width) < 2 * border + smallest:
        raise ValueError(
            f"Sides must be at least {2 * border + smallest} pixels at border={border}. "
            f"Received: {height} x {width}. Give larger images or a smaller border."
        )
    inside = (..., slice(border, height - border), slice(border, width - border), slice(None))
    return [_luma(pixels[inside].astype("float64")) for pixels in (real, fake)]


def _luma(pixels):
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels @ _LUMA + 16


def _smooth(plane):
    """Gaussian means of all windows that lie inside a plane."""
    distance = np.arange(WINDOW) - WINDOW // 2
    taps = np.exp(-(distance**2) / (2 * _SIGMA**2))
    taps /= taps.sum()
    for axis in (-2, -1):
        plane = np.lib.stride_tricks.sliding_window_view(plane, WINDOW, axis) @ taps
    return plane
