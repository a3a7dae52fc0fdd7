"""Sample images: many in blocks, along paths between latents, or without copies."""

from ganzoo.sampling.bulk import BLOCK, FORMATS, Drawn, draw_block, sample
from ganzoo.sampling.directions import directions
from ganzoo.sampling.interpolation import interpolate, slerp
from ganzoo.sampling.originals import generate_originals

__all__ = [
    "BLOCK",
    "FORMATS",
    "Drawn",
    "directions",
    "draw_block",
    "generate_originals",
    "interpolate",
    "sample",
    "slerp",
]
