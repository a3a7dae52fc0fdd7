"""Test gradient penalties with discriminators whose gradient is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from keras import layers

import ganzoo
from ganzoo import regularizers
from ganzoo.layers import BatchNormalization

REAL = tiny.make_images(5, seed=1)
FAKE = -0.5 * tiny.make_images(5, seed=2)
UNIFORM = np.random.default_rng(3).uniform(0, 1, REAL.shape).astype("float32")
SHARE = UNIFORM[::-1, :1, :1, :1]


def draw_known_numbers(shape, *_):
    """Return known numbers instead of random ones: one per value, or one per image."""
    return tf.constant(UNIFORM if tuple(map(int, shape)) == REAL.shape else SHARE)


@keras.saving.register_keras_serializable(package="ganzoo_tests")
class HalfSquare(layers.Layer):
    """Compute `a * |x|**2 / 2`, whose gradient is `a * x`."""

    def build(self, input_shape):
        self.a = self.add_weight(shape=(), initializer=keras.initializers.Constant(3.0))

    def call(self, inputs):
        squares = keras.ops.square(keras.ops.reshape(inputs, (-1, 6)))
        return 0.5 * self.a * keras.ops.sum(squares, axis=1, keepdims=True)


def build_gan(*discriminator_layers):
    discriminator = keras.Sequential([keras.Input(tiny.IMAGE_SHAPE), *discriminator_layers])
    return ganzoo.GAN(tiny.build_generator(), discriminator, seed=0)


def norms_of(images):
    return np.sqrt(np.sum(images.reshape(len(images), -1).astype("float64") ** 2, axis=1))


def penalty_of(gan, regularizer):
    gan.compile(regularizer=regularizer)
    return float(gan.penalty(tf.constant(REAL), tf.constant(FAKE), ()))


def test_gradient_penalty_and_dragan_of_a_linear_discriminator_follow_from_its_weights():
    dense = layers.Dense(1)
    gan = build_gan(layers.Flatten(), dense)
    slope = np.array([0.5, -1.0, 2.0, 0.0, 1.0, -3.0])
    dense.set_weights([slope[:, None], np.array([0.7])])
    expected = 2.5 * (np.linalg.norm(slope) - 1) ** 2
    for regularizer in (regularizers.GradientPenalty(2.5), regularizers.DRAGAN(2.5)):
        assert penalty_of(gan, regularizer) == pytest.approx(expected, rel=1e-5)


def test_r1_of_a_linear_discriminator_is_half_the_squared_norm_of_its_weights():
    dense = layers.Dense(1)
    gan = build_gan(layers.Flatten(), dense)
    slope = np.array([0.5, -1.0, 2.0, 0.0, 1.0, -3.0])
    dense.set_weights([slope[:, None], np.array([0.7])])
    expected = 4.0 / 2 * np.sum(slope**2)
    assert penalty_of(gan, regularizers.R1(4.0)) == pytest.approx(expected, rel=1e-5)
    assert penalty_of(gan, regularizers.R1R2(4.0)) == pytest.approx(2 * expected, rel=1e-5)


def test_r1_penalizes_gradients_at_real_images_and_r2_at_fake_ones():
    gan = build_gan(HalfSquare())
    real = 10 / 2 * np.mean((3 * norms_of(REAL)) ** 2)
    fake = 10 / 2 * np.mean((3 * norms_of(FAKE)) ** 2)
    assert penalty_of(gan, "r1") == pytest.approx(real, rel=1e-5)
    assert penalty_of(gan, "r1_r2") == pytest.approx(real + fake, rel=1e-5)


@pytest.mark.parametrize("name", ["gradient_penalty", "dragan"])
def test_gradient_penalty_and_dragan_of_a_quadratic_discriminator_equal_their_formulas(
    name, monkeypatch
):
    gan = build_gan(HalfSquare())
    monkeypatch.setattr(tf.random, "stateless_uniform", draw_known_numbers)
    if name == "gradient_penalty":
        points = SHARE * REAL + (1 - SHARE) * FAKE
    else:
        # The authors' code has X + alpha * (X_p - X) with X_p = X + 0.5 * X.std() * uniform.
        points = REAL + SHARE * (0.5 * REAL.std() * UNIFORM)
    expected = 10 * np.mean((3 * norms_of(points) - 1) ** 2)
    assert penalty_of(gan, name) == pytest.approx(expected, rel=1e-5)


def test_gradient_penalty_points_lie_between_a_real_and_a_fake_image():
    (points,) = regularizers.GradientPenalty().points(REAL, FAKE, draw_known_numbers)
    share = (np.asarray(points) - FAKE) / (REAL - FAKE)
    # All pixels of an image have the same share.
    for image, expected in zip(share, SHARE[:, 0, 0, 0], strict=True):
        np.testing.assert_allclose(image, expected, atol=1e-4)


def test_dragan_points_are_real_images_with_noise():
    (points,) = regularizers.DRAGAN().points(REAL, FAKE, draw_known_numbers)
    distances = np.asarray(points) - REAL
    assert distances.min() >= 0
    assert distances.max() <= 0.5 * REAL.std()
    # Each pixel has its own noise.
    assert len(np.unique(distances.round(5))) > REAL.size // 2


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("name", regularizers.REGULARIZERS)
def test_the_gradient_with_respect_to_the_weights_matches_finite_differences(name, normalized):
    """Keras's batch normalization omits a part of the second derivative. Ours must not."""
    dense = layers.Dense(3)
    norm = [BatchNormalization()] if normalized else []
    gan = build_gan(layers.Flatten(), dense, *norm, layers.Activation("softplus"), layers.Dense(1))
    gan.compile(regularizer=name)

    def penalty():
        # Every call uses the same random points.
        gan.seed_generator.state.assign(np.array([5, 6], gan.seed_generator.state.dtype))
        return gan.penalty(tf.constant(REAL), tf.constant(FAKE), ())

    with tf.GradientTape() as tape:
        value = penalty()
    kernel = gan.discriminator.trainable_variables[0]
    gradient = tape.gradient(value, kernel).numpy()
    before, step = kernel.numpy(), 1e-2
    for index in [(0, 0), (4, 2), (5, 1)]:
        moved = np.zeros_like(before)
        moved[index] = step
        kernel.assign(before + moved)
        up = float(penalty())
        kernel.assign(before - moved)
        down = float(penalty())
        assert gradient[index] == pytest.approx((up - down) / (2 * step), rel=2e-2, abs=1e-3)


