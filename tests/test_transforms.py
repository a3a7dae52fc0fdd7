"""Compare the transformations of images with NumPy, SciPy and matrices."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.spatial.transform
import tensorflow as tf

from ganzoo import transforms

SHAPE = (6, 9)
# The neutral parameters, then others, one per image.
IDENTITY = {"flip": 1, "quarter_turns": 0, "scale": 1, "first_angle": 0, "stretch": 1}
MOVES = [
    IDENTITY,
    {"flip": -1, "quarter_turns": 2, "whole_shift": (2, -1), "scale": 1.3, "first_angle": 0.4},
    {"scale": 0.6, "stretch": 1.4, "last_angle": -2.0, "shift": (0.3, -7.6)},
    {"flip": -1, "quarter_turns": 1, "whole_shift": (-1, 3), "scale": 0.8, "first_angle": -1.0,
     "stretch": 0.7, "last_angle": 2.5, "shift": (1.25, 0.5)},
]  # fmt: skip
COLORS = [
    {"brightness": 0.0, "contrast": 1.0, "luma_sign": 1.0, "hue": 0.0, "saturation": 1.0},
    {"brightness": 0.3, "contrast": 0.6, "luma_sign": -1.0, "hue": 2.0, "saturation": 1.7},
    {"brightness": -0.2, "contrast": 1.8, "luma_sign": 1.0, "hue": -0.7, "saturation": 0.2},
]


def make_images(num_images, channels, shape=SHAPE, seed=0):
    """Return images. With alpha, the colors are premultiplied."""
    generator = np.random.default_rng(seed)
    images = generator.uniform(-1, 1, (num_images, *shape, channels)).astype("float32")
    if channels in (2, 4):
        images[0, 0, 0] = -1  # A transparent pixel.
        images[..., :-1] = premultiply(images[..., :-1], images[..., -1:])
    return images


def premultiply(colors, alpha):
    """Multiply colors by alpha, both in [0, 1], and return them in [-1, 1]."""
    return (colors + 1) / 2 * (alpha + 1) / 2 * 2 - 1


def per_image(values):
    return np.reshape(np.array(values, "float32"), (-1, 1, 1, 1))


def stack(records, name, default):
    return per_image([record.get(name, default) for record in records])


def affine_arguments(moves):
    defaults = {**IDENTITY, "last_angle": 0}
    arguments = {name: stack(moves, name, default) for name, default in defaults.items()}
    for name in ("whole_shift", "shift"):
        pairs = [move.get(name, (0, 0)) for move in moves]
        arguments[name] = tuple(per_image(part) for part in zip(*pairs, strict=True))
    return arguments


def scaled(x, y):
    return np.diag([x, y, 1.0])


def turned(angle):
    """Return the matrix that turns (column, row) counterclockwise; rows count downwards."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def shifted(down, right):
    return np.array([[1, 0, right], [0, 1, down], [0, 0, 1.0]])


def matrix_of(move):
    """Return the forward matrix of a move, the first transformation on the right."""
    scale, stretch = move.get("scale", 1), move.get("stretch", 1)
    return (
        shifted(*move.get("shift", (0, 0)))
        @ turned(move.get("last_angle", 0))
        @ scaled(stretch, 1 / stretch)
        @ turned(move.get("first_angle", 0))
        @ scaled(scale, scale)
        @ shifted(*move.get("whole_shift", (0, 0)))
        @ turned(move.get("quarter_turns", 0) * np.pi / 2)
        @ scaled(move.get("flip", 1), 1)
    )


@pytest.mark.parametrize(("channels", "shape"), [(3, (6, 9)), (4, (9, 6)), (1, (7, 7))])
def test_affine_equals_the_interpolation_of_scipy_with_the_inverse_matrix(channels, shape):
    images = make_images(len(MOVES), channels, shape)
    made = np.asarray(transforms.affine(images, **affine_arguments(MOVES)))
    middle = (np.array(shape)[::-1] - 1) / 2
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    targets = np.stack([columns - middle[0], rows - middle[1], np.ones(shape)])
    for image, move, found in zip(images, MOVES, made, strict=True):
        x, y, _ = np.einsum("ij,jhw->ihw", np.linalg.inv(matrix_of(move)), targets)
        positions = [y + middle[1], x + middle[0]]
        for channel in range(channels):
            expected = scipy.ndimage.map_coordinates(
                image[..., channel].astype("float64"), positions, order=1, mode="mirror"
            )
            np.testing.assert_allclose(found[..., channel], expected, atol=3e-5)
    np.testing.assert_array_equal(made[0], images[0])


