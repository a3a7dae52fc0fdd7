"""Test the networks, the downscaling and the training of SRGAN."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from small_srgan import build, make_pixels

import ganzoo
from ganzoo.srgan import bicubic, networks

# Networks.


def test_pixel_shuffle_equals_its_definition_and_depth_to_space():
    inputs = np.random.default_rng(0).normal(size=(2, 3, 4, 8)).astype("float32")
    expected = np.zeros((2, 6, 8, 2), "float32")
    for row in range(6):
        for column in range(8):
            block = (row % 2) * 2 + column % 2
            expected[:, row, column] = inputs[:, row // 2, column // 2, 2 * block : 2 * block + 2]
    np.testing.assert_array_equal(networks.PixelShuffle(2)(inputs), expected)
    np.testing.assert_array_equal(tf.nn.depth_to_space(inputs, 2), expected)


@pytest.mark.parametrize(("scale", "doublings"), [(2, 1), (4, 2)])
def test_the_generator_has_the_layers_of_figure_4(scale, doublings):
    generator = build(scale, num_blocks=3, filters=8).generator
    kinds = [type(layer).__name__ for layer in generator.layers]
    assert kinds.count("Conv2D") == 1 + 2 * 3 + 1 + doublings + 1
    assert kinds.count("BatchNormalization") == 2 * 3 + 1
    assert kinds.count("PReLU") == 1 + 3 + doublings
    assert kinds.count("Add") == 3 + 1
    assert kinds.count("PixelShuffle") == doublings
    assert generator.get_layer("head_conv").kernel_size == (9, 9)
    assert generator.get_layer("to_images").kernel_size == (9, 9)
    assert generator.output_shape == (None, None, None, 3)


def test_the_default_networks_have_the_number_of_parameters_of_the_paper():
    """The counts follow from figure 4. A batch normalization has four vectors."""
    gan = ganzoo.SRGAN()
    conv = 3 * 3 * 64 * 64
    head = 9 * 9 * 3 * 64 + 64 + 64
    block = 2 * (conv + 4 * 64) + 64
    up = 3 * 3 * 64 * 256 + 256 + 64
    last = 9 * 9 * 64 * 3 + 3
    assert gan.generator.count_params() == head + 16 * block + conv + 4 * 64 + 2 * up + last
    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    expected = 3 * 3 * 3 * 64 + 64
    for before, after in itertools.pairwise(widths):
        expected += 9 * before * after + 4 * after
    expected += 512 * 1024 + 1024 + 1024 + 1
    assert gan.discriminator.count_params() == expected
    strides = [gan.discriminator.get_layer(f"conv_{index}").strides[0] for index in range(8)]
    assert strides == [1, 2, 1, 2, 1, 2, 1, 2]


def test_the_compact_network_has_the_number_of_parameters_of_its_figure():
    conv = 9 * 48 * 48 + 48
    head, fusion, last = 9 * 3 * 48 + 48, 4 * 48 * 48 + 48, 9 * 48 * 48 + 48
    gan = ganzoo.SRGAN(network="compact")
    assert gan.generator.count_params() == head + (3 * 6 + 1) * conv + fusion + last


@pytest.mark.parametrize("scale", [2, 4])
def test_an_untrained_compact_network_repeats_pixels(scale):
    pixels = make_pixels(5, 7, 3)
    gan = build(scale, network="compact")
    np.testing.assert_array_equal(gan.upscale(pixels), pixels.repeat(scale, 0).repeat(scale, 1))


def test_the_compact_network_trains_and_keeps_its_arguments(tmp_path):
    gan = build(4, network="compact")
    gan.compile(content_only=True)
    high_res = tiny.make_images(4, (16, 16, 3))
    before = gan.evaluate(high_res, verbose=0, return_dict=True)["psnr"]
    gan.fit(high_res, epochs=10, verbose=0)
    assert gan.evaluate(high_res, verbose=0, return_dict=True)["psnr"] > before
    gan.save(tmp_path / "gan.keras")
    loaded = ganzoo.load(tmp_path / "gan.keras")
    assert loaded.get_config() == gan.get_config()
    pixels = make_pixels(5, 7, 3)
    np.testing.assert_array_equal(loaded.upscale(pixels), gan.upscale(pixels))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"network": "compct"}, "Did you mean 'compact'"),
        ({"network": "compact", "recipe": "paper"}, "srresnet"),
    ],
)
def test_networks_that_do_not_exist_are_refused(arguments, named):
    with pytest.raises(ValueError, match=named):
        ganzoo.SRGAN(**arguments)


@pytest.mark.parametrize("side", [16, 24, 96])
def test_the_discriminator_accepts_crops_of_any_size(srgan, side):
    assert srgan.discriminator(np.zeros((2, side, side, 3), "float32")).shape == (2, 1)


@pytest.mark.parametrize("arguments", [{"scale": 3}, {"num_blocks": 0}, {"filters": 0}])
def test_invalid_sizes_are_refused(arguments):
    with pytest.raises(ValueError, match=f"Received: .*{next(iter(arguments))}="):
        build(**arguments)


# Bicubic downscaling.


@pytest.mark.parametrize("scale", [2, 4])
def test_downscaling_equals_tensorflows_inside_the_border(scale):
    high_res = np.random.default_rng(0).uniform(-1, 1, (2, 16 * scale, 12 * scale, 3))
    high_res = high_res.astype("float32")
    expected = tf.image.resize(high_res, (16, 12), "bicubic", antialias=True)
    made = np.asarray(bicubic.downscale(high_res, scale))
    np.testing.assert_allclose(made[:, 2:-2, 2:-2], expected[:, 2:-2, 2:-2], atol=1e-5)


def test_downscaling_keeps_constants_and_straight_ramps():
    """Keys's kernel reproduces both. At the border, the mirrored ramp is not straight."""
    assert np.allclose(bicubic.downscale(np.full((1, 8, 8, 1), 0.3, "float32"), 4), 0.3)
    ramp = np.tile(np.arange(64, dtype="float32")[None, None, :, None], (1, 64, 1, 1))
    middles = np.asarray(bicubic.downscale(ramp, 4))[0, 8, 2:-2, 0]
    np.testing.assert_allclose(middles, np.arange(16)[2:-2] * 4 + 1.5, rtol=1e-5)


