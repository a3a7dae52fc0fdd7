"""Images and pixels: conversion, grids and PNG files.

Inside ganzoo "images" are floats in [-1, 1] and "pixels" are uint8 in [0, 255],
both NHWC. What a person looks at is made here.
"""

import io
import math

import numpy as np
from keras import ops
from PIL import Image

from ganzoo.files import new_file

# Pixels between the cells of a grid.
_GAP = 2


def to_pixels(images):
    """Float images in [-1, 1] as uint8 numpy pixels; values outside are clipped.

    Example:
        >>> to_pixels(np.array([-1.0, 0.0, 1.0])).tolist()
        [0, 128, 255]
    """
    images = np.asarray(images, dtype="float32")
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype("uint8")


def round_to_pixels(images):
    """The same as `to_pixels` for tensors: a tensor, inside compiled functions, too."""
    return ops.cast(ops.clip(ops.round((images + 1.0) * 127.5), 0, 255), "uint8")


def from_pixels(pixels):
    """Pixels in [0, 255] as a tensor of float32 images in [-1, 1].

    Example:
        >>> ops.convert_to_numpy(from_pixels(np.array([0, 255], "uint8"))).tolist()
        [-1.0, 1.0]
    """
    return ops.cast(pixels, "float32") / 127.5 - 1.0


def make_grid(pixels, columns=None):
    """Lays pixels out row by row in one picture.

    Args:
        pixels: uint8 `(num_images, height, width, channels)`, 1 or 3 channels.
        columns: int. Images in a row; None makes the grid as square as it can be.

    Returns:
        uint8 `(grid_height, grid_width, channels)`, white between the images.

    Example:
        >>> make_grid(np.zeros((4, 8, 8, 1), "uint8")).shape
        (22, 22, 1)
    """
    count, height, width, channels = pixels.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cell_height, cell_width = height + _GAP, width + _GAP
    grid = np.full(
        (rows * cell_height + _GAP, columns * cell_width + _GAP, channels), 255, dtype="uint8"
    )
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        top, left = row * cell_height + _GAP, column * cell_width + _GAP
        grid[top : top + height, left : left + width] = image
    return grid


def is_drawable(image_shape):
    """Whether images of a shape `(height, width, channels)` are pictures: gray or RGB."""
    return image_shape[-1] in (1, 3)


def zoom_for(grid):
    """How often to repeat a grid's pixels so that small images are seen, 1 or more."""
    return max(1, 640 // grid.shape[1])


def encode_png(pixels, zoom=1):
    """One picture `(height, width, 1 or 3)` as the bytes of a PNG file.

    `zoom` repeats every pixel so many times in each direction.
    """
    pixels = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_png(path, pixels, zoom=1):
    """Writes one picture as a PNG file, whole or not at all; folders are made."""
    with new_file(path) as partial:
        partial.write_bytes(encode_png(pixels, zoom))


def write_animation(path, frames, zoom=1, seconds=0.1):
    """Writes pictures as an animated GIF or WebP that plays for ever, there and back.

    Args:
        path: file ending in `.gif` or `.webp`; written whole or not at all.
        frames: uint8 `(num_frames, height, width, 1 or 3)`.
        zoom: int. How often to repeat a pixel in each direction.
        seconds: float. How long a frame is shown.
    """
    there_and_back = [*frames, *frames[-2:0:-1]]
    pictures = [Image.open(io.BytesIO(encode_png(frame, zoom))) for frame in there_and_back]
    with new_file(path) as partial:
        pictures[0].save(
            partial,
            save_all=True,
            append_images=pictures[1:],
            duration=round(seconds * 1000),
            loop=0,
        )
