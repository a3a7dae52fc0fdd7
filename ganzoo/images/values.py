"""Check the values of images, and advise how to convert those of another range.

Images are uint8 pixels in [0, 255] or floats in [-1, 1]. Advice is an expression in `x`, the
images, that can be copied. It depends on the dtype and on the values that were found.
"""

import warnings
from typing import NamedTuple

import numpy as np

# Rounding may move floats this far out of [-1, 1].
TOLERANCE = 1e-3
# Images in a row that are judged together.
_RUN = 32


class Advice(NamedTuple):
    """Describe how to convert images.

    Attributes:
        expression: str. Expression in `x` whose value ganzoo accepts. None if there is none.
        rest: str. Assumption of the expression, or advice if there is none.
        makes_pixels: bool. True if the expression gives uint8, False if it gives floats.
    """

    expression: str | None
    rest: str = ""
    makes_pixels: bool = False

    def __str__(self) -> str:
        if self.expression is None:
            return self.rest
        return f"Convert them with `{self.expression}`{self.rest}."


def check_values(images: np.ndarray, tensors: bool = False) -> None:
    """Check that images are uint8 pixels or floats in [-1, 1].

    Args:
        images: array `(num_images, ...)`, not empty.
        tensors: bool. Give advice for TensorFlow tensors, not for numpy arrays.

    Raises:
        ValueError: If the dtype or a value does not fit.
    """
    if images.dtype == np.uint8:
        return
    if not _is_float(images):
        raise ValueError(
            "Images must be uint8 pixels or floats in [-1, 1]. Received: images of dtype "
            f"{_name_dtype(images)}{_describe_range(images)}. {_advise(images, tensors)}"
        )
    # In this form, NaN fails, too.
    if not (images.min() >= -1 - TOLERANCE and images.max() <= 1 + TOLERANCE):
        raise ValueError(
            f"Float images must lie in [-1, 1]. Received: {_describe_values(images)}. "
            f"{_advise(images, tensors)}"
        )


def require_pixels(names: str, *images: np.ndarray) -> None:
    """Check that images are uint8 pixels. Floats are refused.

    Args:
        names: str. Names of the arguments, for people.
        *images: arrays of any shape.

    Raises:
        ValueError: If one has another dtype. The message says how to convert it.
    """
    arrays = [np.asarray(each) for each in images]
    wrong = [each for each in arrays if each.dtype != np.uint8]
    if not wrong:
        return
    advice = _advise(wrong[0], tensors=False)
    if advice.expression is not None and not advice.makes_pixels:
        advice = advice._replace(expression=f"ganzoo.images.to_pixels({advice.expression})")
    raise ValueError(
        f"{names} must be uint8 pixels in [0, 255]. Received: "
        f"{' and '.join(map(_name_dtype, arrays))}{_describe_range(wrong[0])}. {advice}"
    )


def require_floats(name: str, images: np.ndarray) -> None:
    """Check that images are floats. Pixels are refused.

    Args:
        name: str. Name of the argument, for people.
        images: array of any shape.

    Raises:
        ValueError: If they have another dtype. The message says what to do.
    """
    if _is_float(images):
        return
    advice = "They are pixels already: pass them on as they are."
    if images.dtype != np.uint8:
        advice = _advise(images, tensors=False)
    raise ValueError(
        f"{name} must be floats in [-1, 1]. Received: {_name_dtype(images)}"
        f"{_describe_range(images)}. {advice}"
    )


def check_levels(pixels: np.ndarray) -> None:
    """Check that numbers are levels in [0, 255], of any dtype except bool.

    Args:
        pixels: array of any shape.

    Raises:
        ValueError: If they are not, or if they are floats that seem to be scaled to [0, 1].
    """
    if pixels.dtype == np.uint8 or not pixels.size:
        return
    if pixels.dtype != bool:
        low, high = pixels.min(), pixels.max()
        scaled = _is_float(pixels) and 0 < high <= 1
        if low >= 0 and high <= 255 and not scaled:
            return
    raise ValueError(
        "Pixels must be levels in [0, 255]. Received: pixels of dtype "
        f"{_name_dtype(pixels)}{_describe_range(pixels)}. {_advise(pixels, tensors=False)}"
    )