def test_downscaling_mirrors_the_border():
    high_res = np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype("float32")
    mirrored = np.pad(high_res, [(0, 0), (8, 8), (8, 8), (0, 0)], mode="symmetric")
    expected = np.asarray(bicubic.downscale(mirrored, 2))[:, 4:8, 4:8]
    np.testing.assert_allclose(bicubic.downscale(high_res, 2), expected, atol=1e-6)


# Training.


def test_content_only_training_leaves_the_discriminator_unchanged():
    gan = build()
    gan.compile(content_only=True, run_eagerly=True)
    generator = tiny.copy_of(gan.generator.trainable_variables)
    discriminator = tiny.copy_of(gan.discriminator.weights)
    history = gan.fit(make_pixels(4, 16, 16, 3), verbose=0).history
    assert set(history) == {"generator_loss", "content_loss", "psnr"}
    assert tiny.differ(gan.generator.trainable_variables, generator)
    tiny.assert_equal(gan.discriminator.weights, discriminator)
    assert gan.step == 1


def test_content_only_logs_the_error_and_the_psnr_of_the_images():
    gan = build()
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), content_only=True)
    high_res = tiny.make_images(4, (16, 16, 3))
    logs = gan.evaluate(high_res, verbose=0, return_dict=True)
    made = np.asarray(gan.generator(bicubic.downscale(high_res, 2), training=False))
    error = np.mean((high_res - made) ** 2)
    np.testing.assert_allclose(logs["content_loss"], error, rtol=1e-5)
    error = np.mean((high_res - np.clip(made, -1, 1)) ** 2)
    np.testing.assert_allclose(logs["psnr"], 10 * np.log10(4 / error), rtol=1e-5)


def test_the_generator_loss_is_content_loss_plus_weighted_adversarial_loss():
    gan = build()
    gan.compile(content="pixel", adversarial_weight=0.5)
    real, fake = tiny.make_images(2, (16, 16, 3)), tiny.make_images(2, (16, 16, 3), seed=1)
    real_logits, fake_logits = np.array([[[1.0], [2.0]], [[0.5], [-1.0]]], "float32")
    loss = gan.generator_loss(real, fake, real_logits, fake_logits)
    expected = np.mean((real - fake) ** 2) + 0.5 * np.mean(np.log1p(np.exp(-fake_logits)))
    np.testing.assert_allclose(loss, [expected], rtol=1e-6)


