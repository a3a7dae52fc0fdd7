"""Train a recipe, resume a run, and reproduce a preset."""

import contextlib
import dataclasses
import os
import pathlib
import re
import shlex
import sys
from typing import Any

import keras
import tensorflow as tf

from ganzoo import callbacks, messages, registry
from ganzoo.data import is_folder
from ganzoo.distribution import Cluster, share_batches
from ganzoo.saving import loading, weights
from ganzoo.saving.files import remove_partials
from ganzoo.training.data import (
    count_images,
    describe_held_out,
    keep_format,
    open_data,
    open_real_images,
    require_folder,
    require_old_order,
    require_same,
)
from ganzoo.training.length import length_of
from ganzoo.training.model import (
    blend,
    build_model,
    check,
    choose_augmentation,
    choose_batch_size,
    supports_bfloat16,
)
from ganzoo.training.recipe import Recipe, from_fields
from ganzoo.training.run_folder import (
    FailedRunError,
    InterruptedRunError,
    Outcome,
    lock,
    read_fingerprint,
    read_recipe,
    require_new,
    resume_command,
    write_config,
)

# The number of `ganzoo evaluate`, so that scores are comparable.
_EVALUATED_IMAGES = 10_000
# Below this number of training images, runs are evaluated by KID.
_FEWEST_FOR_FID = 2048
# Errors of a worker when another one is lost.
_LOST_WORKER_ERRORS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)


def train(
    recipe: Recipe,
    out: pathlib.Path | str,
    save_every: int | str | None = None,
    cluster: Cluster | None = None,
    verbose: bool = True,
) -> Outcome:
    """Train a recipe into a new run folder.

    Args:
        recipe: `Recipe`.
        out: run folder, which must be empty or not exist yet. Workers on several machines need
            a shared folder.
        save_every: int, steps between checkpoints, or text such as `"10m"`, minutes. None saves
            a checkpoint after each epoch only.
        cluster: `ganzoo.distribution.Cluster`. None uses `Cluster()`.
        verbose: bool. True prints one line per epoch to standard error, and shows a bar in a
            terminal.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If the recipe cannot be trained, its learning rates fall to 0 before the end
            of the run, or the folder is not empty. Nothing is written then.
        FloatingPointError: If a loss or a weight is NaN or infinite. The message names the last
            good checkpoint.
        InterruptedRunError: On Ctrl-C or SIGTERM, after the step is finished and a checkpoint
            is written.
        FailedRunError: If a file cannot be written or read, or another worker is lost.

    Example:
        >>> recipe = ganzoo.training.Recipe(
        ...     "vanilla", "sample", model={"hidden_units": 8}, max_steps=2, batch_size=8)
        >>> ganzoo.train(recipe, tmp_path / "run", verbose=False).step
        2
    """
    out = pathlib.Path(out)
    callbacks.parse_every(save_every)
    trial = check(recipe)
    cluster = cluster or Cluster()
    if cluster.is_chief:  # The other workers may start after the chief has written.
        require_new(out)
    recipe = _fill_in(recipe)
    with _all_workers(cluster, recipe, out):
        generates = trial.task == "generation"
        num_images = count_images(recipe) if generates else None
        recipe, smaller_batch = choose_batch_size(recipe, num_images)
        dataset, data_arguments, fingerprint = open_data(recipe, cluster)
        length = length_of(recipe, len(dataset()))
        if length.outlasts_decay(recipe):
            raise ValueError(
                f"The learning rates fall to 0 in {recipe.decay_steps} steps, but the run has "
                f"{length.max_steps}. Choose --decay-steps {length.max_steps}, or add --max-steps "
                f"{recipe.decay_steps}."
            )
        assert recipe.batch_size is not None  # `_fill_in` has set it.
        num_images = length.steps_per_pass * recipe.batch_size
        recipe, reason = choose_augmentation(recipe, trial, num_images)
        held_out = describe_held_out(recipe, fingerprint)
        for line in filter(None, (smaller_batch, reason, held_out)):
            if verbose and cluster.is_chief:
                print(line, file=sys.stderr)
        model = build_model(recipe, cluster, data_arguments, length)
        model.trained_on = fingerprint
        real = open_real_images(recipe, cluster, dataset, model)
        # Nothing is written before this line. All errors in the recipe have been found.
        if cluster.is_chief:
            out.mkdir(parents=True, exist_ok=True)
        with lock(out, cluster):
            if cluster.is_chief:
                require_new(out)  # Another process may have been faster.
                write_config(out, recipe, model, cluster)
            return _fit(model, recipe, length, dataset, real, out, cluster, save_every, verbose)


