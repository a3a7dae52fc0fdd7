"""Compute means over windows of steps."""

from collections.abc import Mapping

from ganzoo.callbacks.progress import rename_old_fields


class WindowMeans:
    """Means since the last window, computed from the running means that Keras logs.

    Keras logs means since the epoch began, which hide what happens late in a long epoch.

    Args:
        steps: int. Steps of the epoch so far.
        window_start: int. Step of the epoch at which the current window began.
        sums: dict of the sums until then, by name.
    """

    def __init__(
        self, steps: int = 0, window_start: int = 0, sums: Mapping[str, float] | None = None
    ):
        self._before = self.steps = steps
        self._window_start = window_start
        self._sums = dict(sums or {})

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

    def close_window(self, means: Mapping[str, float]) -> dict[str, float]:
        """Return the means of the current window, and begin the next one.

        Args:
            means: means over all steps of the epoch so far, by name.
        """
        windows = {}
        for name, mean in means.items():
            total = float(mean) * self.steps
            windows[name] = (total - self._sums.get(name, 0.0)) / self.length
            self._sums[name] = total
        self._window_start = self.steps
        return windows
