"""Transform images, each by its own parameters: colors, shifts, affine maps and cut rectangles.

All functions are differentiable with respect to the images, twice, and compile under XLA. They
take float images `(batch, height, width, channels)` in [-1, 1] with 1 to 4 channels, of any sides.
A parameter is a number, or a float tensor `(batch, 1, 1, 1)`.

With 2 or 4 channels, the last one is alpha, and the colors are premultiplied. Colors then change in
proportion to alpha, and alpha does not change. Pixels from outside of an image and cut pixels are
transparent. Without alpha they are gray, 0.
"""

import math
from typing import TypeAlias

import keras
from keras import ops

# A number, or one number per image.
Parameter: TypeAlias = float | keras.KerasTensor


def jitter_color(
    images: keras.KerasTensor, brightness: Parameter, saturation: Parameter, contrast: Parameter
) -> keras.KerasTensor:
    """Change brightness, then saturation, then contrast. The result is not clipped.

    Args:
        images: images.
        brightness: added to the colors. 0 changes nothing.
        saturation: factor of the distance of a color from its gray. 1 changes nothing.
        contrast: factor of the distance of a color from the mean color value of its image. 1
            changes nothing.

    Reference: Zhao et al., 2020 (arXiv:2006.10738), section 4.
    """
    colors, alpha = _split_alpha(images)
    colors += brightness * alpha
    gray = ops.mean(colors, axis=-1, keepdims=True)
    colors = gray + saturation * (colors - gray)
    # A transparent image has no mean color.
    opaque = ops.maximum(ops.mean(alpha, axis=(1, 2, 3), keepdims=True), 1e-6)
    mean = alpha * (ops.mean(colors, axis=(1, 2, 3), keepdims=True) / opaque)
    return _join_alpha(mean + contrast * (colors - mean), alpha, images)


def recolor(
    images: keras.KerasTensor,
    brightness: Parameter,
    contrast: Parameter,
    luma_sign: Parameter,
    hue: Parameter,
    saturation: Parameter,
) -> keras.KerasTensor:
    """Apply a linear map to colors that keeps gray colors gray.

    Args:
        images: images. Those without colors have neither hue nor saturation.
        brightness: added to the colors first. 0 changes nothing.
        contrast: factor of the colors. 1 changes nothing.
        luma_sign: factor of the gray part of a color. -1 inverts luma, 1 changes nothing.
        hue: angle in radians, by which colors are rotated around the gray axis.
        saturation: factor of the chroma, the part of a color that is not gray. 1 changes nothing.

    Reference: Karras et al., 2020 (arXiv:2006.06676), appendix B.
    """
    colors, alpha = _split_alpha(images)
    if colors.shape[-1] == 1:
        return _join_alpha(contrast * luma_sign * (colors + brightness * alpha), alpha, images)
    gray = ops.mean(colors, axis=-1, keepdims=True)
    # Cross product of the gray axis and the color: the chroma, rotated by 90 degrees.
    crossed = (ops.roll(colors, 1, axis=-1) - ops.roll(colors, -1, axis=-1)) / math.sqrt(3)
    along = contrast * saturation * ops.cos(hue)
    across = contrast * saturation * ops.sin(hue)
    new_gray = contrast * luma_sign * (gray + brightness * alpha)
    # In this order, the neutral parameters return the same bits.
    colors = along * colors + across * crossed + (new_gray - along * gray)
    return _join_alpha(colors, alpha, images)


def translate(images: keras.KerasTensor, down: Parameter, right: Parameter) -> keras.KerasTensor:
    """Shift images by whole pixels.

    Args:
        images: images.
        down: whole number of pixels.
        right: whole number of pixels.
    """
    inside, sources = True, []
    for (positions, side), shift in zip(_axes(images), (down, right), strict=True):
        positions = positions - shift
        inside &= (positions >= 0) & (positions < side)
        sources.append(ops.clip(positions, 0, side - 1))
    return ops.where(inside, _take(images, *sources), _background(images))


def cut(
    images: keras.KerasTensor,
    top: Parameter,
    left: Parameter,
    height: Parameter,
    width: Parameter,
) -> keras.KerasTensor:
    """Cut a rectangle out of images: the pixels whose centers lie in it.

    Args:
        images: images.
        top: distance of the rectangle from the upper border, in pixels. It may be negative.
        left: distance from the left border.
        height: height of the rectangle, in pixels. 0 cuts nothing.
        width: width of the rectangle.
    """
    hidden = True
    starts, lengths = (top, left), (height, width)
    for (positions, _), start, length in zip(_axes(images), starts, lengths, strict=True):
        centers = positions + 0.5
        hidden &= (centers >= start) & (centers < start + length)
    return ops.where(hidden, _background(images), images)


