"""A recipe trained into a run folder, and resumed; models loaded from what is on disk.

A run folder holds `config.json`, `checkpoints/`, `logs/`, `samples/`,
`metrics.json` and, when training is done, `model.keras`.
"""

import contextlib
import dataclasses
import json
import pathlib
import textwrap

import keras
import tensorflow as tf

from ganzoo import callbacks, data, registry, weights
from ganzoo.distribution import Site, share_batches
from ganzoo.files import write_json
from ganzoo.gan import GAN
from ganzoo.layers import check_recipe
from ganzoo.version import __version__


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
        scale: int or None. Of super-resolution; None takes 4.
        content_only: bool. Whether a family with a content loss trains on it alone.
        content: str or None. Its content loss; None takes the model's recommended.
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
    scale: int | None = None
    content_only: bool = False
    content: str | None = None
    sync_batch_norm: bool = False
    seed: int = 0
    start_from: str | None = None

    def __post_init__(self):
        check_recipe(self.recipe)
        for name in ("image_size", "epochs", "batch_size", "max_steps"):
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
    """Training was stopped from outside; the message says how it goes on."""


def train(recipe, out, site=None, verbose="auto"):
    """Trains a recipe into a new run folder.

    Args:
        recipe: a `Recipe`.
        out: folder of the run, which must be empty or not exist yet. Workers on several
            machines need one that they all see.
        site: a `ganzoo.distribution.Site`; None is where `Site()` finds itself.
        verbose: as for `keras.Model.fit`.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If the recipe cannot be trained, or the folder holds something.
            Nothing is written then.
        FloatingPointError: If a loss is not finite; the last good checkpoint is named.
        InterruptedRunError: On Ctrl-C, after a checkpoint is written; or if another
            worker is lost.
    """
    out = pathlib.Path(out)
    site = site or Site()
    # The others may come when the chief has begun to write.
    if site.is_chief and out.exists() and (not out.is_dir() or any(out.iterdir())):
        advice = "Go on with it by --resume, or choose" if is_run(out) else "Choose"
        what = "holds another run" if is_run(out) else "is not an empty folder"
        raise ValueError(f"{str(out)!r} {what}. {advice} another folder.")
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
        return _fit(model, recipe, dataset, out, site, verbose)


def resume(out, epochs=None, max_steps=None, site=None, verbose="auto"):
    """Goes on with a run that was killed, stopped or should be longer.

    Args:
        out: the run's folder.
        epochs: int. A new number of passes in all; None keeps the run's.
        max_steps: int. A new number of steps in all; None keeps the run's.
        site: a `Site`, which need not be the one that the run was started on.
        verbose: as for `keras.Model.fit`.

    Returns:
        An `Outcome`.

    Raises:
        ValueError: If the folder holds no run.
    """
    out = pathlib.Path(out)
    site = site or Site()
    recipe = read_recipe(out)
    changes = {"epochs": epochs, "max_steps": max_steps}
    recipe = dataclasses.replace(recipe, **{k: v for k, v in changes.items() if v is not None})
    with _all_workers(site, recipe, out):
        dataset, model = _prepare(recipe, site)
        # Without a checkpoint the run was killed in its first epoch: it starts again as it did.
        if saved := callbacks.checkpoints(out / "checkpoints"):
            with site.strategy.scope():
                model = load(saved[-1])
        return _fit(model, recipe, dataset, out, site, verbose)


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
    config = pathlib.Path(folder) / "config.json"
    return config.is_file() and "recipe" in json.loads(config.read_text())


def read_recipe(folder):
    """The `Recipe` of a run folder; a `ValueError` if it is none."""
    folder = pathlib.Path(folder)
    if not is_run(folder):
        raise ValueError(f"{str(folder)!r} holds no run to go on with. Start it without --resume.")
    return Recipe(**json.loads((folder / "config.json").read_text())["recipe"])


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
        whole = path / "model.keras"
        saved = [whole] if whole.is_file() else callbacks.checkpoints(path / "checkpoints")
        if not saved:
            raise ValueError(
                f"Run {str(path)!r} has no model yet: it was stopped before its first epoch "
                "ended. Go on with it by `ganzoo train --resume`."
            )
        path = saved[-1]
    elif path.is_dir():
        return GAN.from_preset(path)
    if not path.is_file() or path.suffix != ".keras":
        raise ValueError(
            f"No model at {str(path)!r}. Needed: a .keras file, a run folder or a preset folder."
        )
    return keras.saving.load_model(path)


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
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError):
        if site.num_workers == 1:
            raise
        raise InterruptedRunError(
            f"Worker {site.worker} of {site.num_workers} lost another, which may say why. Go on "
            f"from the last checkpoint with `ganzoo train {recipe.family} --out {out} --resume` "
            "on all of them."
        ) from None