@pytest.mark.slow
def test_training_on_given_pairs_equals_training_on_downscaled_images():
    # Bicubic interpolation overshoots. The low contrast keeps all values in [-1, 1].
    high_res = 0.5 * tiny.make_images(4, (16, 24, 3))
    low_res = np.asarray(bicubic.downscale(high_res, 2))
    as_dataset = tf.data.Dataset.from_tensor_slices((low_res, high_res)).batch(4)
    outcomes = []
    for arguments in ((high_res,), (low_res, high_res), (as_dataset,), (low_res * 0, high_res)):
        gan = build()
        gan.compile(keras.optimizers.SGD(0.1), content="pixel", run_eagerly=True)
        gan.fit(*arguments, shuffle=False, verbose=0)
        outcomes.append(tiny.copy_of(gan.generator.weights))
    tiny.assert_close(outcomes[0], outcomes[1], rtol=1e-5, atol=1e-7)
    tiny.assert_equal(outcomes[1], outcomes[2])
    # Gray low-resolution images give another result, so training uses the given images.
    with pytest.raises(AssertionError):
        tiny.assert_close(outcomes[0], outcomes[3], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("recipe", "content_only", "rates"),
    [
        ("default", True, (1e-3, 5e-5)),
        pytest.param("default", False, (1e-4, 1e-4), marks=pytest.mark.slow),
        pytest.param("paper", True, (1e-4, 1e-4), marks=pytest.mark.slow),
        # Section 3.2 divides the rate by ten after 1e5 steps.
        ("paper", False, (1e-4, 1e-5)),
    ],
)
def test_each_recipe_and_phase_has_its_learning_rates(recipe, content_only, rates):
    gan = build(recipe=recipe)
    gan.compile(content_only=content_only)
    optimizer = gan.generator_optimizer
    assert type(optimizer).__name__ == "Adam"
    for step, rate in zip((0, 100_001), rates, strict=True):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(rate)
        # `recommended` gives the same optimizer before the model is compiled.
        recommended = build(recipe=recipe).recommended(content_only)["generator_optimizer"]
        recommended.iterations.assign(step)
        assert float(recommended.learning_rate) == pytest.approx(rate)
    expected = "pixel" if content_only else {"default": "pixel", "paper": "vgg54"}[recipe]
    assert gan.content == expected
    assert gan.update == {"default": "simultaneous", "paper": "alternating"}[recipe]
    assert (gan.ema_decay == 0) == (recipe == "paper")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((2, 17, 16, 3), "uint8"),), r"multiples of the scale, 2.*\(17, 16\)"),
        ((np.zeros((2, 2, 2, 3), "uint8"),), r"at least 4.*\(2, 2\)"),
        (
            (np.zeros((2, 16, 16, 1), "uint8"),),
            r"shape \(batch, height, width, 3\).*\(2, 16, 16, 1\).*np\.repeat",
        ),
        (
            (np.zeros((2, 8, 8, 3), "uint8"), np.zeros((2, 32, 32, 3), "uint8")),
            r"2 times the size.*\(8, 8\) and \(32, 32\)",
        ),
        (
            (np.zeros((2, 8, 8, 3), "uint8"), np.full((2, 16, 16, 3), 9.0)),
            r"\[-1, 1\].*from 9 to 9",
        ),
    ],
)
def test_images_of_unsuitable_shape_or_range_are_refused(srgan, arguments, message):
    srgan.compile(content="pixel")
    with pytest.raises(ValueError, match=message):
        srgan.fit(*arguments, verbose=0)


