"""Test the properties that only the R3GAN has."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from keras import layers

import ganzoo
from ganzoo import registry
from ganzoo.r3gan import networks


def build(**overrides):
    return registry.get_family("r3gan").build_test_model(seed=0, **overrides)


@pytest.mark.parametrize("recipe", ["default", "paper"])
@pytest.mark.parametrize("shape", [(8, 8, 4), (28, 14, 1), (24, 48, 2)])
def test_images_whose_sides_doubling_reaches_are_supported(recipe, shape):
    gan = build(image_shape=shape, base_filters=1, recipe=recipe)
    images = gan(np.zeros((2, 4), "float32"))
    assert images.shape == (2, *shape)
    assert gan.discriminator(images).shape == (2, 1)


def test_other_images_are_refused_with_the_nearest_sizes():
    with pytest.raises(ValueError, match=r"36x36.* Choose 32x32 or 40x40"):
        build(image_shape=(36, 36, 3))


def count_parameters(network, widths, hidden, group_width):
    """Count the weights of a network of two blocks per stage, by the paper's description."""
    blocks = 0
    for width in widths:
        # 1x1, grouped 3x3 and 1x1 convolutions. The first two have a bias each.
        blocks += 2 * width * hidden(width) + 9 * hidden(width) * group_width + 2 * hidden(width)
    transitions = sum(a * b for a, b in itertools.pairwise(widths) if a != b)
    coarse, fine = widths[0], widths[-1]
    ends = {
        # Learnt start of 4 x 4 pixels, linear function of 64 latents, convolution to RGB.
        "generator": 16 * coarse + 64 * coarse + 3 * fine,
        # Convolution from RGB, depthwise 4 x 4 convolution, linear function to the logit.
        "discriminator": 3 * fine + 16 * coarse + coarse,
    }
    return 2 * blocks + transitions + ends[network]


@pytest.mark.parametrize(
    ("network", "published"), [("generator", 23.058), ("discriminator", 23.010)]
)
def test_the_paper_recipe_has_the_parameters_of_the_paper(network, published):
    """The paper gives the millions of parameters at 256 pixels (config E of the ablation)."""
    sizes = networks.paper_sizes((256, 256, 3), None, blocks=2)
    counted = count_parameters(network, sizes.widths, lambda width: 2 * width, group_width=16)
    assert round(counted / 1e6, 3) == published
    # The same formula holds for narrow networks, which are built quickly.
    gan = ganzoo.R3GAN((16, 16, 3), base_filters=8, recipe="paper")  # With two blocks.
    built = count_parameters(network, (32, 16, 8), lambda width: 2 * width, group_width=16)
    assert getattr(gan, network).count_params() == built


def test_the_paper_recipe_has_768_filters_up_to_a_side_of_32_and_half_at_each_larger_one():
    def widths(side):
        return networks.paper_sizes((side, side, 3), None, blocks=2).widths

    assert widths(32) == (768, 768, 768, 768)
    assert widths(64) == (768, 768, 768, 768, 384)
    assert widths(28) == (768, 768, 768)


def test_an_untrained_network_is_its_path_without_residual_blocks():
    """The last convolution of each block starts at zero (fix-up)."""
    gan = build(image_shape=(16, 16, 3), base_filters=4)
    latents = keras.random.normal((3, 4), seed=1)
    images = np.asarray(gan(latents))
    get = gan.generator.get_layer
    x = get("start").image * (latents @ get("project").kernel)[:, None, None]
    for stage in (1, 2):
        x = np.tensordot(x, np.asarray(get(f"stage_{stage}_width").kernel)[0, 0], axes=1)
        x = interpolate(interpolate(x, axis=1), axis=2)
    expected = np.tensordot(x, np.asarray(get("to_images").kernel)[0, 0], axes=1)
    np.testing.assert_allclose(images, expected, rtol=1e-4, atol=1e-5)


def interpolate(x, axis):
    """Insert the mean of two pixels after each pixel. The border is repeated."""
    x = np.moveaxis(np.asarray(x), axis, 0)
    following = np.concatenate([x[1:], x[-1:]])
    doubled = np.empty((2 * len(x), *x.shape[1:]), "float32")
    doubled[::2], doubled[1::2] = x, (x + following) / 2
    return np.moveaxis(doubled, 0, axis)


def test_the_discriminator_blurs_with_1_2_1_before_it_halves():
    gan = build(image_shape=(8, 8, 1))
    impulse = np.zeros((1, 8, 8, 1), "float32")
    impulse[0, 3, 2] = 16.0
    image = keras.Input((8, 8, 1))
    blurred = gan.discriminator.get_layer("stage_1_down_blur")(image)
    halved = gan.discriminator.get_layer("stage_1_down")(blurred)
    found = np.asarray(keras.Model(image, halved)(impulse))[0, ..., 0]
    # Pixel i is 1/4, 1/2, 1/4 of the pixels 2i, 2i + 1, 2i + 2: row 3 is the center of row 1, and
    # column 2 lies between columns 0 and 1.
    expected = np.zeros((4, 4))
    expected[1, 0] = expected[1, 1] = 2.0
    np.testing.assert_allclose(found, expected)