@pytest.mark.parametrize("name", ["gradient_penalty", "dragan"])
def test_a_constant_discriminator_has_a_finite_gradient(name):
    dense = layers.Dense(1, kernel_initializer="zeros")
    gan = build_gan(layers.Flatten(), dense)
    gan.compile(regularizer=name)
    with tf.GradientTape() as tape:
        value = gan.penalty(tf.constant(REAL), tf.constant(FAKE), ())
    assert float(value) == pytest.approx(10.0, rel=1e-4)  # The penalty is 10 * (0 - 1)**2.
    assert np.all(np.isfinite(tape.gradient(value, dense.kernel)))


def test_the_penalty_is_added_only_to_the_discriminator_loss():
    outcomes = {}
    for regularizer in ("none", "r1"):
        keras.utils.set_random_seed(1)
        gan = build_gan(HalfSquare())
        gan.compile(regularizer=regularizer)
        outcomes[regularizer] = gan.train_step(tf.constant(REAL))
    added = outcomes["r1"]["discriminator_loss"] - outcomes["none"]["discriminator_loss"]
    assert float(added) == pytest.approx(5 * np.mean((3 * norms_of(REAL)) ** 2), rel=1e-5)
    assert float(outcomes["r1"]["generator_loss"]) == float(outcomes["none"]["generator_loss"])


