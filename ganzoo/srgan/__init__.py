"""SRGAN: photo-realistic super-resolution (Ledig et al., 2016)."""

from ganzoo import registry
from ganzoo.registry import Flag
from ganzoo.srgan.presets import PRESETS

registry.register_family(
    "srgan",
    model="ganzoo.srgan.model:SRGAN",
    paper="Ledig et al. 2016, arXiv:1609.04802",
    conditioned_on="low-resolution image",
    task="super_resolution",
    flags={
        "scale": Flag("model.scale", int, "2 or 4. [default: 4]"),
        "content-only": Flag(
            "compile.content_only", bool, "Train the generator alone, on the content loss."
        ),
        "content": Flag(
            "compile.content", str, "Content loss, such as pixel+lpips.", metavar="NAME"
        ),
    },
    presets=PRESETS,
    test_config={"scale": 2, "num_blocks": 1, "filters": 2},
)
