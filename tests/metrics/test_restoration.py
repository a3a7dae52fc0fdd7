"""Compare PSNR and SSIM with closed forms, the paper's sums and published figures."""

import os
import pathlib

import numpy as np
import pytest
from PIL import Image

from ganzoo import metrics


def noise(shape, seed=0, low=0, high=256):
    return np.random.default_rng(seed).integers(low, high, shape, "uint8")


def test_psnr_of_gray_images_that_differ_by_a_constant_equals_its_closed_form():
    real = noise((15, 20, 1), high=200)
    assert metrics.psnr(real, real + 3) == pytest.approx(20 * np.log10(255 / 3), rel=1e-12)


@pytest.mark.parametrize(("channel", "weight"), [(0, 65.481), (1, 128.553), (2, 24.966)])
def test_psnr_weighs_the_channels_by_their_share_of_luma(channel, weight):
    real = noise((15, 20, 3), high=200)
    fake = real.copy()
    fake[..., channel] += 10
    expected = 20 * np.log10(255 / (10 * weight / 255))
    assert metrics.psnr(real, fake) == pytest.approx(expected, rel=1e-12)


def test_luma_runs_from_16_to_235():
    """Black and white differ by 219 in luma, and by 255 in gray images."""
    black = np.zeros((15, 20, 3), "uint8")
    assert metrics.psnr(black, black + 255) == pytest.approx(20 * np.log10(255 / 219), rel=1e-12)
    # SSIM of constant images is its first ratio, which depends on the offset of 16.
    expected = (2 * 16 * 235 + 2.55**2) / (16**2 + 235**2 + 2.55**2)
    black = np.zeros((19, 19, 3), "uint8")
    assert metrics.ssim(black, black + 255) == pytest.approx(expected, rel=1e-9)


def test_ssim_equals_the_papers_sums_over_every_window():
    real, fake = noise((17, 15, 1), seed=1), noise((17, 15, 1), seed=2, high=128)
    x, y = real[2:-2, 2:-2, 0].astype(float), fake[2:-2, 2:-2, 0].astype(float)
    rows, columns = np.mgrid[-5:6, -5:6]
    weights = np.exp(-(rows**2 + columns**2) / (2 * 1.5**2))
    weights /= weights.sum()
    found = []
    for top in range(13 - 10):
        for left in range(11 - 10):
            a, b = (plane[top : top + 11, left : left + 11] for plane in (x, y))
            mean_a, mean_b = np.sum(weights * a), np.sum(weights * b)
            spread_a = np.sum(weights * (a - mean_a) ** 2)
            spread_b = np.sum(weights * (b - mean_b) ** 2)
            shared = np.sum(weights * (a - mean_a) * (b - mean_b))
            above = (2 * mean_a * mean_b + 6.5025) * (2 * shared + 58.5225)
            below = (mean_a**2 + mean_b**2 + 6.5025) * (spread_a + spread_b + 58.5225)
            found.append(above / below)
    assert len(found) == 3
    assert metrics.ssim(real, fake, border=2) == pytest.approx(np.mean(found), rel=1e-10)


def test_ssim_of_an_image_and_its_negative_is_negative():
    real = noise((30, 30, 1))
    assert metrics.ssim(real, 255 - real) < -0.5


