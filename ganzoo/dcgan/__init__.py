"""DCGAN: deep convolutional networks (Radford et al., 2015)."""

from ganzoo import registry
from ganzoo.dcgan.presets import PRESETS

registry.register_family(
    "dcgan",
    model="ganzoo.dcgan.model:DCGAN",
    paper="Radford et al. 2015, arXiv:1511.06434",
    conditioned_on="nothing",
    presets=PRESETS,
    test_config={"image_shape": (8, 8, 1), "latent_dim": 4, "base_filters": 2},
)
