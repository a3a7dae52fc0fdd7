"""Test that images of another range are named, and that the advice gives the right pixels."""

import re

import numpy as np
import pytest
import tensorflow as tf

import ganzoo
from ganzoo import images
from ganzoo.images import values

# All levels, so that each range below is used from end to end.
LEVELS = np.arange(256).repeat(3).reshape(4, 8, 8, 3)
MASK = 255 * (LEVELS > 99)

# Images in other ranges, the levels that they show, and the largest error of the advice in levels.
OTHER_RANGES = {
    "bool": (MASK > 0, MASK, 0),
    "integers 0 and 1": (MASK // 255, MASK, 0),
    "int64 to 255": (LEVELS, LEVELS, 0),
    "int16 to 255": (LEVELS.astype("int16"), LEVELS, 0),
    "uint16": (LEVELS.astype("uint16") * 257, LEVELS, 0),
    "10 bits": (LEVELS.astype("uint16") * 4 + 3, LEVELS, 0),
    "12 bits": (LEVELS.astype("int16") * 16 + 15, LEVELS, 0),
    "14 bits": (LEVELS.astype("int32") * 64 + 63, LEVELS, 0),
    "uint32": (LEVELS.astype("uint32") * 2**24, LEVELS, 0),
    "int8": ((LEVELS - 128).astype("int8"), LEVELS, 0),
    "int16 around 0": ((LEVELS * 257 - 32768).astype("int16"), LEVELS, 0),
    "integers -1 and 1": (MASK * 2 // 255 - 1, MASK, 0),
    "floats to 255": (LEVELS.astype("float32"), LEVELS, 0),
    "floats of 12 bits": (LEVELS * 16.0 + 15, LEVELS, 1),
    "standardized": ((LEVELS - 127) / 74.0, LEVELS, 0),
    "without a mean": (LEVELS - 123.68, LEVELS, 0),
    "overshooting [-1, 1]": (1.05 * (LEVELS / 127.5 - 1), LEVELS, 7),
    "overshooting [0, 1]": (1.05 * (LEVELS / 255) - 0.025, LEVELS, 7),
    "overshooting 255": (1.05 * LEVELS - 6, LEVELS, 7),
    "float16 to 255": (LEVELS.astype("float16"), LEVELS, 0),
}


def follow(message, x):
    """Return the result of the expression in a message."""
    return np.asarray(eval(re.search("`(.*)`", message)[1], {"x": x, "np": np, "tf": tf}))


def levels_of(converted):
    return converted if converted.dtype == np.uint8 else images.to_pixels(converted)


@pytest.mark.parametrize("tensors", [False, True])
def test_the_advice_for_another_range_gives_the_right_pixels(tensors):
    for name, (given, levels, error) in OTHER_RANGES.items():
        with pytest.raises(ValueError, match="Convert them") as raised:
            values.check_values(given, tensors)
        message = str(raised.value)
        assert len(message.splitlines()) == 1, name
        converted = follow(message, tf.constant(given) if tensors else given)
        values.check_values(converted)
        difference = np.abs(levels_of(converted).astype(int) - levels)
        assert difference.max() <= error, f"{name}: {message}"


def test_values_that_are_not_finite_are_named_with_their_number_of_images():
    broken = np.zeros((4, 2, 2, 1), "float32")
    broken[1, 0, 0], broken[3, 1, 1], broken[3, 0, 1] = np.nan, np.nan, -np.inf
    for given in (broken, broken.astype("float16")):
        with pytest.raises(ValueError, match=r"Received: NaN and -inf in 2 of 4 images") as raised:
            values.check_values(given)
        assert follow(str(raised.value), given).shape == (2, 2, 2, 1)
    kept = follow("`tf.boolean_mask(x, tf.reduce_all(tf.math.is_finite(x), (1, 2, 3)))`", broken)
    assert kept.shape == (2, 2, 2, 1)


def test_where_only_pixels_are_taken_the_advice_gives_the_right_ones():
    others = {
        **OTHER_RANGES,
        "[0, 1]": ((LEVELS / 255).astype("float32"), LEVELS, 0),
        "[-1, 1]": (LEVELS / 127.5 - 1, LEVELS, 0),
    }
    for name, (given, levels, error) in others.items():
        with pytest.raises(ValueError, match="`pixels` must be uint8") as raised:
            images.make_grid(given)
        code = re.search(r"Convert them with `(.*)`", str(raised.value))[1]
        made = eval(code, {"x": given, "np": np, "ganzoo": ganzoo})
        assert made.dtype == np.uint8, name
        assert np.abs(made.astype(int) - levels).max() <= error, f"{name}: {code}"


def test_images_scaled_to_0_1_are_told_from_bright_images():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 4, 4, 1))
    bright = rng.integers(128, 256, (40, 4, 4, 1))
    wrong = {
        "float32": (pixels / 255).astype("float32"),
        "float16": (pixels / 255).astype("float16"),
        "one image": pixels[:1] / 255,
        "a mask": (pixels > 127) * 1.0,
        "interpolated": rng.uniform(0, 1, (4, 4, 4, 1)),
        "the second half": np.concatenate([pixels[:4] / 127.5 - 1, pixels[4:8] / 255]),
    }
    right = {
        "uint8": pixels.astype("uint8"),
        "pixels": pixels / 127.5 - 1,
        "bright pixels": (bright / 127.5 - 1).astype("float32"),
        "one bright image": (bright[:1] / 127.5 - 1).astype("float16"),
        "white": np.ones((4, 4, 4, 1)),
        "gray": np.zeros((4, 4, 4, 1)),
        "a mask": (pixels > 127) * 2.0 - 1,
        "a bright one among many": np.concatenate(
            [pixels / 127.5 - 1, rng.uniform(0, 1, (1, 4, 4, 1))]
        ),
    }
    assert [name for name, given in wrong.items() if not values.seem_scaled_to_0_1(given)] == []
    assert [name for name, given in right.items() if values.seem_scaled_to_0_1(given)] == []


def test_conversions_refuse_what_they_would_convert_wrongly():
    pixels = np.array([0, 1, 255])
    np.testing.assert_allclose(images.from_pixels(pixels), pixels / 127.5 - 1, atol=1e-6)
    for wrong in (pixels > 0, pixels * 257, pixels / 255, pixels - 5):
        with pytest.raises(ValueError, match=r"levels in \[0, 255\]"):
            images.from_pixels(wrong)
    with pytest.raises(ValueError, match=r"must be floats.* uint8.*pixels already"):
        images.to_pixels(pixels.astype("uint8"))
    with pytest.raises(ValueError, match=r"must be floats.* bool.*`np.uint8\(x \* 255\)`"):
        images.to_pixels(pixels > 0)
