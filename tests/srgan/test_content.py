"""What the images are compared by: pixels, and features of VGG19."""

import itertools

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from small_srgan import build, make_pixels

from ganzoo import images
from ganzoo.srgan import content


def hand_built_features(path, pixels, last):
    """VGG19 by the published description: convolutions and poolings, on BGR pixels."""
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
def test_content_losses_are_rescaled_squared_distances_of_features(name, layer, vgg19_weights):
    real, fake = make_pixels(2, 2, 16, 20, 3)
    features = [
        hand_built_features(vgg19_weights, pixels, layer) / 12.75 for pixels in (real, fake)
    ]
    expected = np.mean((features[0] - features[1]) ** 2)
    loss = content.get(name)(images.from_pixels(real), images.from_pixels(fake))
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_the_pixel_loss_is_the_mean_squared_error():
    assert float(content.get("pixel")(np.zeros((1, 2, 2, 3)), np.full((1, 2, 2, 3), 0.5))) == 0.25


def test_pixels_and_features_are_added(vgg19_weights):
    pair = [images.from_pixels(pixels) for pixels in make_pixels(2, 1, 16, 16, 3)]
    parts = [float(content.get(name)(*pair)) for name in ("pixel", "vgg34")]
    both = float(content.get("pixel+vgg34")(*pair))
    np.testing.assert_allclose(both, parts[0] + 1e-5 * parts[1], rtol=1e-6)


def test_images_are_shifted_alike_and_by_every_distance_within_a_period():
    real, fake = np.random.default_rng(0).normal(size=(2, 2, 9, 8, 3)).astype("float32")
    moves = list(itertools.product(range(2), repeat=2))
    found = set()
    for seed in range(40):
        shifted = content.shift_alike((0, seed), 2, real, fake)
        move = next(m for m in moves if np.array_equal(np.roll(real, m, (1, 2)), shifted[0]))
        assert np.array_equal(np.roll(fake, move, (1, 2)), shifted[1])
        found.add(move)
    assert found == set(moves)


def test_features_are_compared_under_a_shift_and_pixels_as_they_are(monkeypatch, vgg19_weights):
    seen = []

    def note(seed, period, *pair):
        seen.append(period)
        return pair

    monkeypatch.setattr(content, "shift_alike", note)
    gan = build()
    pair = [tf.constant(images.from_pixels(p)) for p in make_pixels(2, 1, 16, 16, 3)]
    for name in content.CONTENTS[:4]:
        gan.compile(content=name, run_eagerly=True)
        gan.compute_content_loss(*pair)
    assert seen == [gan.scale] * 3  # Not of pixels alone.


def test_weights_are_read_from_a_file_as_keras_ships_it(tmp_path, vgg19_weights):
    """The older HDF5 format: a group for each layer, with its arrays' names."""
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


def test_missing_weights_are_named_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv(content.WEIGHTS_VARIABLE, str(tmp_path / "nowhere.h5"))
    with pytest.raises(
        ValueError, match=rf"nowhere.h5.*{content.WEIGHTS_VARIABLE}.*content='pixel'"
    ):
        content.get("vgg22")
    (tmp_path / "broken.npz").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match=r"broken\.npz.*holds no VGG19 weights"):
        content.get("vgg22", tmp_path / "broken.npz")
    (tmp_path / "broken.h5").write_bytes(b"not an archive")
    with pytest.raises(ValueError, match=r"broken\.h5.*holds no VGG19 weights"):
        content.get("vgg22", tmp_path / "broken.h5")


def test_a_file_that_ends_before_the_layer_is_refused():
    with pytest.raises(ValueError, match="lacks 'block4_conv1/kernel'"):
        content.get("vgg54")


def test_a_failed_download_is_one_line(monkeypatch):
    monkeypatch.delenv(content.WEIGHTS_VARIABLE)

    def refuse(*_, **__):
        raise OSError("no network\nand more lines")

    monkeypatch.setattr(keras.applications, "VGG19", refuse)
    with pytest.raises(ValueError, match=r"cannot be downloaded \(no network\)\. Give") as error:
        content.get("vgg54")
    assert "\n" not in str(error.value)


def test_an_unknown_content_loss_is_refused_with_the_nearest(srgan):
    with pytest.raises(ValueError, match=r"vgg33.*Did you mean 'vgg"):
        srgan.compile(content="vgg33")


def test_the_weights_are_sought_when_training_starts_and_not_before(monkeypatch, tmp_path):
    monkeypatch.setenv(content.WEIGHTS_VARIABLE, str(tmp_path / "nowhere.npz"))
    gan = build()
    gan.compile(content="vgg34")
    assert gan.upscale(make_pixels(4, 4, 3)).shape == (8, 8, 3)
    with pytest.raises(ValueError, match=r"nowhere\.npz"):
        gan.fit(make_pixels(2, 16, 16, 3), verbose=0)
