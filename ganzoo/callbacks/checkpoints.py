"""Save checkpoints that an interrupted run continues from."""

import contextlib
import json
import os
import pathlib
import re
import time
import warnings
import zipfile
from collections.abc import Sequence

import keras
import numpy as np

from ganzoo.base.checks import DIVERGENCE_ADVICE
from ganzoo.base.logs import assign_local_sum, read_local_sum
from ganzoo.callbacks.progress import name_callbacks
from ganzoo.checks import to_list
from ganzoo.messages import first_line
from ganzoo.saving.files import new_file, write_json

# File inside a checkpoint, next to the model.
_PROGRESS = "progress.json"
# File next to the checkpoints, with the name of the last one that was written.
_NEWEST = "newest.json"
# Largest share of the training time for checkpoints at the ends of epochs.
_LARGEST_SHARE = 0.02


class Checkpoint(keras.callbacks.Callback):
    """Save the whole model after every epoch, and optionally between.

    Files are called `step_00001234.keras`. Each is written under another name, flushed to the
    disk, read back and renamed, so that a file of this name is always complete. The newest two
    are kept. Without `every`, an epoch that is short beside the time to save is not saved, except
    the last one. A checkpoint also holds the running means of the epoch and the progress of the
    watched callbacks. A resumed run therefore equals an uninterrupted one.

    Args:
        folder: folder of the files. It is created.
        every: int, steps from one checkpoint to the next; or str, minutes, such as
            `"10m"`. None saves only at the ends of epochs.
        watched: callback or callbacks whose progress is saved: those with `get_progress` and
            `set_progress`, such as `Doctor`. They must stand before this one in the list that
            `fit` is given. See `ganzoo.callbacks.progress`.
        progress: what `read_progress` returned for the checkpoint that training continues from.

    Raises:
        ValueError: If `every` is neither.
        FloatingPointError: In training, if a weight is NaN or infinite. Nothing is saved.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        every: int | str | None = None,
        watched: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] = (),
        progress: dict | None = None,
    ):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.every = every
        self.every_steps, self.every_seconds = parse_every(every)
        self._seconds_to_save = 0.0
        self.watched = to_list(watched)
        self._progress = progress

    def on_train_begin(self, logs=None):
        self._note_save()

    def on_epoch_begin(self, epoch, logs=None):
        # Keras and the watched callbacks have reset their means for the epoch by now.
        if self._progress is not None:
            self._restore(self._progress)
            self._progress = None

    def on_train_batch_end(self, batch, logs=None):
        # The last step is saved at the end of the epoch, after all other callbacks.
        if not self.model.stop_training and self._is_due():
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        waited = time.monotonic() - self._saved_time
        ends = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if self.every is not None or ends or waited * _LARGEST_SHARE >= self._seconds_to_save:
            self.save()

    def save(self) -> pathlib.Path:
        """Save the model now, and return the path of the file."""
        started = time.monotonic()
        _require_finite(self.model)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step_{self.model.step:08d}.keras"
        save_whole(self.model, path, self._collect())
        write_json(self.folder / _NEWEST, {"name": path.name})
        kept = [other for other in checkpoints(self.folder) if other <= path][-2:]
        # The others include damaged files of later steps, from before training was resumed.
        for other in set(checkpoints(self.folder)) - set(kept):
            other.unlink()
        self._seconds_to_save = time.monotonic() - started
        self._note_save()
        return path

    def _note_save(self):
        self._saved_step, self._saved_time = self.model.step, time.monotonic()

    def _is_due(self):
        if self.every_steps:
            return self.model.step - self._saved_step >= self.every_steps
        if self.every_seconds:
            return time.monotonic() - self._saved_time >= self.every_seconds
        return False

    def _collect(self):
        norms = self.model.gradient_norms
        return {
            "means": {metric.name: self._read(metric) for metric in self.model.metrics},
            "norms": {player: self._read(metric) for player, metric in norms.items()},
            "callbacks": {
                name: callback.get_progress()
                for name, callback in name_callbacks(self.watched).items()
            },
        }

    def _restore(self, progress):
        # A checkpoint at the end of an epoch has the means of that epoch. The next begins at 0.
        within = self.model.step % self.params["steps"] != 0
        for metric in self.model.metrics if within else ():
            self._assign(metric, progress["means"][metric.name])
        for player, metric in self.model.gradient_norms.items():
            self._assign(metric, progress["norms"][player])
        for name, callback in name_callbacks(self.watched).items():
            # The checkpoint may be of a run without this callback.
            if found := progress["callbacks"].get(name):
                run, epoch = found
                callback.set_progress(run, epoch if within else None)

    def _read(self, metric):
        return [read_local_sum(self.model, variable) for variable in metric.variables]

    def _assign(self, metric, values):
        for variable, value in zip(metric.variables, values, strict=True):
            assign_local_sum(self.model, variable, value)


def _require_finite(model):
    """Raise an error if a network's weight or optimizer state is NaN or infinite."""
    broken = {}
    for player in ("generator", "discriminator"):
        holders = getattr(model, player), getattr(model, f"{player}_optimizer")
        for variable in (variable for holder in holders for variable in holder.variables):
            if not np.isfinite(keras.ops.convert_to_numpy(variable).astype("float64")).all():
                broken.setdefault(player, variable.path)
    if broken:
        named = " and ".join(f"the {player} ({path})" for player, path in broken.items())
        raise FloatingPointError(
            f"Training stopped at step {model.step}: weights are NaN or infinite in {named}. "
            f"{DIVERGENCE_ADVICE}"
        )


