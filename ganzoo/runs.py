"""A recipe trained into a run folder, and resumed; models loaded from what is on disk.

A run folder holds `config.json`, `checkpoints/`, `logs/`, `samples/`,
`metrics.json` and, when training is done, `model.keras`.
"""

import contextlib
import dataclasses
import functools
import json
import pathlib
import re
import shlex
import textwrap

import keras
import tensorflow as tf

from ganzoo import callbacks, data, registry, regularizers, untrusted, weights
from ganzoo.distribution import Site, share_batches
from ganzoo.files import locked, remove_partials, write_json
from ganzoo.gan import GAN
from ganzoo.layers import check_recipe
from ganzoo.version import __version__

# Of run folders; 2 brought the progress of an epoch into checkpoints.
RUN_FORMAT = 2
# As many as `ganzoo evaluate` makes, so that figures compare.
_EVALUATED_IMAGES = 10_000
# What a worker meets when another is gone.
_OF_LOST_WORKERS = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that decides how a run turns out.

    Attributes:
        family: str. A registered family.
        data: str. What `ganzoo.data.load` takes.
        image_size: int or None. As in `ganzoo.data.load`; the side of crops for a family
            that is trained on them, 96 where it is None.
        epochs: int. Passes over the data.
        batch_size: int or None. Images in a step; None takes the model's recommended.
        max_steps: int or None. Training ends here if the epochs have not ended before.
        recipe: `"default"` or the `"paper"`'s.
        mixed_precision: bool or None. Half precision inside the networks: float16 on a
            GPU, bfloat16 elsewhere. None means with ganzoo's own recipe, where the
            processor multiplies bfloat16 matrices: training there is more than half as
            fast again. Papers trained in float32, and not all their recipes bear less.
        class_conditional: bool. Whether a family that can do with classes or without
            them gets them.
        loss: str or None. As `compile` takes it; None takes the model's recommended.
        regularizer: str or None. Likewise.
        regularizer_weight: float or None. Of the regularizer, which must be named then;
            None takes its own.
        regularizer_every: int or None. Likewise: steps from one penalty to the next.
        scale: int or None. Of super-resolution; None takes 4.
        content_only: bool. Whether a family with a content loss trains on it alone.
        content: str or None. Its content loss; None takes the model's recommended.
        evaluate_every: int or None. Epochs from one measurement of the images to the next,
            which keep the best generator; None measures none.
        sync_batch_norm: bool. Whether batch normalization takes its statistics over all
            replicas; nothing on one device.
        seed: int. Seed of weights, latents and order.
        start_from: str or None. Preset or run whose weights training starts with.
    """

    family: str
    data: str
    image_size: int | None = None
    epochs: int = 20
    batch_size: int | None = None
    max_steps: int | None = None
    recipe: str = "default"
    mixed_precision: bool | None = None
    class_conditional: bool = False
    loss: str | None = None
    regularizer: str | None = None
    regularizer_weight: float | None = None
    regularizer_every: int | None = None
    scale: int | None = None
    content_only: bool = False
    content: str | None = None
    evaluate_every: int | None = None
    sync_batch_norm: bool = False
    seed: int = 0
    start_from: str | None = None

    def __post_init__(self):
        check_recipe(self.recipe)
        for name in ("image_size", "epochs", "batch_size", "max_steps", "evaluate_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run came to: its model, folder, last logs and generator updates.

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
        _require_new(out)
    model_class = registry.get_family(recipe.family).load_class()
    if recipe.batch_size is None:
        batch_size = model_class.recommended_batch_sizes.get(recipe.recipe)
        recipe = dataclasses.replace(recipe, batch_size=batch_size)
    if recipe.mixed_precision is None:
        half = recipe.recipe == "default" and has_bfloat16_matrices()
        recipe = dataclasses.replace(recipe, mixed_precision=half)
    with _all_workers(site, recipe, out):
        dataset, model = _prepare(recipe, site)
        # Only now is anything written: a mistake in the recipe has shown itself.
        if site.is_chief:
            out.mkdir(parents=True, exist_ok=True)
        with _alone(out, site):
            if site.is_chief:
                _require_new(out)  # Another process may have been quicker.
                _write_config(out, recipe, model, site)
            return _fit(model, recipe, dataset, out, site, save_every, verbose)


def reproduce(preset, out, data=None, verbose="auto"):
    """Trains a preset again by the recipe that made it, into a new run folder.

    On another machine, or with other versions, the images are others; the figures are
    alike.

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
    with _all_workers(site, recipe, out), _alone(out, site):
        if site.is_chief:
            remove_partials(out)
        # Without a checkpoint the run was killed before its first: it starts again as it did.
        saved = callbacks.newest_whole(out / "checkpoints")
        dataset, model = _prepare(recipe, site)
        progress = None
        if saved:
            with site.strategy.scope():
                model = load(saved)
            progress = callbacks.read_progress(saved)
        if site.is_chief:
            _write_config(out, recipe, model, site)
        return _fit(model, recipe, dataset, out, site, save_every, verbose, progress)


