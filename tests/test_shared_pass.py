"""The backward pass through the discriminator that both players share.

It must give what two passes give, whatever the loss; and which discriminators judge each
image by itself is looked up by what they do.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny

import ganzoo
from ganzoo import registry
from ganzoo.losses import LOSSES

CASES = [
    pytest.param(family, recipe, id=f"{family.name}-{recipe}")
    for family in registry.families()
    for recipe in ("default", "paper")
]


def build(family, recipe="default"):
    keras.utils.set_random_seed(0)
    # The smallest DCGAN of the paper has no normalized layer.
    larger = {"image_shape": (16, 16, 3)} if family.name == "dcgan" else {}
    return family.build_smallest(seed=2, recipe=recipe, **larger)


@pytest.mark.parametrize(("family", "recipe"), CASES)
def test_a_family_says_whether_its_discriminator_judges_images_singly(family, recipe):
    gan = build(family, recipe)
    gan.compile(content="pixel") if family.restores else gan.compile()
    images, *labels = tiny.make_data(gan, 6)
    others = np.concatenate([images[:1], -images[1:]])

    def logits_of_first(images):
        real_images, condition = gan.unpack((tf.constant(images), *labels))
        for variable in gan.discriminator.non_trainable_variables:
            if variable.name == "seed_generator_state":  # Dropout's.
                variable.assign([1, 2])
        logits = tf.nest.flatten(gan.discriminate(real_images, condition))
        return np.concatenate([np.ravel(logit[0]) for logit in logits]), logits

    first, logits = logits_of_first(images)
    if gan.judges_singly:
        assert all(logit.shape == (6, 1) for logit in logits)
        np.testing.assert_allclose(first, logits_of_first(others)[0], rtol=1e-5)
    else:
        assert not np.allclose(first, logits_of_first(others)[0], rtol=1e-3)


def weights_after_a_step(family, judges_singly, recipe="default", **arguments):
    gan = build(family, recipe)
    gan.judges_singly = judges_singly
    # Papers alternate, and share nothing.
    rates = keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5)
    gan.compile(*rates, update="simultaneous", **arguments)
    data = tuple(tf.constant(array) for array in tiny.make_data(gan, 8))
    before = tiny.copy_of(gan.generator.trainable_variables)
    tf.function(gan.train_step)(data)
    assert tiny.differ(before, gan.generator.trainable_variables)
    return gan.get_weights()


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_shared_pass_gives_what_two_give(loss):
    family = registry.get_family("vanilla")
    both = [weights_after_a_step(family, singly, loss=loss) for singly in (True, False)]
    tiny.assert_close(*both, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "recipe", "regularizer"),
    [("dcgan", "default", "r1_r2"), ("cgan", "paper", "r1_r2"), ("lapgan", "default", "r1_r2")],
)
def test_it_does_so_with_classes_levels_and_penalties(name, recipe, regularizer):
    family = registry.get_family(name)
    both = [
        weights_after_a_step(family, singly, recipe, regularizer=regularizer)
        for singly in (True, False)
    ]
    tiny.assert_close(*both, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("fake_logit", [-5.0, -200.0])
def test_a_discriminator_that_is_sure_teaches_the_generator_all_the_same(fake_logit):
    """Far below 0 an image costs the discriminator nothing, and the shared pass knows nothing."""
    latents = keras.Input((1,))
    images = keras.layers.Reshape((1, 1, 1))(keras.layers.Dense(1, use_bias=False)(latents))
    given = keras.Input((1, 1, 1))
    logits = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(fake_logit))(
        keras.layers.Flatten()(given)
    )
    gan = ganzoo.GAN(keras.Model(latents, images), keras.Model(given, logits), seed=0)
    gan.generator.set_weights([np.full((1, 1), 0.01, "float32")])
    gan.discriminator.layers[-1].kernel.assign([[2.0]])
    gan.judges_singly = True
    gan.sample_latents = lambda count, seed=None: tf.ones((count, 1))
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.0))
    gan.train_step(tf.zeros((4, 1, 1, 1)))
    # The non-saturating loss falls by sigmoid(-logit) for each unit of the logit.
    slope = 2.0 / (1.0 + np.exp(0.02 + fake_logit))
    assert float(gan.generator.weights[0][0, 0]) == pytest.approx(0.01 + slope, rel=1e-4)