def resume(
    out: pathlib.Path | str,
    epochs: int | None = None,
    max_steps: int | None = None,
    minutes: float | None = None,
    save_every: int | str | None = None,
    cluster: Cluster | None = None,
    verbose: bool = True,
    data: str | os.PathLike | None = None,
) -> Outcome:
    """Resume a run that was interrupted, or make a finished run longer.

    The result is bit-identical to an uninterrupted run: weights, metrics and samples. The data must
    be the same: class names, number, order, names and sizes of the image files.

    Args:
        out: run folder.
        epochs: int. New total number of passes. None keeps the run's.
        max_steps: int. New total number of steps. None keeps the run's.
        minutes: float. New total training time. None keeps the run's.
        save_every: as for `train`.
        cluster: `Cluster`. It may differ from the one that started the run.
        verbose: bool. True prints one line per epoch to standard error, and shows a bar in a
            terminal.
        data: folder that the images of the run were moved or copied to. None uses the run's.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If the folder holds no run, another process trains it, every checkpoint is
            damaged, the data are not those that the run was trained on, or the run would continue
            after its learning rates have fallen to 0.

    Example:
        >>> recipe = ganzoo.training.Recipe(
        ...     "vanilla", "sample", model={"hidden_units": 8}, max_steps=2, batch_size=8)
        >>> outcome = ganzoo.train(recipe, tmp_path / "run", verbose=False)
        >>> ganzoo.resume(tmp_path / "run", max_steps=3, verbose=False).step
        3
    """
    out = pathlib.Path(out)
    callbacks.parse_every(save_every)
    cluster = cluster or Cluster()
    recipe = read_recipe(out)
    known = read_fingerprint(out)
    changes: dict[str, Any] = {"epochs": epochs, "max_steps": max_steps, "minutes": minutes}
    changes["data"] = _locate(data) if data else None
    recipe = dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})
    with _all_workers(cluster, recipe, out), lock(out, cluster):
        if cluster.is_chief:
            remove_partials(out)
        saved = callbacks.newest_whole(out / "checkpoints")
        require_folder(recipe)
        opened = keep_format(recipe, known)
        dataset, data_arguments, fingerprint = open_data(opened, cluster)
        if known is not None:
            require_same(known, fingerprint, recipe)
        elif "num_classes" in data_arguments:
            require_old_order(fingerprint, recipe)
        length = length_of(recipe, len(dataset()))
        if (epochs or max_steps) and length.outlasts_decay(recipe):
            raise ValueError(
                f"The learning rates of this run fall to 0 in {recipe.decay_steps} steps, so it "
                f"cannot be longer. Received: {length.max_steps} steps. Start another run from its "
                f"weights with --from {shlex.quote(str(out))}."
            )
        progress = None
        if saved:
            with cluster.strategy.scope():
                model = loading.load(saved)
            progress = callbacks.read_progress(saved)
        else:
            # The run was killed before its first checkpoint. It starts again from its seed.
            model = build_model(recipe, cluster, data_arguments, length)
        model.trained_on = fingerprint
        real = open_real_images(opened, cluster, dataset, model)
        if cluster.is_chief:
            write_config(out, recipe, model, cluster)
        return _fit(
            model, recipe, length, dataset, real, out, cluster, save_every, verbose, progress
        )


def reproduce(
    preset: pathlib.Path | str,
    out: pathlib.Path | str,
    data: str | None = None,
    verbose: bool = True,
) -> Outcome:
    """Train a preset again with its recipe and its model, into a new run folder.

    Other machines and versions give different images with similar scores.

    Args:
        preset: name in `ganzoo.list_presets()`, or a preset folder whose card has a recipe.
        out: run folder.
        data: name or folder, as for `ganzoo.data.load`. None uses the recipe's. Presets that
            were trained on files need it.
        verbose: bool. True prints one line per epoch to standard error, and shows a bar in a
            terminal.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If there is no such preset, it has no recipe, or its data are files and
            `data` is None.
    """
    recipe = recipe_of(preset)
    if registry.get_family(recipe.family).task == "super_resolution" and data is None:
        name = loading.find_card(preset).get("data", {}).get("name", recipe.data)
        raise ValueError(
            f"{preset!r} was trained on {name}. Pass a folder of such photographs with --data."
        )
    recipe = dataclasses.replace(recipe, data=data or recipe.data)
    require_folder(recipe)
    return train(recipe, out, verbose=verbose)