def test_flips_and_quarter_turns_are_those_of_numpy_bit_for_bit():
    images = make_images(4, 3, (5, 5))
    turned_images = transforms.affine(images, quarter_turns=per_image([0, 1, 2, 3]))
    for count, (image, found) in enumerate(zip(images, np.asarray(turned_images), strict=True)):
        np.testing.assert_array_equal(found, np.rot90(image, count))
    flipped = transforms.affine(images, flip=per_image([-1, 1, -1, 1]))
    np.testing.assert_array_equal(flipped[:2], [np.fliplr(images[0]), images[1]])


@pytest.mark.parametrize(("channels", "outside"), [(1, 0), (2, -1), (3, 0), (4, -1)])
def test_a_translation_fills_the_border_with_gray_or_transparent_pixels(channels, outside):
    images = make_images(3, channels)
    shifts = [(0, 0), (2, -1), (-1, 10)]
    found = transforms.translate(images, *(per_image(part) for part in zip(*shifts, strict=True)))
    expected = np.full_like(images, outside)
    expected[0] = images[0]
    expected[1, 2:, :-1] = images[1, :-2, 1:]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("channels", "hole"), [(3, 0), (4, -1)])
def test_a_rectangle_is_cut_where_pixel_centers_lie_in_it(channels, hole):
    images = make_images(3, channels)
    tops, lefts = per_image([1, -2, 0]), per_image([2, 6.4, 0])
    found = transforms.cut(images, tops, lefts, per_image([3, 4, 0]), 4)
    expected = images.copy()
    expected[0, 1:4, 2:6] = hole
    expected[1, :2, 6:] = hole  # Columns 6.5 to 9.5 of 6.4 to 10.4.
    np.testing.assert_array_equal(found, expected)


def color_matrix(brightness, contrast, luma_sign, hue, saturation):
    """Return the 4 x 4 matrix of homogeneous colors, as the ADA paper composes it."""
    gray = np.ones(3) / np.sqrt(3)
    onto_gray = np.outer(gray, gray)
    moved, grown = np.eye(4), np.eye(4)
    moved[:3, 3] = brightness
    grown[:3, :3] = contrast * np.eye(3)
    mirrored, rotated, saturated = np.eye(4), np.eye(4), np.eye(4)
    mirrored[:3, :3] -= (1 - luma_sign) * onto_gray
    rotated[:3, :3] = scipy.spatial.transform.Rotation.from_rotvec(hue * gray).as_matrix()
    saturated[:3, :3] = onto_gray + saturation * (np.eye(3) - onto_gray)
    return saturated @ rotated @ mirrored @ grown @ moved


