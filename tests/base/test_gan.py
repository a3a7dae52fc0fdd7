"""Test the adversarial training of any two networks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow
from keras import layers
from scipy import special

import ganzoo
from ganzoo.base import train_step
from ganzoo.base.checks import UPDATES

IMAGES = tiny.make_images(12)


def sgd(learning_rate=0.1):
    return keras.optimizers.SGD(learning_rate)


# This GAN is small enough to compute a step by hand. The generator returns w z, and the
# discriminator returns the logit a x + b.

LATENTS = np.array([[1.0], [-0.3], [0.8]], "float32")
REAL = np.array([0.9, 0.2, -0.4], "float32").reshape(3, 1, 1, 1)
W, A, B = 0.5, -0.7, 0.2


class ScalarGAN(ganzoo.LatentGAN):
    """A GAN with one weight in the generator, two in the discriminator, and known latents."""

    def __init__(self):
        scale, logit = layers.Dense(1, use_bias=False), layers.Dense(1)
        generator = keras.Sequential([keras.Input((1,)), scale, layers.Reshape((1, 1, 1))])
        discriminator = keras.Sequential([keras.Input((1, 1, 1)), layers.Flatten(), logit])
        scale.set_weights([np.array([[W]])])
        logit.set_weights([np.array([[A]]), np.array([B])])
        super().__init__(generator, discriminator, seed=0)

    def sample_latents(self, num_latents, seed=None):
        return tf.constant(LATENTS)

    def values(self):
        """Return `[w, a, b]`."""
        weights = [*self.generator.weights, *self.discriminator.weights]
        return [float(value.squeeze()) for value in tiny.copy_of(weights)]


def slope_of_discriminator(w, a, b):
    """Return the derivatives of the discriminator's loss with respect to a and b.

    The loss is `-mean(log D(x)) - mean(log(1 - D(G(z))))`.
    """
    x, fake = REAL.ravel(), w * LATENTS.ravel()
    real_error, fake_error = special.expit(a * x + b) - 1, special.expit(a * fake + b)
    return (
        np.mean(real_error * x) + np.mean(fake_error * fake),
        np.mean(real_error) + np.mean(fake_error),
    )


def slope_of_generator(w, a, b):
    """Return the derivative of the generator's loss, `-mean(log D(G(z)))`, with respect to w."""
    z = LATENTS.ravel()
    return np.mean((special.expit(a * w * z + b) - 1) * a * z)


def test_a_simultaneous_step_computes_both_gradients_before_either_update():
    gan = ScalarGAN()
    gan.compile(sgd(0.3), sgd(0.2), loss="non_saturating", update="simultaneous")
    gan.train_step(tf.constant(REAL))
    by_a, by_b = slope_of_discriminator(W, A, B)
    expected = [W - 0.3 * slope_of_generator(W, A, B), A - 0.2 * by_a, B - 0.2 * by_b]
    np.testing.assert_allclose(gan.values(), expected, rtol=1e-5)


def test_an_alternating_step_updates_the_generator_against_the_new_discriminator():
    gan = ScalarGAN()
    gan.compile(sgd(0.3), sgd(0.2), loss="non_saturating", update="alternating")
    gan.train_step(tf.constant(REAL))
    by_a, by_b = slope_of_discriminator(W, A, B)
    a, b = A - 0.2 * by_a, B - 0.2 * by_b
    expected = [W - 0.3 * slope_of_generator(W, a, b), a, b]
    np.testing.assert_allclose(gan.values(), expected, rtol=1e-5)


@pytest.mark.parametrize("update", UPDATES)
def test_k_discriminator_updates_come_before_the_generator_update(update):
    gan = ScalarGAN()
    gan.compile(sgd(0.3), sgd(0.2), loss="non_saturating", update=update, discriminator_steps=3)
    gan.train_step(tf.constant(np.concatenate([REAL, REAL, REAL])))
    a, b = A, B
    for step in range(3):
        if update == "simultaneous" and step == 2:
            w = W - 0.3 * slope_of_generator(W, a, b)
        by_a, by_b = slope_of_discriminator(W, a, b)
        a, b = a - 0.2 * by_a, b - 0.2 * by_b
    if update == "alternating":
        w = W - 0.3 * slope_of_generator(W, a, b)
    np.testing.assert_allclose(gan.values(), [w, a, b], rtol=1e-5)
    assert int(gan.discriminator_optimizer.iterations) == 3
    assert int(gan.generator_optimizer.iterations) == 1


