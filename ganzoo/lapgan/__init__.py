"""LAPGAN: a pyramid of conditional GANs (Denton et al., 2015)."""

from ganzoo import registry
from ganzoo.lapgan.presets import PRESETS

registry.register_family(
    "lapgan",
    model="ganzoo.lapgan.model:LAPGAN",
    paper="Denton et al. 2015, arXiv:1506.05751",
    conditioned_on="coarser level, optionally class",
    classes="optional",
    presets=PRESETS,
    test_config={
        "image_shape": (8, 8, 1),
        "base_size": 4,
        "base_latent_dim": 4,
        "filters": 2,
    },
)
