"""The training of a run: what watches it, and how it ends."""

import contextlib
import dataclasses
import pathlib
import re

import keras
import tensorflow as tf

from ganzoo import callbacks
from ganzoo.distribution import share_batches
from ganzoo.gan import GAN
from ganzoo.runs.finding import find_model
from ganzoo.runs.preparing import blend
from ganzoo.runs.recipes import resuming

# As many as `ganzoo evaluate` makes, so that figures compare.
_EVALUATED_IMAGES = 10_000
# What a worker meets when another is gone.
_OF_LOST_WORKERS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run came to: its model, folder, last logs and steps.

    Of several workers the chief alone has logs, and has written the folder.
    """

    model: GAN
    folder: pathlib.Path
    logs: dict
    step: int
    is_chief: bool


class InterruptedRunError(Exception):
    """Training was stopped from outside; the message says how it goes on.

    Args:
        message: str.
        signum: int. The signal that stopped it.
    """

    def __init__(self, message, signum):
        super().__init__(message)
        self.signum = signum


class FailedRunError(Exception):
    """Training could not go on, as on a full disk; the message says from where it can."""


@contextlib.contextmanager
def all_workers(site, recipe, out):
    """Says in a line that another worker is gone, which shows in what they do together."""
    try:
        yield
    except _OF_LOST_WORKERS:
        if site.num_workers == 1:
            raise
        raise FailedRunError(
            f"Worker {site.worker} of {site.num_workers} lost another, which may say why. Go on "
            f"from the last checkpoint with `{resuming(recipe, out)}` on all of them."
        ) from None


def fit(model, recipe, dataset, real, out, site, save_every, verbose, progress=None):
    steps_per_epoch = len(dataset())
    total = recipe.epochs * steps_per_epoch
    total = min(total, recipe.max_steps or total)
    # Read now: after hours of training it may not be there any more.
    source = None if recipe.blend is None else find_model(recipe.start_from)
    show = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: setattr(model, "real_examples", real.examples)
    )
    watchers = [show, callbacks.StopAtStep(total, steps_per_epoch)]
    metrics = checkpoint = None
    if site.is_chief:
        doctor = callbacks.Doctor(out, held_out=real.held_out, seed=recipe.seed)
        metrics = callbacks.MetricsFile(out / "metrics.json", recipe.batch_size, doctor)
        grid, scalars = callbacks.SampleGrid(out, seed=recipe.seed), callbacks.GameScalars(out)
        checkpoint = callbacks.Checkpoint(
            out / "checkpoints", save_every, watched=(doctor, metrics, scalars), progress=progress
        )
        watchers += [doctor, *_evaluate(recipe, real, out), metrics, grid, scalars, checkpoint]
    try:
        with (
            _last_good_named(model, recipe, out, site, metrics),
            callbacks.FinishStep() as finish_step,
        ):
            if model.step < total:
                # Of a shorter run. Until this one ends, its newest checkpoint is its model.
                if site.is_chief:
                    (out / "model.keras").unlink(missing_ok=True)
                model.fit(
                    _share(model, dataset(start=model.step), site, verbose),
                    steps_per_epoch=steps_per_epoch,
                    initial_epoch=model.step // steps_per_epoch,
                    epochs=-(-total // steps_per_epoch),
                    verbose=verbose if site.is_chief else 0,
                    callbacks=[*watchers, finish_step],
                )
            # Checkpoints stay as they were trained, so that a longer run can go on from them.
            if recipe.blend is not None:
                blend(model, source, recipe.blend)
            if site.is_chief:
                callbacks.save_whole(model, out / "model.keras")
    except callbacks.StepFinishedError as stop:
        state = ""
        if site.is_chief:
            with _last_good_named(model, recipe, out, site, metrics):
                state = f"the state is in {str(checkpoint.save())!r}. "
        raise InterruptedRunError(
            f"Stopped at step {model.step} of {total}; {state}Go on with "
            f"`{resuming(recipe, out)}`.",
            stop.signum,
        ) from None
    logs = metrics.epochs[-1] if metrics and metrics.epochs else {}
    return Outcome(model, out, logs, model.step, site.is_chief)


def _evaluate(recipe, real, out):
    """The callbacks that measure images while a run lasts: one or none."""
    if real.references is None:
        return []
    every, count = recipe.evaluate_every, _EVALUATED_IMAGES
    return [callbacks.Evaluate(real.references, out, every=every, num_images=count)]


def _share(model, dataset, site, verbose):
    """A worker's batches as `fit` takes them: each replica's part."""
    if site.num_replicas == 1:
        return dataset
    if verbose and site.is_chief:
        print(site)
    dataset, _ = model.check_data(dataset, None)
    return share_batches(site.strategy, dataset)


@contextlib.contextmanager
def _last_good_named(model, recipe, out, site, metrics):
    """Adds to what ends training from where it can go on."""
    try:
        yield
    except FloatingPointError as error:
        if metrics:
            metrics.write()  # What the doctor found of it.
        raise FloatingPointError(f"{error} {_last_good(out)}") from None
    except (OSError, tf.errors.OpError) as error:
        if site.num_workers > 1 and isinstance(error, _OF_LOST_WORKERS):
            raise
        raise FailedRunError(
            f"Training stopped at step {model.step}: {_reason(error)} {_last_good(out)} Go on with "
            f"`{resuming(recipe, out)}`."
        ) from None


def _last_good(out):
    saved = callbacks.checkpoints(out / "checkpoints")
    return f"The last good checkpoint is {str(saved[-1])!r}." if saved else "No checkpoint yet."


def _reason(error):
    """What happened, in one line: TensorFlow wraps what data raise into its own traces."""
    text = str(error)
    if isinstance(error, tf.errors.OpError) and (found := re.search(r"\w+Error: (.*)", text)):
        text = found[1]
    line = text.strip().splitlines()[0]
    return line if line.endswith(".") else f"{line}."