def test_logged_losses_and_scores_are_those_of_the_step():
    gan = ScalarGAN()
    gan.compile(sgd(), sgd(), loss="non_saturating")
    logs = {name: float(value) for name, value in gan.train_step(tf.constant(REAL)).items()}
    real = special.expit(A * REAL.ravel() + B)
    fake = special.expit(A * W * LATENTS.ravel() + B)
    assert logs == pytest.approx(
        {
            "generator_loss": -np.mean(np.log(fake)),
            "discriminator_loss": -np.mean(np.log(real)) - np.mean(np.log(1 - fake)),
            "real_score": np.mean(real),
            "fake_score": np.mean(fake),
        },
        rel=1e-5,
    )


# Each optimizer must change only its own network.


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("frozen", ["generator", "discriminator"])
def test_a_learning_rate_of_0_leaves_the_network_bit_identical(update, frozen):
    gan = tiny.build_gan()
    trained_network = {"generator": "discriminator", "discriminator": "generator"}[frozen]
    optimizers = {
        f"{frozen}_optimizer": sgd(0.0),
        f"{trained_network}_optimizer": keras.optimizers.Adam(0.1),
    }
    gan.compile(**optimizers, update=update, regularizer="gradient_penalty", discriminator_steps=2)
    networks = {"generator": gan.generator, "discriminator": gan.discriminator}
    kept = tiny.copy_of(networks[frozen].trainable_variables)
    moved = tiny.copy_of(networks[trained_network].trainable_variables)
    for _ in range(2):
        gan.train_step(tf.constant(IMAGES))
    tiny.assert_equal(networks[frozen].trainable_variables, kept)
    assert tiny.differ(networks[trained_network].trainable_variables, moved)


def test_a_discriminator_update_changes_no_generator_weight():
    gan = tiny.build_gan(batch_norm=False)
    gan.compile()
    before = tiny.copy_of([*gan.generator.weights, *gan.ema_generator.weights])
    train_step.update_discriminator(gan, tf.constant(IMAGES), ())
    tiny.assert_equal([*gan.generator.weights, *gan.ema_generator.weights], before)
    assert int(gan.generator_optimizer.iterations) == 0
    assert int(gan.discriminator_optimizer.iterations) == 1


def test_every_draw_gives_new_latents():
    gan = tiny.build_gan()
    first, second = gan.sample_latents(3), gan.sample_latents(3)
    assert first.shape == (3, 4)
    assert not np.any(first.numpy() == second.numpy())


def test_latents_are_standard_normal_or_uniform_from_minus_1_to_1():
    generator, discriminator = tiny.build_generator(), tiny.build_discriminator()
    normal = ganzoo.GAN(generator, discriminator, seed=1).sample_latents(20_000).numpy()
    assert normal.mean() == pytest.approx(0, abs=0.02)
    assert normal.std() == pytest.approx(1, abs=0.02)
    gan = ganzoo.GAN(generator, discriminator, latent_distribution="uniform", seed=1)
    uniform = gan.sample_latents(20_000).numpy()
    assert uniform.mean() == pytest.approx(0, abs=0.02)
    assert uniform.std() == pytest.approx(1 / np.sqrt(3), abs=0.01)
    assert -1 <= uniform.min() < -0.999
    assert 0.999 < uniform.max() < 1


# The following test is about the moving average of the generator.


