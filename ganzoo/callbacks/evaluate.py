"""Measure a model during training, and keep the best one."""

import abc
import dataclasses
import json
import math
import os
import pathlib

import keras
import tensorflow as tf

from ganzoo import evaluation, messages
from ganzoo.callbacks.checkpoints import save_whole
from ganzoo.checks import check_positive, check_seed
from ganzoo.metrics import Result
from ganzoo.saving.files import write_json

# Photographs that TensorBoard shows.
_PICTURES = 4
_RESTORATION = ("psnr", "ssim", "lpips", "niqe")


class _KeepBest(keras.callbacks.Callback, abc.ABC):
    """Measure the model every few epochs, and keep the best one."""

    progress_name = "Evaluate"

    def __init__(self, run_dir, metric, every, patience, passes):
        super().__init__()
        check_positive(every=every)
        self.run_dir = pathlib.Path(run_dir)
        self.metric = metric
        self.every = every
        self.patience = patience
        self.passes = passes
        self.best = None
        self._worse = 0

    @abc.abstractmethod
    def _open(self):
        """Open and check the data before the first step."""

    @abc.abstractmethod
    def _measure(self) -> tuple[Result, dict[str, float]]:
        """Return the result that decides which model is best, and all figures for the logs."""

    def on_train_begin(self, logs=None):
        self._open()
        if self._record.is_file():
            self.best = Result(**json.loads(self._record.read_text())["result"])
        self._writer = tf.summary.create_file_writer(str(self.run_dir / "logs" / "metrics"))

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) * self.passes // self.every == epoch * self.passes // self.every:
            return
        measured, figures = self._measure()
        if logs is not None:
            logs |= figures
        with self._writer.as_default():
            for name, value in figures.items():
                name = name.removeprefix("val_")
                tf.summary.scalar(f"metrics/{name}", value, step=self.model.step)
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


class Evaluate(_KeepBest):
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
        labels: CSV file with the labels of a folder, for models that are conditioned on its
            columns. See `ganzoo.data.load`. None takes `labels.csv` in the folder, if there is one.

    Raises:
        ValueError: If the metric is unknown, or a number is below 1. In `fit`, before the first
            step, if there are too few images.
    """

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
        labels: str | os.PathLike | None = None,
    ):
        super().__init__(run_dir, metric, every, patience, passes)
        if metric not in evaluation.METRICS:
            raise ValueError(messages.unknown("metric", metric, evaluation.METRICS))
        check_positive(num_images=num_images)
        self.data = data
        self.num_images = num_images
        self.extractor = extractor
        self.labels = labels
        self.seed = check_seed(seed)

    def _open(self):
        if not isinstance(self.data, evaluation.References):
            self.data = evaluation.open_references(
                self.data,
                self.model.image_shape,
                self.extractor,
                self.seed,
                trained_on=self.model.trained_on,
                labels=evaluation.find_labels(self.model, self.data, self.labels),
            )
        evaluation.check_columns(self.model.conditions, self.data.images, self.data.split)
        evaluation.check_counts([self.metric], self.data, self.num_images)

    def _measure(self):
        measured = evaluation.evaluate(
            self.model, self.data, [self.metric], self.num_images, seed=self.seed
        ).results[self.metric]
        return measured, {self.metric: float(measured)}


class EvaluateSuperResolution(_KeepBest):
    """Measure a super-resolution model on photographs every few epochs, and keep the best one.

    PSNR, SSIM, LPIPS and NIQE go to TensorBoard under `metrics/`, and to the logs of the epoch as
    `val_psnr`, `val_ssim`, `val_lpips` and `val_niqe`. Figures that no photograph is large enough
    for are left out. The model with the best value of one metric is saved as `best.keras`, with its
    `Result` in `best.json`. A resumed run continues with this record. TensorBoard shows parts of
    the first photographs under `comparison/`: bicubic interpolation, the model, the original.

    Args:
        folder: folder of photographs that are not used for training; see
            `ganzoo.evaluation.evaluate_super_resolution`.
        run_dir: folder of the run.
        metric: `"lpips"`, `"psnr"`, `"ssim"` or `"niqe"`, which decides.
        every: as for `Evaluate`.
        patience: as for `Evaluate`.
        passes: as for `Evaluate`.

    Raises:
        ValueError: If the metric is unknown, or `every` is below 1. In `fit`, before the first
            step, if the folder has no images, or one that cannot be used.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        run_dir: str | os.PathLike,
        metric: str = "lpips",
        every: int = 1,
        patience: int | None = None,
        passes: int = 1,
    ):
        super().__init__(run_dir, metric, every, patience, passes)
        if metric not in _RESTORATION:
            raise ValueError(messages.unknown("metric", metric, _RESTORATION))
        self.folder = folder

    def _open(self):
        evaluation.check_photos(self.folder, self.model.scale)

    def _measure(self):
        measured = evaluation.evaluate_super_resolution(self.model, self.folder)
        with self._writer.as_default():
            pictures = evaluation.compare_pictures(self.model, self.folder, _PICTURES)
            for name, pixels in pictures.items():
                tf.summary.image(f"comparison/{name}", pixels[None], step=self.model.step)
        figures = dataclasses.asdict(measured.mean)
        count = len(measured.images)
        best = Result(self.metric, figures[self.metric], None, count, count, str(self.folder))
        return best, {
            f"val_{name}": value
            for name, value in figures.items()
            if name in _RESTORATION and math.isfinite(value)
        }
