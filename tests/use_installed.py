"""Use an installed ganzoo: generate and upscale with presets, train two steps, and export.

Usage: use_installed.py FOLDER
"""

import pathlib
import sys

import numpy as np

import ganzoo
from ganzoo import registry


def main(folder):
    for name in ("dcgan_fashion_mnist", "cgan_mnist", "lapgan_fashion_mnist", "vanilla_mnist"):
        gan = ganzoo.from_preset(name)
        assert gan.generate(2, seed=0).shape == (2, 28, 28, 1), name
    large = ganzoo.from_preset("srgan_x4").upscale(np.zeros((16, 16, 3), "uint8"))
    assert large.shape == (64, 64, 3)
    for family in registry.families():
        if family.task != "generation":
            continue
        recipe = ganzoo.training.Recipe(family.name, "sample", max_steps=2, batch_size=8)
        ganzoo.train(recipe, folder / family.name, verbose=False)
        assert ganzoo.load(folder / family.name).step == 2, family.name
    gan.export(folder / "vanilla.onnx")
    assert ganzoo.export.verify(gan, folder / "vanilla.onnx") <= 1


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
