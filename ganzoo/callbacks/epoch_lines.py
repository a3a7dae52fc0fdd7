"""Show the progress of a run: one line per epoch, and a live bar in a terminal."""

import math
import time

import keras
import rich.console
import rich.progress

from ganzoo.base.stopping import StopAtStep
from ganzoo.callbacks.logs import MetricsFile

# Columns of the table, most important first. Those that do not fit the terminal are left out.
_SHOWN_LOGS = (
    "psnr",
    "generator_loss",
    "discriminator_loss",
    "real_score",
    "fake_score",
    "content_loss",
)
_WIDTHS = {"epoch": 7, "step": 7, "images/s": 8, "left": 8}
_SECONDS_TO_ESTIMATE = 10


class EpochLines(keras.callbacks.Callback):
    """Print one line per epoch to standard error: step, speed, time left and logs.

    A terminal or notebook also shows a bar for the current epoch. Use the object as a context
    manager, so that the bar ends with training, also after an error.

    Args:
        stop: `StopAtStep` that ends training.
        steps_per_epoch: int. Steps of an epoch of `fit`.
        num_epochs: int. The last number in the column `epoch` of `metrics`. None if it is not
            known.
        metrics: `MetricsFile` of the run, which measures the speed. It must come earlier in the
            list of callbacks.
        console: `rich.console.Console`. None writes to standard error.
    """

    def __init__(
        self,
        stop: StopAtStep,
        steps_per_epoch: int,
        num_epochs: int | None,
        metrics: MetricsFile,
        console: rich.console.Console | None = None,
    ):
        super().__init__()
        self.stop = stop
        self.steps_per_epoch = steps_per_epoch
        self.of_epochs = "" if num_epochs is None else f"/{num_epochs}"
        self.metrics = metrics
        self.console = console or rich.console.Console(stderr=True)
        self.is_live = self.console.is_terminal or self.console.is_jupyter
        self._bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TextColumn("{task.fields[left]}"),
            console=self.console,
            transient=True,
            disable=not self.is_live,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.stop()

    def on_train_begin(self, logs=None):
        self._columns = self._first_step = None
        self._estimated = self.is_live  # The bar shows the estimate.
        self._bar.start()
        self._task = self._bar.add_task("", total=self.steps_per_epoch, left="")

    def on_epoch_begin(self, epoch, logs=None):
        steps = min(self.steps_per_epoch, self.stop.max_steps - epoch * self.steps_per_epoch)
        self._bar.update(
            self._task,
            description="training",
            total=steps,
            completed=self.model.step - epoch * self.steps_per_epoch,
        )

    def on_train_batch_end(self, batch, logs=None):
        if self._first_step is None:  # The first step compiles. It says nothing about the speed.
            self._first_step, self._started = self.model.step, time.perf_counter()
        # Without a bar, a long first epoch would show nothing.
        waited = time.perf_counter() - self._started > _SECONDS_TO_ESTIMATE
        if waited and not self._estimated:
            self._print(f"Step {self.model.step}, {self._time_left()} left.")
            self._estimated = True
        completed = (self.model.step - 1) % self.steps_per_epoch + 1
        left = f"{self._time_left()} left" if self.model.step > self._first_step else ""
        self._bar.update(self._task, completed=completed, left=left)

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self._estimated = True
        if self._columns is None:
            self._columns = self._fitting_columns(logs)
            for header in zip(*map(_split_name, self._columns), strict=True):
                self._print_row(header)
        row = self.metrics.epochs[-1]
        speed = row["images_per_second"]
        cells = {
            "epoch": f"{row['epoch']}{self.of_epochs}",
            "step": str(row["step"]),
            "images/s": "" if speed is None else f"{speed:.0f}",
            "left": self._time_left(),
        }
        cells |= {name: _shorten(logs[name]) for name in self._columns if name in logs}
        # Callbacks add their measurements to the logs of some epochs.
        trained = {metric.name for metric in self.model.metrics}
        measured = [f"{n} {_shorten(logs[n])}" for n in logs if n not in trained | cells.keys()]
        self._print_row([cells.get(name, "") for name in self._columns], measured)

    def _time_left(self):
        """Return hours, minutes and seconds until the end of the run, at the speed so far."""
        taken = self.model.step - self._first_step
        seconds = self.stop.seconds_left
        if taken:
            per_step = (time.perf_counter() - self._started) / taken
            seconds = min(seconds, per_step * (self.stop.max_steps - self.model.step))
        if math.isinf(seconds):
            return ""
        minutes, seconds = divmod(max(0, round(seconds)), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"

    def _fitting_columns(self, logs):
        """Return the names of the columns that fit the width. A pipe has at least 80 characters."""
        columns, left = list(_WIDTHS), max(self.console.width, 80) - sum(_WIDTHS.values()) - 6
        for name in (name for name in _SHOWN_LOGS if name in logs):
            left -= _width(name) + 2
            if left < 0:
                break
            columns.append(name)
        return columns

    def _print_row(self, cells, more=()):
        aligned = [
            f"{cell:>{_width(name)}}" for name, cell in zip(self._columns, cells, strict=True)
        ]
        self._print("  ".join([*aligned, *more]))

    def _print(self, text):
        self.console.print(text, soft_wrap=True, markup=False, highlight=False)


def _split_name(name):
    """Return a log's name in two lines: `generator_loss` as `generator` and `loss`."""
    if name in _WIDTHS or "_" not in name:
        return name, ""
    return name.rsplit("_", 1)


def _width(name):
    return _WIDTHS.get(name) or max(5, *map(len, _split_name(name)))


def _shorten(value):
    return f"{float(value):.4g}" if abs(value) >= 1 else f"{float(value):.3f}"
