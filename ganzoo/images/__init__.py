"""Convert images and pixels, write grids, PNG files and animations, and read photos."""

from ganzoo.images.bicubic import resize_bicubic
from ganzoo.images.captions import add_captions, draw_grid
from ganzoo.images.pixels import (
    convert_channels,
    encode_png,
    from_pixels,
    has_alpha,
    is_drawable,
    make_grid,
    on_white,
    round_to_pixels,
    to_pil,
    to_pixels,
    write_animation,
    write_png,
    zoom_for,
)

__all__ = [
    "add_captions",
    "convert_channels",
    "draw_grid",
    "encode_png",
    "from_pixels",
    "has_alpha",
    "is_drawable",
    "make_grid",
    "on_white",
    "resize_bicubic",
    "round_to_pixels",
    "to_pil",
    "to_pixels",
    "write_animation",
    "write_png",
    "zoom_for",
]
