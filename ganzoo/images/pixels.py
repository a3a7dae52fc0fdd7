"""Convert images and pixels, and write grids, PNG files and animations.

In ganzoo, "images" are floats in [-1, 1] and "pixels" are uint8 in [0, 255]. Both are NHWC. The
last of 2 or 4 channels is alpha, the opacity. Images are premultiplied: their colors are multiplied
by alpha, so that colors which nobody sees do not matter. Pixels are not, as in PNG files.
"""

import io
import math
import pathlib
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops
from PIL import Image

from ganzoo.images import values
from ganzoo.saving.files import new_file

# Pixels between the cells of a grid.
_GAP = 2


def has_alpha(image_shape: tuple) -> bool:
    """Return True if the last channel of images is alpha.

    Args:
        image_shape: `(..., height, width, channels)`. Single pixels have no alpha: points in the
            plane are images of `(1, 1, 2)`.

    Example:
        >>> [has_alpha(shape) for shape in ((8, 8, 4), (8, 8, 2), (8, 8, 3), (1, 1, 2))]
        [True, True, False, False]
    """
    return len(image_shape) >= 3 and image_shape[-1] in (2, 4) and image_shape[-3:-1] != (1, 1)


def to_pixels(images: np.ndarray) -> np.ndarray:
    """Convert float images in [-1, 1] to uint8 pixels. Values outside are clipped.

    Args:
        images: float array or tensor, of any shape. Images with alpha are premultiplied.

    Returns:
        uint8 numpy array of the same shape.

    Raises:
        ValueError: If the images are not floats.

    Example:
        >>> to_pixels(np.array([-1.0, 0.0, 1.0])).tolist()
        [0, 128, 255]
        >>> to_pixels(np.full((1, 2, 4), 0.0)).tolist()[0][0]  # Half opaque white.
        [255, 255, 255, 128]
    """
    values.require_floats("`images`", np.asarray(images))
    return ops.convert_to_numpy(round_to_pixels(ops.convert_to_tensor(images, "float32")))


def round_to_pixels(images: keras.KerasTensor) -> keras.KerasTensor:
    """Convert a tensor as `to_pixels` does. It also works inside a `tf.function`."""
    if has_alpha(tuple(images.shape)):
        opacity = (images[..., -1:] + 1.0) / 2.0
        colors = (images[..., :-1] + 1.0) / ops.maximum(opacity, 1e-6) - 1.0
        # Transparent pixels are black, as the colors that they are trained on.
        colors = ops.where(opacity < 0.5 / 255, -1.0, colors)
        images = ops.concatenate([colors, images[..., -1:]], axis=-1)
    return ops.cast(ops.clip(ops.round((images + 1.0) * 127.5), 0, 255), "uint8")


def from_pixels(pixels: np.ndarray) -> keras.KerasTensor:
    """Convert pixels in [0, 255] to a float32 tensor of images in [-1, 1].

    Colors of images with alpha are multiplied by alpha.

    Args:
        pixels: array or tensor of levels in [0, 255], of any shape. uint8 or another dtype.

    Raises:
        ValueError: If a numpy array has other values, or floats scaled to [0, 1].

    Example:
        >>> ops.convert_to_numpy(from_pixels(np.array([0, 255], "uint8"))).tolist()
        [-1.0, 1.0]
    """
    if isinstance(pixels, np.ndarray):
        values.check_levels(pixels)
    images = ops.cast(pixels, "float32") / 127.5 - 1.0
    if has_alpha(tuple(images.shape)):
        opacity = (images[..., -1:] + 1.0) / 2.0
        colors = (images[..., :-1] + 1.0) * opacity - 1.0
        images = ops.concatenate([colors, images[..., -1:]], axis=-1)
    return images


