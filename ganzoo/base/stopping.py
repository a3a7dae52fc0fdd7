"""Callbacks that end training: after some steps or time, and at a loss that is NaN or infinite."""

import math
import time

import keras
import numpy as np

from ganzoo.base.checks import DIVERGENCE_ADVICE


class StopAtStep(keras.callbacks.Callback):
    """End training after a number of steps, or after some time.

    Args:
        max_steps: int. Steps of the model, counted over all calls of `fit`.
        steps_per_epoch: int. Also end epochs at multiples of this. An epoch that is resumed is
            shorter than `fit` expects. None leaves epochs unchanged.
        minutes: float. Training ends after the step in which this time is over. A resumed run
            counts the time before its checkpoint, too. None sets no limit.
    """

    progress_name = "StopAtStep"

    def __init__(
        self, max_steps: int, steps_per_epoch: int | None = None, minutes: float | None = None
    ):
        super().__init__()
        self.max_steps = max_steps
        self.steps_per_epoch = steps_per_epoch
        self.seconds = math.inf if minutes is None else 60 * minutes
        self._seconds_before = 0.0
        self._started = None

    @property
    def seconds_left(self) -> float:
        """Seconds of training that are left, infinite without a limit."""
        return self.seconds - self._seconds_so_far

    @property
    def has_ended(self) -> bool:
        """True if training ends now, and not only an epoch."""
        return self.model.step >= self.max_steps or self.seconds_left <= 0

    @property
    def _seconds_so_far(self):
        since = 0.0 if self._started is None else time.monotonic() - self._started
        return self._seconds_before + since

    def on_train_begin(self, logs=None):
        self._started = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        if self.has_ended or (self.steps_per_epoch and self.model.step % self.steps_per_epoch == 0):
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.steps_per_epoch and not self.has_ended:
            self.model.stop_training = False

    def get_progress(self) -> tuple[dict, None]:
        """Return `(run, epoch)` for a checkpoint; see `ganzoo.callbacks.progress`."""
        return {"seconds": self._seconds_so_far}, None

    def set_progress(self, run: dict, epoch: None) -> None:
        """Continue from a checkpoint."""
        self._seconds_before = run["seconds"]


class StopAtNonFiniteLoss(keras.callbacks.Callback):
    """Stop training at a loss that is NaN or infinite."""

    def on_train_batch_end(self, batch, logs=None):
        broken = {
            name: float(value)
            for name, value in (logs or {}).items()
            if name.endswith("_loss") and not np.isfinite(value)
        }
        if broken:
            named = ", ".join(f"{name} is {value}" for name, value in broken.items())
            raise FloatingPointError(
                f"Training stopped at step {self.model.step}: {named}. {DIVERGENCE_ADVICE}"
            )