@pytest.mark.parametrize(("metric", "best"), [(metrics.psnr, np.inf), (metrics.ssim, 1.0)])
def test_equal_images_score_best_and_the_score_is_symmetric(metric, best):
    real, fake = noise((25, 22, 3), seed=1), noise((25, 22, 3), seed=2)
    assert metric(real, real) == best
    assert metric(real, fake) == metric(fake, real) < best


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_only_pixels_inside_the_border_count(metric):
    real = noise((30, 24, 3))
    for border in (0, 3, 4):
        fake = noise(real.shape, seed=1)
        inside = slice(border, 30 - border), slice(border, 24 - border)
        fake[inside] = real[inside]
        best = metric(real, real)
        assert metric(real, fake, border=border) == best
        if border:
            assert metric(real, fake, border=border - 1) < best
    assert metric(real, fake) == best  # The default is the last border, 4.


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
def test_a_batch_is_scored_image_by_image(metric):
    real, fake = noise((3, 25, 22, 3), seed=1), noise((3, 25, 22, 3), seed=2)
    scores = metric(real, fake)
    assert scores.shape == (3,)
    assert scores.tolist() == [metric(*pair) for pair in zip(real, fake, strict=True)]


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim])
@pytest.mark.parametrize(
    ("real", "fake", "border", "named"),
    [
        (np.zeros((30, 30, 3)), np.zeros((30, 30, 3)), 4, "float64 and float64.*to_pixels"),
        (noise((30, 30, 3)), np.zeros((30, 30, 3), "float32"), 4, "uint8 and float32.*to_pixels"),
        (noise((30, 30, 3)), noise((30, 31, 3)), 4, r"\(30, 30, 3\) and \(30, 31, 3\)"),
        (noise((30, 30)), noise((30, 30)), 4, r"\(30, 30\)"),
        (noise((30, 30, 4)), noise((30, 30, 4)), 4, "1 or 3 channels"),
        (noise((30, 30, 3)), noise((30, 30, 3)), -1, "border=-1"),
        (noise((30, 8, 3)), noise((30, 8, 3)), 4, "30 x 8.*smaller border"),
    ],
)
def test_pixels_that_cannot_be_compared_are_refused(metric, real, fake, border, named):
    with pytest.raises(ValueError, match=named):
        metric(real, fake, border=border)


def test_psnr_needs_one_pixel_and_ssim_one_window_inside_the_border():
    assert metrics.psnr(noise((9, 9, 3)), noise((9, 9, 3))) > 0
    assert metrics.ssim(noise((19, 19, 3)), noise((19, 19, 3))) == 1
    with pytest.raises(ValueError, match="at least 19 pixels"):
        metrics.ssim(noise((18, 40, 3)), noise((18, 40, 3)))


# Papers on super-resolution report the scores of bicubic interpolation on Set5 at scale 4.


def set5():
    paths = sorted(pathlib.Path(os.environ["SET5_DIR"]).glob("*.png"))
    assert len(paths) == 5
    for path in paths:
        with Image.open(path) as image:
            yield np.asarray(image)


def interpolate(picture):
    """Shrink a Pillow image to a quarter of its sides and enlarge it again."""
    low_res = picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.BICUBIC)
    return np.asarray(low_res.resize(picture.size, Image.Resampling.BICUBIC))


@pytest.mark.datasets
def test_bicubic_interpolation_of_luma_has_the_published_scores_on_set5():
    """Kim et al. publish 28.42 dB and 0.8104 for uint8 luma (2016, arXiv:1511.04587, table 3)."""
    pairs = []
    for real in set5():
        luma = np.rint(real @ [65.481, 128.553, 24.966] / 255 + 16)
        fake = np.rint(interpolate(Image.fromarray(luma.astype("float32"))))
        pairs.append([np.clip(plane, 0, 255).astype("uint8")[..., None] for plane in (luma, fake)])
    assert np.mean([metrics.psnr(*pair) for pair in pairs]) == pytest.approx(28.42, abs=0.005)
    assert np.mean([metrics.ssim(*pair) for pair in pairs]) == pytest.approx(0.8104, abs=0.0001)


@pytest.mark.datasets
def test_bicubic_interpolation_of_rgb_has_nearly_the_published_scores_on_set5():
    """Models of RGB images are compared with this: it rounds RGB values, not luma."""
    pairs = [(real, interpolate(Image.fromarray(real))) for real in set5()]
    assert np.mean([metrics.psnr(*pair) for pair in pairs]) == pytest.approx(28.42, abs=0.05)
    assert np.mean([metrics.ssim(*pair) for pair in pairs]) == pytest.approx(0.8104, abs=0.002)