def test_initial_activations_have_the_variance_of_fix_up():
    """The deviation is `sqrt(2 / 1.04) * L**(-1/4) / sqrt(fan_in)`, for L residual blocks."""
    gan = build(image_shape=(16, 16, 3), base_filters=64, blocks=2)  # Six blocks.
    gain = np.sqrt(2 / 1.04) * 6**-0.25
    for name, fan_in in (("stage_0_block_0_conv_1", 256), ("stage_0_block_1_conv_2", 9 * 128)):
        kernel = np.asarray(gan.generator.get_layer(name).kernel)
        assert kernel.std() == pytest.approx(gain / np.sqrt(fan_in), rel=0.03)
        assert np.abs(kernel).max() > 3 * kernel.std()  # Not truncated.


def test_a_grouped_convolution_equals_the_one_of_keras():
    ours = networks.GroupedConv2D(3)
    images = keras.random.normal((2, 5, 4, 12), seed=0)
    ours(images)
    ours.bias.assign(np.arange(12.0))
    theirs = layers.Conv2D(12, 3, padding="same", groups=3)
    theirs.build((None, 5, 4, 12))
    # Keras numbers the output channels of all groups in one row.
    kernel = np.moveaxis(np.asarray(ours.kernel), 2, 3).reshape(3, 3, 4, 12)
    theirs.set_weights([kernel, np.arange(12.0)])
    np.testing.assert_allclose(ours(images), theirs(images), rtol=1e-4, atol=1e-4)


def test_the_logit_is_the_product_of_the_features_with_the_embedding_of_the_class():
    gan = build(num_classes=3)
    images, labels = tiny.make_images(3, (8, 8, 1)), np.array([2, 0, 1])
    logits = gan.discriminator([images, labels])
    features = gan.discriminator.get_layer("features").output
    features = np.asarray(keras.Model(gan.discriminator.input, features)([images, labels]))
    embedding = np.asarray(gan.discriminator.get_layer("class_embedding").kernel)
    expected = np.sum(features * embedding[labels], axis=1, keepdims=True)
    np.testing.assert_allclose(logits, expected, rtol=1e-5)
    assert not np.allclose(logits, gan.discriminator([images, labels[::-1]]))


def test_the_penalty_is_half_gamma_times_the_squared_gradients_of_both_batches():
    gan = build(recipe="paper")
    gan.compile()
    real, fake = (tf.constant(tiny.make_images(4, (8, 8, 1), seed)) for seed in (0, 1))
    # An untrained discriminator is linear: all images have the gradient of a constant.
    step = np.eye(64, dtype="float32").reshape(64, 8, 8, 1)
    logits = np.asarray(gan.discriminator(step) - gan.discriminator(0 * step))
    expected = 2 * 0.05 / 2 * np.sum(logits**2)
    assert float(gan.penalty(real, fake, ())) == pytest.approx(expected, rel=1e-3)


def test_the_schedules_of_the_paper_have_its_values_at_the_ends_and_in_the_middle():
    gan = build(recipe="paper")
    end = gan.schedule_steps
    assert end == round(20e6 / 512 + 0.5)
    recommended = gan.recommended()
    optimizer = recommended["generator_optimizer"]
    rate = recommended["discriminator_optimizer"].get_config()["learning_rate"]
    rate = ganzoo.schedules.deserialize(rate)
    gamma = recommended["regularizer"].weight

    def values(schedule):
        return [float(schedule(step)) for step in (0, end / 2, end, 2 * end)]

    np.testing.assert_allclose(values(rate), [2e-4, 1.25e-4, 5e-5, 5e-5], rtol=1e-5)
    np.testing.assert_allclose(values(gamma), [0.05, 0.0275, 0.005, 0.005], rtol=1e-5)
    augment = recommended["augment"].probability
    np.testing.assert_allclose(values(augment), [0.0, 0.275, 0.55, 0.55], atol=1e-6)
    np.testing.assert_allclose(values(optimizer.beta_2), [0.9, 0.945, 0.99, 0.99], rtol=1e-5)
    assert optimizer.beta_1 == 0.0
    # A weight has half its share in the average after 0, 2.5 and 5 million images.
    decays = np.array(values(recommended["ema_decay"]))
    assert decays[0] == 0.0
    np.testing.assert_allclose(decays[1:] ** (np.array([2.5, 5, 5]) * 1e6 / 512), 0.5, rtol=1e-2)


def test_the_weight_of_the_default_penalty_grows_with_the_number_of_pixels():
    weights = [
        float(build(image_shape=shape, base_filters=1).recommended()["regularizer"].weight(0))
        for shape in ((32, 32, 3), (32, 64, 3))
    ]
    assert weights == pytest.approx([0.5, 1.0])
