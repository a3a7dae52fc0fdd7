"""Write captions above the columns of a grid."""

import itertools
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganzoo.images.pixels import make_grid, zoom_for

_FONT_SIZE = 12
# White pixels around a caption.
_MARGIN = 2
# Longer captions are cut.
_MAX_CHARS = 24
# Pillow's font has the letters of Latin alphabets up to this code point.
_LAST_LETTER = 0x17F


def draw_grid(
    pixels: np.ndarray, columns: int | None = None, captions: Sequence[str] | None = None
) -> np.ndarray:
    """Arrange images in a grid that is easy to see.

    Args:
        pixels: as for `make_grid`.
        columns: as for `make_grid`.
        captions: text above each column. None draws none.

    Returns:
        uint8 `(grid_height, grid_width, channels)`. Small images are enlarged by a whole number.
    """
    grid = make_grid(pixels, columns)
    zoom = zoom_for(grid)
    grid = grid.repeat(zoom, axis=0).repeat(zoom, axis=1)
    return add_captions(grid, captions) if captions else grid


def add_captions(grid: np.ndarray, captions: Sequence[str]) -> np.ndarray:
    """Return a grid with a caption above each column.

    Captions are turned by 90 degrees if one of them is wider than its column. A caption with
    letters that the font lacks is replaced by the number of its column, from 0.

    Args:
        grid: uint8 `(height, width, channels)`, as `make_grid` returns it, or zoomed.
        captions: text of each column. Columns have equal widths.

    Returns:
        uint8 `(height + added, width, channels)`, black text on white above the grid. The grid
        itself if its columns are too narrow for text.

    Example:
        >>> grid = make_grid(np.zeros((2, 28, 28, 1), "uint8"), columns=2)
        >>> add_captions(grid, ["bag", "coat"]).shape[1:]
        (62, 1)
    """
    width = grid.shape[1] / len(captions)
    texts = [
        _draw(str(index) if any(ord(letter) > _LAST_LETTER for letter in caption) else caption)
        for index, caption in enumerate(captions)
    ]
    if any(text.width > width for text in texts):
        texts = [text.transpose(Image.Transpose.ROTATE_90) for text in texts]
    if any(text.width > width for text in texts):
        return grid
    band = Image.new("L", (grid.shape[1], max(text.height for text in texts)), 255)
    for text, (left, right) in zip(
        texts, itertools.pairwise(np.linspace(0, grid.shape[1], len(texts) + 1)), strict=True
    ):
        band.paste(text, (round((left + right - text.width) / 2), band.height - text.height))
    above = np.repeat(np.asarray(band)[..., None], grid.shape[-1], axis=-1)
    if grid.shape[-1] in (2, 4):
        above[..., -1] = 255  # The text is opaque.
    return np.concatenate([above, grid])


def _draw(text):
    """Return a gray Pillow image of a line of text with a margin."""
    if len(text) > _MAX_CHARS:
        text = f"{text[: _MAX_CHARS - 3]}..."
    font = ImageFont.load_default(_FONT_SIZE)
    ascent, descent = font.getmetrics()
    size = round(font.getlength(text)) + 2 * _MARGIN, ascent + descent + _MARGIN
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).text((_MARGIN, 0), text, fill=0, font=font)
    return image