def _prepare(recipe, site):
    """The data of this worker and the compiled model of a recipe."""
    keras.utils.set_random_seed(recipe.seed)
    family = registry.get_family(recipe.family)
    if recipe.class_conditional and family.classes == "never":
        raise ValueError(f"Family {family.name!r} knows no classes. Leave --class-conditional out.")
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
    site.agree(batches=len(dataset), mixed_precision=recipe.mixed_precision, **arguments)
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
        "regularizer": recipe.regularizer,
        "sync_batch_norm": recipe.sync_batch_norm,
    }
    contents = {"content_only": recipe.content_only, "content": recipe.content}
    model.compile(**game, **(contents if family.restores else {}))
    return dataset, model


def _open_whole(recipe, family, site):
    """`(dataset, arguments)`: whole images, and what the model is told of them."""
    with_classes = family.classes == "always" or recipe.class_conditional
    image_data = data.read(recipe.data, image_size=recipe.image_size, data_part=site.data_part)
    if with_classes and image_data.num_classes is None:
        raise ValueError(
            f"Family {family.name!r} needs labels, and {recipe.data!r} has none. Give a folder "
            "with one subfolder for each class, or a data set with labels."
        )
    dataset = data.pipeline(
        image_data,
        site.share_of(recipe.batch_size),
        labels=with_classes,
        seed=recipe.seed,
        batch_part=site.batch_part,
    )
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
    dataset = data.load_crops(
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


def _fit(model, recipe, dataset, out, site, verbose):
    steps_per_epoch = len(dataset)
    total = recipe.epochs * steps_per_epoch
    total = min(total, recipe.max_steps or total)
    watchers = [callbacks.StopAtStep(total)]
    if site.is_chief:
        out.mkdir(parents=True, exist_ok=True)
        _write_config(out, recipe, model, site)
        checkpoint = callbacks.Checkpoint(out / "checkpoints")
        doctor = callbacks.Doctor(out, held_out=_hold_out(recipe, model), seed=recipe.seed)
        metrics = callbacks.MetricsFile(out / "metrics.json", recipe.batch_size, doctor)
        grid, scalars = callbacks.SampleGrid(out, seed=recipe.seed), callbacks.GameScalars(out)
        watchers += [doctor, metrics, grid, scalars, checkpoint]
    if model.step < total:
        try:
            _fit_model(model, dataset, total, watchers, site, verbose)
        except KeyboardInterrupt:
            state = f"the state is in {str(checkpoint.save())!r}. " if site.is_chief else ""
            raise InterruptedRunError(
                f"Stopped at step {model.step} of {total}; {state}Go on with "
                f"`ganzoo train {recipe.family} --out {out} --resume`."
            ) from None
        except FloatingPointError as error:
            if site.is_chief:
                metrics.write()  # What the doctor found of it.
            saved = callbacks.checkpoints(out / "checkpoints")
            last = (
                f"The last good checkpoint is {str(saved[-1])!r}."
                if saved
                else ("There is no checkpoint yet.")
            )
            raise FloatingPointError(f"{error} {last}") from None
    logs = {}
    if site.is_chief:
        callbacks.save_whole(model, out / "model.keras")
        logs = metrics.epochs[-1] if metrics.epochs else {}
    return Outcome(model, out, logs, model.step, site.is_chief)


def _fit_model(model, dataset, total, watchers, site, verbose):
    """Trains up to a step in all, on all devices."""
    steps_per_epoch = len(dataset)
    endless = {}
    if site.num_replicas > 1:
        if verbose and site.is_chief:
            print(site)
        dataset, model.real_examples = model.check_data(dataset, None)
        dataset = share_batches(site.strategy, dataset)
        endless = {"steps_per_epoch": steps_per_epoch}
    model.fit(
        dataset,
        initial_epoch=model.step // steps_per_epoch,
        epochs=-(-total // steps_per_epoch),
        verbose=verbose if site.is_chief else 0,
        callbacks=watchers,
        **endless,
    )
