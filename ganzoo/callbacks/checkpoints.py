"""Whole models on disk, so that a killed run can go on; and where a run ends."""

import pathlib

import keras

from ganzoo.files import new_file


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
    with new_file(path) as partial:
        model.save(partial)


def checkpoints(folder):
    """The checkpoint files in a folder, oldest first."""
    return sorted(pathlib.Path(folder).glob("step_*.keras"))
