"""Test the properties that only the CGAN has."""

import keras
import numpy as np
import pytest

import ganzoo


@pytest.fixture(scope="module")
def cgan():
    keras.utils.set_random_seed(0)
    return ganzoo.CGAN(image_shape=(8, 8, 1), num_classes=3, latent_dim=4, base_filters=2)


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_morphing_with_a_single_class_equals_decoding_with_its_label(recipe):
    gan = ganzoo.CGAN((8, 8, 1), 3, latent_dim=4, base_filters=2, recipe=recipe)
    latents = np.random.default_rng(0).normal(size=(3, 4))
    labels = np.array([2, 0, 1])
    np.testing.assert_array_equal(
        gan.morph(latents, np.eye(3)[labels]), gan.decode(latents, labels)
    )


def test_images_of_the_same_latents_differ_only_by_their_labels(cgan):
    latents = np.random.default_rng(0).normal(size=(1, 4)).repeat(3, axis=0)
    same = cgan.decode(latents, labels=1)
    other = cgan.decode(latents, labels=[0, 1, 2])
    np.testing.assert_array_equal(same[0], same[2])
    np.testing.assert_array_equal(same[1], other[1])
    assert not np.array_equal(other[0], other[2])


def test_the_discriminator_projects_features_on_the_class(cgan):
    discriminator = cgan.discriminator
    images = np.random.default_rng(1).uniform(-1, 1, size=(5, 8, 8, 1)).astype("float32")
    labels = np.array([0, 2, 1, 2, 0], "int32")
    features_of = keras.Model(discriminator.inputs[0], discriminator.get_layer("flatten").output)
    features = np.asarray(features_of(images))
    kernel, bias = discriminator.get_layer("any_class").get_weights()
    by_class = discriminator.get_layer("projection").get_weights()[0]
    expected = features @ kernel[:, 0] + bias + np.sum(features * by_class.T[labels], axis=1)
    logits = np.asarray(discriminator([images, labels]))[:, 0]
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


def test_labels_are_drawn_uniformly_if_none_are_given(cgan):
    labels = np.asarray(cgan.prepare_condition(3000, None, seed=0)[0])
    counts = np.bincount(labels, minlength=3)
    # Allow five standard deviations of a binomial count.
    assert np.all(np.abs(counts - 1000) < 5 * np.sqrt(3000 * 2 / 9))


def test_one_label_applies_to_all_images(cgan):
    np.testing.assert_array_equal(
        cgan.generate(4, labels=2, seed=1), cgan.generate(4, labels=[2, 2, 2, 2], seed=1)
    )


@pytest.mark.parametrize("labels", [3, -1, [0, 1, 5]])
def test_labels_out_of_range_are_refused(cgan, labels):
    with pytest.raises(ValueError, match="from 0 to 2") as error:
        cgan.generate(3, labels=labels)
    assert str(np.max(np.abs(labels))) in str(error.value)


def test_a_wrong_number_of_labels_is_refused(cgan):
    with pytest.raises(ValueError, match="one for each of the 3 images"):
        cgan.generate(3, labels=[0, 1])


def test_the_error_for_missing_labels_says_how_to_load_them(cgan):
    cgan.compile()
    with pytest.raises(ValueError, match="labels=True"):
        cgan.fit(ganzoo.data.load("sample", image_size=8))


def test_the_paper_recipe_has_the_layers_of_the_paper():
    gan = ganzoo.CGAN((28, 28, 1), 10, recipe="paper")
    synthesis = gan.generator.get_layer("synthesis")
    units = {n: synthesis.get_layer(n).units for n in ("latents_dense", "class_dense", "dense")}
    assert units == {"latents_dense": 200, "class_dense": 1000, "dense": 1200}
    maxout = {
        name: (gan.discriminator.get_layer(name).units, gan.discriminator.get_layer(name).pieces)
        for name in ("image_maxout", "label_maxout", "joint_maxout")
    }
    assert maxout == {
        "image_maxout": (240, 5),
        "label_maxout": (50, 5),
        "joint_maxout": (240, 4),
    }


def test_a_preview_has_a_column_for_each_class(cgan):
    pixels = cgan.preview(num_images=7, seed=0)["generated"]
    assert len(pixels) == 9
    np.testing.assert_array_equal(pixels, cgan.generate(9, labels=[0, 1, 2] * 3, seed=0))


@pytest.mark.parametrize("wrong", [{"latents": (3, 7)}, {"weights": (3, 2)}, {"weights": (2, 3)}])
def test_morph_refuses_latents_and_weights_of_wrong_shapes(cgan, wrong):
    latents = np.zeros(wrong.get("latents", (3, cgan.latent_dim)))
    weights = np.zeros(wrong.get("weights", (3, 3)))
    with pytest.raises(ValueError, match=r"Received: \(3, .*"):
        cgan.morph(latents, weights)


def test_the_paper_recipe_trains_with_the_settings_of_the_paper():
    """Compare with section 4.1 of the paper.

    The learning rate starts at 0.1, and each step divides it by 1.00004 until it is 1e-6. The
    momentum rises from 0.5 to 0.7.
    """
    gan = ganzoo.CGAN((8, 8, 1), 2, recipe="paper")
    gan.compile()
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        for step, rate in ((0, 0.1), (10_000, 0.1 / 1.00004**10_000), (10**6, 1e-6)):
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-3)
        assert float(optimizer.momentum_at(0)) == pytest.approx(0.5)
        assert float(optimizer.momentum_at(10**6)) == pytest.approx(0.7)
    assert (gan.update, gan.ema_decay, gan.discriminator_steps) == ("alternating", 0.0, 1)
    assert gan.regularizer is None
