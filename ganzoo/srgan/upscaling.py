"""Upscale images of any size, channels and depth with a network for RGB images of one scale."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ganzoo.images import photos, values
from ganzoo.images.lanczos import resize_lanczos, scaled_side
from ganzoo.images.upscaling import upscale_photo
from ganzoo.srgan import tiling


def check_image(image: np.ndarray) -> None:
    """Check that an array is an image that can be upscaled, or a batch of images.

    Raises:
        ValueError: If it has another dtype or shape, or is empty.
    """
    if image.dtype != np.uint16:
        values.require_pixels("`image`", image)
    if image.ndim not in (3, 4) or not 1 <= image.shape[-1] <= 4:
        raise ValueError(
            "`image` must have shape (height, width, channels), or be a batch of that, with 1 "
            f"to 4 channels. Received: shape {image.shape}. A gray image needs an axis of "
            "channels, `x[..., None]`."
        )
    if 0 in image.shape:
        raise ValueError(f"`image` is empty. Received: shape {image.shape}.")


def check_arguments(outscale: float | None, strength: float, tile: int | None) -> None:
    """Check arguments of `SRGAN.upscale`.

    Raises:
        ValueError: If one is out of range.
    """
    if outscale is not None and not 0 < outscale < math.inf:
        raise ValueError(f"`outscale` must be above 0. Received: outscale={outscale!r}.")
    if not 0 <= strength <= 1:
        raise ValueError(f"`strength` must be from 0 to 1. Received: strength={strength!r}.")
    if tile is not None and tile < 16:
        raise ValueError(f"`tile` must be at least 16. Received: tile={tile}.")


@dataclasses.dataclass(frozen=True)
class Upscaler:
    """Upscale images with a network, tile by tile.

    Attributes:
        render: function from RGB pixels `(height, width, 3)` to those of `scale` times the size,
            of the same dtype.
        footprint: `Footprint` of the network.
        scale: int. Ratio of the network.
        outscale: float. Ratio of the results. The Lanczos filter resizes those of the network.
        tile: int. Side of the tiles. None chooses it by the free memory.
    """

    render: Callable[[np.ndarray], np.ndarray]
    footprint: tiling.Footprint
    scale: int
    outscale: float
    tile: int | None

    def upscale(self, image: np.ndarray) -> np.ndarray:
        """Return an upscaled image, or a batch of them. See `SRGAN.upscale`."""
        images = image if image.ndim == 4 else image[None]
        made = [self._upscale_one(one) for one in images]
        return np.stack(made) if image.ndim == 4 else made[0]

    def _upscale_one(self, image):
        num_colors = image.shape[-1] - 1 + image.shape[-1] % 2
        alpha = image[..., -1] if num_colors < image.shape[-1] else None
        photo = upscale_photo(photos.Photo(image[..., :num_colors], alpha), self._upscale_colors)
        return photo.pixels if alpha is None else np.dstack([photo.pixels, photo.alpha])

    def _upscale_colors(self, pixels):
        """Upscale one RGB or gray image. A gray result is the mean of the RGB result."""
        rgb = np.repeat(pixels, 3 // pixels.shape[-1], axis=-1)
        made = self._upscale_tiles(rgb)
        if pixels.shape[-1] == 1:
            made = np.rint(made.mean(axis=-1, keepdims=True, dtype="float32")).astype(made.dtype)
        if self.outscale == self.scale:
            return made
        sides = (scaled_side(side, self.outscale) for side in pixels.shape[:2])
        return resize_lanczos(made, *sides)

    def _upscale_tiles(self, pixels):
        """Upscale in tiles. Take smaller ones if the device has too little memory."""
        tile = self.tile
        if tile is None:
            tile = tiling.choose_tile(self.footprint, pixels.nbytes * self.scale**2)
        while True:
            try:
                return tiling.upscale_in_tiles(
                    self.render, pixels, self.scale, tile, self.footprint.radius
                )
            except tf.errors.ResourceExhaustedError:
                if tile < 32:
                    raise
                tile //= 2
