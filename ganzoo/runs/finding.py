"""Trained models, wherever they are: presets, runs and files."""

import dataclasses
import pathlib

from ganzoo import callbacks, registry, untrusted, weights
from ganzoo.gan import GAN
from ganzoo.runs.recipes import is_run, read_recipe, resuming


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
        recipe = read_recipe(path)  # Refuses runs of newer versions.
        whole = path / "model.keras"
        saved = whole if whole.is_file() else callbacks.newest_whole(path / "checkpoints")
        if not saved:
            raise ValueError(
                f"Run {str(path)!r} has no model yet: it was stopped before its first epoch "
                f"ended. Go on with it by `{resuming(recipe, path)}`."
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
    if weights.is_registered(name):
        return from_preset(name)
    path = pathlib.Path(name)
    if not path.exists() and path.parent == pathlib.Path() and not path.suffix:
        line = registry.unknown("preset", str(name), registry.presets())
        raise ValueError(f"{line} Or give a .keras file, a run folder or a preset folder.")
    return load(path)


def find_card(name):
    """What is on record of such a model: a preset's card, or a run's recipe; else nothing."""
    registered = weights.is_registered(name)
    if not registered and is_run(name):
        return {"recipe": dataclasses.asdict(read_recipe(name))}
    folder = weights.find_description(name) if registered else pathlib.Path(name)
    card = folder / "card.json"
    return untrusted.read_config(card) if card.is_file() else {}