def to_8_bits(pixels: np.ndarray) -> np.ndarray:
    """Return uint8 pixels for uint8 or uint16 ones, rounded to the nearest level.

    Example:
        >>> to_8_bits(np.array([0, 128, 129, 65535], "uint16")).tolist()
        [0, 0, 1, 255]
    """
    if pixels.dtype == np.uint8:
        return pixels
    # 257 takes 255 to 65535.
    return ((pixels.astype("uint32") + 128) // 257).astype("uint8")


def on_white(pixels: np.ndarray) -> np.ndarray:
    """Return pixels as they look on a white background. Pixels without alpha are unchanged.

    Args:
        pixels: uint8 `(..., height, width, channels)`.

    Returns:
        uint8 array with 1 or 3 channels.

    Example:
        >>> on_white(np.array([[[200, 255], [200, 0]]], "uint8")).tolist()
        [[[200], [255]]]
    """
    if not has_alpha(pixels.shape):
        return pixels
    return blend_with_white(pixels[..., :-1], pixels[..., -1:])


def blend_with_white(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return colors as they look on a white background.

    Args:
        colors: uint8 `(..., channels)`.
        alpha: uint8 `(..., 1)`, the opacity.
    """
    opacity = alpha / np.float32(255)
    return np.rint(colors * opacity + 255 * (1 - opacity)).astype("uint8")


def convert_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return pixels with another number of channels.

    Gray is repeated for RGB, and RGB becomes gray by its luma. New alpha is opaque. Images that
    lose their alpha are put on white.

    Args:
        pixels: uint8 `(..., height, width, channels)`.
        channels: int. 1 for gray, 2 for gray and alpha, 3 for RGB, 4 for RGBA.

    Returns:
        uint8 `(..., height, width, channels)`.

    Example:
        >>> convert_channels(np.array([[[200, 0], [200, 255]]], "uint8"), 3).tolist()
        [[[255, 255, 255], [200, 200, 200]]]
    """
    if pixels.shape[-1] == channels:
        return pixels
    if channels in (2, 4):
        alpha = np.full((*pixels.shape[:-1], 1), 255, "uint8")
        if has_alpha(pixels.shape):
            pixels, alpha = pixels[..., :-1], pixels[..., -1:]
        return np.concatenate([convert_channels(pixels, channels - 1), alpha], axis=-1)
    pixels = on_white(pixels)
    if channels == 1 and pixels.shape[-1] == 3:
        luma = pixels @ np.array([0.299, 0.587, 0.114], "float32")
        return np.rint(luma)[..., None].astype("uint8")
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] < channels else pixels


def make_grid(pixels: np.ndarray, columns: int | None = None) -> np.ndarray:
    """Arrange images row by row in one large image.

    Args:
        pixels: uint8 `(num_images, height, width, channels)`, 1 to 4 channels.
        columns: int. Images in a row. None makes the grid as square as possible.

    Returns:
        uint8 `(grid_height, grid_width, channels)`, white between the images.

    Raises:
        ValueError: If the pixels are not uint8.

    Example:
        >>> make_grid(np.zeros((4, 8, 8, 1), "uint8")).shape
        (22, 22, 1)
    """
    values.require_pixels("`pixels`", pixels)
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


def is_drawable(image_shape: tuple) -> bool:
    """Return True if images `(height, width, channels)` are gray or RGB, or have alpha, too."""
    return image_shape[-1] in (1, 3) or has_alpha(image_shape)


def zoom_for(grid: np.ndarray) -> int:
    """Return a zoom, at least 1, that makes a grid of small images easy to see."""
    return max(1, 640 // grid.shape[1])


def to_pil(pixels: np.ndarray) -> Image.Image:
    """Convert uint8 pixels `(height, width, channels)`, 1 to 4 channels, to a Pillow image."""
    return Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)


def encode_png(pixels: np.ndarray, zoom: int = 1) -> bytes:
    """Encode one image as a PNG file.

    Args:
        pixels: uint8 `(height, width, channels)`, 1 to 4 channels.
        zoom: int. Repetitions of each pixel in both directions.

    Returns:
        Content of the file.

    Raises:
        ValueError: If the pixels are not uint8.
    """
    values.require_pixels("`pixels`", pixels)
    pixels = pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)
    buffer = io.BytesIO()
    to_pil(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_png(path: pathlib.Path | str, pixels: np.ndarray, zoom: int = 1) -> None:
    """Write one image as a PNG file. The file is written completely or not at all.

    Args:
        path: file to write. Missing folders are created.
        pixels: uint8 `(height, width, channels)`, 1 to 4 channels.
        zoom: int. Repetitions of each pixel in both directions.
    """
    with new_file(path) as partial:
        partial.write_bytes(encode_png(pixels, zoom))


def write_animation(
    path: pathlib.Path | str, frames: Sequence[np.ndarray], zoom: int = 1, seconds: float = 0.1
) -> None:
    """Write images as an animated GIF or WebP that plays forward and backward in a loop.

    Args:
        path: file ending in `.gif` or `.webp`. It is written completely or not at all.
        frames: uint8 `(num_frames, height, width, channels)`, 1 to 4 channels.
        zoom: int. Repetitions of each pixel in both directions.
        seconds: float. Duration of a frame.
    """
    there_and_back = [*frames, *frames[-2:0:-1]]
    encoded = [Image.open(io.BytesIO(encode_png(frame, zoom))) for frame in there_and_back]
    with new_file(path) as partial:
        encoded[0].save(
            partial,
            save_all=True,
            append_images=encoded[1:],
            duration=round(seconds * 1000),
            loop=0,
        )