def test_a_penalty_at_every_third_step_has_three_times_the_weight():
    """The penalty applies at steps 0 and 3 of six. The optimizer does not change the weights."""
    always, lazy = build_gan(HalfSquare()), build_gan(HalfSquare())
    for gan, every in ((always, 1), (lazy, 3)):
        still = keras.optimizers.SGD(0.0)
        gan.compile(regularizer=regularizers.R1(every=every), discriminator_optimizer=still)

    def penalties(gan):
        for _ in range(6):
            images = tf.constant(REAL), tf.constant(FAKE)
            yield float(gan.lazy_penalty(*images, ()))
            gan.discriminator_optimizer.iterations.assign_add(1)

    whole = penalty_of(build_gan(HalfSquare()), "r1")
    assert list(penalties(always)) == pytest.approx([whole] * 6)
    assert list(penalties(lazy)) == pytest.approx([3 * whole, 0, 0, 3 * whole, 0, 0])


def test_a_lazy_penalty_updates_the_discriminator_in_a_compiled_step():
    """Its gradient passes through a condition. A step with three times the weight has none."""
    moved = []
    for regularizer in (regularizers.R1(1.0, every=3), regularizers.R1(3.0)):
        keras.utils.set_random_seed(1)
        gan = build_gan(layers.Flatten(), layers.Dense(3, activation="softplus"), layers.Dense(1))
        gan.compile(regularizer=regularizer, discriminator_optimizer=keras.optimizers.SGD(0.1))
        gan.fit(REAL, batch_size=len(REAL), verbose=0)
        moved.append(np.concatenate([w.ravel() for w in gan.discriminator.get_weights()]))
    np.testing.assert_allclose(*moved, rtol=1e-5)


def test_get_returns_a_given_regularizer_and_refuses_invalid_ones():
    assert regularizers.get("none") is None
    r1 = regularizers.R1(3.0)
    assert regularizers.get(r1) is r1
    with pytest.raises(ValueError, match="Did you mean 'r1_r2'"):
        regularizers.get("r1r2")
    with pytest.raises(ValueError, match="weight=-1"):
        regularizers.R1(-1)
    with pytest.raises(ValueError, match="every=0"):
        regularizers.R1(every=0)


@pytest.mark.parametrize("name", regularizers.REGULARIZERS)
def test_a_regularizer_is_restored_from_its_config(name):
    regularizer = regularizers.REGULARIZERS[name](weight=0.25, every=4)
    config = keras.saving.serialize_keras_object(regularizer)
    restored = keras.saving.deserialize_keras_object(config)
    assert type(restored) is type(regularizer)
    assert (restored.weight, restored.every) == (0.25, 4)


def test_a_penalty_through_leaky_relu_equals_that_of_keras_without_tracing_zeros():
    """The gradient of the penalty by the weights is that of `keras.layers.LeakyReLU`."""
    gradients, traced = [], []
    for leaky_relu in (layers.LeakyReLU(0.2), ganzoo.layers.leaky_relu("ours")):
        keras.utils.set_random_seed(0)
        gan = build_gan(layers.Flatten(), layers.Dense(8), leaky_relu, layers.Dense(1))
        gan.compile(regularizer="r1_r2")
        kernels = [v for v in gan.discriminator.trainable_variables if v.name == "kernel"]
        with tf.GradientTape() as tape:
            penalty = gan.penalty(tf.constant(REAL), tf.constant(FAKE), ())
        gradients.append(tape.gradient(penalty, [kernel.value for kernel in kernels]))
        x = tf.constant([-2.0, 3.0])
        with tf.GradientTape() as outer, tf.GradientTape() as inner:
            outer.watch(x)
            inner.watch(x)
            slopes = inner.gradient(leaky_relu(x), x)
        np.testing.assert_allclose(slopes, [0.2, 1.0])
        traced.append(outer.gradient(slopes, x))
    assert np.abs(gradients[0][0]).max() > 0.01
    for theirs, ours in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert np.asarray(traced[0]).tolist() == [0.0, 0.0]
    assert traced[1] is None