@pytest.mark.parametrize("ema_decay", [0.0, 0.3, 0.999])
def test_the_moving_average_follows_its_recursion(ema_decay):
    gan = tiny.build_gan()
    gan.compile(sgd(0.5), sgd(0.5), ema_decay=ema_decay)
    averages = [value.astype("float64") for value in tiny.copy_of(gan.generator.weights)]
    tiny.assert_equal(gan.ema_generator.weights, tiny.copy_of(gan.generator.weights))
    for step in range(1, 5):
        gan.train_step(tf.constant(IMAGES))
        decay = min(ema_decay, (1 + step) / (10 + step))
        weights = tiny.copy_of(gan.generator.weights)
        averages = [
            decay * average + (1 - decay) * weight
            for average, weight in zip(averages, weights, strict=True)
        ]
    tiny.assert_close(gan.ema_generator.weights, averages, rtol=1e-4)


# The following tests are about `fit` and `evaluate`.


def fit_twice(**compile_arguments):
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(11)
        gan = tiny.build_gan(seed=None)
        gan.compile(**compile_arguments)
        gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0)
        weights.append(gan.get_weights())
    return weights


@pytest.mark.parametrize("update", others_slow(UPDATES, "alternating"))
def test_the_same_seed_trains_to_bit_identical_weights(update):
    first, second = fit_twice(update=update, regularizer="gradient_penalty")
    tiny.assert_equal(first, second)


def test_fit_logs_four_scalars():
    gan = tiny.build_gan()
    gan.compile()
    history = gan.fit(IMAGES, batch_size=4, epochs=2, verbose=0).history
    names = {"generator_loss", "discriminator_loss", "real_score", "fake_score"}
    assert set(history) == names
    assert all(np.isfinite(values).all() and len(values) == 2 for values in history.values())


@pytest.mark.slow
def test_pixels_floats_and_pipelines_train_to_the_same_weights():
    pixels = ganzoo.images.to_pixels(IMAGES)
    images, labels = np.asarray(ganzoo.images.from_pixels(pixels)), np.arange(12)
    weights = []
    for x, y in [
        (pixels, None),
        (images, None),
        (images, labels),
        (tf.data.Dataset.from_tensor_slices((images, labels)).batch(4), None),
    ]:
        keras.utils.set_random_seed(5)
        gan = tiny.build_gan()
        gan.compile(run_eagerly=True)
        batch_size = None if isinstance(x, tf.data.Dataset) else 4
        gan.fit(x, y, batch_size=batch_size, shuffle=False, verbose=0)
        weights.append(gan.get_weights())
    for other in weights[1:]:
        tiny.assert_equal(weights[0], other)


def test_evaluate_returns_the_logs_and_changes_no_weight():
    gan = tiny.build_gan()
    gan.compile(regularizer="r1")
    before = tiny.copy_of([*gan.trainable_variables, *gan.ema_generator.weights])
    generator_weights = tiny.copy_of(gan.generator.weights)
    logs = gan.evaluate(IMAGES, batch_size=4, verbose=0, return_dict=True)
    assert set(logs) == {"generator_loss", "discriminator_loss", "real_score", "fake_score"}
    tiny.assert_equal([*gan.trainable_variables, *gan.ema_generator.weights], before)
    tiny.assert_equal(gan.generator.weights, generator_weights)
    assert int(gan.generator_optimizer.iterations) == 0
    assert int(gan.discriminator_optimizer.iterations) == 0


