"""Whole models on disk, so that a stopped run can go on; and where a run ends."""

import contextlib
import json
import pathlib
import re
import time
import warnings
import zipfile

import keras
import numpy as np

from ganzoo.files import new_file, write_json
from ganzoo.training import REMEDIES

# Beside the model in a checkpoint.
_PROGRESS = "progress.json"
# Beside the checkpoints: which of them was the last to be written.
_NEWEST = "newest.json"


class Checkpoint(keras.callbacks.Callback):
    """Saves the whole model after every epoch and in between, so that a run can go on.

    Files are `step_00001234.keras`, written under another name, flushed to the disk, read
    again and then renamed, so that what is there is whole. The newest two are kept. With
    the model they hold the means of the epoch so far and what the watched callbacks
    remember: a run that goes on ends as if it had never been stopped.

    Args:
        folder: where the files go; it is made.
        every: int, steps from one checkpoint to the next, or str, minutes, such as
            `"10m"`. None saves at the ends of epochs alone.
        watched: callbacks with `get_progress` and `set_progress`, such as `Doctor`; they
            stand before this one in the list that `fit` is given.
        progress: what `read_progress` gives of the checkpoint that training goes on from.

    Raises:
        ValueError: If `every` is something else.
        FloatingPointError: In training, instead of saving a weight that is no number.
    """

    def __init__(self, folder, every=None, watched=(), progress=None):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.every_steps, self.every_seconds = parse_every(every)
        self.watched = watched
        self._progress = progress

    def on_train_begin(self, logs=None):
        self._note_save()

    def on_epoch_begin(self, epoch, logs=None):
        # Comes last, when Keras and the watched callbacks have made all ready for an epoch.
        if self._progress is not None:
            self._restore(self._progress)
            self._progress = None

    def on_train_batch_end(self, batch, logs=None):
        # What ends here is saved when all have seen the end of the epoch.
        if not self.model.stop_training and self._is_due():
            self.save()

    def on_epoch_end(self, epoch, logs=None):
        self.save()

    def save(self):
        """Saves the model as it is now, and returns the file's path."""
        _require_finite(self.model)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step_{self.model.step:08d}.keras"
        save_whole(self.model, path, self._collect())
        write_json(self.folder / _NEWEST, {"name": path.name})
        kept = [other for other in checkpoints(self.folder) if other <= path][-2:]
        # Among the others are damaged ones of later steps, which training did not go on from.
        for other in set(checkpoints(self.folder)) - set(kept):
            other.unlink()
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
            "callbacks": {type(one).__name__: one.get_progress() for one in self.watched},
        }

    def _restore(self, progress):
        # At the end of an epoch the next one begins with nothing.
        within = self.model.step % self.params["steps"] != 0
        for metric in self.model.metrics if within else ():
            self._assign(metric, progress["means"][metric.name])
        for player, metric in self.model.gradient_norms.items():
            self._assign(metric, progress["norms"][player])
        for callback in self.watched:
            # Older checkpoints know nothing of callbacks that came later.
            if found := progress["callbacks"].get(type(callback).__name__):
                of_run, of_epoch = found
                callback.set_progress(of_run, of_epoch if within else None)

    def _read(self, metric):
        return [self.model.sum_here(variable) for variable in metric.variables]

    def _assign(self, metric, values):
        for variable, value in zip(metric.variables, values, strict=True):
            self.model.assign_sum_here(variable, value)


def _require_finite(model):
    """Raises where a weight of a player, or the state of its optimizer, is no number."""
    broken = {}
    for player in ("generator", "discriminator"):
        holders = getattr(model, player), getattr(model, f"{player}_optimizer")
        for variable in (variable for holder in holders for variable in holder.variables):
            if not np.isfinite(keras.ops.convert_to_numpy(variable).astype("float64")).all():
                broken.setdefault(player, variable.path)
    if broken:
        named = " and ".join(f"the {player} ({path})" for player, path in broken.items())
        raise FloatingPointError(
            f"Training stopped at step {model.step}: not all weights are numbers any more in "
            f"{named}. {REMEDIES}"
        )


def parse_every(every):
    """`(steps, seconds)` of what `Checkpoint` takes as `every`; what is not given is None.

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
        "A checkpoint is saved every so many steps, such as 500, or minutes, such as 10m. "
        f"Received: {every!r}."
    )


class StopAtStep(keras.callbacks.Callback):
    """Ends training once so many steps have been taken.

    Args:
        max_steps: int. Steps, counted over all runs of the model.
        steps_per_epoch: int. Ends epochs at its multiples, too: one that is gone on with
            is shorter than what `fit` thinks. None leaves them as they are.
    """

    def __init__(self, max_steps, steps_per_epoch=None):
        super().__init__()
        self.max_steps = max_steps
        self.steps_per_epoch = steps_per_epoch

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.step
        ended = self.steps_per_epoch and step % self.steps_per_epoch == 0
        if step >= self.max_steps or ended:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.steps_per_epoch and self.model.step < self.max_steps:
            self.model.stop_training = False


def save_whole(model, path, progress=None):
    """Saves a model to a `.keras` file that is there whole, or not at all.

    Args:
        model: any Keras model.
        path: the file.
        progress: dict. What `read_progress` gives of the file.

    Raises:
        OSError: If it cannot be written, or is not on the disk as it was written.
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
    """Keeps memory from growing with each save by about 70 KB for each optimizer.

    To know which attributes of an optimizer are not to be saved, Keras makes one; it stores
    what it learns under another name than it looks under, so it makes one at each save. Its
    variables have names of their own, and TensorFlow keeps a kernel for each name for good.
    """
    # Not public: a Keras without these needs none of this, or is as it was.
    with contextlib.suppress(ImportError, AttributeError):
        from keras.src.backend.common import global_state
        from keras.src.saving import saving_lib

        sought = "saving_attr_skiplist_Optimizer"
        if global_state.get_global_attribute(sought) is None:
            global_state.set_global_attribute(sought, saving_lib.get_attr_skipset("Optimizer"))


def check_whole(path):
    """Compares all parts of a `.keras` file with their checksums.

    Raises:
        ValueError: If one is damaged or missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            missing = {"config.json", "model.weights.h5"} - set(archive.namelist())
    # There is another exception for each kind of damage.
    except Exception as error:
        raise ValueError(f"{str(path)!r} is damaged ({error}).") from None
    if damaged or missing:
        raise ValueError(f"{str(path)!r} is damaged ({damaged or min(missing)}).")


def read_progress(path):
    """What was saved beside the model of a checkpoint; None where nothing was."""
    with zipfile.ZipFile(path) as archive:
        if _PROGRESS not in archive.namelist():
            return None
        return json.loads(archive.read(_PROGRESS))


def checkpoints(folder):
    """The checkpoint files in a folder, oldest first."""
    return sorted(pathlib.Path(folder).glob("step_*.keras"))


def newest_whole(folder):
    """The newest checkpoint in a folder that is whole, or None where none was ever written.

    Warns of newer ones that are damaged or missing.

    Raises:
        ValueError: If there were some, and none is whole.
    """
    folder = pathlib.Path(folder)
    problems = []
    record = folder / _NEWEST
    found = checkpoints(folder)
    # Without a record, as of older versions, or with one that is damaged, none is missed.
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
