"""Measure a metric during training, and keep the best generator."""

import json
import os
import pathlib

import keras
import tensorflow as tf

from ganzoo import evaluation, messages
from ganzoo.callbacks.checkpoints import save_whole
from ganzoo.checks import check_positive, check_seed
from ganzoo.metrics import Result
from ganzoo.saving.files import write_json


class Evaluate(keras.callbacks.Callback):
    """Measure the averaged generator every few epochs, and keep the best one.

    The value goes to TensorBoard under `metrics/` and to the logs of the epoch, so that the
    history has it, too. The model with the best value is saved as `best.keras`, with its
    `Result` in `best.json`. A resumed run continues with this record.

    Args:
        data: name of a data set or folder, or `ganzoo.evaluation.References`.
        run_dir: folder of the run.
        metric: name in `ganzoo.evaluation.METRICS`.
        every: int, at least 1. Passes over the data from one measurement to the next.
        num_images: int, at least 1. Images to generate. Values of different numbers of images
            cannot be compared.
        extractor: see `ganzoo.evaluation.evaluate`.
        seed: int. Seed of the images, the same each time.
        patience: int. Training ends after this many measurements in a row that are no better than
            the best one. None does not end it.
        passes: int. Passes over the data in an epoch of `fit`.

    Raises:
        ValueError: If the metric is unknown, or a number is below 1. In `fit`, before the first
            step, if there are too few images.
    """

    progress_name = "Evaluate"

    def __init__(
        self,
        data: str | os.PathLike | evaluation.References,
        run_dir: str | os.PathLike,
        metric: str = "fid",
        every: int = 1,
        num_images: int = 2000,
        extractor: object = None,
        seed: int = 0,
        patience: int | None = None,
        passes: int = 1,
    ):
        super().__init__()
        if metric not in evaluation.METRICS:
            raise ValueError(messages.unknown("metric", metric, evaluation.METRICS))
        check_positive(every=every, num_images=num_images)
        self.data = data
        self.run_dir = pathlib.Path(run_dir)
        self.metric = metric
        self.every = every
        self.num_images = num_images
        self.extractor = extractor
        self.seed = check_seed(seed)
        self.patience = patience
        self.passes = passes
        self.best = None
        self._worse = 0

    def on_train_begin(self, logs=None):
        if not isinstance(self.data, evaluation.References):
            self.data = evaluation.open_references(
                self.data, self.model.image_shape, self.extractor, self.seed
            )
        evaluation.check_counts([self.metric], self.data, self.num_images)
        if self._record.is_file():
            self.best = Result(**json.loads(self._record.read_text())["result"])
        self._writer = tf.summary.create_file_writer(str(self.run_dir / "logs" / "metrics"))

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) * self.passes // self.every == epoch * self.passes // self.every:
            return
        measured = evaluation.evaluate(
            self.model, self.data, [self.metric], self.num_images, seed=self.seed
        ).results[self.metric]
        if logs is not None:
            logs[self.metric] = float(measured)
        with self._writer.as_default():
            tf.summary.scalar(f"metrics/{self.metric}", float(measured), step=self.model.step)
        self._writer.flush()
        if self.best is None or evaluation.is_better(measured, self.best):
            self.best, self._worse = measured, 0
            self._keep()
            return
        self._worse += 1
        if self.patience is not None and self._worse >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self._writer.close()

    def get_progress(self) -> tuple[dict, None]:
        """Return `(run, epoch)` for a checkpoint; see `ganzoo.callbacks.progress`."""
        return {"worse": self._worse}, None

    def set_progress(self, run: dict, epoch: None) -> None:
        """Continue from a checkpoint."""
        self._worse = run["worse"]

    @property
    def _record(self):
        return self.run_dir / "best.json"

    def _keep(self):
        save_whole(self.model, self.run_dir / "best.keras")
        record = {"step": self.model.step, "result": self.best.to_dict()}
        write_json(self._record, record)
