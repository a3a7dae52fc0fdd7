"""Test the callbacks that log scalars and draw sample grids."""

import keras
import numpy as np
import pytest
import tiny
from events import read_pictures, read_scalars
from PIL import Image

import ganzoo
from ganzoo import callbacks


class _Recorder(keras.callbacks.Callback):
    """Compute the generator's loss of each step from the running mean of an epoch."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_begin(self, epoch, logs=None):
        self.total = 0.0

    def on_train_batch_end(self, batch, logs=None):
        total = float(logs["generator_loss"]) * (batch + 1)
        self.losses.append(total - self.total)
        self.total = total


def test_game_scalars_are_means_since_the_previous_point(tmp_path):
    gan = tiny.build_gan()
    gan.compile()
    recorder = _Recorder()
    pixels = np.zeros((10, *gan.image_shape), "uint8")
    scalars = callbacks.GameScalars(tmp_path, every=2)
    gan.fit(pixels, batch_size=2, epochs=2, verbose=0, callbacks=[recorder, scalars])
    drawn = read_scalars(tmp_path / "logs" / "train")
    assert set(drawn) == {f"game/{name}" for name in gan.get_metrics_result() if name != "loss"}
    # An epoch has five steps, so the points are after the steps 2, 4, 7 and 9.
    losses = recorder.losses
    expected = {end: np.mean(losses[end - 2 : end]) for end in (2, 4, 7, 9)}
    assert drawn["game/generator_loss"].keys() == expected.keys()
    for step, value in expected.items():
        np.testing.assert_allclose(drawn["game/generator_loss"][step], value, rtol=1e-4)


def test_a_point_is_the_mean_over_its_images(tmp_path):
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    gan.compile(keras.optimizers.SGD(0.0), content_only=True)
    images = tiny.make_images(5, (16, 16, 3)) * np.array([0.1, 0.1, 1, 1, 0.5])[:, None, None, None]
    expected = [
        gan.evaluate(images[part], verbose=0, return_dict=True)["psnr"]
        for part in (slice(0, 2), slice(2, 4), slice(4, 5))
    ]
    # Batch statistics in training would differ from those in evaluation.
    for layer in ganzoo.layers.normalizations(gan.generator):
        layer.trainable = False
    gan.compile(keras.optimizers.SGD(0.0), content_only=True)
    scalars = callbacks.GameScalars(tmp_path, every=1)
    gan.fit(images, batch_size=2, shuffle=False, verbose=0, callbacks=[scalars])
    drawn = read_scalars(tmp_path / "logs" / "train")["game/psnr"]
    np.testing.assert_allclose([drawn[step] for step in (1, 2, 3)], expected, rtol=1e-4)


@pytest.mark.slow
def test_an_epoch_with_few_steps_has_one_point(tmp_path):
    gan = tiny.build_gan()
    gan.compile()
    pixels = np.zeros((10, *gan.image_shape), "uint8")
    scalars = callbacks.GameScalars(tmp_path, every=100)
    history = gan.fit(
        pixels, batch_size=2, epochs=2, verbose=0, callbacks=[scalars], validation_data=pixels
    ).history
    drawn = read_scalars(tmp_path / "logs" / "train")
    assert "game/val_generator_loss" not in drawn
    assert drawn["game/generator_loss"].keys() == {5, 10}
    np.testing.assert_allclose(
        [*drawn["game/generator_loss"].values()], history["generator_loss"], rtol=1e-5
    )


def test_a_grid_of_two_classes_repeats_them_and_real_images_make_a_square(tmp_path):
    gan = ganzoo.CGAN((8, 8, 1), 2, base_filters=2, class_names=["no", "yes"], seed=0)
    gan.compile(run_eagerly=True)
    assert gan.preview_columns == 8
    assert gan.preview_captions == ["no", "yes"] * 4
    pixels = np.zeros((16, 8, 8, 1), "uint8")
    grid = callbacks.SampleGrid(tmp_path, num_images=16)
    gan.fit(pixels, np.arange(16) % 2, verbose=0, callbacks=[grid])
    with Image.open(tmp_path / "samples" / "real.png") as image:
        assert image.width == image.height


def test_sample_grids_use_the_same_latents_and_show_the_real_images_once(tmp_path):
    gan = tiny.build_gan(batch_norm=False)
    gan.compile(generator_optimizer="adam", discriminator_optimizer="adam", ema_decay=0.0)
    gan.generator_optimizer.learning_rate = 0.0
    pixels = np.zeros((8, *gan.image_shape), "uint8")
    grid = callbacks.SampleGrid(tmp_path, num_images=4)
    gan.fit(pixels, batch_size=4, epochs=2, verbose=0, callbacks=[grid])
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["epoch_001.png", "epoch_002.png", "real.png"]
    first, second = ((tmp_path / "samples" / name).read_bytes() for name in names[:2])
    # The generator has not changed, so the same latents give the same file.
    assert first == second
    again = callbacks.SampleGrid(tmp_path, num_images=4)
    gan.fit(pixels, batch_size=4, initial_epoch=2, epochs=3, verbose=0, callbacks=[again])
    pictures = read_pictures(tmp_path / "logs" / "samples")
    assert {tag: sorted(steps) for tag, steps in pictures.items()} == {
        "real": [0],
        "generated": [1, 2, 3],
    }
    with Image.open(tmp_path / "samples" / "epoch_002.png") as image:
        zoom = image.width // pictures["generated"][2].shape[1]
        drawn = np.asarray(image)[::zoom, ::zoom]
    np.testing.assert_array_equal(pictures["generated"][2][..., 0], drawn)