def warn_if_scaled_to_0_1(images: np.ndarray) -> bool:
    """Warn if images seem to be scaled to [0, 1], floats or pixels.

    Args:
        images: array `(num_images, ...)`.

    Returns:
        True if they do.
    """
    if images.dtype == np.uint8 and np.max(images, initial=0) == 1:
        warnings.warn(
            "uint8 pixels must lie in [0, 255], from black to white. Received: pixels without a "
            "value above 1, as if they were a mask. If so, scale them with `x * 255`; otherwise "
            "ignore this warning.",
            stacklevel=2,
        )
        return True
    if not seem_scaled_to_0_1(images):
        return False
    # The text has no figures, so that Python shows it once for many batches.
    warnings.warn(
        "Float images must lie in [-1, 1], from black to white. Received: images without a value "
        "below 0, as if scaled to [0, 1]. If so, scale them with `x * 2 - 1`; otherwise ignore "
        "this warning.",
        stacklevel=2,
    )
    return True


def seem_scaled_to_0_1(images: np.ndarray) -> bool:
    """Return True if float images seem to be scaled to [0, 1].

    In [-1, 1] these values are the brighter half, from gray to white. Pixels are recognized by
    their levels: a third of 32 images in a row is enough, because a data set may consist of parts
    of different ranges. Other values must all be at least 0, and have contrast.

    Args:
        images: array `(num_images, ...)`.
    """
    if not _is_float(images):
        return False
    rows = images.reshape(len(images), -1)
    bright = rows.min(axis=1) >= 0
    # The last run takes the images that are left over.
    starts = range(0, max(len(rows) - _RUN, 0) + 1, _RUN)
    for start in starts:
        run = slice(start, start + _RUN if start < starts[-1] else len(rows))
        fewest = len(rows[run]) / 3
        if bright[run].sum() < fewest:
            continue
        by_levels, by_contrast = _fill_0_1(rows[run][bright[run]])
        if by_levels.sum() >= fewest:
            return True
        if bright[run].all() and (by_levels | by_contrast).sum() >= fewest:
            return True
    return False


def _fill_0_1(rows):
    """Return for each row of values of at least 0 if [0, 1] is likelier than [-1, 1].

    Returns:
        `(by_levels, by_contrast)`, bool arrays. The first is almost certain.
    """
    levels = 255 * rows.astype("float32")
    rounded = np.rint(levels)
    # float16 moves levels near 255 by up to 1 / 16.
    are_pixels = np.abs(levels - rounded).max(axis=1) < 0.1
    # Pixel k is `k / 255` in [0, 1], but `(2 * k - 255) / 255` in [-1, 1], which is odd.
    has_even = (rounded % 2 == 0).any(axis=1)
    contrast = np.ptp(levels, axis=1) / 255
    return are_pixels & has_even & (contrast > 0), ~are_pixels & (contrast > 0.5)


def _is_float(images):
    return "float" in images.dtype.name  # NumPy does not count bfloat16 as a float.


def _name_dtype(images):
    return "str" if images.dtype.kind == "U" else images.dtype.name


def _describe_range(images):
    """Return `, values from ... to ...`, or an empty string if images are not numbers."""
    if images.size and (_is_float(images) or images.dtype.kind in "iu"):
        return f", {_describe_values(images)}"
    return ""


def _describe_values(images):
    """Return the range of numbers, or which of them are not finite."""
    low, high = float(images.min()), float(images.max())
    if np.isfinite([low, high]).all():
        return f"values from {low:g} to {high:g}"
    marks = {"NaN": np.isnan(images), "inf": images == np.inf, "-inf": images == -np.inf}
    found = " and ".join(name for name, mark in marks.items() if mark.any())
    broken = (~np.isfinite(images)).reshape(len(images), -1).any(axis=1)
    return f"{found} in {broken.sum()} of {len(images)} images"


def _advise(images, tensors):
    """Return `Advice` for images of any dtype and range, except uint8."""
    kind = images.dtype.kind
    if kind == "b":
        return _as_pixels("x * 255", tensors)
    if kind in "iu":
        low, high = (int(images.min()), int(images.max())) if images.size else (0, 255)
        return _advise_integers(images.dtype, low, high, tensors)
    if _is_float(images):
        return _advise_floats(images, tensors)
    if kind in "SU" or any(isinstance(entry, (str, bytes)) for entry in images.flat[:1]):
        return Advice(None, "Load the files of a folder with `ganzoo.data.load`.")
    return Advice(None, "Make one array of real numbers, such as `np.stack(list_of_images)`.")


