"""Sample images: many in blocks, along paths between latents, or edited photographs."""

from ganzoo.sampling.bulk import BLOCK, FORMATS, Drawn, draw_block, sample
from ganzoo.sampling.directions import directions
from ganzoo.sampling.editing import (
    Edit,
    Found,
    blend,
    find_latents,
    move,
    read_picture,
    relabel,
)
from ganzoo.sampling.interpolation import interpolate, slerp
from ganzoo.sampling.originals import generate_originals
from ganzoo.sampling.training_data import make_judge, synthesize

__all__ = [
    "BLOCK",
    "FORMATS",
    "Drawn",
    "Edit",
    "Found",
    "blend",
    "directions",
    "draw_block",
    "find_latents",
    "generate_originals",
    "interpolate",
    "make_judge",
    "move",
    "read_picture",
    "relabel",
    "sample",
    "slerp",
    "synthesize",
]