def recipe_of(preset: pathlib.Path | str) -> Recipe:
    """Return the recipe of a preset, with all arguments of its model.

    Raises:
        ValueError: If there is no such preset, or it has no recipe.
    """
    family, config, fields = loading.find_origin(preset)
    if not fields:
        raise ValueError(
            f"{str(preset)!r} has no recipe. Save it with `card={{'recipe': ...}}`, for example "
            "`gan.save_to_preset(folder, card=ganzoo.find_card(run))`."
        )
    recipe = from_fields({**fields, "family": family})
    # Precision depends on the machine: emulated bfloat16 takes ten times as long.
    return dataclasses.replace(recipe, model={**config, **recipe.model}, mixed_precision=None)


def _fill_in(recipe):
    """Return the recipe with a precision if it sets none.

    Paths become absolute, so that the run can be resumed from any folder.
    """
    recipe = dataclasses.replace(recipe, data=_locate(recipe.data))
    is_preset = recipe.start_from and weights.is_registered(recipe.start_from)
    if recipe.start_from and not is_preset and os.path.exists(recipe.start_from):
        recipe = dataclasses.replace(recipe, start_from=os.path.abspath(recipe.start_from))
    if recipe.labels and not os.path.isfile(os.path.join(recipe.data, recipe.labels)):
        recipe = dataclasses.replace(recipe, labels=os.path.abspath(recipe.labels))
    for name in ("validation", "low_res"):
        if folder := getattr(recipe, name):
            recipe = dataclasses.replace(recipe, **{name: os.path.abspath(folder)})
    if recipe.mixed_precision is None:
        half = not recipe.is_of_paper and supports_bfloat16()
        recipe = dataclasses.replace(recipe, mixed_precision=half)
    return recipe


def _locate(name_or_dir):
    """Return the name of a data set, or the absolute path of a folder."""
    return os.path.abspath(name_or_dir) if is_folder(name_or_dir) else str(name_or_dir)


def _fit(model, recipe, length, dataset, real, out, cluster, save_every, verbose, progress=None):
    # Load the model now. It may be gone after hours of training.
    source = None if recipe.blend is None else loading.find_model(recipe.start_from)
    show = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: setattr(model, "real_examples", real.examples)
    )
    stop = callbacks.StopAtStep(length.max_steps, length.steps_per_epoch, recipe.minutes)
    if progress and (trained := progress["callbacks"].get("StopAtStep")):
        stop.set_progress(*trained)
    watchers = [show, stop]
    metrics = checkpoint = None
    lines = contextlib.nullcontext()
    if cluster.is_chief:
        doctor = callbacks.Doctor(out, held_out=real.held_out, seed=recipe.seed)
        evaluations = _evaluate(recipe, real, out, length.passes_per_epoch)
        per_pass = length.steps_per_pass
        metrics = callbacks.MetricsFile(out / "metrics.json", recipe.batch_size, doctor, per_pass)
        grid = callbacks.SampleGrid(out, seed=recipe.seed, steps_per_pass=per_pass)
        scalars = callbacks.GameScalars(out)
        watched = [doctor, metrics, scalars, *evaluations]
        watched += [stop] if recipe.minutes else []
        checkpoint = callbacks.Checkpoint(
            out / "checkpoints", save_every, watched=watched, progress=progress
        )
        watchers += [doctor, *evaluations, metrics, grid, scalars, checkpoint]
        if verbose:
            print(f"Data: {model.trained_on.describe()}", file=sys.stderr)
            lines = callbacks.EpochLines(stop, length.steps_per_epoch, length.num_passes, metrics)
            watchers.append(lines)
    try:
        with (
            _name_last_good(model, recipe, out, cluster, metrics),
            callbacks.FinishStep() as finish_step,
            lines,
        ):
            if model.step < length.max_steps and stop.seconds_left > 0:
                # Remove the model of a shorter run. Until this one ends, its checkpoints are newer.
                if cluster.is_chief:
                    (out / "model.keras").unlink(missing_ok=True)
                model.fit(
                    _share(model, dataset(start=model.step), cluster, verbose),
                    steps_per_epoch=length.steps_per_epoch,
                    initial_epoch=model.step // length.steps_per_epoch,
                    epochs=length.num_epochs,
                    verbose=0,
                    callbacks=[*watchers, finish_step],
                )
            # Blend after the last checkpoint, so that the run can be made longer.
            if recipe.blend is not None:
                blend(model, source, recipe.blend)
            if cluster.is_chief:
                callbacks.save_whole(model, out / "model.keras")
    except callbacks.StepFinishedError as interruption:
        state = ""
        of_total = f" of {length.max_steps}" if length.is_known else ""
        if cluster.is_chief:
            with _name_last_good(model, recipe, out, cluster, metrics):
                state = f"the state is in {str(checkpoint.save())!r}. "
        raise InterruptedRunError(
            f"Stopped at step {model.step}{of_total}; {state}Resume with "
            f"`{resume_command(recipe, out)}`.",
            interruption.signum,
        ) from None
    logs = metrics.epochs[-1] if metrics and metrics.epochs else {}
    return Outcome(model, out, logs, model.step, cluster.is_chief)


