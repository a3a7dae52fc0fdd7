"""Test that the advice for images of another shape leads to the right images."""

import re

import numpy as np
import pytest
import tensorflow as tf

from ganzoo.images import shapes

GRAY = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 1), "uint8")
COLOUR = np.random.default_rng(1).integers(0, 256, (5, 6, 7, 3), "uint8")
# Images of other shapes, and what they should be.
OTHERS = {
    "no axis of channels": (GRAY[..., 0], GRAY),
    "flat": (GRAY.reshape(5, -1), GRAY),
    "channels first": (COLOUR.transpose(0, 3, 1, 2), COLOUR),
    "images last": (COLOUR.transpose(1, 2, 3, 0), COLOUR),
    "gray channel first": (GRAY.transpose(0, 3, 1, 2), GRAY),
    "gray for colour": (GRAY[..., 0], np.repeat(GRAY, 3, axis=-1)),
    "alpha": (np.concatenate([COLOUR, GRAY], axis=-1), COLOUR),
    "gray with alpha": (np.concatenate([GRAY, GRAY], axis=-1), GRAY),
    "no alpha": (COLOUR, np.pad(COLOUR, [[0, 0]] * 3 + [[0, 1]], constant_values=255)),
    "batched twice": (GRAY[None], GRAY),
    "one image": (COLOUR[0], COLOUR[:1]),
    "one image, no axis": (GRAY[0, ..., 0], GRAY[:1]),
}


@pytest.mark.parametrize("tensors", [False, True])
def test_the_advice_gives_the_right_images(tensors):
    for name, (given, right) in OTHERS.items():
        for wanted in (right.shape[1:], (None, None, right.shape[-1])):
            if name == "flat" and None in wanted:
                continue
            advice = shapes.advise(given.shape, [wanted], tensors=tensors)
            code = re.search("`(.*)`", advice)[1]
            x = tf.constant(given) if tensors else given
            made = eval(code, {"x": x, "np": np, "tf": tf})
            np.testing.assert_array_equal(made, right, err_msg=f"{name}: {advice}")


def test_images_of_another_size_are_resized_or_the_model_is_built_for_them():
    advice = shapes.advise(COLOUR.shape, [(4, 4, 1)], model=True)
    assert "build the model with `image_shape=(6, 7, 3)`" in advice
    code = re.search("`(.*?)`", advice)[1]
    made = eval(code, {"x": COLOUR, "tf": tf})
    assert (made.shape, made.dtype) == ((5, 4, 4, 1), tf.uint8)
    assert abs(np.mean(made) - np.mean(COLOUR)) < 10
    assert "image_shape" not in shapes.advise((5, 3, 6, 7), [(6, 7, 3)], model=True)


def test_an_unbatched_pipeline_is_told_to_batch():
    dataset = tf.data.Dataset.from_tensor_slices(GRAY[..., 0])
    advice = shapes.advise((6, 7), [(6, 7, 1)], tensors=True, pipeline=True)
    assert advice.endswith("`.batch(32)`, then `x[..., None]`.")
    (made,) = dataset.batch(32).map(lambda x: x[..., None])
    np.testing.assert_array_equal(made, GRAY)
    twice = shapes.advise((2, 5, 6, 7, 1), [(6, 7, 1)], tensors=True, pipeline=True)
    assert "`.unbatch()`" in twice


def test_a_free_side_has_a_name():
    assert shapes.describe_shape((None, None, 3)) == "(batch, height, width, 3)"
    assert shapes.describe_shape((2, 3, None)) == "(batch, 2, 3, channels)"