def _require_new(out):
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        advice = "Go on with it by --resume, or choose" if is_run(out) else "Choose"
        what = "holds another run" if is_run(out) else "is not an empty folder"
        raise ValueError(f"{str(out)!r} {what}. {advice} another folder.")


def _alone(out, site):
    """Keeps other processes from training into a folder; the workers of one run share it."""
    if not site.is_chief:
        return contextlib.nullcontext()
    return locked(
        out,
        f"Another process is training in {str(out)!r}. Wait for its end, stop it, or choose "
        "another folder.",
    )


def has_bfloat16_matrices():
    """Whether training runs on a processor with instructions for bfloat16 matrices (AMX).

    False with a GPU, where float32 is the safe choice, and where the system does not tell.
    """
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if tf.config.list_physical_devices("GPU") or not cpuinfo.exists():
        return False
    return "amx_bf16" in cpuinfo.read_text()


def is_run(folder):
    """Whether a folder is a run's."""
    try:
        return "recipe" in untrusted.read_config(pathlib.Path(folder) / "config.json")
    except ValueError:
        return False


def read_recipe(folder):
    """The `Recipe` of a run folder; a `ValueError` if it is none."""
    folder = pathlib.Path(folder)
    if not is_run(folder):
        raise ValueError(f"{str(folder)!r} holds no run to go on with. Start it without --resume.")
    config = untrusted.read_config(folder / "config.json")
    if (found := config.get("format", 1)) not in range(1, RUN_FORMAT + 1):
        raise ValueError(
            f"{str(folder)!r} is a run of format {found!r}, and ganzoo {__version__} knows those "
            f"up to {RUN_FORMAT}: it was made by ganzoo {config['versions']['ganzoo']!r}. Install "
            "a newer ganzoo."
        )
    with untrusted.refusing(folder / "config.json"):
        return Recipe(**config["recipe"])


def load(path):
    """A saved model, compiled as it was.

    Args:
        path: a `.keras` file, a run folder (its finished model, or else its newest
            checkpoint), or a preset folder.

    Raises:
        ValueError: If there is no model.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.save(tmp_path / "a.keras")
        >>> ganzoo.load(tmp_path / "a.keras").image_shape
        (8, 8, 1)
    """
    path = pathlib.Path(path)
    # Keras looks classes up by their registered names: all must have been imported.
    for family in registry.families():
        family.load_class()
    if path.is_dir() and is_run(path):
        read_recipe(path)  # Refuses runs of newer versions.
        whole = path / "model.keras"
        saved = whole if whole.is_file() else callbacks.newest_whole(path / "checkpoints")
        if not saved:
            raise ValueError(
                f"Run {str(path)!r} has no model yet: it was stopped before its first epoch "
                "ended. Go on with it by `ganzoo train --resume`."
            )
        path = saved
    elif path.is_dir():
        return GAN.from_preset(path)
    if not path.is_file() or path.suffix != ".keras":
        raise ValueError(
            f"No model at {str(path)!r}. Needed: a .keras file, a run folder or a preset folder."
        )
    return untrusted.load_keras(path)


def from_preset(preset):
    """A trained model by its name or from its folder, of whatever family it is.

    See `GAN.from_preset`.
    """
    return GAN.from_preset(preset)


def find_model(name):
    """The model of a preset's name or of a path, as the command line takes it."""
    return from_preset(name) if str(name) in registry.presets() else load(name)


