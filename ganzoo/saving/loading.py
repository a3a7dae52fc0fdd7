"""Load trained models by name or path: presets, runs and `.keras` files."""

import dataclasses
import os
import pathlib
import warnings

from ganzoo import callbacks, messages, registry
from ganzoo.base import GAN
from ganzoo.saving import hub, untrusted, weights
from ganzoo.training import run_folder


def load(path: pathlib.Path | str) -> GAN:
    """Load a saved model. It is compiled as it was when it was saved.

    Args:
        path: a `.keras` file, a run folder (its finished model, else its newest checkpoint), a
            folder of checkpoints that `ganzoo.callbacks.Checkpoint` wrote (the newest undamaged
            one), or a preset folder or an address such as `"hf://user/name"`, whose models are not
            compiled.

    Returns:
        The model, a `GAN`.

    Raises:
        ValueError: If there is no model at the path, or its file is damaged.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> gan.save(tmp_path / "a.keras")
        >>> ganzoo.load(tmp_path / "a.keras").image_shape
        (8, 8, 1)
    """
    if hub.is_address(path):
        return GAN.from_preset(path)
    path = file = pathlib.Path(path)
    # Keras finds classes by their registered names, so all must have been imported.
    for family in registry.families():
        family.load_class()
    if path.is_dir() and run_folder.is_run(path):
        recipe = run_folder.read_recipe(path)  # Refuses runs of newer versions.
        whole = path / "model.keras"
        saved = whole if whole.is_file() else callbacks.newest_whole(path / "checkpoints")
        if not saved:
            raise ValueError(
                f"Run {str(path)!r} has no model yet: it was stopped before its first epoch "
                f"ended. Resume it with `{run_folder.resume_command(recipe, path)}`."
            )
        file = saved
    elif path.is_dir():
        saved = _find_checkpoint(path)
        if not saved:
            return GAN.from_preset(path)
        file = saved
    if not file.is_file() or file.suffix != ".keras":
        raise ValueError(
            f"No model at {str(path)!r}. Needed: a .keras file, a run folder or a preset folder."
        )
    return untrusted.load_keras(file)


def _find_checkpoint(folder):
    """Return the newest undamaged checkpoint in a folder that is not a run, or in `checkpoints/`.

    Return None if there is none.
    """
    for place in (folder, folder / "checkpoints"):
        if saved := callbacks.newest_whole(place):
            return saved
    if files := sorted(path.name for path in folder.glob("*.keras")):
        raise ValueError(
            f"{str(folder)!r} is not a run. Load one of its files: {messages.list_names(files)}."
        )
    return None


def from_preset(preset: pathlib.Path | str) -> GAN:
    """Load a trained model of any family. See `GAN.from_preset`."""
    return GAN.from_preset(preset)


def find_model(name: pathlib.Path | str) -> GAN:
    """Load a model by the name of a preset or by path, as the command line does.

    Args:
        name: name of a registered preset, or path or address as for `load`.

    Returns:
        The model, a `GAN`.

    Raises:
        ValueError: If there is no such model.
    """
    path = pathlib.Path(name)
    if weights.is_registered(name):
        if path.is_dir():
            warnings.warn(
                f"{str(name)!r} is the preset here. To load the folder of this name, write "
                f"'./{name}'.",
                stacklevel=2,
            )
        return from_preset(name)
    if hub.is_address(name):
        return from_preset(name)
    if not path.exists() and path.parent == pathlib.Path() and not path.suffix:
        line = messages.unknown("preset", str(name), registry.presets())
        raise ValueError(f"{line} Or pass a .keras file, a run folder or a preset folder.")
    return load(path)


def find_card(name: pathlib.Path | str) -> dict:
    """Return the model card of a preset, or the recipe and class names of a run as a card.

    Args:
        name: name of a registered preset, preset folder, run folder, or an address such as
            `"hf://user/name"`.

    Returns:
        Content of the card. It is empty if there is neither a card nor a recipe.
    """
    registered = weights.is_registered(name)
    if not registered and not hub.is_address(name) and run_folder.is_run(name):
        recipe = dataclasses.asdict(run_folder.read_recipe(name))
        if os.path.isabs(recipe["data"]):
            # A card may be published. The path says more of this machine than of the images.
            recipe["data"] = f"./{os.path.basename(recipe['data'])}"
        if recipe["labels"]:
            recipe["labels"] = os.path.basename(recipe["labels"])
        return {"recipe": recipe, **run_folder.read_labels(name)}
    described = registered or hub.is_address(name)
    folder = weights.find_description(name) if described else pathlib.Path(name)
    card = folder / "card.json"
    return untrusted.read_config(card) if card.is_file() else {}


def find_origin(preset: pathlib.Path | str) -> tuple[str, dict, dict]:
    """Return the family, constructor arguments and recipe of a preset.

    Args:
        preset: name of a registered preset, or preset folder.

    Returns:
        `(family, config, recipe)`: name of the family, arguments of its constructor, and other
        arguments of the recipe. The seed, the fingerprint of the data, the class names and the
        conditions, which follow from the data, are left out. The recipe is empty if none was saved.

    Raises:
        ValueError: If there is no such preset, or it belongs to no family.
    """
    if weights.is_registered(preset):
        family, record = registry.get_preset(str(preset))
        config, recipe = record.config, dict(record.recipe)
    else:
        folder = weights.find_preset(preset)
        content = untrusted.read_config(folder / "config.json")
        family = registry.get_family(content["family"])
        config, recipe = content["config"], find_card(folder).get("recipe", {})
    of_the_run = ("seed", "trained_on", "class_names", "conditions")
    config = {key: value for key, value in config.items() if key not in of_the_run}
    return family.name, config, recipe
