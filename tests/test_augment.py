"""Test which random transformations the augmentations draw, and how ADA adapts."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers.schedules import PolynomialDecay

from ganzoo import augment, transforms

NUM_IMAGES = 20_000
SIDES = (24, 40)


def draw(shape):
    return tf.random.stateless_uniform(shape, (3, 4))


def parameters_of(monkeypatch, augmentation, amount, shape=SIDES):
    """Return the parameters of all transformations of many images, by function and name."""
    found = {}

    def record(name):
        def transform(images, *values, **named):
            values = {f"value_{index}": value for index, value in enumerate(values)}
            found[name] = {key: np.asarray(value) for key, value in (values | named).items()}
            return images

        return transform

    for name in ("affine", "recolor", "jitter_color", "translate", "cut"):
        monkeypatch.setattr(transforms, name, record(name))
    # Only the shape of the images matters.
    images = tf.broadcast_to(tf.zeros((1, 1, 1, 3)), (NUM_IMAGES, *shape, 3))
    augmentation(images, amount, draw)
    return found


def share(values):
    return pytest.approx(values, abs=4 * 0.5 / np.sqrt(NUM_IMAGES))


def test_every_transformation_of_ada_has_its_probability(monkeypatch):
    p = 0.4
    ada = augment.ADA(color=0.5, cutout=0.75)
    found = parameters_of(monkeypatch, ada, p)
    moves, colors = found["affine"], found["recolor"]
    assert np.mean(moves["flip"] == -1) == share(p / 2)
    assert np.mean(moves["quarter_turns"] == 2) == share(p / 2)
    assert set(np.unique(moves["quarter_turns"])) == {0, 2}  # The images are not square.
    for name, neutral in {"scale": 1, "stretch": 1}.items():
        assert np.mean(moves[name] != neutral) == share(p)
    rotated = (moves["first_angle"] != 0) | (moves["last_angle"] != 0)
    assert np.mean(rotated) == share(p)
    down, right = moves["shift"]
    np.testing.assert_array_equal(down != 0, right != 0)  # Both or none.
    assert np.mean(down != 0) == share(p)
    for name, neutral in {"brightness": 0, "contrast": 1, "hue": 0, "saturation": 1}.items():
        assert np.mean(colors[name] != neutral) == share(p / 2)
    assert np.mean(colors["luma_sign"] == -1) == share(p / 4)
    assert np.mean(found["cut"]["value_2"] > 0) == share(0.75 * p)
    # The draws are independent: both happen in p * p / 2 of the images.
    assert np.mean((down != 0) & (colors["hue"] != 0)) == share(p * p / 2)


def test_ada_draws_from_the_distributions_of_the_paper(monkeypatch):
    found = parameters_of(monkeypatch, augment.ADA(cutout=1.0), 1.0, (32, 32))
    moves, colors = found["affine"], found["recolor"]
    for turns in range(4):
        assert np.mean(moves["quarter_turns"] == turns) == share(0.25)
    down, right = moves["whole_shift"]
    for shifts in (down, right):
        np.testing.assert_array_equal(shifts, np.round(shifts))
        assert np.abs(shifts).max() == 4
        assert np.mean(np.abs(shifts) <= 1) == share(3 / 8)  # 3 of the 8 widths of 1.
    deviations = {
        0.2: (np.log2(moves["scale"]), np.log2(moves["stretch"]), colors["brightness"]),
        0.5: (np.log2(colors["contrast"]),),
        1.0: (np.log2(colors["saturation"]),),
        0.125 * 32: moves["shift"],
    }
    for deviation, samples in deviations.items():
        for values in samples:
            assert np.mean(values) == pytest.approx(0, abs=4 * deviation / np.sqrt(NUM_IMAGES))
            assert np.std(values) == pytest.approx(deviation, rel=0.03)
            # The share of a normal distribution within one deviation.
            assert np.mean(np.abs(values) < deviation) == share(0.6827)
    for angles in (moves["first_angle"], moves["last_angle"], colors["hue"]):
        assert np.abs(angles).max() == pytest.approx(np.pi, abs=1e-3)
        assert np.mean(np.abs(angles) < np.pi / 2) == share(0.5)
    top, height = found["cut"]["value_0"], found["cut"]["value_2"]
    np.testing.assert_array_equal(height, 16)
    assert (top.min(), top.max()) == pytest.approx((-8, 24), abs=0.01)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_diffaugment_draws_from_the_ranges_of_the_paper(strength, monkeypatch):
    found = parameters_of(monkeypatch, augment.DiffAugment(), strength)
    ranges = {"brightness": (0, 0.5), "saturation": (1, 1.0), "contrast": (1, 0.5)}
    for name, (center, half) in ranges.items():
        low, high = center - strength * half, center + strength * half
        values = found["jitter_color"][name]
        assert (values.min(), values.max()) == pytest.approx((low, high), abs=1e-3)
        assert np.mean(values < center) == share(0.5)
    for index, side in enumerate(SIDES):
        most = int(strength * side / 8 + 0.5)
        shifts = found["translate"][f"value_{index}"]
        for pixels in (-most, 0, most):
            assert np.mean(shifts == pixels) == share(1 / (2 * most + 1))
        assert np.abs(shifts).max() == most
        length = int(strength * side / 2 + 0.5)
        np.testing.assert_array_equal(found["cut"][f"value_{index + 2}"], length)
        centers = found["cut"][f"value_{index}"] + length // 2
        # The authors' code draws from 0 to `side`, for an even length.
        assert (centers.min(), centers.max()) == (0, side)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("augmentation", [augment.DiffAugment(), augment.ADA(cutout=1.0)])
def test_the_amount_0_changes_nothing_and_1_changes_every_image(augmentation, channels):
    images = np.random.default_rng(0).uniform(-1, 1, (6, 8, 8, channels)).astype("float32")
    np.testing.assert_allclose(augmentation(images, 0.0, draw), images, atol=1e-6)
    changed = np.asarray(augmentation(images, 1.0, draw))
    assert changed.shape == images.shape
    assert (np.abs(changed - images).max(axis=(1, 2, 3)) > 0.1).all()


@pytest.mark.slow
def test_ada_is_the_same_under_xla():
    images = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 3)).astype("float32")
    numbers = tf.constant(np.random.default_rng(1).uniform(0, 1, (4, 31)).astype("float32"))
    ada = augment.ADA(cutout=1.0)

    def transform(images, amount):
        return ada(images, amount, lambda shape: numbers)

    compiled = tf.function(transform, jit_compile=True)(images, tf.constant(0.9))
    np.testing.assert_allclose(compiled, transform(images, 0.9), atol=1e-4)


def test_a_policy_leaves_the_other_transformations_out(monkeypatch):
    colors = augment.DiffAugment(policy=("color",))
    assert set(parameters_of(monkeypatch, colors, 1.0)) == {"jitter_color"}
    moves = augment.ADA(color=0.0)
    assert set(parameters_of(monkeypatch, moves, 1.0)) == {"affine"}
    blit = parameters_of(monkeypatch, augment.ADA(geometry=0.0, color=0.0), 1.0)["affine"]
    assert set(np.unique(blit["scale"])) == {1}


def test_the_probability_rises_above_the_target_and_falls_below_it():
    ada = augment.ADA(target=0.6, ramp_images=1000)
    for mean_sign, expected in [(0.7, 0.55), (0.6, 0.5), (0.5, 0.45), (-1.0, 0.45)]:
        assert float(ada.adapt(0.5, mean_sign, 50)) == pytest.approx(expected)
    assert float(ada.adapt(0.99, 1.0, 50)) == 1.0
    assert float(ada.adapt(0.01, 0.0, 50)) == 0.0


def test_the_defaults_are_those_of_the_paper():
    ada = augment.ADA()
    assert (ada.target, ada.every) == (0.6, 4)
    assert float(ada.adapt(0.25, 1.0, 250_000)) == pytest.approx(0.75)


@pytest.mark.parametrize(
    "augmentation",
    [
        augment.DiffAugment(policy=["cutout"], strength=PolynomialDecay(1.0, 10, 0.5)),
        augment.ADA(target=0.5, every=2, ramp_images=100, color=0.5, cutout=1.0),
        augment.ADA(probability=PolynomialDecay(0.0, 10, 0.5)),
    ],
)
def test_an_augmentation_is_restored_from_its_config(augmentation):
    config = keras.saving.serialize_keras_object(augmentation)
    restored = keras.saving.deserialize_keras_object(config)
    assert type(restored) is type(augmentation)
    assert keras.saving.serialize_keras_object(restored) == config
    if augmentation.amount is not None:
        assert float(restored.amount_at(4)) == float(augmentation.amount_at(4)) != 0.0


def test_get_returns_a_given_augmentation_and_refuses_invalid_ones():
    assert augment.get("none") is None
    ada = augment.ADA()
    assert augment.get(ada) is ada
    with pytest.raises(ValueError, match="Did you mean 'diffaugment'"):
        augment.get("diff_augment")
    invalid = {
        "Did you mean 'color'": lambda: augment.DiffAugment(policy=("colour",)),
        "policy='color'": lambda: augment.DiffAugment(policy="color"),
        "at most 1. Received: strength=2": lambda: augment.DiffAugment(strength=2),
        "probability=-0.1": lambda: augment.ADA(probability=-0.1),
        "target=2": lambda: augment.ADA(target=2),
        "every=0": lambda: augment.ADA(every=0),
        "ramp_images=1.5": lambda: augment.ADA(ramp_images=1.5),
        "cutout=3": lambda: augment.ADA(cutout=3),
    }
    for message, build in invalid.items():
        with pytest.raises(ValueError, match=message):
            build()
