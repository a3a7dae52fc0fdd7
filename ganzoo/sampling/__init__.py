"""Sample many images in blocks that machines can share, and interpolate between latents."""

from ganzoo.sampling.bulk import BLOCK, FORMATS, Drawn, draw_block, sample
from ganzoo.sampling.interpolation import interpolate, slerp

__all__ = ["BLOCK", "FORMATS", "Drawn", "draw_block", "interpolate", "sample", "slerp"]
