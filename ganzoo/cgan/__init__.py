"""CGAN: conditioned on class labels (Mirza & Osindero, 2014)."""

from ganzoo import registry
from ganzoo.cgan.presets import PRESETS

registry.register_family(
    "cgan",
    model="ganzoo.cgan.model:CGAN",
    paper="Mirza & Osindero 2014, arXiv:1411.1784",
    conditioned_on="class label",
    classes="always",
    presets=PRESETS,
    test_config={"image_shape": (8, 8, 1), "num_classes": 3, "latent_dim": 4, "base_filters": 2},
)