def find_card(name):
    """What is on record of such a model: a preset's card, or a run's recipe; else nothing."""
    if str(name) in registry.presets():
        return json.loads((weights.find_preset(name) / "card.json").read_text())
    return {"recipe": dataclasses.asdict(read_recipe(name))} if is_run(name) else {}


@contextlib.contextmanager
def _all_workers(site, recipe, out):
    """Says in a line that another worker is gone, which shows in what they do together."""
    try:
        yield
    except _OF_LOST_WORKERS:
        if site.num_workers == 1:
            raise
        raise FailedRunError(
            f"Worker {site.worker} of {site.num_workers} lost another, which may say why. Go on "
            f"from the last checkpoint with `{_resuming(recipe, out)}` on all of them."
        ) from None


def _prepare(recipe, site):
    """The data of this worker and the compiled model of a recipe.

    The data are a function: called, it gives a pass; with `start`, all batches from there.
    """
    keras.utils.set_random_seed(recipe.seed)
    family = registry.get_family(recipe.family)
    if recipe.class_conditional and family.classes == "never":
        raise ValueError(f"Family {family.name!r} knows no classes. Leave --class-conditional out.")
    if family.restores and recipe.evaluate_every:
        raise ValueError(
            "Super-resolution is measured by `ganzoo evaluate` on images of its own. Leave "
            "--evaluate-every out."
        )
    if not family.restores and (recipe.scale or recipe.content_only or recipe.content):
        raise ValueError(
            f"Family {family.name!r} does not restore images. Leave --scale, --content-only and "
            "--content out."
        )
    dtype = None
    if recipe.mixed_precision:
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        dtype = "mixed_float16" if on_gpu else "mixed_bfloat16"
    if family.restores:
        dataset, arguments = _open_crops(recipe, site)
    else:
        dataset, arguments = _open_whole(recipe, family, site)
    site.agree(batches=len(dataset()), mixed_precision=recipe.mixed_precision, **arguments)
    build = family.load_class()
    with site.strategy.scope():
        model = build(**arguments, recipe=recipe.recipe, seed=recipe.seed, dtype=dtype)
    if recipe.start_from:
        source = find_model(recipe.start_from)
        shapes = [[w.shape for w in network.weights] for network in (source, model)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"{recipe.start_from!r} has other networks than this run: it is a "
                f"{type(source).__name__} of {source.image_shape}, and a {type(model).__name__} "
                f"of {model.image_shape} is asked for. Start from one of the same kind."
            )
        model.set_weights(source.get_weights())
    game = {
        "loss": recipe.loss,
        "regularizer": _find_regularizer(recipe),
        "sync_batch_norm": recipe.sync_batch_norm,
    }
    contents = {"content_only": recipe.content_only, "content": recipe.content}
    model.compile(**game, **(contents if family.restores else {}))
    return dataset, model


def _find_regularizer(recipe):
    """The regularizer as `compile` takes it: a name, or one of a given weight."""
    settings = {"weight": recipe.regularizer_weight, "every": recipe.regularizer_every}
    settings = {name: value for name, value in settings.items() if value is not None}
    if not settings:
        return recipe.regularizer
    if recipe.regularizer in (None, "none"):
        raise ValueError(
            f"A regularizer's {' and '.join(settings)} were given without its name. Name it, "
            "for example by --regularizer r1."
        )
    return regularizers.get(recipe.regularizer, **settings)


def _open_whole(recipe, family, site):
    """`(dataset, arguments)`: whole images, and what the model is told of them."""
    with_classes = family.classes == "always" or recipe.class_conditional
    image_data = data.read(recipe.data, image_size=recipe.image_size, data_part=site.data_part)
    if with_classes and image_data.num_classes is None:
        raise ValueError(
            f"Family {family.name!r} needs labels, and {recipe.data!r} has none. Give a folder "
            "with one subfolder for each class, or a data set with labels."
        )
    dataset = functools.partial(
        data.pipeline,
        image_data,
        site.share_of(recipe.batch_size),
        labels=with_classes,
        seed=recipe.seed,
        batch_part=site.batch_part,
    )
    dataset()  # What is wrong with it shows itself.
    arguments = {"image_shape": image_data.pixels.shape[1:]}
    if with_classes:
        arguments["num_classes"] = image_data.num_classes
    return dataset, arguments