def affine(
    images: keras.KerasTensor,
    flip: Parameter = 1.0,
    quarter_turns: Parameter = 0.0,
    whole_shift: tuple[Parameter, Parameter] = (0.0, 0.0),
    scale: Parameter = 1.0,
    first_angle: Parameter = 0.0,
    stretch: Parameter = 1.0,
    last_angle: Parameter = 0.0,
    shift: tuple[Parameter, Parameter] = (0.0, 0.0),
) -> keras.KerasTensor:
    """Transform the plane of images, around their centers, in the order of the arguments.

    All transformations are one bilinear interpolation. Borders are reflected. Flips, quarter turns
    and whole shifts alone are exact.

    Args:
        images: images.
        flip: -1 exchanges left and right, 1 does not.
        quarter_turns: whole number of quarter turns, counterclockwise. Odd numbers of them suit
            square images.
        whole_shift: whole numbers of pixels, down and to the right.
        scale: factor of both sides.
        first_angle: angle in radians, counterclockwise.
        stretch: factor of the width. The height is divided by it.
        last_angle: angle in radians, counterclockwise.
        shift: pixels, down and to the right.
    """
    (rows, height), (columns, width) = _axes(images)
    center_y, center_x = 0.5 * (height - 1), 0.5 * (width - 1)
    # The inverse transformations, in reverse order, find the source of each pixel.
    y, x = rows - center_y - shift[0], columns - center_x - shift[1]
    y, x = _rotate(y, x, ops.cos(last_angle), ops.sin(last_angle))
    y, x = y * stretch / scale, x / stretch / scale
    y, x = _rotate(y, x, ops.cos(first_angle), ops.sin(first_angle))
    y, x = y - whole_shift[0], x - whole_shift[1]
    angle = quarter_turns * (math.pi / 2)
    # Rounding makes quarter turns exact.
    y, x = _rotate(y, x, ops.round(ops.cos(angle)), ops.round(ops.sin(angle)))
    return _interpolate(images, y + center_y, flip * x + center_x)


def _rotate(y, x, cosine, sine):
    """Rotate positions clockwise, so that the content turns counterclockwise."""
    return cosine * y + sine * x, cosine * x - sine * y


def _interpolate(images, y, x):
    """Return the images at positions in pixels, interpolated linearly, with reflected borders."""
    parts = []
    for position, (_, side) in zip((y, x), _axes(images), strict=True):
        last = side - 1
        # An image of one row or column has no period.
        position = last - ops.abs(position % ops.maximum(2 * last, 1) - last)
        position = ops.clip(position, 0, last)
        before = ops.floor(position)
        parts.append((before, ops.minimum(before + 1, last), position - before))
    (top, bottom, below), (left, right, beyond) = parts
    upper = (1 - beyond) * _take(images, top, left) + beyond * _take(images, top, right)
    lower = (1 - beyond) * _take(images, bottom, left) + beyond * _take(images, bottom, right)
    return (1 - below) * upper + below * lower


def _take(images, rows, columns):
    """Return the pixels at whole rows and columns `(batch, height, width, 1)` inside the images."""
    batch, height, width, channels = ops.shape(images)
    first = ops.reshape(ops.arange(batch, dtype="int32") * (height * width), (-1, 1, 1))
    rows, columns = (ops.cast(ops.squeeze(p, axis=-1), "int32") for p in (rows, columns))
    pixels = ops.reshape(images, (-1, channels))
    return ops.take(pixels, first + rows * width + columns, axis=0)


def _axes(images):
    """Return `(positions, side)` of rows and of columns, float32.

    Positions of rows have the shape `(1, height, 1, 1)`, those of columns `(1, 1, width, 1)`.
    """
    _, height, width, _ = ops.shape(images)
    shapes = {0: (1, -1, 1, 1), 1: (1, 1, -1, 1)}
    return [
        (ops.reshape(ops.arange(side, dtype="float32"), shapes[axis]), ops.cast(side, "float32"))
        for axis, side in enumerate((height, width))
    ]


def _has_alpha(images):
    return images.shape[-1] in (2, 4)


def _background(images):
    return -1.0 if _has_alpha(images) else 0.0


def _split_alpha(images):
    """Return `(colors, alpha)`: alpha in [0, 1], and colors in [-alpha, alpha] with 0 for gray.

    With alpha, an image stores a color c in [-1, 1] as `alpha * (c + 1) - 1`. This returns
    `alpha * c`.
    """
    if not _has_alpha(images):
        return images, ops.ones_like(images[..., :1])
    alpha = 0.5 * (images[..., -1:] + 1)
    return images[..., :-1] + (1 - alpha), alpha


def _join_alpha(colors, alpha, images):
    """Undo `_split_alpha`, with the alpha channel of the images."""
    if not _has_alpha(images):
        return colors
    return ops.concatenate([colors - (1 - alpha), images[..., -1:]], axis=-1)
