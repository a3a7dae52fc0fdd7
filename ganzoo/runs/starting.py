"""Runs that begin, begin again or go on."""

import contextlib
import dataclasses
import pathlib

from ganzoo import callbacks, registry
from ganzoo.distribution import Site
from ganzoo.files import locked, remove_partials
from ganzoo.runs.finding import find_card, load
from ganzoo.runs.fitting import all_workers, fit
from ganzoo.runs.preparing import build, multiplies_bfloat16, open_data, open_real_images
from ganzoo.runs.recipes import Recipe, is_run, read_recipe, resuming, write_config


def train(recipe, out, save_every=None, site=None, verbose="auto"):
    """Trains a recipe into a new run folder.

    Args:
        recipe: a `Recipe`.
        out: folder of the run, which must be empty or not exist yet. Workers on several
            machines need one that they all see.
        save_every: int, steps from one checkpoint to the next, or minutes, such as
            `"10m"`. None saves after every epoch alone.
        site: a `ganzoo.distribution.Site`; None is where `Site()` finds itself.
        verbose: as for `keras.Model.fit`.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If the recipe cannot be trained, or the folder holds something.
            Nothing is written then.
        FloatingPointError: If a loss or a weight is not finite; the last good checkpoint
            is named.
        InterruptedRunError: On Ctrl-C or SIGTERM: the step is finished, and a checkpoint
            written first.
        FailedRunError: If something cannot be written or read any more, or another worker
            is lost.
    """
    out = pathlib.Path(out)
    callbacks.parse_every(save_every)
    site = site or Site()
    if site.is_chief:  # The others may come when it has begun to write.
        require_new(out)
    model_class = registry.get_family(recipe.family).load_class()
    if recipe.batch_size is None:
        batch_size = model_class.recommended_batch_sizes.get(recipe.recipe)
        recipe = dataclasses.replace(recipe, batch_size=batch_size)
    if recipe.mixed_precision is None:
        half = recipe.recipe == "default" and multiplies_bfloat16()
        recipe = dataclasses.replace(recipe, mixed_precision=half)
    with all_workers(site, recipe, out):
        dataset, arguments = open_data(recipe, site)
        model = build(recipe, site, arguments)
        real = open_real_images(recipe, site, dataset, model)
        # Only now is anything written: a mistake in the recipe has shown itself.
        if site.is_chief:
            out.mkdir(parents=True, exist_ok=True)
        with _alone(out, site):
            if site.is_chief:
                require_new(out)  # Another process may have been quicker.
                write_config(out, recipe, model, site)
            return fit(model, recipe, dataset, real, out, site, save_every, verbose)


def reproduce(preset, out, data=None, verbose="auto"):
    """Trains a preset again by the recipe that made it, into a new run folder.

    On another machine, or with other versions, the images are others; the figures are
    alike. Half precision is used where the machine is fast at it.

    Args:
        preset: a name in `ganzoo.list_presets()`.
        out: folder of the run.
        data: what `ganzoo.data.load` takes, in place of the recipe's: for presets that were
            trained on files which nobody else has in the same place.
        verbose: as for `keras.Model.fit`.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If there is no such preset, or its data are files and not given.
    """
    family, record = registry.get_preset(preset)
    if family.restores and data is None:
        card = find_card(preset)
        raise ValueError(
            f"{preset!r} was trained on {card['data']['name']}. Give a folder of such "
            "photographs by --data."
        )
    recipe = Recipe(family.name, **record.recipe)
    return train(dataclasses.replace(recipe, data=data or recipe.data), out, verbose=verbose)


def resume(out, epochs=None, max_steps=None, save_every=None, site=None, verbose="auto"):
    """Goes on with a run that was killed, stopped or should be longer.

    It ends as if it had never been stopped: the same weights, metrics and samples.

    Args:
        out: the run's folder.
        epochs: int. A new number of passes in all; None keeps the run's.
        max_steps: int. A new number of steps in all; None keeps the run's.
        save_every: as for `train`.
        site: a `Site`, which need not be the one that the run was started on.
        verbose: as for `keras.Model.fit`.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If the folder holds no run, another process trains it, or no
            checkpoint is whole.
    """
    out = pathlib.Path(out)
    callbacks.parse_every(save_every)
    site = site or Site()
    recipe = read_recipe(out)
    changes = {"epochs": epochs, "max_steps": max_steps}
    recipe = dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})
    with all_workers(site, recipe, out), _alone(out, site):
        if site.is_chief:
            remove_partials(out)
        saved = callbacks.newest_whole(out / "checkpoints")
        dataset, arguments = open_data(recipe, site)
        progress = None
        if saved:
            with site.strategy.scope():
                model = load(saved)
            progress = callbacks.read_progress(saved)
        else:
            # The run was killed before its first checkpoint: it starts again as it did.
            model = build(recipe, site, arguments)
        real = open_real_images(recipe, site, dataset, model)
        if site.is_chief:
            write_config(out, recipe, model, site)
        return fit(model, recipe, dataset, real, out, site, save_every, verbose, progress)


def require_new(out):
    """Raises a `ValueError` unless a folder is empty or not there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        if not is_run(out):
            raise ValueError(f"{str(out)!r} is not an empty folder. Choose another folder.")
        command = resuming(read_recipe(out), out)
        raise ValueError(
            f"{str(out)!r} holds another run. Go on with it by `{command}`, or choose another "
            "folder."
        )


def _alone(out, site):
    """Keeps other processes from training into a folder; the workers of one run share it."""
    if not site.is_chief:
        return contextlib.nullcontext()
    return locked(
        out,
        f"Another process is training in {str(out)!r}. Wait for its end, stop it, or choose "
        "another folder.",
    )
