"""Test the backward pass through the discriminator that serves the updates of both networks.

With each loss, one pass must give the gradients of two passes. This holds only if each logit
depends on one image, so the tests also check the families that set `per_sample_discriminator`.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow

import ganzoo
from ganzoo import registry
from ganzoo.losses import LOSSES

CASES = [
    pytest.param(
        family,
        recipe,
        id=f"{family.name}-{recipe}",
        marks=[] if family.name in ("dcgan", "lapgan") else pytest.mark.slow,
    )
    for family in registry.families()
    for recipe in ("default", "paper")
]


def build(family, recipe="default"):
    keras.utils.set_random_seed(0)
    # With the paper recipe, the smallest DCGAN has no normalized layer.
    larger = {"image_shape": (16, 16, 3)} if family.name == "dcgan" else {}
    return family.build_test_model(seed=2, recipe=recipe, **larger)


@pytest.mark.parametrize(("family", "recipe"), CASES)
def test_per_sample_discriminator_says_if_each_logit_depends_on_one_image(family, recipe):
    gan = build(family, recipe)
    gan.compile(content="pixel") if family.task == "super_resolution" else gan.compile()
    images, *labels = tiny.make_data(gan, 6)
    others = np.concatenate([images[:1], -images[1:]])

    def logits_of_first(images):
        real_images, condition = gan.unpack((tf.constant(images), *labels))
        for variable in gan.discriminator.non_trainable_variables:
            if variable.name == "seed_generator_state":
                variable.assign([1, 2])  # Dropout must be the same in both calls.
        logits = tf.nest.flatten(gan.discriminate(real_images, condition))
        return np.concatenate([np.ravel(logit[0]) for logit in logits]), logits

    first, logits = logits_of_first(images)
    if gan.per_sample_discriminator:
        assert all(logit.shape == (6, 1) for logit in logits)
        np.testing.assert_allclose(first, logits_of_first(others)[0], rtol=1e-5)
    else:
        assert not np.allclose(first, logits_of_first(others)[0], rtol=1e-3)


def weights_after_a_step(family, per_sample_discriminator, recipe="default", **arguments):
    gan = build(family, recipe)
    gan.per_sample_discriminator = per_sample_discriminator
    # Paper recipes use alternating updates, which share no backward pass.
    optimizers = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
    gan.compile(*optimizers, update="simultaneous", **arguments)
    data = tuple(tf.constant(array) for array in tiny.make_data(gan, 8))
    before = tiny.copy_of(gan.generator.trainable_variables)
    gan.train_step(data)
    assert tiny.differ(before, gan.generator.trainable_variables)
    return gan.get_weights()


@pytest.mark.parametrize("loss", others_slow(sorted(LOSSES), "non_saturating", "relativistic"))
def test_a_shared_backward_pass_gives_the_weights_of_two_passes(loss):
    family = registry.get_family("vanilla")
    weights = [weights_after_a_step(family, shared, loss=loss) for shared in (True, False)]
    tiny.assert_close(*weights, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "recipe", "regularizer"),
    [
        ("lapgan", "default", "r1_r2"),
        pytest.param("dcgan", "default", "r1_r2", marks=pytest.mark.slow),
        pytest.param("cgan", "paper", "r1_r2", marks=pytest.mark.slow),
    ],
)
def test_a_shared_backward_pass_works_with_classes_levels_and_penalties(name, recipe, regularizer):
    family = registry.get_family(name)
    weights = [
        weights_after_a_step(family, shared, recipe, regularizer=regularizer)
        for shared in (True, False)
    ]
    tiny.assert_close(*weights, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("fake_logit", [-5.0, -200.0])
def test_the_generator_learns_from_a_confident_discriminator(fake_logit):
    """At a logit far below 0 the discriminator's loss has almost no gradient.

    The shared pass must still rescale this gradient to that of the generator's loss.
    """
    latents = keras.Input((1,))
    images = keras.layers.Reshape((1, 1, 1))(keras.layers.Dense(1, use_bias=False)(latents))
    image_input = keras.Input((1, 1, 1))
    logits = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(fake_logit))(
        keras.layers.Flatten()(image_input)
    )
    gan = ganzoo.GAN(keras.Model(latents, images), keras.Model(image_input, logits), seed=0)
    gan.generator.set_weights([np.full((1, 1), 0.01, "float32")])
    gan.discriminator.layers[-1].kernel.assign([[2.0]])
    gan.per_sample_discriminator = True
    gan.sample_latents = lambda count, seed=None: tf.ones((count, 1))
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.0))
    gan.train_step(tf.zeros((4, 1, 1, 1)))
    # The non-saturating loss falls by sigmoid(-logit) for each unit of the logit.
    slope = 2.0 / (1.0 + np.exp(0.02 + fake_logit))
    assert float(gan.generator.weights[0][0, 0]) == pytest.approx(0.01 + slope, rel=1e-4)
