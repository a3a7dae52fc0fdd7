"""Write grids of generated images during training."""

import os
import pathlib

import keras
import tensorflow as tf

from ganzoo import images
from ganzoo.callbacks.logs import count_passes
from ganzoo.checks import check_positive, check_seed


class SampleGrid(keras.callbacks.Callback):
    """Write a grid of generated images after every epoch, always from the same latents.

    With classes, each column holds one class, whose name is above it.

    The grids are PNG files, `samples/epoch_001.png` and so on, and TensorBoard images below
    `logs/samples`. `samples/real.png` shows real images for comparison. It is written once.

    Args:
        run_dir: folder of the run. It is created.
        num_images: int, at least 1. Images in the grid.
        seed: int. Seed of the latents.
        every: int, at least 1. Epochs from one grid to the next.
        steps_per_pass: int. Files are numbered by passes over the data of this many steps. None
            numbers them by epochs of `fit`.

    Raises:
        ValueError: If a number is out of range, or in `fit`, if the model's images are neither gray
            nor RGB, with or without alpha.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.compile()
        >>> grid = ganzoo.callbacks.SampleGrid(tmp_path, num_images=4)
        >>> pixels = np.zeros((64, 8, 8, 1), "uint8")
        >>> history = gan.fit(pixels, callbacks=[grid], verbose=0)
        >>> sorted(path.name for path in (tmp_path / "samples").iterdir())
        ['epoch_001.png', 'real.png']
    """

    def __init__(
        self,
        run_dir: str | os.PathLike,
        num_images: int = 64,
        seed: int = 0,
        every: int = 1,
        steps_per_pass: int | None = None,
    ):
        super().__init__()
        check_positive(num_images=num_images, every=every)
        self.run_dir = pathlib.Path(run_dir)
        self.num_images = num_images
        self.seed = check_seed(seed)
        self.every = every
        self.steps_per_pass = steps_per_pass
        self._writer = None

    def on_train_begin(self, logs=None):
        if not images.is_drawable(self.model.image_shape):
            raise ValueError(
                "`SampleGrid` needs images of 1 to 4 channels. Received: a model with "
                f"image_shape={self.model.image_shape}. Remove the callback."
            )
        self._writer = tf.summary.create_file_writer(str(self.run_dir / "logs" / "samples"))
        drawn = self.model.step and (self.run_dir / "samples" / "real.png").is_file()
        if self.model.real_examples is not None and not drawn:
            real = self.model.real_examples[: self.num_images]
            pixels = real if real.dtype == "uint8" else images.to_pixels(real)
            self._draw(pixels, "real", step=0)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            previews = self.model.preview(self.num_images, self.seed)
            for index, (name, pixels) in enumerate(previews.items()):
                # The first picture is the model's output. The others show intermediate results.
                prefix = f"{name}_" if index else ""
                number = count_passes(self.model, epoch, self.steps_per_pass)
                columns, captions = self.model.preview_columns, self.model.preview_captions
                filename = f"{prefix}epoch_{number:03d}"
                self._draw(pixels, name, number, filename, columns, captions)

    def on_train_end(self, logs=None):
        self._writer.close()

    def _draw(self, pixels, name, step, filename=None, columns=None, captions=None):
        grid = images.draw_grid(pixels, columns, captions)
        path = self.run_dir / "samples" / f"{filename or name}.png"
        images.write_png(path, grid)
        with self._writer.as_default():
            # TensorBoard shows gray, RGB and RGBA.
            tf.summary.image(name, images.on_white(grid)[None], step=step)
        self._writer.flush()
