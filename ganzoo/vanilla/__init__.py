"""Vanilla GAN: multilayer perceptrons (Goodfellow et al., 2014)."""

from ganzoo import registry
from ganzoo.vanilla.presets import PRESETS

registry.register_family(
    "vanilla",
    model="ganzoo.vanilla.model:VanillaGAN",
    paper="Goodfellow et al. 2014, arXiv:1406.2661",
    conditioned_on="nothing",
    presets=PRESETS,
    test_config={"image_shape": (4, 4, 1), "latent_dim": 4, "hidden_units": 8},
)