@pytest.mark.parametrize("value", others_slow([np.nan, np.inf], "nan"))
def test_a_nan_or_infinite_loss_stops_training_and_names_the_step(value):
    class BreakWeight(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                bias = self.model.discriminator.weights[-1]
                bias.assign(np.full(bias.shape, value))

    gan = tiny.build_gan()
    gan.compile()
    with pytest.raises(FloatingPointError, match=r"step 3: \w+_loss is (nan|inf|-inf)"):
        gan.fit(IMAGES, batch_size=2, epochs=3, callbacks=BreakWeight(), verbose=0)
    assert int(gan.generator_optimizer.iterations) == 3


# The following tests are about `compile`.


def test_compile_without_arguments_uses_the_recommended_settings():
    gan = tiny.build_gan()
    gan.compile()
    recommended = gan.recommended()
    for name in ("generator_optimizer", "discriminator_optimizer"):
        used, wanted = getattr(gan, name), recommended[name]
        assert type(used) is type(wanted)
        # Keras adds a number to each name.
        assert {**used.get_config(), "name": None} == {**wanted.get_config(), "name": None}
    assert gan.adversarial_loss.get_config() == ganzoo.losses.get(recommended["loss"]).get_config()
    assert type(gan.adversarial_loss) is type(ganzoo.losses.get(recommended["loss"]))
    assert gan.regularizer is ganzoo.regularizers.get(recommended["regularizer"])
    for name in ("discriminator_steps", "ema_decay", "update"):
        assert getattr(gan, name) == recommended[name]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"discriminator_steps": 0}, "discriminator_steps=0"),
        ({"discriminator_steps": 1.5}, "discriminator_steps=1.5"),
        ({"ema_decay": 1.0}, "ema_decay=1.0"),
        ({"ema_decay": -0.1}, "ema_decay=-0.1"),
        ({"update": "alternate"}, "Did you mean 'alternating'"),
        ({"loss": "hingy"}, "Did you mean 'hinge'"),
        ({"regularizer": "r3"}, "r1"),
        ({"generator_optimizer": "adamm"}, "adamm"),
    ],
)
def test_invalid_compile_arguments_are_refused_by_name(arguments, named):
    with pytest.raises(ValueError, match=named):
        tiny.build_gan().compile(**arguments)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_one_optimizer_for_both_networks_is_refused(policy):
    keras.config.set_dtype_policy(policy)  # Under float16 `compile` wraps each optimizer.
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="its own optimizer"):
        tiny.build_gan().compile(optimizer, optimizer)


def test_compile_accepts_optimizer_names():
    gan = tiny.build_gan()
    gan.compile("sgd", "adam")
    assert isinstance(gan.generator_optimizer, keras.optimizers.SGD)
    assert isinstance(gan.discriminator_optimizer, keras.optimizers.Adam)


def test_compiling_again_resets_the_optimizers():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    gan.fit(IMAGES, batch_size=4, verbose=0)
    gan.compile(loss="hinge", run_eagerly=True)
    gan.fit(IMAGES, batch_size=4, verbose=0)
    assert int(gan.generator_optimizer.iterations) == 3


# The following tests are about the networks that a GAN accepts.


def test_networks_with_different_image_shapes_are_refused():
    with pytest.raises(ValueError, match=r"\(None, 2, 3, 1\).*\(None, 4, 3, 1\)"):
        ganzoo.GAN(tiny.build_generator((2, 3, 1)), tiny.build_discriminator((4, 3, 1)))


def test_unbuilt_networks_are_refused():
    with pytest.raises(ValueError, match="`discriminator` must be a built Keras model"):
        ganzoo.GAN(tiny.build_generator(), keras.Sequential([layers.Dense(1)]))


def test_subclassed_networks_without_input_shapes_are_refused():
    class SubclassedNetwork(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, images):
            return self.dense(keras.ops.reshape(images, (-1, 6)))

    network = SubclassedNetwork()
    network(np.zeros((1, *tiny.IMAGE_SHAPE), "float32"))
    with pytest.raises(ValueError, match=r"functional or `Sequential`.*keras\.Model\(inputs"):
        ganzoo.GAN(tiny.build_generator(), network)
    inputs = keras.Input(tiny.IMAGE_SHAPE)
    ganzoo.GAN(tiny.build_generator(), keras.Model(inputs, network(inputs)))


@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_a_count_of_epochs_that_is_not_positive_is_refused(epochs):
    gan = tiny.build_gan()
    gan.compile()
    with pytest.raises(ValueError, match=f"`epochs` must be an integer.*epochs={epochs}"):
        gan.fit(IMAGES, epochs=epochs, verbose=0)


class WithoutConfig(layers.Layer):
    def __init__(self, function):
        super().__init__(name="without_config")
        self.function = function

    def call(self, inputs):
        return self.function(inputs)


