"""Compare NIQE with its published description, and with distributions whose shape is known."""

import io

import numpy as np
import pytest
import scipy.ndimage
import scipy.special
import scipy.stats
from PIL import Image

from ganzoo import images, metrics
from ganzoo.metrics import naturalness
from ganzoo.saving import weights


def pink_noise(side=192, slope=1.2, seed=0):
    """Return gray pixels with about the spectrum of photographs."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    frequencies[0, 0] = 1
    spectrum = np.fft.fft2(np.random.default_rng(seed).normal(size=(side, side)))
    plane = np.fft.ifft2(spectrum / frequencies**slope).real
    plane = 128 + 45 * (plane - plane.mean()) / plane.std()
    return np.clip(np.rint(plane), 0, 255).astype("uint8")[..., None]


@pytest.mark.parametrize(("shape", "left", "right"), [(0.8, 0.5, 1.5), (2.0, 1.0, 1.0), (4, 3, 1)])
def test_the_fit_finds_the_parameters_of_an_asymmetric_distribution(shape, left, right):
    rng = np.random.default_rng(0)
    sizes = scipy.stats.gennorm.rvs(shape, size=200_000, random_state=rng)
    negative = rng.uniform(size=sizes.size) < left / (left + right)
    samples = np.where(negative, -left, right) * np.abs(sizes)
    found = naturalness.fit_aggd(np.stack([samples, 2 * samples]))
    np.testing.assert_allclose(np.array(found)[:, 0], [shape, left, right], rtol=0.02)
    np.testing.assert_allclose(np.array(found)[:, 1], [shape, 2 * left, 2 * right], rtol=0.02)


def fit_by_search(samples):
    """Return shape, left and right scale by trying every shape."""
    left = np.sqrt(np.mean(samples[samples < 0] ** 2))
    right = np.sqrt(np.mean(samples[samples > 0] ** 2))
    r = left / right
    wanted = np.mean(np.abs(samples)) ** 2 / np.mean(samples**2)
    wanted = wanted * (r**3 + 1) * (r + 1) / (r**2 + 1) ** 2
    shapes = np.arange(0.2, 10, 0.001)
    once, twice, thrice = (scipy.special.gamma(n / shapes) for n in (1, 2, 3))
    best = np.argmin((twice**2 / (once * thrice) - wanted) ** 2)
    factor = np.sqrt(once[best] / thrice[best])
    mean = (right - left) * factor * twice[best] / once[best]
    return shapes[best], left * factor, right * factor, mean


def niqe_by_hand(gray):
    """Return NIQE of a plane block by block, as the paper describes it."""
    rows = []
    for top in range(0, gray.shape[0] - 95, 96):
        for left in range(0, gray.shape[1] - 95, 96):
            rows.append([])
            for scale in (1, 2):
                size = [side // scale for side in gray.shape]
                plane = images.resize_bicubic(gray, *size)

                def smooth(x):
                    return scipy.ndimage.gaussian_filter(x, 7 / 6, radius=3, mode="nearest")

                mean = smooth(plane)
                deviation = np.sqrt(np.abs(smooth(plane**2) - mean**2))
                contrast = (plane - mean) / (deviation + 1)
                block = contrast[top // scale : (top + 96) // scale]
                block = block[:, left // scale : (left + 96) // scale]
                shape, below, above, _ = fit_by_search(block.ravel())
                rows[-1] += [shape, (below + above) / 2]
                for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
                    products = block * np.roll(block, shift, (0, 1))
                    shape, below, above, mean_product = fit_by_search(products.ravel())
                    rows[-1] += [shape, mean_product, below, above]
    model = np.load(weights.find_asset(naturalness.PHOTOGRAPHS))
    apart = np.mean(rows, axis=0) - model["mean"]
    pooled = (np.cov(rows, rowvar=False) + model["covariance"]) / 2
    return np.sqrt(apart @ np.linalg.solve(pooled, apart))


def test_niqe_equals_the_papers_description():
    pixels = pink_noise()[:, :110]
    found = metrics.niqe(pixels)
    assert found == pytest.approx(niqe_by_hand(pixels[:192, :96, 0]), rel=0.002)
    # Matlab's `rgb2gray` has these weights.
    rgb = np.random.default_rng(0).integers(0, 256, (96, 96, 3), "uint8")
    gray = np.rint(rgb @ [0.2989, 0.587, 0.114]).astype("uint8")[..., None]
    assert metrics.niqe(rgb) == metrics.niqe(gray)


def test_blur_noise_and_compression_raise_niqe():
    pixels = pink_noise()
    noise = np.random.default_rng(1).normal(size=pixels.shape)

    def compressed(quality):
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0]).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))[..., None]

    for damaged in (
        [scipy.ndimage.gaussian_filter(pixels, (width, width, 0)) for width in (0.7, 1.5)],
        [np.clip(pixels + level * noise, 0, 255).astype("uint8") for level in (10, 30)],
        [compressed(quality) for quality in (30, 5)],
    ):
        little, much = metrics.niqe(np.stack(damaged))
        assert metrics.niqe(pixels) + 0.3 < little < much - 0.3


def test_floats_have_the_value_of_their_pixels_and_flat_images_have_none():
    pixels = pink_noise(96)
    assert metrics.niqe(np.asarray(images.from_pixels(pixels))) == metrics.niqe(pixels) > 0
    assert np.isnan(metrics.niqe(np.full((96, 96, 3), 90, "uint8")))


@pytest.mark.parametrize(
    ("pixels", "named"),
    [
        (np.zeros((95, 200, 3), "uint8"), "at least 96 pixels. Received: 95 x 200"),
        (np.zeros((200, 200), "uint8"), r"num_images, height, width, channels"),
        (np.full((96, 96, 3), 200.0), r"must lie in \[-1, 1\]. Received: values from"),
    ],
)
def test_images_that_cannot_be_measured_are_refused(pixels, named):
    with pytest.raises(ValueError, match=named):
        metrics.niqe(pixels)
