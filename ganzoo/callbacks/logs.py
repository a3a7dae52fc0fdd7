"""Write the logs of `fit` to TensorBoard and to a JSON file."""

import dataclasses
import json
import os
import pathlib
import time

import keras
import tensorflow as tf

from ganzoo.callbacks.diagnosis import Finding
from ganzoo.callbacks.doctor import Doctor
from ganzoo.callbacks.windows import WindowMeans
from ganzoo.checks import check_positive
from ganzoo.saving.files import write_json


def count_passes(model: keras.Model, epoch: int, steps_per_pass: int | None) -> int:
    """Return the number of passes over the data at the end of an epoch of `fit`, rounded up.

    Args:
        model: a `GAN`.
        epoch: int. Index of the epoch.
        steps_per_pass: int. None returns the number of epochs.
    """
    return epoch + 1 if steps_per_pass is None else -(-model.step // steps_per_pass)


class GameScalars(keras.callbacks.Callback):
    """Write the logs of `fit` to TensorBoard several times per epoch, under `game/`.

    A point is the mean since the previous point. Keras's own TensorBoard callback writes means
    since the epoch began, which hide what happens late in a long epoch. An epoch with fewer
    steps than `every` has one point.

    Args:
        run_dir: folder of the run. Scalars go to `logs/train`.
        every: int, at least 1. Steps from one point to the next.

    Raises:
        ValueError: If `every` is out of range.
    """

    progress_name = "GameScalars"

    def __init__(self, run_dir: str | os.PathLike, every: int = 100):
        super().__init__()
        check_positive(every=every)
        self.log_dir = pathlib.Path(run_dir) / "logs" / "train"
        self.every = every

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self.log_dir))

    def on_epoch_begin(self, epoch, logs=None):
        self._windows = WindowMeans()

    def on_train_batch_end(self, batch, logs=None):
        self._windows.set_batch(batch)
        self._logs = logs
        if self._windows.length >= self.every:
            self._write(self._windows.close_window(self.model))

    def on_epoch_end(self, epoch, logs=None):
        if self._windows.length == self._windows.steps:  # The epoch has no point yet.
            self._write(self._logs)

    def _write(self, means):
        step = self.model.step
        with self._writer.as_default():
            for name, mean in means.items():
                tf.summary.scalar(f"game/{name}", mean, step=step)
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()

    def get_progress(self) -> tuple[None, dict]:
        """Return `(run, epoch)` for a checkpoint; see `ganzoo.callbacks.progress`."""
        return None, self._windows.get_progress()

    def set_progress(self, run: None, epoch: dict | None) -> None:
        """Continue from a checkpoint."""
        self._windows = WindowMeans.from_progress(epoch)


class MetricsFile(keras.callbacks.Callback):
    """Write the logs of every epoch to a JSON file, with step and speed.

    The file has `epochs`, a list of records, and `findings` of the doctor. If it exists, rows of
    the model's earlier steps are kept, so that a resumed run continues it.

    Args:
        path: the file.
        batch_size: int. Images per step, for `images_per_second`. The speed is that of training
            alone: the first step, which compiles, and other callbacks are left out.
        doctor: `Doctor` whose findings go to the file, or None.
        steps_per_pass: int. Rows count passes over the data of this many steps. None counts epochs
            of `fit`.
    """

    progress_name = "MetricsFile"

    def __init__(
        self,
        path: str | os.PathLike,
        batch_size: int,
        doctor: Doctor | None = None,
        steps_per_pass: int | None = None,
    ):
        super().__init__()
        self.steps_per_pass = steps_per_pass
        self.doctor = doctor
        self.findings: list[Finding] = []
        self.path = pathlib.Path(path)
        self.batch_size = batch_size
        self.epochs: list[dict] = []

    def on_train_begin(self, logs=None):
        if self.path.exists():
            kept = json.loads(self.path.read_text())
            # Rows of later steps are of an interrupted run, which repeats those steps now.
            self.epochs = [row for row in kept["epochs"] if row["step"] <= self.model.step]
            found = [Finding.from_dict(fields) for fields in kept["findings"]]
            self.findings = [finding for finding in found if finding.step <= self.model.step]
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
            "epoch": count_passes(self.model, epoch, self.steps_per_pass),
            "step": self.model.step,
            "seconds": round(self._seconds, 3),
            "images_per_second": speed,
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        # An epoch that was cut short by `max_steps` and resumed later has one row.
        self.epochs = [r for r in self.epochs if r["epoch"] < row["epoch"]] + [row]
        self.write()

    def write(self) -> None:
        """Write the file, completely or not at all."""
        new = self.doctor.findings if self.doctor else []
        findings = [finding for finding in self.findings if finding not in new] + new
        records = [dataclasses.asdict(finding) for finding in findings]
        write_json(self.path, {"epochs": self.epochs, "findings": records})

    def get_progress(self) -> tuple[None, dict]:
        """Return `(run, epoch)` for a checkpoint; see `ganzoo.callbacks.progress`."""
        return None, {"steps": self._steps, "seconds": self._seconds}

    def set_progress(self, run: None, epoch: dict | None) -> None:
        """Continue from a checkpoint."""
        if epoch:
            self._steps, self._seconds = epoch["steps"], epoch["seconds"]
