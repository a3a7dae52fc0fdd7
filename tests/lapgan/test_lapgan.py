"""Test the properties that only the LAPGAN has."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow

import ganzoo
from ganzoo import images
from ganzoo.lapgan import pyramid

SIZES = {"base_size": 4, "base_latent_dim": 3, "filters": 4}


def build(num_classes=None, **kwargs):
    """Return a LAPGAN with three levels, whose sides are 4, 8 and 16."""
    keras.utils.set_random_seed(1)
    return ganzoo.LAPGAN((16, 16, 1), num_classes, **{**SIZES, "seed": 0, **kwargs})


@pytest.fixture(scope="module")
def lapgan():
    return build()


@pytest.fixture(scope="module")
def conditional():
    return build(num_classes=3)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((28, 28), ((7, 7), (14, 14), (28, 28))),
        ((32, 32), ((8, 8), (16, 16), (32, 32))),
        ((16, 24), ((8, 12), (16, 24))),
    ],
)
@pytest.mark.parametrize("recipe", others_slow(["default", "paper"], "default"))
def test_levels_have_the_expected_sizes(size, expected, recipe):
    gan = ganzoo.LAPGAN((*size, 3), filters=2, recipe=recipe)
    assert gan.level_sizes == expected
    assert gan.latent_dim == 100 + sum(height * width for height, width in expected[1:])
    levels = gan.generate(2, seed=0, all_levels=True)
    assert [level.shape for level in levels] == [(2, *size, 3) for size in expected]
    assert all(level.dtype == "uint8" for level in levels)
    assert gan.discriminator.output_shape == (None, len(expected))


def test_generation_equals_the_levels_composed_by_hand(lapgan):
    latents = np.random.default_rng(0).normal(size=(5, lapgan.latent_dim)).astype("float32")
    # The latents are the noise of all levels, flattened, from coarse to fine.
    assert lapgan.latent_dim == 3 + 8 * 8 + 16 * 16
    noise_0, noise_1, noise_2 = map(tf.constant, np.split(latents, [3, 3 + 64], axis=1))
    level_0, level_1, level_2 = (lapgan.generator.get_layer(f"level_{i}") for i in range(3))
    made = level_0([noise_0])
    made = level_1([made, tf.reshape(noise_1, (5, 8, 8, 1))])
    made = level_2([made, tf.reshape(noise_2, (5, 16, 16, 1))])
    np.testing.assert_allclose(lapgan(latents), np.clip(made, -1, 1), atol=1e-6)


def test_a_level_adds_its_detail_to_the_low_pass_images(lapgan):
    rng = np.random.default_rng(0)
    coarse = rng.uniform(-1, 1, (2, 4, 4, 1)).astype("float32")
    noise = rng.normal(size=(2, 8, 8, 1)).astype("float32")
    level = lapgan.generator.get_layer("level_1")
    detail = keras.Model(level.inputs, level.get_layer("detail").output)([coarse, noise])
    expected = np.asarray(pyramid.upsample(coarse)) + np.asarray(detail)
    np.testing.assert_allclose(level([coarse, noise]), expected, atol=1e-6)
    assert np.std(detail) > 0


def test_levels_are_trained_on_real_coarse_images(lapgan):
    """Section 3 of the paper never trains a level on generated images of the previous level."""
    batch = tiny.make_images(4, lapgan.image_shape)
    real_levels, condition = lapgan.unpack(tf.constant(batch))
    np.testing.assert_array_equal(real_levels[-1], batch)
    np.testing.assert_allclose(real_levels[1], pyramid.downsample(batch), atol=1e-6)
    latents = lapgan.sample_latents(4, seed=(0, 0))
    fakes = lapgan.synthesize(latents, condition, training=False)
    noise = lapgan.generator.get_layer("level_2_noise")(latents)
    expected = lapgan.generator.get_layer("level_2")([real_levels[1], noise])
    np.testing.assert_allclose(fakes[2], expected, atol=1e-6)
    assert [fake.shape for fake in fakes] == [level.shape for level in real_levels]


def test_the_discriminator_returns_a_logit_for_every_level(lapgan):
    batch = tiny.make_images(4, lapgan.image_shape)
    real_levels, condition = lapgan.unpack(tf.constant(batch))
    apart = lapgan.discriminate(real_levels, condition, training=False)
    together = lapgan.discriminator(batch, training=False)
    np.testing.assert_allclose(together, np.concatenate(apart, axis=1), rtol=1e-4, atol=1e-5)


def level_weights(gan, index):
    """Return the trainable weights of a level, of both networks."""
    networks = gan.generator, gan.discriminator
    return [w for n in networks for w in n.get_layer(f"level_{index}").trainable_weights]


def train(gan, batch, **kwargs):
    gan.compile(
        keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.01), run_eagerly=True, **kwargs
    )
    return gan.fit(batch, batch_size=len(batch), epochs=2, shuffle=False, verbose=0).history


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", others_slow(["none", "r1"], "r1"))
def test_levels_learn_independently_of_each_other(regularizer):
    """Other initial weights of one level must not change the training of the other levels."""
    batch = tiny.make_images(4, (16, 16, 1))
    left, right = build(), build()
    left.set_weights(right.get_weights())
    for weight in level_weights(right, 1):
        weight.assign(2.0 * weight + 0.1)
    train(left, batch, regularizer=regularizer)
    train(right, batch, regularizer=regularizer)
    for index in (0, 2):
        tiny.assert_equal(level_weights(left, index), level_weights(right, index))
    assert tiny.differ(level_weights(left, 1), level_weights(right, 1))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_the_loss_of_a_level_has_gradients_only_in_that_level(lapgan, index):
    real_levels, condition = lapgan.unpack(tf.constant(tiny.make_images(4, (16, 16, 1))))
    lapgan.compile()
    with tf.GradientTape(persistent=True) as tape:
        fakes = lapgan.synthesize(lapgan.sample_latents(4, seed=(0, 0)), condition)
        losses, _, fake_logits = lapgan.discriminator_loss(real_levels, fakes, condition)
        generator_loss = -tf.reduce_mean(fake_logits[index])
        discriminator_loss = losses[index]
    for network, loss in [
        (lapgan.generator, generator_loss),
        (lapgan.discriminator, discriminator_loss),
    ]:
        weights = network.trainable_weights
        gradients = tape.gradient(loss, weights)
        own = {id(weight) for weight in network.get_layer(f"level_{index}").trainable_weights}
        moved = {
            id(weight)
            for weight, gradient in zip(weights, gradients, strict=True)
            if gradient is not None and np.any(gradient)
        }
        assert moved
        assert moved <= own


@pytest.mark.slow
@pytest.mark.parametrize("update", others_slow(["simultaneous", "alternating"], "simultaneous"))
def test_logs_are_sums_and_means_of_the_logs_of_all_levels(update):
    gan = build()
    history = train(
        gan, tiny.make_images(8, (16, 16, 1)), regularizer="r1", update=update, loss="hinge"
    )
    for name in ("generator_loss", "discriminator_loss"):
        total = sum(history[f"level_{i}_{name}"][-1] for i in range(3))
        assert history[name][-1] == pytest.approx(total, rel=1e-5)
    for name in ("real_score", "fake_score"):
        mean = np.mean([history[f"level_{i}_{name}"][-1] for i in range(3)])
        assert history[name][-1] == pytest.approx(mean, rel=1e-5)
    logs = gan.evaluate(tiny.make_images(4, (16, 16, 1)), verbose=0, return_dict=True)
    assert "level_2_fake_score" in logs


@pytest.mark.parametrize(
    ("loss", "regularizer"),
    [
        ("relativistic", "r1_r2"),
        *(pytest.param(loss, "none", marks=pytest.mark.slow) for loss in ganzoo.losses.LOSSES),
        *(
            pytest.param("non_saturating", regularizer, marks=pytest.mark.slow)
            for regularizer in ganzoo.regularizers.REGULARIZERS
        ),
    ],
)
def test_every_loss_and_regularizer_trains_one_step(loss, regularizer):
    gan = ganzoo.LAPGAN((8, 8, 1), num_classes=2, **{**SIZES, "filters": 2}, seed=0)
    gan.compile(loss=loss, regularizer=regularizer, run_eagerly=True)
    labels = np.array([0, 1, 1, 0])
    history = gan.fit(tiny.make_images(4, (8, 8, 1)), labels, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())


def test_generation_continues_from_given_coarse_images(lapgan):
    whole = lapgan.generate(5, seed=3, all_levels=True)
    for start in (0, 1):
        again = lapgan.generate(
            5, seed=3, coarse_images=whole[start], all_levels=True, batch_size=2
        )
        assert [a.shape for a in again] == [w.shape for w in whole[start:]]
        np.testing.assert_array_equal(again[0], whole[start])
        # The given images were rounded to pixels. Batch normalization may magnify the rounding.
        assert np.abs(again[-1].astype(int) - whole[-1]).max() <= 3


def test_coarse_images_may_be_floats_or_pixels(lapgan):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), "uint8")
    np.testing.assert_array_equal(
        lapgan.generate(2, seed=0, coarse_images=pixels),
        lapgan.generate(2, seed=0, coarse_images=np.asarray(images.from_pixels(pixels))),
    )


def test_one_coarse_image_is_continued_in_several_ways(lapgan):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 1), "uint8")
    finished = lapgan.generate(3, seed=0, coarse_images=pixels)
    assert finished.shape == (3, 16, 16, 1)
    assert not np.array_equal(finished[0], finished[1])


@pytest.mark.parametrize("level", [0, 1])
def test_real_images_are_downsampled_to_the_level_to_continue_from(lapgan, level):
    real_images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype("float32")
    coarse = np.asarray(pyramid.gaussian_pyramid(real_images, 3)[level])
    np.testing.assert_array_equal(
        lapgan.generate(2, seed=0, coarse_images=real_images, level=level),
        lapgan.generate(2, seed=0, coarse_images=coarse),
    )


@pytest.mark.parametrize(("side", "level"), [(4, 1), (16, 2), (16, None), (8, -1), (None, 0)])
def test_levels_that_generation_cannot_continue_from_are_refused(lapgan, side, level):
    coarse_images = None if side is None else np.zeros((1, side, side, 1), "uint8")
    with pytest.raises(ValueError, match=r"`level` .* Received: level=") as error:
        lapgan.generate(1, coarse_images=coarse_images, level=level)
    assert f"level={2 if level is None else level}" in str(error.value)


@pytest.mark.parametrize("shape", [(5, 12, 12, 1), (5, 8, 8, 3), (4, 8, 8, 1), (8, 8, 1)])
def test_coarse_images_of_wrong_shapes_are_refused(lapgan, shape):
    with pytest.raises(ValueError, match=r"one or 5 images .* Received: shape") as error:
        lapgan.generate(5, coarse_images=np.zeros(shape, "uint8"))
    assert str(shape) in str(error.value)


def test_coarse_images_out_of_range_are_refused(lapgan):
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        lapgan.generate(1, coarse_images=np.full((1, 8, 8, 1), 200.0))


def test_a_preview_shows_every_level(lapgan, conditional):
    preview = lapgan.preview(4, seed=2)
    assert list(preview) == ["generated", "level_0", "level_1"]
    for name, expected in zip(
        ["level_0", "level_1", "generated"],
        lapgan.generate(4, seed=2, all_levels=True),
        strict=True,
    ):
        np.testing.assert_array_equal(preview[name], expected)
    assert [len(pixels) for pixels in conditional.preview(4, seed=2).values()] == [6, 6, 6]


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_the_class_reaches_every_level_of_both_networks(recipe):
    gan = build(num_classes=3, recipe=recipe)
    batch = tiny.make_images(2, (16, 16, 1))
    real_levels, _ = gan.unpack((tf.constant(batch), tf.constant([0, 0])))
    latents = gan.sample_latents(2, seed=(0, 0))
    made, logits = [], []
    for labels in ([0, 0], [1, 2]):
        _, condition = gan.unpack((tf.constant(batch), tf.constant(labels)))
        made.append(gan.synthesize(latents, condition, training=False))
        logits.append(gan.discriminate(real_levels, condition, training=False))
    for one, other in [*zip(*made, strict=True), *zip(*logits, strict=True)]:
        assert np.all(np.max(np.abs(one - other).reshape(2, -1), axis=1) > 0)


@pytest.mark.parametrize(
    ("recipe", "network", "channels"),
    [("default", "generator", 3), ("paper", "generator", 3), ("paper", "discriminator", 2)],
)
def test_the_class_is_a_learned_channel_beside_the_images(recipe, network, channels):
    level = getattr(build(num_classes=3, recipe=recipe), network).get_layer("level_2")
    plane = keras.Model(level.inputs, level.get_layer("class_reshape").output)
    rows, bias = level.get_layer("class_plane").get_weights()
    inputs = [np.zeros((3, *tensor.shape[1:]), "float32") for tensor in level.inputs[:-1]]
    shown = plane([*inputs, np.array([2, 0, 1], "int32")])
    expected = (rows[[2, 0, 1]] + bias).reshape(3, 16, 16, 1)
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    assert level.get_layer("join").output.shape == (None, 16, 16, channels)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_discriminator_projects_its_features_on_the_class(conditional, index):
    level = conditional.discriminator.get_layer(f"level_{index}")
    real_images = tiny.make_images(4, level.inputs[0].shape[1:])
    features = keras.Model(level.inputs[0], level.get_layer("flatten").output)(real_images)
    rows = level.get_layer("projection").get_weights()[0].T
    one, other = np.array([0, 1, 2, 2]), np.array([2, 0, 0, 2])
    apart = level([real_images, one]) - level([real_images, other])
    expected = np.sum(features * (rows[one] - rows[other]), axis=1, keepdims=True)
    np.testing.assert_allclose(apart, expected, atol=1e-5)
    assert np.all(apart[:3] != 0)


@pytest.mark.parametrize(("recipe", "noise"), [("default", 0.1), ("paper", 0.0)])
def test_noise_is_added_to_coarse_images_only_in_training(recipe, noise):
    gan = build(recipe=recipe)
    for weight in gan.generator.get_layer("level_2").get_layer("detail").weights:
        weight.assign(tf.zeros_like(weight))  # Without detail, the low-pass images remain.
    real_levels, condition = gan.unpack(tf.constant(tiny.make_images(64, gan.image_shape)))
    low_pass = np.asarray(pyramid.upsample(real_levels[1]))
    latents = gan.sample_latents(64, seed=(0, 0))
    once, again = (gan.synthesize(latents, condition)[2] - low_pass for _ in range(2))
    unit = pyramid.upsample(np.random.default_rng(0).normal(size=(64, 8, 8, 1)))
    assert np.std(once) == pytest.approx(noise * np.std(unit), rel=0.1, abs=1e-6)
    assert np.allclose(once, again, atol=1e-6) == (recipe == "paper")
    shown = gan.synthesize(latents, condition, training=False)[2]
    np.testing.assert_allclose(shown, low_pass, atol=1e-6)


def statistics(network, level="level_1", norm="down_norm"):
    """Return the moving mean and variance of a normalization in one level."""
    layer = network.get_layer(level).get_layer(norm)
    return np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)


@pytest.mark.slow
def test_recalibration_uses_samples_of_the_averaged_generator():
    gan = build(base_latent_dim=16)
    gan.compile()
    # Real images are all white, but generated images are not.
    _, condition = gan.unpack(tf.ones((256, 16, 16, 1)))
    trained = gan.get_weights()
    # After 60 updates the initial statistics have a weight of 0.9**60 = 0.002.
    for _ in range(60):
        gan.recalibrate_ema_batch_norm(condition)
    latents = gan.sample_latents(4000, seed=(0, 0))
    noises = [gan.ema_generator.get_layer(f"level_{i}_noise")(latents) for i in range(2)]
    coarse = gan.ema_generator.get_layer("level_0")(noises[0])
    level = gan.ema_generator.get_layer("level_1")
    features = keras.Model(level.inputs, level.get_layer("down_conv").output)([coarse, noises[1]])
    mean, variance = statistics(gan.ema_generator)
    deviation = np.std(features, axis=(0, 1, 2))
    np.testing.assert_allclose(mean, np.mean(features, axis=(0, 1, 2)), atol=0.1 * deviation.min())
    np.testing.assert_allclose(variance, deviation**2, rtol=0.1)
    # Nothing else has changed, except the seed of the latents.
    changed = [
        weight.path
        for weight, old in zip(gan.weights, trained, strict=True)
        if np.any(np.asarray(weight) != old)
    ]
    assert changed
    assert all("moving" in path or "seed" in path for path in changed)
    tiny.assert_equal(statistics(gan.generator), (np.zeros(4), np.ones(4)))


@pytest.mark.slow
def test_statistics_are_recalibrated_every_fourth_step_and_not_averaged():
    gan = build()
    gan.compile(run_eagerly=True, ema_decay=0.0)
    batch = tiny.make_images(4, (16, 16, 1))
    gan.fit(batch, batch_size=4, epochs=3, verbose=0)
    tiny.assert_equal(statistics(gan.ema_generator), (np.zeros(4), np.ones(4)))
    gan.fit(batch, batch_size=4, verbose=0)
    assert tiny.differ(statistics(gan.ema_generator), (np.zeros(4), np.ones(4)))
    assert tiny.differ(statistics(gan.ema_generator), statistics(gan.generator))
    tiny.assert_equal(
        gan.ema_generator.get_layer("level_1").get_layer("detail").get_weights(),
        gan.generator.get_layer("level_1").get_layer("detail").get_weights(),
    )


def test_generate_accepts_one_label_a_list_of_labels_or_none(conditional):
    np.testing.assert_array_equal(
        conditional.generate(3, labels=1, seed=0), conditional.generate(3, labels=[1] * 3, seed=0)
    )
    assert conditional.generate(3, seed=0).shape == (3, 16, 16, 1)
    with pytest.raises(ValueError, match="from 0 to 2"):
        conditional.generate(2, labels=[0, 3])


def test_a_model_without_classes_refuses_labels_in_generate_and_ignores_them_in_fit(lapgan):
    with pytest.raises(ValueError, match="not conditioned"):
        lapgan.generate(2, labels=[0, 1])
    gan = build()
    gan.compile(run_eagerly=True)
    gan.fit(tiny.make_images(4, (16, 16, 1)), np.zeros(4, "int32"), verbose=0)


def test_a_model_with_classes_needs_labels_for_training():
    gan = build(num_classes=3)
    gan.compile(run_eagerly=True)
    with pytest.raises(ValueError, match="images, labels"):
        gan.fit(tiny.make_images(4, (16, 16, 1)), verbose=0)
    gan.fit(tiny.make_images(4, (16, 16, 1)), np.array([0, 1, 2, 1]), verbose=0)


@pytest.mark.slow
def test_a_loaded_conditional_model_generates_the_same_images(conditional, tmp_path):
    conditional.save_to_preset(tmp_path / "mine")
    restored = ganzoo.from_preset(tmp_path / "mine")
    labels = [0, 1, 2]
    np.testing.assert_array_equal(
        conditional.generate(3, labels=labels, seed=0), restored.generate(3, labels=labels, seed=0)
    )


def test_the_paper_recipe_has_the_layers_and_settings_of_the_paper():
    gan = ganzoo.LAPGAN((32, 32, 3), recipe="paper")
    generator, discriminator = (
        network.get_layer("level_2") for network in (gan.generator, gan.discriminator)
    )
    kernels = [w.shape for w in generator.trainable_weights if len(w.shape) == 4]
    assert kernels == [(7, 7, 4, 64), (7, 7, 64, 64), (5, 5, 64, 3)]
    kernels = [w.shape for w in discriminator.trainable_weights if len(w.shape) == 4]
    assert kernels == [(5, 5, 3, 64), (5, 5, 64, 64)]
    assert discriminator.get_layer("conv_1").strides == (2, 2)
    for network, units in [(gan.generator, 1200), (gan.discriminator, 600)]:
        level = network.get_layer("level_0")
        assert [level.get_layer(f"dense_{i}").units for i in range(2)] == [units] * 2
    recipe = gan.recommended()
    optimizer = recipe["generator_optimizer"]
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
    assert float(optimizer.momentum_at(0)) == 0.5
    assert float(optimizer.momentum_at(10**6)) == pytest.approx(0.7)
    assert recipe["ema_decay"] == 0.0


@pytest.mark.parametrize(
    ("image_shape", "arguments", "message"),
    [
        ((32, 32), {}, r"height, width, channels.*\(32, 32\)"),
        ((32, 32, 5), {}, r"1 to 4 channels.*\(32, 32, 5\)"),
        ((30, 30, 1), {}, "Received: 30x30.*Choose 28x28 or 32x32"),
        ((28, 34, 1), {}, "Received: 28x34.*Choose 28x32 or 28x36"),
        ((8, 8, 1), {}, "base_size=8.*Choose 10x10 or 12x12"),
        ((32, 32, 1), {"base_size": 2}, "base_size=2"),
        ((32, 32, 1), {"num_classes": 1}, "num_classes=1"),
        ((32, 32, 1), {"base_latent_dim": 0}, "base_latent_dim=0"),
        ((32, 32, 1), {"filters": 1}, "filters=1"),
        ((32, 32, 1), {"recipe": "best"}, "best"),
    ],
)
def test_invalid_arguments_are_refused_by_name(image_shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        ganzoo.LAPGAN(image_shape, **arguments)
