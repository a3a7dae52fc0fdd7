"""Models that are conditioned on a number and on classes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import others_slow

import ganzoo
from ganzoo import registry, sampling
from ganzoo.conditions import Condition
from ganzoo.data import validation

pytestmark = pytest.mark.usefixtures("eager")

COLUMNS = [
    {"name": "age", "mean": 40.0, "std": 20.0, "low": 1.0, "high": 90.0},
    {"name": "gender", "class_names": ["Female", "Male"]},
]
LABELS = {"age": np.linspace(1, 90, 8), "gender": np.arange(8) % 2}
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1), "uint8")
BUILDERS = {
    "cgan": {"base_filters": 2},
    "cgan paper": {"recipe": "paper"},
    "r3gan": {"base_filters": 2},
}


def build(name="cgan", conditions=COLUMNS):
    keras.utils.set_random_seed(1)
    sizes = {"image_shape": (8, 8, 1), "latent_dim": 4, **BUILDERS[name]}
    model_class = registry.get_family(name.split()[0]).load_class()
    return model_class(conditions=conditions, seed=0, **sizes)


@pytest.fixture(scope="module")
def gan():
    return build()


@pytest.mark.parametrize("name", others_slow(BUILDERS, "cgan"))
def test_a_model_trains_and_is_saved_with_its_conditions(name, tmp_path):
    gan = build(name)
    gan.compile(run_eagerly=True)
    before = gan.discriminator.get_weights()
    gan.fit(PIXELS, LABELS, batch_size=4, verbose=0)
    assert all(np.isfinite(w).all() for w in gan.get_weights())
    changed = [np.any(a != b) for a, b in zip(before, gan.discriminator.get_weights(), strict=True)]
    assert all(changed)
    asked = {"labels": {"age": [20, 60], "gender": ["male", "Female"]}, "seed": 3}
    expected = gan.generate(2, **asked)
    gan.save(tmp_path / "a.keras")
    gan.save_to_preset(tmp_path / "preset")
    for path in (tmp_path / "a.keras", tmp_path / "preset"):
        again = ganzoo.load(path)
        assert again.conditions == tuple(Condition.from_fields(fields) for fields in COLUMNS)
        np.testing.assert_array_equal(again.generate(2, **asked), expected)


def test_the_discriminator_projects_features_on_classes_and_standardized_numbers(gan):
    discriminator = gan.discriminator
    images = np.random.default_rng(1).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    age, gender = np.array([1.0, 40, 60, 90, 20], "float32"), np.array([0, 1, 1, 0, 0], "int32")
    features_of = keras.Model(discriminator.inputs[0], discriminator.get_layer("flatten").output)
    features = np.asarray(features_of(images))
    kernel, bias = discriminator.get_layer("any_class").get_weights()
    (projection,) = discriminator.get_layer("projection").get_weights()
    embedding = projection.T[1:][gender] + (age[:, None] - 40) / 20 * projection.T[0]
    expected = features @ kernel[:, 0] + bias + np.sum(features * embedding, axis=1)
    logits = np.asarray(discriminator([images, age, gender]))[:, 0]
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_every_label_changes_the_image_and_missing_ones_are_drawn(gan):
    latents = np.zeros((1, 4))
    base, older, other = (
        gan.decode(latents, {"age": age, "gender": gender})
        for age, gender in ((20, "male"), (60, "male"), (20, "female"))
    )
    assert np.any(base != older)
    assert np.any(base != other)
    age, gender = gan.prepare_condition(2000, {"age": 42}, seed=0)
    assert set(np.asarray(age)) == {42}
    assert abs(np.asarray(gender).mean() - 0.5) < 5 * 0.5 / np.sqrt(2000)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"agee": 3}, "column of labels: 'agee'. Did you mean 'age'"),
        ({"gender": "femal"}, "Did you mean 'Female'"),
        ({"gender": 2}, "from 0 to 1"),
        ({"age": [1, 2, 3]}, r"shape \(3,\)"),
        ("female", "dict with 'age', 'gender'"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, problem, gan):
    with pytest.raises(ValueError, match=problem):
        gan.generate(2, labels=labels)


@pytest.mark.parametrize(
    ("labels", "problem"),
    [
        ({"age": LABELS["age"]}, "Add 'gender'"),
        (LABELS["age"], "dict with 'age', 'gender'"),
        ({**LABELS, "gender": LABELS["gender"] + 1}, "class ids from 0 to 1"),
        ({**LABELS, "age": np.full(8, np.nan)}, "'age' must be finite numbers.*nan"),
        ({**LABELS, "age": LABELS["age"][:5]}, r"'age' must be .*\(8,\).*\(5,\)"),
        ({**LABELS, "age": np.array(["old"] * 8)}, "'age' must be finite numbers"),
        (None, r"needs `\(images, labels\)`"),
    ],
)
@pytest.mark.parametrize("form", ["array", "pipeline"])
def test_training_labels_that_do_not_fit_are_refused(labels, problem, form, gan):
    x, y = PIXELS, labels
    if form == "pipeline":
        x = tf.data.Dataset.from_tensors((PIXELS, labels) if labels is not None else PIXELS)
        y = None
    with pytest.raises(ValueError, match=problem):
        gan.check_data(x, y)


def test_other_columns_of_the_data_are_ignored(gan):
    more = {**LABELS, "other": np.zeros(8)}
    _, labels = validation.check_arrays(PIXELS, more, gan.data_spec())
    real_images, condition = gan.unpack((PIXELS, labels))
    assert real_images.shape == PIXELS.shape
    np.testing.assert_array_equal(condition[1], LABELS["gender"])


def test_half_precision_does_not_round_numbers():
    keras.config.set_dtype_policy("mixed_bfloat16")
    gan = build(conditions=[{"name": "year", "mean": 2000.0, "std": 2.0}])
    standardized = gan.generator.get_layer("standardize").output
    network = keras.Model(gan.generator.inputs, standardized)
    found = network([np.zeros((2, 4), "float32"), np.array([2001.0, 2003.0], "float32")])
    np.testing.assert_array_equal(np.asarray(found)[:, 0], [0.5, 1.5])
    # The labels of one condition may come alone.
    np.testing.assert_array_equal(
        gan.generate(2, labels=2003, seed=0), gan.generate(2, labels={"year": "2003"}, seed=0)
    )


def test_previews_show_all_combinations_in_captioned_columns(gan):
    assert gan.preview_columns == 6
    assert gan.preview_captions == [
        f"age {age}, {gender}" for age in (20, 40, 60) for gender in ("Female", "Male")
    ]
    number, labels = gan.balanced_labels(8)
    assert number == 12
    pixels = gan.preview(8, seed=2)["generated"]
    np.testing.assert_array_equal(pixels, gan.generate(12, labels=labels, seed=2))


def test_walks_pass_through_the_images_of_their_labels(gan):
    walks = ganzoo.interpolate(
        gan, num_rows=2, num_steps=3, labels={"age": [20, 60], "gender": "male"}, seed=1
    )
    latents = np.asarray(gan.sample_latents(4, seed=(1, 0)))[:2]
    for step, age in enumerate((20, 40, 60)):
        expected = gan.decode(latents, {"age": age, "gender": "male"})
        np.testing.assert_array_equal(walks[:, step], expected)


def test_files_of_many_images_have_a_column_for_each_condition(gan, tmp_path):
    labels = {"age": [20, 60], "gender": ["male", "female"]}
    for format in ("npz", "png"):
        sampling.sample(gan, 3, tmp_path / format, format, labels=labels)
    with np.load(tmp_path / "npz" / "block_000000.npz") as arrays:
        assert arrays["age"].tolist() == [20, 60, 20]
        assert arrays["gender"].tolist() == [1, 0, 1]
        pixels = arrays["images"]
    rows = (tmp_path / "png" / "labels.csv").read_text().splitlines()
    assert rows[:2] == ["file,age,gender", "block_000000/0000000000.png,20.0,Male"]
    expected = gan.generate(3, {"age": [20, 60, 20], "gender": [1, 0, 1]}, seed=0)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    # All arguments are checked before anything is written.
    with pytest.raises(ValueError, match="Unknown class"):
        sampling.sample(gan, 3, tmp_path / "x", labels={"gender": ["male", "boy"]})
    assert not (tmp_path / "x").exists()


def test_inversion_finds_the_latents_under_all_labels(gan):
    latents, errors = gan.invert(PIXELS, LABELS, num_steps=2, num_starts=1)
    assert latents.shape == (8, 4)
    assert np.isfinite(errors).all()


def test_one_condition_of_classes_equals_the_number_of_classes():
    one = build(conditions=[COLUMNS[1]])
    assert (one.num_classes, one.class_names) == (2, ["Female", "Male"])
    np.testing.assert_array_equal(
        one.generate(1, labels={"gender": "male"}, seed=0), one.generate(1, labels=1, seed=0)
    )
    assert type(one).from_config(one.get_config()).conditions == one.conditions
