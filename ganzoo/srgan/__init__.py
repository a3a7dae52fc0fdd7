"""SRGAN: photo-realistic super-resolution (Ledig et al., 2016)."""

from ganzoo import registry
from ganzoo.srgan.presets import PRESETS

registry.register_family(
    "srgan",
    model="ganzoo.srgan.model:SRGAN",
    paper="Ledig et al. 2016, arXiv:1609.04802",
    conditioned_on="low-resolution image",
    restores=True,
    presets=PRESETS,
    smallest={"scale": 2, "num_blocks": 1, "filters": 2},
)