@pytest.mark.parametrize(
    ("layer", "advice"),
    [
        (lambda: layers.Lambda(lambda x: 2 * x, name="doubles"), "'doubles', a Lambda.*keras.ops"),
        (lambda: WithoutConfig(tf.tanh), "'without_config', a WithoutConfig.*`get_config`"),
        (lambda: layers.Dense(6, activation=lambda x: x, name="d"), "'d', a Dense.*lambda.*named"),
    ],
)
def test_a_generator_that_cannot_be_copied_is_refused_with_the_layer(layer, advice):
    for inner in (layer(), keras.Sequential([keras.Input((6,)), layer()])):
        generator = keras.Sequential(
            [keras.Input((4,)), layers.Dense(6), inner, layers.Reshape(tiny.IMAGE_SHAPE)]
        )
        with pytest.raises(ValueError, match=advice) as error:
            ganzoo.GAN(generator, tiny.build_discriminator())
        assert "\n" not in str(error.value)


def test_an_unknown_latent_distribution_is_refused():
    with pytest.raises(ValueError, match="uniform"):
        tiny.build_gan(latent_distribution="unifrom")


def test_calling_the_model_runs_the_generator():
    gan = tiny.build_gan()
    latents = gan.sample_latents(3)
    np.testing.assert_array_equal(gan(latents), gan.generator(latents))
    assert gan.image_shape == tiny.IMAGE_SHAPE
    assert gan.latent_shape == (4,)


# The following tests are about `generate`.


@pytest.fixture(scope="module")
def trained():
    gan = tiny.build_gan()
    gan.compile(sgd(0.5), sgd(0.5), run_eagerly=True)
    gan.fit(IMAGES, batch_size=4, verbose=0)
    return gan


@pytest.mark.parametrize("batch_size", [1, 3, 7])
def test_generated_images_do_not_depend_on_the_batch_size(trained, batch_size):
    expected = trained.generate(7, seed=5, batch_size=64).astype(int)
    # Rounding may depend on the batch size. It changes a pixel by one level of 255 at most.
    assert abs(trained.generate(7, seed=5, batch_size=batch_size) - expected).max() <= 1


def test_generate_returns_uint8_of_the_image_shape(trained):
    pixels = trained.generate(5, seed=0)
    assert type(pixels) is np.ndarray
    assert pixels.dtype == "uint8"
    assert pixels.shape == (5, *tiny.IMAGE_SHAPE)


def test_generate_depends_only_on_its_seed(trained):
    first = trained.generate(4, seed=1)
    np.testing.assert_array_equal(trained.generate(4, seed=1), first)
    assert np.any(trained.generate(4, seed=2) != first)
    assert np.any(trained.generate(4) != trained.generate(4))


def test_the_first_images_do_not_depend_on_the_number_of_images(trained):
    fewer = trained.generate(5, seed=4).astype(int)
    assert abs(trained.generate(9, seed=4)[:5] - fewer).max() <= 1


def test_generate_does_not_change_the_training_seed(trained):
    before = tiny.copy_of([trained.seed_generator.state])
    trained.generate(3, seed=1)
    tiny.assert_equal([trained.seed_generator.state], before)


def test_generate_uses_the_averaged_weights_by_default(trained):
    latents = trained.sample_latents(4, seed=(9, 0))
    for use_ema, network in ((True, trained.ema_generator), (False, trained.generator)):
        pixels = trained.generate(4, seed=9, use_ema=use_ema)
        expected = ganzoo.images.to_pixels(network(latents, training=False))
        np.testing.assert_array_equal(pixels, expected)
    assert np.any(trained.generate(4, seed=9) != trained.generate(4, seed=9, use_ema=False))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"num_images": 0}, "num_images=0"),
        ({"num_images": -2}, "num_images=-2"),
        ({"num_images": 2, "batch_size": 0}, "batch_size=0"),
        ({"num_images": 2, "labels": [0, 1]}, "2 labels"),
    ],
)
def test_invalid_generate_arguments_are_refused_by_name(trained, arguments, named):
    with pytest.raises(ValueError, match=named):
        trained.generate(**arguments)