class Elements(keras.utils.PyDataset):
    """A data set of given batches."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def in_every_form(batches):
    """Yield the batches as a generator, a PyDataset, and a pipeline of unknown shapes."""
    yield (batch for batch in batches)
    yield Elements(batches)
    types = tuple(part.dtype for part in batches[0])
    yield tf.data.Dataset.from_generator(lambda: iter(batches), output_types=types)


@pytest.mark.slow
def test_pairs_train_alike_in_every_form():
    high_res = make_pixels(4, 16, 16, 3)
    pairs = [(high_res[:2, ::2, ::2], high_res[:2]), (high_res[2:, ::2, ::2], high_res[2:])]
    outcomes = []
    for data in in_every_form(pairs):
        gan = build()
        gan.compile(content_only=True, run_eagerly=True)
        gan.fit(data, verbose=0)
        assert gan.real_examples.shape[1:] == (16, 16, 3)
        outcomes.append(tiny.copy_of(gan.generator.weights))
    tiny.assert_equal(outcomes[0], outcomes[1])
    tiny.assert_equal(outcomes[0], outcomes[2])


@pytest.mark.parametrize(
    ("later", "named"),
    [
        ((np.zeros((2, 8, 8, 3), "uint8"), np.zeros((2, 16, 18, 3), "uint8")), "2 times the size"),
        ((np.zeros((2, 8, 8, 3), "uint8"), np.zeros((3, 16, 16, 3), "uint8")), "2 and 3 images"),
        ((np.zeros((2, 16, 16, 3), "uint8"), np.zeros((2, 8, 8, 3), "uint8")), "Swap them"),
        ((np.zeros((2, 8, 9, 3), "uint8"), np.zeros((2, 16, 17, 3), "uint8")), "multiples of"),
        ((np.zeros((2, 8, 8, 1), "uint8"), np.zeros((2, 16, 16, 3), "uint8")), "np.repeat|tf.rep"),
    ],
)
def test_a_later_pair_that_does_not_fit_is_refused_in_one_line(srgan, later, named):
    srgan.compile(content_only=True, run_eagerly=True)
    first = np.zeros((64, 8, 8, 3), "uint8"), np.zeros((64, 16, 16, 3), "uint8")
    for data in in_every_form([first, later]):
        for method in (srgan.evaluate,):
            with pytest.raises(ValueError, match=named) as raised:
                method(data, verbose=0)
            assert len(str(raised.value).splitlines()) == 1


@pytest.mark.slow
def test_photographs_of_different_sizes_train_in_batches_of_one():
    gan = build()
    gan.compile(content="pixel", run_eagerly=True)
    sizes = [(16, 16), (16, 24), (32, 16)]
    photos = tf.data.Dataset.from_generator(
        lambda: (np.zeros((1, *size, 3), "uint8") for size in sizes),
        output_signature=tf.TensorSpec((1, None, None, 3), "uint8"),
    )
    gan.fit(photos, verbose=0)
    assert gan.step == 3
    assert gan.real_examples.shape == (1, 16, 16, 3)


def test_residual_blocks_start_at_zero_except_in_the_paper_recipe():
    """Goyal et al. (2017) proposed the initial value of zero after the paper."""
    for recipe, expected in (("default", 0.0), ("paper", 1.0)):
        norm = build(recipe=recipe).generator.get_layer("block_0_norm_1")
        np.testing.assert_array_equal(norm.gamma, expected)


@pytest.mark.slow
def test_the_second_phase_starts_from_the_weights_of_the_first(tmp_path):
    first = build()
    first.compile(content_only=True, run_eagerly=True)
    first.fit(make_pixels(4, 16, 16, 3), verbose=0)
    first.save(tmp_path / "srresnet.keras")
    second = ganzoo.load(tmp_path / "srresnet.keras")
    assert second.content_only
    assert second.content == "pixel"
    second.compile(run_eagerly=True)
    assert not second.content_only
    assert second.content == "pixel"
    tiny.assert_equal(second.generator.weights, first.generator.weights)
    history = second.fit(make_pixels(4, 16, 16, 3), verbose=0).history
    assert set(history) >= {"discriminator_loss", "real_score", "fake_score", "content_loss"}


@pytest.mark.slow
def test_a_network_that_overfits_one_image_beats_bicubic_interpolation():
    """The image shows edges and texture."""
    rows, columns = np.mgrid[:96, :96]
    rings = 127.5 + 127.5 * np.sin(((rows - 48) ** 2 + (columns - 30) ** 2) / 150)
    picture = np.repeat(rings[..., None], 3, axis=-1).astype("uint8")
    gan = build(num_blocks=2, filters=16)
    gan.compile(keras.optimizers.Adam(1e-3), content_only=True, ema_decay=0.0)
    gan.fit(np.repeat(picture[None], 400, axis=0), batch_size=4, epochs=6, verbose=0)
    small = Image.fromarray(picture).resize((48, 48), Image.Resampling.BICUBIC)
    by_bicubic = np.asarray(small.resize((96, 96), Image.Resampling.BICUBIC))
    ours = ganzoo.metrics.psnr(picture, gan.upscale(np.asarray(small)), border=2)
    assert ours > ganzoo.metrics.psnr(picture, by_bicubic, border=2) + 3


def test_srgan_has_no_methods_for_latents():
    for name in ("generate", "decode", "invert", "sample_latents"):
        assert not hasattr(ganzoo.SRGAN, name)


@pytest.mark.parametrize(
    "use",
    [
        ganzoo.interpolate,
        lambda gan: ganzoo.sampling.sample(gan, 4, "images"),
        lambda gan: ganzoo.evaluation.evaluate(gan, "sample"),
    ],
)
def test_functions_that_need_latents_refuse_srgan_and_name_the_alternative(srgan, use):
    with pytest.raises(ValueError, match=r"SRGAN.*([uU]pscale|evaluate_super_resolution)"):
        use(srgan)


def test_a_preview_shows_upscaled_training_images():
    gan = build()
    gan.compile(content_only=True, run_eagerly=True)
    assert gan.preview(4, seed=0) == {}
    gan.fit(make_pixels(6, 16, 16, 3), verbose=0)
    preview = gan.preview(4, seed=0)
    assert [preview[name].shape for name in ("generated", "low_res")] == [
        (4, 16, 16, 3),
        (4, 8, 8, 3),
    ]


@pytest.mark.parametrize(
    "wrong", [{"content": "vgg99"}, {"adversarial_weight": -1.0}, {"ema_decay": 2.0}]
)
def test_a_refused_compile_does_not_change_the_phase(wrong):
    gan = build()
    gan.compile(content="pixel")
    before = gan.get_compile_config()
    with pytest.raises(ValueError, match=next(iter(wrong)).partition("_")[0]):
        gan.compile(content_only=True, **wrong)
    assert gan.get_compile_config() == before
