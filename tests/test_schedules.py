"""Test penalty weights, learning rates, betas and decays that change with the step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from keras.optimizers.schedules import CosineDecay, PolynomialDecay

import ganzoo
from ganzoo import schedules


@keras.saving.register_keras_serializable(package="ganzoo_tests")
def halve_every_step(step):
    return 0.5 ** keras.ops.cast(step + 1, "float32")


def scheduled_gan():
    gan = tiny.build_gan(batch_norm=False)
    gan.compile(
        ganzoo.optimizers.Adam(CosineDecay(0.01, 20), beta_1=PolynomialDecay(0.5, 20, 0.9)),
        ganzoo.optimizers.Adam(CosineDecay(0.02, 20), beta_2=PolynomialDecay(0.9, 20, 0.99)),
        regularizer=ganzoo.regularizers.R1(PolynomialDecay(10.0, 20, 1.0)),
        ema_decay=halve_every_step,
    )
    return gan


@pytest.mark.slow
def test_a_resumed_training_with_schedules_equals_an_uninterrupted_one(tmp_path):
    images = tiny.make_images(24)
    keras.utils.set_random_seed(1)
    uninterrupted = scheduled_gan()
    uninterrupted.fit(tf.data.Dataset.from_tensor_slices(images).batch(4), verbose=0)
    keras.utils.set_random_seed(1)
    first = scheduled_gan()
    first.fit(tf.data.Dataset.from_tensor_slices(images[:12]).batch(4), verbose=0)
    first.save(tmp_path / "half.keras")
    resumed = ganzoo.load(tmp_path / "half.keras")
    resumed.fit(tf.data.Dataset.from_tensor_slices(images[12:]).batch(4), verbose=0)
    tiny.assert_equal(resumed.variables, uninterrupted.variables)
    for name in ("regularizer", "ema_decay"):
        assert resumed.get_compile_config()[name] == uninterrupted.get_compile_config()[name]


def test_the_weight_of_a_penalty_follows_its_schedule():
    gradients = np.ones((3, 2, 2, 1), "float32")
    weight = PolynomialDecay(10.0, 20, 1.0)
    scheduled = ganzoo.regularizers.R1(weight)
    for step in (0, 7, 20):
        constant = ganzoo.regularizers.R1(float(weight(step)))
        expected = float(constant.penalty(gradients))
        assert float(scheduled.penalty(gradients, step)) == pytest.approx(expected, rel=1e-6)


def test_the_averaged_weights_follow_the_schedule_of_their_decay():
    gan = tiny.build_gan(batch_norm=False)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), ema_decay=halve_every_step)
    average = tiny.copy_of(gan.ema_generator.weights)
    # These are the decays after the first and the second update of the generator.
    for decay in (0.25, 0.125):
        gan.train_step(tf.constant(tiny.make_images(4)))
        weights = tiny.copy_of(gan.generator.weights)
        average = [decay * a + (1 - decay) * w for a, w in zip(average, weights, strict=True)]
        tiny.assert_close(gan.ema_generator.weights, average)


def test_adam_with_a_scheduled_beta_equals_its_formula_at_every_step():
    gradient, start = np.array([0.3, -2.0], "float32"), np.array([1.0, 1.0], "float32")
    schedule = PolynomialDecay(0.5, 4, 0.9)
    variable = keras.Variable(start)
    optimizer = ganzoo.optimizers.Adam(0.1, beta_1=schedule)
    mean, square, expected = np.zeros(2), np.zeros(2), start.astype("float64")
    for step in range(4):
        optimizer.apply_gradients([(gradient, variable)])
        beta = float(schedule(step))
        mean = beta * mean + (1 - beta) * gradient
        square = 0.999 * square + 0.001 * gradient.astype("float64") ** 2
        corrected = mean / (1 - beta ** (step + 1)), square / (1 - 0.999 ** (step + 1))
        expected = expected - 0.1 * corrected[0] / (np.sqrt(corrected[1]) + 1e-7)
        np.testing.assert_allclose(variable, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: ganzoo.regularizers.R1(lambda step: 1.0), "register_keras_serializable"),
        (lambda: ganzoo.regularizers.R1(CosineDecay(-1.0, 10)), "weight=-1"),
        (lambda: ganzoo.optimizers.Adam(0.1, beta_1=CosineDecay(1.5, 10)), "beta_1=1.5"),
        (
            lambda: ganzoo.optimizers.Adam(0.1, beta_1=CosineDecay(0.5, 10), amsgrad=True),
            "constant betas",
        ),
        (lambda: tiny.build_gan().compile(ema_decay=CosineDecay(2.0, 10)), "ema_decay=2"),
    ],
)
def test_an_invalid_schedule_is_refused(build, named):
    with pytest.raises(ValueError, match=named):
        build()


@pytest.mark.parametrize("value", [0.5, CosineDecay(0.5, 10), halve_every_step])
def test_a_schedule_is_restored_from_its_config(value):
    again = schedules.deserialize(schedules.serialize(value))
    assert float(schedules.value_at(again, 3)) == float(schedules.value_at(value, 3))


def test_a_run_uses_and_stores_the_schedules_of_its_recipe(tmp_path):
    decay = CosineDecay(0.9, 10)
    recipe = ganzoo.training.Recipe(
        "vanilla",
        "sample",
        model={"hidden_units": 8},
        compile={"ema_decay": decay, "generator_optimizer.learning_rate": decay},
        batch_size=8,
        max_steps=1,
        mixed_precision=False,
    )
    ganzoo.train(recipe, tmp_path / "run", verbose=0)
    assert ganzoo.training.read_recipe(tmp_path / "run") == recipe
    gan = ganzoo.load(tmp_path / "run")
    assert gan.ema_decay.get_config() == decay.get_config()
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(float(decay(1)))