def _hold_out(recipe, model):
    """Some test images for the doctor, or None where there are none or it cannot use them."""
    if model.num_classes or hasattr(model, "upscale"):
        return None
    if "test" not in data.find_splits(recipe.data):
        return None
    return data.read(recipe.data, "test[:256]", recipe.image_size).pixels


def _open_crops(recipe, site):
    """The same of photographs, which are of any size."""
    dataset = functools.partial(
        data.load_crops,
        recipe.data,
        crop_size=recipe.image_size or 96,
        batch_size=site.share_of(recipe.batch_size),
        seed=recipe.seed,
        data_part=site.data_part,
        batch_part=site.batch_part,
    )
    return dataset, {"scale": recipe.scale} if recipe.scale else {}


def _write_config(out, recipe, model, site):
    """Writes the run's whole configuration, for people, programs and TensorBoard."""
    config = {
        "format": RUN_FORMAT,
        "recipe": dataclasses.asdict(recipe),
        "model": model.get_config(),
        "compile": model.get_compile_config(),
        "site": site.describe(),
        "versions": {
            "ganzoo": __version__,
            "keras": keras.version(),
            "tensorflow": tf.version.VERSION,
        },
    }
    write_json(out / "config.json", config)
    with tf.summary.create_file_writer(str(out / "logs" / "config")).as_default():
        # Markdown shows four-space-indented lines as they are.
        tf.summary.text("config", textwrap.indent(json.dumps(config, indent=2), "    "), step=0)


def _fit(model, recipe, dataset, out, site, save_every, verbose, progress=None):
    steps_per_epoch = len(dataset())
    total = recipe.epochs * steps_per_epoch
    total = min(total, recipe.max_steps or total)
    # Those of a run's beginning, wherever it goes on.
    _, examples = model.check_data(dataset(start=0), None)
    show = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: setattr(model, "real_examples", examples)
    )
    watchers = [show, callbacks.StopAtStep(total, steps_per_epoch)]
    metrics = checkpoint = None
    if site.is_chief:
        doctor = callbacks.Doctor(out, held_out=_hold_out(recipe, model), seed=recipe.seed)
        metrics = callbacks.MetricsFile(out / "metrics.json", recipe.batch_size, doctor)
        grid, scalars = callbacks.SampleGrid(out, seed=recipe.seed), callbacks.GameScalars(out)
        checkpoint = callbacks.Checkpoint(
            out / "checkpoints", save_every, watched=(doctor, metrics, scalars), progress=progress
        )
        watchers += [doctor, *_evaluate(recipe, out), metrics, grid, scalars, checkpoint]
    try:
        with (
            _last_good_named(model, recipe, out, site, metrics),
            callbacks.FinishStep() as finish_step,
        ):
            if model.step < total:
                model.fit(
                    _share(model, dataset(start=model.step), site, verbose),
                    steps_per_epoch=steps_per_epoch,
                    initial_epoch=model.step // steps_per_epoch,
                    epochs=-(-total // steps_per_epoch),
                    verbose=verbose if site.is_chief else 0,
                    callbacks=[*watchers, finish_step],
                )
            if site.is_chief:
                callbacks.save_whole(model, out / "model.keras")
    except callbacks.StepFinishedError as stop:
        state = ""
        if site.is_chief:
            with _last_good_named(model, recipe, out, site, metrics):
                state = f"the state is in {str(checkpoint.save())!r}. "
        raise InterruptedRunError(
            f"Stopped at step {model.step} of {total}; {state}Go on with "
            f"`{_resuming(recipe, out)}`.",
            stop.signum,
        ) from None
    logs = metrics.epochs[-1] if metrics and metrics.epochs else {}
    return Outcome(model, out, logs, model.step, site.is_chief)


def _evaluate(recipe, out):
    """The callbacks that measure images while a run lasts: one or none."""
    if not recipe.evaluate_every:
        return []
    every, count = recipe.evaluate_every, _EVALUATED_IMAGES
    return [callbacks.Evaluate(recipe.data, out, every=every, num_images=count)]


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
            f"`{_resuming(recipe, out)}`."
        ) from None


def _resuming(recipe, out):
    return f"ganzoo train {recipe.family} --out {shlex.quote(str(out))} --resume"


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