def _evaluate(recipe, real, out, passes):
    """Return a list with the callback that evaluates images during a run, or an empty list."""
    if recipe.validation:
        return [
            callbacks.EvaluateSuperResolution(
                recipe.validation,
                out,
                every=recipe.evaluate_every,
                patience=recipe.patience,
                passes=passes,
            )
        ]
    if real.references is None:
        return []
    # The bias of FID is large if there are few images.
    metric = "fid" if len(real.references.training) >= _FEWEST_FOR_FID else "kid"
    return [
        callbacks.Evaluate(
            real.references,
            out,
            metric,
            every=recipe.evaluate_every,
            num_images=_EVALUATED_IMAGES if metric == "fid" else _FEWEST_FOR_FID,
            patience=recipe.patience,
            passes=passes,
        )
    ]


def _share(model, dataset, cluster, verbose):
    """Split a worker's batches into one part per replica."""
    if cluster.num_replicas == 1:
        return dataset
    if verbose and cluster.is_chief:
        print(cluster)
    checked, _ = model.check_data(dataset, None)
    shared = share_batches(cluster.strategy, checked)
    shared.data_fingerprint = dataset.data_fingerprint
    return shared


@contextlib.contextmanager
def _all_workers(cluster, recipe, out):
    """Report the loss of another worker in one line. Collective operations detect it."""
    try:
        yield
    except _LOST_WORKER_ERRORS:
        if cluster.num_workers == 1:
            raise
        raise FailedRunError(
            f"Worker {cluster.worker} of {cluster.num_workers} lost the connection to another one, "
            "whose output may show the cause. Resume from the last checkpoint with "
            f"`{resume_command(recipe, out)}` on all of them."
        ) from None


@contextlib.contextmanager
def _name_last_good(model, recipe, out, cluster, metrics):
    """Add the last good checkpoint to the message of an error that ends training."""
    try:
        yield
    except FloatingPointError as error:
        if metrics:
            metrics.write()  # The file then includes the doctor's findings.
        raise FloatingPointError(f"{error} {_last_good(out)}") from None
    except (OSError, tf.errors.OpError) as error:
        if cluster.num_workers > 1 and isinstance(error, _LOST_WORKER_ERRORS):
            raise
        raise FailedRunError(
            f"Training stopped at step {model.step}: {_reason(error)} {_last_good(out)} Resume "
            f"with `{resume_command(recipe, out)}`."
        ) from None


def _last_good(out):
    saved = callbacks.checkpoints(out / "checkpoints")
    return f"The last good checkpoint is {str(saved[-1])!r}." if saved else "No checkpoint yet."


def _reason(error):
    """Return the cause in one line. TensorFlow wraps errors of the data in its own traces."""
    line = messages.first_line(error, limit=300)
    if isinstance(error, tf.errors.OpError) and (found := re.search(r"\w+Error: (.*)", str(error))):
        line = found[1]
    return line if line.endswith(".") else f"{line}."
