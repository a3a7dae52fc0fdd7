"""Keras callbacks that show and keep what happens during `fit`."""

import json
import os
import pathlib
import time

import keras
import tensorflow as tf

from ganzoo import images


class SampleGrid(keras.callbacks.Callback):
    """Draws the same latents after every epoch, to PNG files and TensorBoard.

    Writes `samples/epoch_001.png` and so on, `samples/real.png` once for comparison,
    and the same pictures to TensorBoard under `logs/samples`.

    Args:
        run_dir: folder of the run; it is made.
        num_images: int. Images in the grid.
        seed: int. Seed of the latents, the same in every epoch.
        every: int. Epochs from one grid to the next.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.compile()
        >>> grid = ganzoo.callbacks.SampleGrid(tmp_path, num_images=4)
        >>> pixels = np.zeros((64, 8, 8, 1), "uint8")
        >>> history = gan.fit(pixels, callbacks=[grid], verbose=0)
        >>> sorted(path.name for path in (tmp_path / "samples").iterdir())
        ['epoch_001.png', 'real.png']
    """

    def __init__(self, run_dir, num_images=64, seed=0, every=1):
        super().__init__()
        self.run_dir = pathlib.Path(run_dir)
        self.num_images = num_images
        self.seed = seed
        self.every = every
        self._writer = None

    def on_train_begin(self, logs=None):
        if not images.is_drawable(self.model.image_shape):
            raise ValueError(
                "`SampleGrid` draws images of 1 or 3 channels. Received: a model of "
                f"image_shape={self.model.image_shape}. Leave the callback out."
            )
        self._writer = tf.summary.create_file_writer(str(self.run_dir / "logs" / "samples"))
        if self.model.real_examples is not None:
            real = self.model.real_examples[: self.num_images]
            pixels = real if real.dtype == "uint8" else images.to_pixels(real)
            self._draw(pixels, "real", step=0)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every == 0:
            previews = self.model.preview(self.num_images, self.seed)
            for index, (name, pixels) in enumerate(previews.items()):
                # The first is what the model makes; the others show how it comes to be.
                prefix = f"{name}_" if index else ""
                self._draw(pixels, name, epoch + 1, f"{prefix}epoch_{epoch + 1:03d}")

    def on_train_end(self, logs=None):
        self._writer.close()

    def _draw(self, pixels, name, step, filename=None):
        grid = images.make_grid(pixels, columns=self.model.num_classes)
        path = self.run_dir / "samples" / f"{filename or name}.png"
        images.write_png(path, grid, images.zoom_for(grid))
        with self._writer.as_default():
            tf.summary.image(name, grid[None], step=step)
        self._writer.flush()


class GameScalars(keras.callbacks.Callback):
    """Draws the logs of `fit` in TensorBoard while an epoch lasts, all in one group.

    A point is the mean since the one before. Keras's own callback draws what its logs
    are, means since the epoch began, which hide what happens late in a long epoch.

    Args:
        run_dir: folder of the run; scalars go to `logs/train`.
        every: int. Steps from one point to the next.
    """

    def __init__(self, run_dir, every=100):
        super().__init__()
        self.log_dir = pathlib.Path(run_dir) / "logs" / "train"
        self.every = every

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.log_dir))

    def on_epoch_begin(self, epoch, logs=None):
        self._count, self._sums = 0, {}

    def on_train_batch_end(self, batch, logs=None):
        count = batch + 1
        if count - self._count < self.every:
            return
        step = self.model.step
        with self._writer.as_default():
            for name, mean in logs.items():
                total = float(mean) * count
                window = (total - self._sums.get(name, 0.0)) / (count - self._count)
                tf.summary.scalar(f"game/{name}", window, step=step)
                self._sums[name] = total
        self._writer.flush()
        self._count = count

    def on_train_end(self, logs=None):
        self._writer.close()


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole model after every epoch, so that a killed run can go on.

    Files are `step_00001234.keras`, written under another name and then renamed, so
    that what is there is whole. The newest two are kept.

    Args:
        folder: where the files go; it is made.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = pathlib.Path(folder)

    def on_epoch_end(self, epoch, logs=None):
        self.save()

    def save(self):
        """Saves the model as it is now, and returns the file's path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step_{self.model.step:08d}.keras"
        save_whole(self.model, path)
        for old in checkpoints(self.folder)[:-2]:
            old.unlink()
        return path


class MetricsFile(keras.callbacks.Callback):
    """Keeps the logs of every epoch, with step and speed, in a JSON file.

    Args:
        path: the file. What it holds of earlier epochs is kept: a resumed run goes on
            in it.
        batch_size: int. Images in a step, for `images_per_second`: training alone,
            without the time that other callbacks take or the first step compiles.
    """

    def __init__(self, path, batch_size):
        super().__init__()
        self.path = pathlib.Path(path)
        self.batch_size = batch_size
        self.epochs = []

    def on_train_begin(self, logs=None):
        if self.path.exists():
            self.epochs = json.loads(self.path.read_text())["epochs"]

        self._compiled = False

    def on_epoch_begin(self, epoch, logs=None):
        self._steps, self._seconds = 0, 0.0

    def on_train_batch_begin(self, batch, logs=None):
        self._started = time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self._compiled:
            self._seconds += time.perf_counter() - self._started
            self._steps += self.model.steps_per_execution
        self._compiled = True

    def on_epoch_end(self, epoch, logs=None):
        speed = self._steps * self.batch_size / self._seconds if self._steps else None
        row = {
            "epoch": epoch + 1,
            "step": self.model.step,
            "seconds": round(self._seconds, 3),
            "images_per_second": speed,
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        self.epochs = [r for r in self.epochs if r["step"] < row["step"]] + [row]
        partial = self.path.with_name(f".{self.path.name}.partial")
        partial.write_text(json.dumps({"epochs": self.epochs}, indent=2) + "\n")
        os.replace(partial, self.path)


class StopAtStep(keras.callbacks.Callback):
    """Ends training once the generator has been updated so many times.

    Args:
        max_steps: int. Steps, counted over all runs of the model.
    """

    def __init__(self, max_steps):
        super().__init__()
        self.max_steps = max_steps

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step >= self.max_steps:
            self.model.stop_training = True


def save_whole(model, path):
    """Saves a model to a `.keras` file that is there whole, or not at all."""
    path = pathlib.Path(path)
    partial = path.with_name(f".partial_{path.name}")
    model.save(partial)
    os.replace(partial, path)


def checkpoints(folder):
    """The checkpoint files in a folder, oldest first."""
    return sorted(pathlib.Path(folder).glob("step_*.keras"))