def straight(images):
    """Return `(colors, alpha)` of premultiplied images: colors in [-1, 1], alpha in [0, 1]."""
    alpha = (images[..., -1:].astype("float64") + 1) / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(alpha > 0, (images[..., :-1] + 1) / alpha - 1, 0), alpha


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_recoloring_equals_the_color_matrices_of_the_paper(channels):
    images = make_images(len(COLORS), channels)
    parameters = {name: stack(COLORS, name, None) for name in COLORS[0]}
    found = np.asarray(transforms.recolor(images, **parameters))
    has_alpha = channels in (2, 4)
    colors, alpha = straight(images) if has_alpha else (images, 1.0)
    for index, color in enumerate(COLORS):
        matrix = color_matrix(**color)
        # A gray image stays gray, so that one channel stands for three.
        rgb = np.broadcast_to(colors[index], (*SHAPE, 3)) @ matrix[:3, :3].T + matrix[:3, 3]
        expected = rgb[..., : colors.shape[-1]]
        if has_alpha:
            expected = (expected + 1) * alpha[index] - 1
            expected = np.concatenate([expected, images[index][..., -1:]], axis=-1)
        np.testing.assert_allclose(found[index], expected, atol=1e-5)
    if has_alpha:
        np.testing.assert_array_equal(found[..., -1], images[..., -1])
        np.testing.assert_allclose(found[0, 0, 0], -1, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_color_jitter_moves_around_the_gray_of_a_pixel_and_the_mean_of_an_image(channels):
    images = make_images(2, channels)
    numbers = [[0.25, -0.4], [0.0, 1.6], [1.4, 0.5]]
    found = np.asarray(transforms.jitter_color(images, *map(per_image, numbers)))
    has_alpha = channels in (2, 4)
    colors, alpha = straight(images) if has_alpha else (images, np.ones((2, *SHAPE, 1)))
    for index, (brightness, saturation, contrast) in enumerate(zip(*numbers, strict=True)):
        x, weight = colors[index] + brightness, alpha[index]
        gray = x.mean(axis=-1, keepdims=True)
        x = gray + saturation * (x - gray)
        mean = np.average(x.mean(axis=-1), weights=weight[..., 0])
        expected = mean + contrast * (x - mean)
        if has_alpha:
            expected = (expected + 1) * weight - 1
            expected = np.concatenate([expected, images[index][..., -1:]], axis=-1)
        np.testing.assert_allclose(found[index], expected, atol=1e-5)


def transform_all(images):
    """Apply all transformations to three images."""
    images = transforms.affine(images, **affine_arguments(MOVES[1:]))
    images = transforms.recolor(images, **{name: stack(COLORS, name, None) for name in COLORS[0]})
    images = transforms.jitter_color(images, 0.1, 0.5, per_image([0.5, 1.0, 1.5]))
    images = transforms.translate(images, per_image([1, 0, -2]), 1.0)
    return transforms.cut(images, per_image([0, 3, 1]), 2.0, 3.0, 4.0)


@pytest.mark.parametrize("channels", [3, 4])
def test_gradients_match_finite_differences(channels):
    images, weights, direction = (
        tf.constant(make_images(3, channels, seed=seed)) for seed in (1, 2, 3)
    )

    def value(step):
        return tf.reduce_sum(weights * transform_all(images + step * direction))

    with tf.GradientTape() as tape:
        tape.watch(images)
        total = value(0.0)
    slope = tf.reduce_sum(tape.gradient(total, images) * direction)
    step = 0.01
    difference = (value(step) - value(-step)) / (2 * step)
    assert float(slope) == pytest.approx(float(difference), rel=2e-3)
    assert abs(float(slope)) > 0.1


@pytest.mark.slow
def test_transformations_and_their_second_derivatives_are_equal_under_xla():
    weight, images = tf.constant(0.7), tf.constant(make_images(3, 3))

    def penalty_and_gradient(images, weight):
        """Return a gradient penalty of `tanh(weight * T(x))` with its gradient by the weight."""
        with tf.GradientTape() as outer:
            outer.watch(weight)
            with tf.GradientTape() as inner:
                inner.watch(images)
                total = tf.reduce_sum(tf.tanh(weight * transform_all(images)))
            penalty = tf.reduce_sum(inner.gradient(total, images) ** 2)
        return transform_all(images), penalty, outer.gradient(penalty, weight)

    compiled = tf.function(penalty_and_gradient, jit_compile=True)(images, weight)
    plain = penalty_and_gradient(images, weight)
    for one, other in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    up, down = (penalty_and_gradient(images, weight + step)[1] for step in (0.01, -0.01))
    assert float(plain[2]) == pytest.approx(float(up - down) / 0.02, rel=1e-2)


def test_sides_may_be_unknown_in_a_graph():
    graph = tf.function(
        transform_all, input_signature=[tf.TensorSpec((None, None, None, 3), "float32")]
    )
    images = make_images(3, 3)
    np.testing.assert_allclose(graph(images), transform_all(images), atol=1e-5)


def test_an_image_of_one_pixel_is_transformed():
    images = np.full((3, 1, 1, 3), 0.5, "float32")
    np.testing.assert_array_equal(transforms.affine(images, **affine_arguments(MOVES[1:])), images)
