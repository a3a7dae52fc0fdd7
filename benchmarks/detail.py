"""Measure the sharpness of images, and their VGG19 distance to real images.

    python benchmarks/detail.py upscaling srresnet_x4 srgan_x4 --data Set5
    python benchmarks/detail.py drawing lapgan_fashion_mnist cgan_fashion_mnist --data fashion_mnist

For upscaled photographs, the script prints means over the photographs:

- detail: energy of the vertical second differences of the luma, relative to the photograph.
- grid: strength of patterns that repeat with the scale, in levels of 255. It is the standard
  deviation of the mean values at each position in a `scale` x `scale` cell, without the means of
  rows and columns. It is the median over patches of 32 pixels. Photographs have no such pattern.
- VGG22 and VGG34: `ganzoo.srgan.content.VGGLoss`. `GANZOO_VGG19_WEIGHTS` names the weights.

For generated images, it compares 5,000 images of seed 0 with as many real ones: the energy of
their Laplacian, and their power above 0.375 cycles per pixel, both relative to real images.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

from ganzoo import data
from ganzoo.images import from_pixels, to_pixels
from ganzoo.saving import loading
from ganzoo.srgan import content
from ganzoo.srgan.bicubic import downscale

COUNT = 5000
PATCH = 32


def luma(pixels):
    """Return the luma of RGB pixels."""
    return np.asarray(Image.fromarray(pixels).convert("L"), "float64")


def detail(pixels, scale):
    """Return the energy of the vertical second differences of the luma."""
    inside = luma(pixels)[scale:-scale, scale:-scale]
    return np.mean(np.diff(inside, 2, axis=0) ** 2)


def grid(pixels, scale):
    """Return the strength of patterns that repeat with the scale."""
    gray, found = pixels.mean(axis=-1), []
    for top in range(0, gray.shape[0] - PATCH + 1, PATCH):
        for left in range(0, gray.shape[1] - PATCH + 1, PATCH):
            cells = gray[top : top + PATCH, left : left + PATCH].reshape(
                PATCH // scale, scale, PATCH // scale, scale
            )
            places = cells.mean(axis=(0, 2))
            places -= places.mean(axis=0) + places.mean(axis=1, keepdims=True) - places.mean()
            found.append(places.std())
    return np.median(found)


def measure_upscaling(gan, folder):
    """Return the measures of upscaled photographs, averaged over a folder."""
    losses = {name: content.get(name) for name in ("vgg22", "vgg34")}
    rows = []
    for path in sorted(pathlib.Path(folder).glob("*.png")):
        real = np.asarray(Image.open(path).convert("RGB"))
        height, width = (side // gan.scale * gan.scale for side in real.shape[:2])
        real = real[:height, :width]
        low_res = to_pixels(np.asarray(downscale(from_pixels(real)[None], gan.scale)))[0]
        made = gan.upscale(low_res)
        pair = from_pixels(real)[None], from_pixels(made)[None]
        rows.append(
            {
                "detail": detail(made, gan.scale) / detail(real, gan.scale),
                "grid": grid(made, gan.scale),
                **{name: float(loss(*pair)) for name, loss in losses.items()},
            }
        )
    if not rows:
        raise SystemExit(f"There is no .png file in {str(folder)!r}. Give a folder of photographs.")
    return {name: np.mean([row[name] for row in rows]) for name in rows[0]}


def laplacian(images):
    """Return the mean energy of the Laplacian."""
    inside = images[:, 1:-1, 1:-1]
    around = images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]
    return np.mean((4 * inside - around) ** 2)


def fine_power(images):
    """Return the mean power above 0.375 cycles per pixel."""
    frequencies = np.fft.fftfreq(images.shape[1])
    fine = np.hypot(*np.meshgrid(frequencies, frequencies)) >= 0.375
    return np.mean(np.abs(np.fft.fft2(images[..., 0])[:, fine]) ** 2)


def measure_drawing(gan, name):
    """Return the measures of generated images relative to real ones."""
    real = data.load_arrays(name).pixels[:COUNT].astype("float64")
    labels = None if gan.num_classes is None else np.arange(COUNT) % gan.num_classes
    drawn = gan.generate(COUNT, labels, seed=0).astype("float64")
    return {
        "weights": gan.generator.count_params(),
        "laplacian": laplacian(drawn) / laplacian(real),
        "fine": fine_power(drawn) / fine_power(real),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("upscaling", "drawing"))
    parser.add_argument("models", nargs="+", help="presets, runs or .keras files")
    parser.add_argument("--data", required=True, help="folder of .png files, or name of a data set")
    arguments = parser.parse_args()
    measure = measure_upscaling if arguments.what == "upscaling" else measure_drawing
    for model in arguments.models:
        gan = loading.find_model(model)
        figures = measure(gan, arguments.data)
        print(model, *(f"{name} {value:.4g}" for name, value in figures.items()), sep=" | ")


if __name__ == "__main__":
    main()