def _as_pixels(expression, tensors, rest=""):
    if not tensors:
        return Advice(f"np.uint8({expression})", rest, makes_pixels=True)
    if expression == "x * 255":  # TensorFlow does not multiply bools.
        return Advice("tf.cast(x, 'uint8') * 255", rest, makes_pixels=True)
    return Advice(f"tf.cast({expression}, 'uint8')", rest, makes_pixels=True)


def _advise_integers(dtype, low, high, tensors):
    if dtype == np.int8 and low < 0:
        low, high = -128, 127
    if low == -1 and high <= 1:
        return Advice("tf.cast(x, 'float32')" if tensors else "x.astype('float32')")
    if low < 0 or high > 65535:
        return _spread(low, high, "tf.cast(x, 'float32')" if tensors else "x")
    if high == 1:
        return _as_pixels("x * 255", tensors)
    if high <= 255:
        return Advice("tf.cast(x, 'uint8')" if tensors else "x.astype('uint8')", makes_pixels=True)
    largest = _largest_of_bits(high)
    # Division by 257 takes 65535 to 255 exactly.
    divisor = 257 if largest == 65535 else (largest + 1) // 256
    return _as_pixels(f"x // {divisor}", tensors, f" if their range is 0 to {largest}")


def _advise_floats(images, tensors):
    low, high = float(images.min()), float(images.max())
    clip = "tf.clip_by_value(x, {}, {})" if tensors else "np.clip(x, {}, {})"
    if not np.isfinite([low, high]).all():
        return _leave_out_broken(images.ndim, tensors)
    if low >= -1 - TOLERANCE and high <= 1 + TOLERANCE:
        scaled = low >= 0 and any(_fill_0_1(images.reshape(1, -1)))
        return Advice("x * 2 - 1") if scaled else Advice("x", ", as they are in [-1, 1]")
    # Bicubic interpolation moves values out of their range by up to a quarter of it.
    if low >= -0.5 and high <= 1.5:
        return Advice(f"{clip.format(0, 1)} * 2 - 1", " if their range is 0 to 1")
    if low >= -1.5 and high <= 1.5:
        return Advice(clip.format(-1, 1), " if interpolation moved them out of [-1, 1]")
    largest = _largest_of_bits(high / 1.25 if low < 0 else high / 1.02)
    # Other ranges are those of normalized images, or of images with few levels.
    if low < -0.25 * largest or not 16 < high <= 1.25 * 65535:
        return _spread(low, high)
    x = "x" if low >= 0 and high <= largest else clip.format(0, largest)
    return Advice(f"{x} / {largest / 2} - 1", f" if their range is 0 to {largest}")


def _leave_out_broken(rank, tensors):
    axes = ", ".join(map(str, range(1, rank)))
    if tensors:
        expression = f"tf.boolean_mask(x, tf.reduce_all(tf.math.is_finite(x), ({axes})))"
    else:
        expression = f"x[np.isfinite(x).all(axis=({axes}))]"
    return Advice(
        None,
        "Mend what makes them, such as a division by 0, or leave these images and their labels "
        f"out: `{expression}`.",
    )


def _spread(low, high, x="x"):
    """Return the advice to spread values from `low` to `high` over [-1, 1]."""
    middle, half = (low + high) / 2, (high - low) / 2 or 1.0
    # A float, with a decimal point, makes floats of integers.
    middle, half = round(float(middle), 6), round(float(half), 6)
    shifted = f"{x} - {middle}" if middle >= 0 else f"{x} + {-middle}"
    return Advice(f"({shifted}) / {half}", f" if their range is {low:g} to {high:g}")


def _largest_of_bits(value):
    """Return the largest number of as many bits as a value needs: 8, 10, 12, 14 or 16."""
    bits = max(8, int(np.ceil(value)).bit_length())
    return 2 ** min(bits + bits % 2, 16) - 1
