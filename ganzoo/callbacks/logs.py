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

    A point is the mean since the one before, or over an epoch that is shorter. Keras's own
    callback draws what its logs are, means since the epoch began, which hide what happens late
    in a long epoch.

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
        self._windows.reach(batch)
        self._logs = logs
        if self._windows.length >= self.every:
            self._draw(self._windows.since_last(logs))

    def on_epoch_end(self, epoch, logs=None):
        if self._windows.length == self._windows.steps:  # No point yet.
            self._draw(self._logs)

    def _draw(self, means):
        step = self.model.step
        with self._writer.as_default():
            for name, mean in means.items():
                tf.summary.scalar(f"game/{name}", mean, step=step)
        self._writer.flush()

    def on_train_end(self, logs=None):
        self._writer.close()

    def get_progress(self):
        """What a run goes on with: `(of the run, of its epoch)`, as JSON."""
        return None, self._windows.get_progress()

    def set_progress(self, of_run, of_epoch):
        """Goes on from another process's progress; `of_epoch` is None where one begins."""
        self._windows = Windows(**of_epoch or {})


class Windows:
    """Means since the last look, out of means since the epoch began, which Keras logs.

    Args:
        steps: int. Steps of the epoch that another process has trained.
        looked: int. Steps of the epoch at the last look.
        sums: dict of the sums until then.
    """

    def __init__(self, steps=0, looked=0, sums=None):
        self._before = self.steps = steps
        self._looked = looked
        self._sums = dict(sums or {})

    @property
    def length(self):
        """Steps since the last look."""
        return self.steps - self._looked

    def reach(self, batch):
        """Notes the number of the last batch, as Keras counts them: from 0 in each `fit`."""
        self.steps = self._before + batch + 1

    def since_last(self, means):
        """The means of a window, of a dict of means over the steps of the epoch so far."""
        windows = {}
        for name, mean in means.items():
            total = float(mean) * self.steps
            windows[name] = (total - self._sums.get(name, 0.0)) / self.length
            self._sums[name] = total
        self._looked = self.steps
        return windows

    def get_progress(self):
        """The arguments of windows that go on from here."""
        return {"steps": self.steps, "looked": self._looked, "sums": self._sums}


class MetricsFile(keras.callbacks.Callback):
    """Keeps the logs of every epoch, with step and speed, in a JSON file.

    Args:
        path: the file. What it holds of the model's earlier steps is kept: a resumed run
            goes on in it.
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
            # What came after the checkpoint comes again.
            self.epochs, self.findings = (
                [row for row in kept[name] if row["step"] <= self.model.step]
                for name in ("epochs", "findings")
            )
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
        # An epoch that `max_steps` cut short, and that was gone on with, has one row.
        self.epochs = [r for r in self.epochs if r["epoch"] < row["epoch"]] + [row]
        self.write()

    def write(self):
        """Writes what there is, whole or not at all."""
        found = self.doctor.findings if self.doctor else []
        new = [dataclasses.asdict(finding) for finding in found]
        old = [finding for finding in self.findings if finding not in new]
        write_json(self.path, {"epochs": self.epochs, "findings": old + new})

    def get_progress(self):
        """What a run goes on with: `(of the run, of its epoch)`, as JSON."""
        return None, {"steps": self._steps, "seconds": self._seconds}

    def set_progress(self, of_run, of_epoch):
        """Goes on from another process's progress; `of_epoch` is None where one begins."""
        if of_epoch:
            self._steps, self._seconds = of_epoch["steps"], of_epoch["seconds"]
