"""Test augmentation in the training step: where it applies, how it adapts, and its state."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from keras import layers

import ganzoo
from ganzoo import augment, registry
from ganzoo.base.adaptive import AdaptiveAmount


@keras.saving.register_keras_serializable(package="ganzoo_tests")
class Double(augment.Augmentation):
    """Multiply images by 2, which a discriminator can do, too."""

    def __init__(self):
        super().__init__(amount=1.0)

    def __call__(self, images, amount, draw):
        return 2.0 * images

    def get_config(self):
        return {}


def sgd():
    return [keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1)]


@pytest.mark.parametrize("regularizer", ["r1_r2", "gradient_penalty"])
@pytest.mark.parametrize("update", ["simultaneous", "alternating"])
def test_a_step_equals_one_with_the_augmentation_inside_of_the_discriminator(update, regularizer):
    """Thus real and fake images are augmented for both networks, and penalties pass through it."""
    weights = []
    for inside in (True, False):
        keras.utils.set_random_seed(1)
        generator = tiny.build_generator(batch_norm=False)
        first = [layers.Rescaling(2.0)] if inside else []
        discriminator = keras.Sequential(
            [
                keras.Input(tiny.IMAGE_SHAPE),
                *first,
                layers.Flatten(),
                layers.Dense(6, activation="softplus"),
                layers.Dense(1),
            ]
        )
        gan = ganzoo.GAN(generator, discriminator, seed=3)
        gan.compile(
            *sgd(),
            loss="relativistic",
            regularizer=regularizer,
            update=update,
            augment="none" if inside else Double(),
            discriminator_steps=2,
        )
        before = tiny.copy_of(gan.trainable_variables)
        gan.train_step(tf.constant(tiny.make_images(8)))
        assert tiny.differ(before, gan.trainable_variables)
        weights.append(gan.weights)
    tiny.assert_close(*weights, rtol=1e-4)


def test_evaluation_and_generated_images_are_not_augmented():
    figures, pixels = [], []
    for augmentation in ("none", augment.DiffAugment()):
        keras.utils.set_random_seed(1)
        gan = tiny.build_gan()
        gan.compile(augment=augmentation)
        figures.append(gan.evaluate(tiny.make_images(8), verbose=0, return_dict=True))
        pixels.append(gan.generate(4, seed=0))
    assert figures[0] == figures[1]
    np.testing.assert_array_equal(*pixels)


def build_with_logit(logit, **arguments):
    """Return a GAN whose discriminator gives every image the same logit."""
    images = keras.Input(tiny.IMAGE_SHAPE)
    logits = layers.Dense(
        1, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(logit)
    )(layers.Flatten()(images))
    gan = ganzoo.GAN(tiny.build_generator(), keras.Model(images, logits), seed=0)
    still = keras.optimizers.SGD(0.0)
    gan.compile(discriminator_optimizer=still, run_eagerly=True, **arguments)
    return gan


# Fast, because it has one transformation.
CUTOUT = {"blit": 0.0, "geometry": 0.0, "color": 0.0, "cutout": 1.0}


def test_the_probability_rises_at_every_fourth_step_while_the_discriminator_is_sure():
    gan = build_with_logit(3.0, augment=augment.ADA(ramp_images=1000, **CUTOUT))
    images = tf.constant(tiny.make_images(8))

    def probabilities(count):
        for _ in range(count):
            gan.train_step(images)
            yield float(gan.augment_amounts()[0])

    expected = [0.032 * (step // 4) for step in range(1, 11)]
    assert list(probabilities(10)) == pytest.approx(expected)
    gan.discriminator.layers[-1].bias.assign([-3.0])
    # The mean sign of steps 9 to 12 is 0. It is -1 from then on, and the probability ends at 0.
    assert list(probabilities(6)) == pytest.approx([0.064, 0.032, 0.032, 0.032, 0.032, 0.0])
    assert list(probabilities(4))[-1] == 0.0


def test_the_probability_counts_the_images_of_all_discriminator_updates():
    ada = augment.ADA(every=1, ramp_images=100, **CUTOUT)
    gan = build_with_logit(3.0, augment=ada, discriminator_steps=2)
    history = gan.fit(tiny.make_images(8), batch_size=8, verbose=0).history
    assert history["augment_probability"] == pytest.approx([0.08])


def test_signs_are_averaged_over_images_and_patches_of_each_level():
    state, ada = AdaptiveAmount(2), augment.ADA(target=0.2, every=2, ramp_images=60)
    # The mean signs of four images are 1/6 at the first level and 1/4 at the second.
    for step, patches in enumerate([[[1, 1, -1], [2, -3, -1]], [[5, 1, 1], [1, -1, -1]]], start=1):
        first = tf.constant(patches, "float32")
        second = tf.constant([[1.0], [-1.0 if step == 1 else 0.0]])
        state.update(ada, [first, second], step, discriminator_steps=3)
        if step == 1:
            np.testing.assert_array_equal(state.variables["amounts"], [0, 0])
            state.variables["amounts"].assign([0.5, 0.5])
    np.testing.assert_allclose(state.variables["amounts"], [0.3, 0.7], rtol=1e-6)
    assert float(state.variables["num_images"]) == 0


@pytest.mark.parametrize(
    ("loss", "sure"), [("hinge", 2.0), ("least_squares", 0.6), ("relativistic", None)]
)
def test_the_margin_of_a_loss_is_positive_for_images_that_it_takes_for_real(loss, sure):
    loss = ganzoo.losses.get(loss)
    if sure is None:
        real, fake = np.array([1.0, -3.0]), np.array([0.5, -2.0])
    else:
        real, fake = np.array([sure, -sure + 0.5]), np.array([5.0, 5.0])
    np.testing.assert_array_equal(np.sign(loss.margins(real, fake)), [1, -1])


def adaptive_gan():
    keras.utils.set_random_seed(1)
    gan = tiny.build_gan((4, 4, 3), batch_norm=False)
    ada = augment.ADA(target=0.5, every=3, ramp_images=20, blit=0.0, geometry=0.0)
    gan.compile(augment=ada, regularizer="r1", run_eagerly=True)
    gan.discriminator.layers[-1].bias.assign([5.0])  # It is sure of all images.
    return gan


@pytest.mark.slow
def test_a_resumed_training_with_ada_equals_an_uninterrupted_one(tmp_path):
    batches = tf.data.Dataset.from_tensor_slices(tiny.make_images(16, (4, 4, 3))).batch(4)
    whole, first = adaptive_gan(), adaptive_gan()
    whole.fit(batches, verbose=0)
    first.fit(batches.take(2), verbose=0)
    first.save(tmp_path / "half.keras")
    resumed = ganzoo.load(tmp_path / "half.keras")
    assert resumed.get_compile_config() == first.get_compile_config()
    # The probability changes at step 3, by the signs of steps 1 to 3.
    resumed.fit(batches.skip(2), verbose=0)
    np.testing.assert_allclose(resumed.augment_amounts(), [3 * 4 / 20], rtol=1e-6)
    tiny.assert_equal(resumed.augment_amounts(), whole.augment_amounts())
    tiny.assert_equal(resumed.variables, whole.variables)


def test_files_of_models_with_and_without_ada_load_into_each_other(tmp_path):
    with_ada, plain = adaptive_gan(), tiny.build_gan((4, 4, 3), batch_norm=False)
    plain.compile()
    assert len(with_ada.weights) == len(plain.weights)
    with_ada.save_weights(tmp_path / "ada.weights.h5")
    plain.load_weights(tmp_path / "ada.weights.h5")
    tiny.assert_equal(plain.generator.weights, with_ada.generator.weights)
    plain.save_weights(tmp_path / "plain.weights.h5")
    with_ada.load_weights(tmp_path / "plain.weights.h5")


@pytest.mark.slow
def test_ada_trains_in_half_precision_under_xla_with_several_steps_at_once():
    keras.config.set_dtype_policy("mixed_bfloat16")
    gan = tiny.build_gan((4, 4, 3), batch_norm=False)
    ada = augment.ADA(every=1, ramp_images=8, target=-1.0, **CUTOUT)
    gan.compile(*sgd(), augment=ada, jit_compile=True, steps_per_execution=2)
    history = gan.fit(tiny.make_images(8, (4, 4, 3)), batch_size=2, verbose=0).history
    # The probabilities after four steps of 2 of 8 images.
    assert history["augment_probability"] == pytest.approx([(0.25 + 0.5 + 0.75 + 1) / 4])
    assert np.isfinite(history["generator_loss"]).all()


def test_the_levels_of_a_pyramid_adapt_independently():
    gan = registry.get_family("lapgan").build_test_model(seed=0)
    ada = augment.ADA(every=1, ramp_images=8)
    gan.compile(*sgd(), augment=ada, run_eagerly=True)
    data = tiny.make_data(gan, 4)
    logits = [tf.fill((4, 1), 3.0), *[tf.fill((4, 1), -3.0)] * (gan.num_levels - 1)]
    gan.adapt_augmentation(0.0, 0.0, logits, logits)
    np.testing.assert_array_equal(gan.augment_amounts(), [0.5] + [0.0] * (gan.num_levels - 1))
    seen = []
    gan.augment_images = lambda images, level=0: (
        seen.append((level, (*images.shape[1:3],))) or images
    )
    gan.train_step(data if len(data) > 1 else data[0])
    assert set(seen) == set(enumerate(gan.level_sizes))


def test_models_that_cannot_be_augmented_refuse_it_in_one_line():
    srgan = registry.get_family("srgan").build_test_model()
    with pytest.raises(ValueError, match=r"^SRGAN does not take `augment`.*augment='ada'"):
        srgan.compile(augment="ada")
    srgan.compile(augment="none")
    gan = tiny.build_gan((2, 2, 5))
    with pytest.raises(ValueError, match=r"1 to 4 channels.*\(2, 2, 5\)"):
        gan.compile(augment="diffaugment")
