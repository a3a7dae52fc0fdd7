"""Test the upscaling of images of any size, at once and in tiles."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_srgan import build, make_pixels

import ganzoo
from ganzoo.srgan import tiling


@pytest.mark.parametrize("network", ["srresnet", "compact"])
@pytest.mark.parametrize(("scale", "tile"), [(2, 16), pytest.param(4, 33, marks=pytest.mark.slow)])
def test_upscaling_in_tiles_equals_upscaling_at_once(scale, tile, network):
    gan = build(scale, num_blocks=2, network=network)
    last = gan.generator.get_layer("to_images")
    last.kernel.assign(np.random.default_rng(0).normal(0, 0.2, last.kernel.shape))
    pixels = make_pixels(50, 71, 3)
    whole = gan.upscale(pixels, tile=1000)
    tiled = gan.upscale(pixels, tile=tile)
    assert whole.shape == (50 * scale, 71 * scale, 3)
    # Sums of floats are rounded differently in windows of other sizes.
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert np.mean(whole != tiled) < 1e-3


@pytest.mark.parametrize(("scale", "network"), [(2, "srresnet"), (4, "srresnet"), (4, "compact")])
def test_the_receptive_field_has_the_radius_that_is_measured(scale, network):
    """Change one input pixel, and look which output pixels change."""
    gan = build(scale, num_blocks=2, network=network)
    rng = np.random.default_rng(0)
    for weight in gan.ema_generator.weights:
        # Some layers start at zero.
        if weight.path.endswith(("kernel", "gamma")):
            weight.assign(rng.normal(0, 0.3, weight.shape))
    radius = tiling.measure_network(gan.ema_generator).radius
    center = 24
    images = np.zeros((2, 49, 49, 3), "float32")
    images[1, center, center] = 1
    before, after = np.asarray(gan.ema_generator(images))
    changed = np.flatnonzero((before != after).any(axis=(0, 2))) // scale
    assert radius - 1 <= center - changed.min() <= radius
    assert radius - 1 <= changed.max() - center <= radius


def test_the_side_of_tiles_follows_the_free_memory(monkeypatch):
    footprint = tiling.Footprint(radius=10, bytes_per_pixel=1000)
    for window, reserved in ((120, 0), (120, 10**9)):
        monkeypatch.setattr(tiling, "free_memory", lambda f=2000 * window**2 + reserved: f)
        assert tiling.choose_tile(footprint, reserved) == 100
    monkeypatch.setattr(tiling, "free_memory", lambda: 0)
    assert tiling.choose_tile(footprint) == 32
    monkeypatch.setattr(tiling, "free_memory", lambda: 10**15)
    assert tiling.choose_tile(footprint) == 512


def test_the_limit_of_a_container_counts_as_free_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(tiling, "_CGROUP", tmp_path)
    without_limit = tiling.free_memory()
    (tmp_path / "memory.current").write_text("300\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert tiling.free_memory() > 300
    (tmp_path / "memory.max").write_text("1000\n")
    assert tiling.free_memory() == 700 < without_limit


def test_smaller_tiles_are_tried_if_the_device_has_too_little_memory(monkeypatch):
    gan = build()
    pixels = make_pixels(70, 70, 3)
    expected = gan.upscale(pixels, tile=16)
    tried = []
    render = gan.render

    def refuse_large(network, window, condition):
        tried.append(window.shape[1])
        if window.shape[1] > 50:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return render(network, window, condition)

    monkeypatch.setattr(gan, "render", refuse_large)
    made = gan.upscale(pixels, tile=64)
    assert tried[0] == 70
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_overlapping_tiles_leave_no_seams():
    """Each output pixel depends on neighbors up to three pixels away."""

    def sharpen_and_double(pixels):
        padded = np.pad(pixels, [(3, 3), (3, 3), (0, 0)]).astype(int)
        neighbors = sum(
            np.roll(padded, shift, axis) for axis in (0, 1) for shift in (-3, -2, -1, 1, 2, 3)
        )
        return (
            ((padded * 5 + neighbors) % 256).astype("uint8")[3:-3, 3:-3].repeat(2, 0).repeat(2, 1)
        )

    pixels = make_pixels(40, 29, 3)
    tiled = tiling.upscale_in_tiles(sharpen_and_double, pixels, scale=2, tile=8, overlap=3)
    np.testing.assert_array_equal(tiled, sharpen_and_double(pixels))


@pytest.mark.parametrize("length", [*range(1, 60), 512])
def test_tiles_cover_an_image_and_overlap(length):
    spans = list(tiling._spans(length, tile=8, overlap=3))
    covered = [pixel for start, stop, *_ in spans for pixel in range(start, stop)]
    assert covered == list(range(length))
    for start, stop, window_start, window_stop in spans:
        assert 0 <= window_start <= max(0, start - 3)
        assert min(length, stop + 3) <= window_stop <= length
        assert window_stop - window_start <= 8 + 2 * 3
    assert len({stop - start for *_, start, stop in spans}) == 1


def test_tiles_have_equal_sizes():
    """Tiles of 192 pixels, with a remainder of 128, would need three windows of 224."""
    windows = [stop - start for *_, start, stop in tiling._spans(512, tile=192, overlap=16)]
    assert windows == [192, 192, 192]


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 300, 3), (5, 4, 1), (5, 4, 4), (5, 4, 2)])
def test_images_of_any_size_and_number_of_channels_are_upscaled(srgan, shape):
    made = srgan.upscale(make_pixels(*shape))
    assert made.shape == (2 * shape[0], 2 * shape[1], shape[2])
    assert made.dtype == "uint8"


def test_batches_gray_and_transparent_images_are_upscaled_like_single_rgb_images(srgan):
    pixels = make_pixels(2, 6, 5, 3)
    expected = np.stack([srgan.upscale(one) for one in pixels])
    np.testing.assert_array_equal(srgan.upscale(pixels), expected)
    gray = srgan.upscale(pixels[0, ..., :1].repeat(3, axis=-1)).mean(axis=-1, keepdims=True)
    np.testing.assert_array_equal(srgan.upscale(pixels[0, ..., :1]), np.rint(gray))
    alpha = make_pixels(6, 5)[..., None] | 1  # No pixel is fully transparent.
    made = srgan.upscale(np.concatenate([pixels[0], alpha], axis=-1))
    np.testing.assert_array_equal(made[..., :3], expected[0])
    larger = srgan.upscale(alpha)[..., 0]
    near = np.pad(alpha[..., 0], 1, mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(near, (3, 3)).repeat(2, 0).repeat(2, 1)
    expected = np.clip(larger, near.min(axis=(-2, -1)), near.max(axis=(-2, -1)))
    np.testing.assert_array_equal(made[..., 3], expected)


@pytest.mark.parametrize(
    ("image", "arguments", "named"),
    [
        (np.zeros((4, 4, 3)), {}, "float64"),
        (np.zeros((4, 4), "uint8"), {}, r"\(4, 4\)"),
        (np.zeros((4, 4, 5), "uint8"), {}, r"\(4, 4, 5\)"),
        (np.zeros((0, 4, 3), "uint8"), {}, "empty"),
        (np.zeros((4, 4, 3), "uint8"), {"tile": 8}, "tile=8"),
        (np.zeros((4, 4, 3), "uint8"), {"outscale": 0}, "outscale=0"),
        (np.zeros((4, 4, 3), "uint8"), {"outscale": float("nan")}, "outscale=nan"),
        (np.zeros((4, 4, 3), "uint8"), {"strength": 1.5}, "strength=1.5"),
        (np.zeros((4, 4, 3), "uint8"), {"strength": 0.5}, "names none"),
    ],
)
def test_invalid_images_and_tiles_are_refused(srgan, image, arguments, named):
    with pytest.raises(ValueError, match=named):
        srgan.upscale(image, **arguments)


def test_upscaling_uses_the_averaged_weights_by_default():
    gan = build()
    gan.generator.set_weights([w * 0 for w in gan.generator.get_weights()])
    pixels = make_pixels(4, 4, 3)
    assert np.ptp(gan.upscale(pixels, use_ema=False)) == 0
    assert np.ptp(gan.upscale(pixels)) > 0


@pytest.mark.parametrize("outscale", [0.5, 1, 1.5, 2, 3.3])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_any_other_factor_is_made_by_lanczos_from_the_result_of_the_network(outscale, dtype, srgan):
    pixels = make_pixels(10, 14, 3).astype(dtype) * (257 if dtype == "uint16" else 1)
    network = srgan.upscale(pixels)
    made = srgan.upscale(pixels, outscale=outscale)
    assert made.dtype == dtype
    height, width = round(10 * outscale), round(14 * outscale)
    assert made.shape == (height, width, 3)
    for channel in range(3):
        plane = Image.fromarray(network[..., channel].astype("float32"))
        plane = np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS))
        plane = plane.clip(0, np.iinfo(dtype).max)
        # Pillow rounds 8-bit pixels between the two directions.
        assert np.abs(made[..., channel] - plane).max() <= 1.5


def test_16_bits_equal_8_bits_where_the_levels_are_the_same(srgan):
    pixels = make_pixels(9, 8, 4)
    deep = srgan.upscale(pixels.astype("uint16") * 257)
    assert deep.dtype == "uint16"
    difference = np.abs(deep / 257 - srgan.upscale(pixels))
    assert difference[..., :3].max() <= 0.51
    assert difference[..., 3].max() <= 1  # The mean of three rounded channels.


def test_a_smooth_ramp_of_16_bits_has_no_bands():
    """8 bits would leave 13 levels."""
    gan = build()
    kernel = np.zeros((9, 9, 3, 4), "float32")
    kernel[4, 4, 0, 0] = 1
    # The network repeats pixels: the first convolution passes red on, and the last two, too.
    for weight in gan.ema_generator.weights:
        if weight.path.endswith(("kernel", "bias")):
            weight.assign(np.zeros(weight.shape))
    layer = gan.ema_generator.get_layer
    layer("head_conv").kernel.assign(kernel)
    for name in ("head_prelu", "up_0_prelu"):
        layer(name).alpha.assign(np.ones(layer(name).alpha.shape))
    up = np.zeros(layer("up_0_conv").kernel.shape)
    up[1, 1, 0, ::4] = 1
    layer("up_0_conv").kernel.assign(up)
    last = np.zeros(layer("to_images").kernel.shape)
    last[4, 4, 0] = 1
    layer("to_images").kernel.assign(last)
    ramp = np.linspace(30_000, 33_000, 600).astype("uint16")
    made = gan.upscale(np.broadcast_to(ramp[None, :, None], (3, 600, 3)))
    np.testing.assert_allclose(made[0, ::2, 0], ramp, atol=1)
    assert len(np.unique(made)) > 256


def test_strength_interpolates_between_the_weights_of_two_models(tmp_path, srgan):
    soft = build()
    soft.ema_generator.set_weights([w + 0.1 for w in soft.ema_generator.get_weights()])
    soft.save_to_preset(tmp_path / "soft", discriminator=False)
    gan = build(soft_preset=str(tmp_path / "soft"))
    assert gan.get_config()["soft_preset"] == str(tmp_path / "soft")
    pixels = make_pixels(12, 9, 3)
    np.testing.assert_array_equal(gan.upscale(pixels, strength=1), srgan.upscale(pixels))
    assert np.abs(gan.upscale(pixels, strength=0) - soft.upscale(pixels).astype(int)).max() <= 1
    made = gan.upscale(pixels, strength=0.7)
    pairs = zip(srgan.ema_generator.get_weights(), soft.ema_generator.get_weights(), strict=True)
    soft.ema_generator.set_weights([0.7 * own + 0.3 * other for own, other in pairs])
    assert np.abs(made - soft.upscale(pixels).astype(int)).max() <= 1
    assert np.abs(made - gan.upscale(pixels).astype(int)).max() > 1
    # The weights of the model itself have not changed.
    np.testing.assert_array_equal(gan.upscale(pixels), srgan.upscale(pixels))


@pytest.mark.slow
def test_a_second_model_of_another_architecture_is_refused(tmp_path):
    build(filters=2).save_to_preset(tmp_path / "soft")
    gan = build(soft_preset=str(tmp_path / "soft"))
    with pytest.raises(ValueError, match="other shapes"):
        gan.upscale(make_pixels(4, 4, 3), strength=0)


def test_srgan_x4_names_srresnet_x4_of_the_same_architecture():
    presets = ganzoo.registry.presets()
    config = dict(presets["srgan_x4"][1].config)
    assert config.pop("soft_preset") == "srresnet_x4"
    assert config == presets["srresnet_x4"][1].config


@pytest.mark.slow
def test_srgan_x4_at_strength_0_is_srresnet_x4():
    pixels = make_pixels(8, 8, 3)
    made = ganzoo.from_preset("srgan_x4").upscale(pixels, strength=0)
    expected = ganzoo.from_preset("srresnet_x4").upscale(pixels)
    assert np.abs(made.astype(int) - expected).max() <= 1
