"""R3GAN: relativistic, with two gradient penalties (Huang et al., 2024)."""

from ganzoo import registry
from ganzoo.r3gan.presets import PRESETS

registry.register_family(
    "r3gan",
    model="ganzoo.r3gan.model:R3GAN",
    paper="Huang et al. 2024, arXiv:2501.05441",
    conditioned_on="optionally class",
    classes="optional",
    presets=PRESETS,
    test_config={"image_shape": (8, 8, 1), "latent_dim": 4, "base_filters": 2, "blocks": 1},
)
