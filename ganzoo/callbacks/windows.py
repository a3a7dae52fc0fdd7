"""Compute means over windows of steps."""

from collections.abc import Mapping

from ganzoo.base import GAN
from ganzoo.base.logs import RunningMean, read_local_sum
from ganzoo.callbacks.progress import rename_old_fields


class WindowMeans:
    """Means of the logs since the last window, over the images of this machine.

    Keras logs means since the epoch began, which hide what happens late in a long epoch. The
    running means behind them hold sums over images, whose differences give the means of a window.

    Args:
        steps: int. Steps of the epoch so far.
        window_start: int. Step of the epoch at which the current window began.
        sums: dict of the `(total, count)` until then, by name.
    """

    def __init__(
        self, steps: int = 0, window_start: int = 0, sums: Mapping[str, tuple] | None = None
    ):
        self._before = self.steps = steps
        self._window_start = window_start
        # Older versions counted steps, and wrote the total alone.
        self._sums = {
            name: (sum_, window_start) if isinstance(sum_, (int, float)) else tuple(sum_)
            for name, sum_ in (sums or {}).items()
        }

    @classmethod
    def from_progress(cls, progress: dict | None) -> "WindowMeans":
        """Continue from what `get_progress` returned. None begins an epoch."""
        return cls(**rename_old_fields(progress or {}))

    def get_progress(self) -> dict:
        """Return the state, for a checkpoint."""
        return {"steps": self.steps, "window_start": self._window_start, "sums": self._sums}

    @property
    def length(self) -> int:
        """Steps in the current window."""
        return self.steps - self._window_start

    def set_batch(self, batch: int) -> None:
        """Set the number of the last batch. Keras counts from 0 in each call of `fit`."""
        self.steps = self._before + batch + 1

    def close_window(self, gan: GAN) -> dict[str, float]:
        """Return the means of the current window by name, and begin the next one."""
        means = {}
        for metric in gan.metrics:
            if not isinstance(metric, RunningMean):
                continue
            total, count = (read_local_sum(gan, v) for v in (metric.total, metric.count))
            total_before, count_before = self._sums.get(metric.name, (0.0, 0.0))
            if count > count_before:
                mean = (total - total_before) / (count - count_before)
                means[metric.name] = float(metric.convert(mean))
            self._sums[metric.name] = total, count
        self._window_start = self.steps
        return means