def parse_every(every: int | str | None) -> tuple[int | None, float | None]:
    """Return `(steps, seconds)` for the argument `every` of `Checkpoint`, one or both None.

    Raises:
        ValueError: If `every` is neither steps nor minutes.

    Example:
        >>> parse_every(500), parse_every("10m")
        ((500, None), (None, 600.0))
    """
    if every is None:
        return None, None
    minutes = re.fullmatch(r"(\d+(?:\.\d+)?)m", str(every))
    if minutes and float(minutes[1]) > 0:
        return None, 60 * float(minutes[1])
    if re.fullmatch(r"\d+", str(every)) and int(every) > 0:
        return int(every), None
    raise ValueError(
        "Checkpoints need an interval in steps, such as 500, or in minutes, such as 10m. Received: "
        f"{every!r}. Change it (--save-every)."
    )


def save_whole(model: keras.Model, path: pathlib.Path | str, progress: dict | None = None) -> None:
    """Save a model to a `.keras` file, completely or not at all.

    Args:
        model: any Keras model.
        path: the file.
        progress: dict that `read_progress` returns for the file.

    Raises:
        OSError: If the file cannot be written, or reads back differently.
    """
    _remember_skipped_attributes()
    with new_file(path, durable=True) as partial:
        model.save(partial)
        if progress is not None:
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr(_PROGRESS, json.dumps(progress, default=float))
        try:
            check_whole(partial)
        except ValueError as error:
            raise OSError(f"what was written is not what is on the disk: {error}") from None


def _remember_skipped_attributes():
    """Keep memory from growing with each save, by about 70 KB per optimizer.

    Keras creates an optimizer to find the attributes that are not saved. It stores the result
    under another name than it looks up, so it creates one at each save. The variables of
    each have new names, and TensorFlow keeps a kernel for each name forever.
    """
    # These names are private. A Keras without them may not need this.
    with contextlib.suppress(ImportError, AttributeError):
        from keras.src.backend.common import global_state
        from keras.src.saving import saving_lib

        sought = "saving_attr_skiplist_Optimizer"
        if global_state.get_global_attribute(sought) is None:
            global_state.set_global_attribute(sought, saving_lib.get_attr_skipset("Optimizer"))


def check_whole(path: str | os.PathLike) -> None:
    """Compare all parts of a `.keras` file with their checksums.

    Raises:
        ValueError: If a part is damaged or missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
    # Each kind of damage raises another exception.
    except Exception as error:
        raise ValueError(f"{str(path)!r} is damaged ({first_line(error)}).") from None
    if damaged or missing:
        raise ValueError(f"{str(path)!r} is damaged ({damaged or min(missing)}).")


def read_progress(path: str | os.PathLike) -> dict | None:
    """Return the progress that is saved in a checkpoint, or None if there is none."""
    with zipfile.ZipFile(path) as archive:
        if _PROGRESS not in archive.namelist():
            return None
        return json.loads(archive.read(_PROGRESS))


def checkpoints(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Return the checkpoint files in a folder, oldest first."""
    return sorted(pathlib.Path(folder).glob("step_*.keras"))


def newest_whole(folder: str | os.PathLike) -> pathlib.Path | None:
    """Return the newest undamaged checkpoint in a folder, or None if none was ever written.

    Warn about newer ones that are damaged or missing.

    Raises:
        ValueError: If every checkpoint is damaged or missing.
    """
    folder = pathlib.Path(folder)
    problems = []
    record = folder / _NEWEST
    found = checkpoints(folder)
    # Older versions wrote no record. Without one, a missing checkpoint goes unnoticed.
    with contextlib.suppress(OSError, ValueError):
        newest = folder / json.loads(record.read_text())["name"]
        if newest not in found:
            problems.append(f"{str(newest)!r} is missing.")
    for path in reversed(found):
        try:
            check_whole(path)
        except ValueError as error:
            problems.append(str(error))
            continue
        if problems:
            warnings.warn(f"{' '.join(problems)} Going back to {path.name!r}.", stacklevel=2)
        return path
    if problems:
        raise ValueError(f"{' '.join(problems)} No checkpoint is left: start the run anew.")
    return None
