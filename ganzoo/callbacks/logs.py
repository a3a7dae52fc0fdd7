"""The logs of `fit`, as curves and as a file."""

import dataclasses
import json
import pathlib
import time

import keras
import tensorflow as tf

from ganzoo.files import write_json


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
        self._windows = Windows()

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 - self._windows.count < self.every:
            return
        step = self.model.step
        with self._writer.as_default():
            for name, window in self._windows.since_last(logs, batch + 1).items():
                tf.summary.scalar(f"game/{name}", window, step=step)
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()


class Windows:
    """Means since the last look, out of means since the epoch began, which Keras logs."""

    def __init__(self):
        self.count = 0
        self._sums = {}

    def since_last(self, means, count):
        """The means of a window.

        Args:
            means: dict of means over the steps of the epoch so far.
            count: int. Steps of the epoch so far.
        """
        windows = {}
        for name, mean in means.items():
            total = float(mean) * count
            windows[name] = (total - self._sums.get(name, 0.0)) / (count - self.count)
            self._sums[name] = total
        self.count = count
        return windows


class MetricsFile(keras.callbacks.Callback):
    """Keeps the logs of every epoch, with step and speed, in a JSON file.

    Args:
        path: the file. What it holds of earlier epochs is kept: a resumed run goes on
            in it.
        batch_size: int. Images in a step, for `images_per_second`: training alone,
            without the time that other callbacks take or the first step compiles.
        doctor: a `Doctor` whose findings are kept in the file, too.
    """

    def __init__(self, path, batch_size, doctor=None):
        super().__init__()
        self.doctor = doctor
        self.findings = []
        self.path = pathlib.Path(path)
        self.batch_size = batch_size
        self.epochs = []

    def on_train_begin(self, logs=None):
        if self.path.exists():
            kept = json.loads(self.path.read_text())
            self.epochs, self.findings = kept["epochs"], kept["findings"]
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
        self.write()

    def write(self):
        """Writes what there is, whole or not at all."""
        found = self.doctor.findings if self.doctor else []
        new = [dataclasses.asdict(finding) for finding in found]
        write_json(self.path, {"epochs": self.epochs, "findings": self.findings + new})
