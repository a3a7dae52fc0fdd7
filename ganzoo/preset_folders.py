"""Preset folders: the config, weights, card and samples of a model, read and written."""

import pathlib

import keras

from ganzoo import images, registry, untrusted, weights
from ganzoo.files import new_folder, write_json
from ganzoo.version import __version__

# Of the folders that are written; raised when older versions could not read them.
FORMAT = 1


def read(preset, wanted_class, without_family):
    """The model of a preset, not compiled; see `GAN.from_preset`.

    Args:
        preset: a registered name, or a folder.
        wanted_class: what the model must be.
        without_family: the class of presets that name no family.
    """
    folder = weights.find_preset(preset)
    config = untrusted.read_config(folder / "config.json")
    model_class = _class_of(config, folder) or without_family
    if not issubclass(model_class, wanted_class):
        raise ValueError(
            f"Preset {str(preset)!r} holds a {model_class.__name__}, not a "
            f"{wanted_class.__name__}. Load it with `ganzoo.{model_class.__name__}.from_preset` "
            "or `ganzoo.from_preset`."
        )

    def build():
        model = model_class.from_config(config["config"])
        return model, _networks(model, config["networks"])

    path = folder / "model.weights.h5"
    if weights.is_registered(preset):
        # Verified by its hash: limits for files of others would add a third to the time.
        model, networks = build()
        networks.load_weights(path)
    else:
        model = untrusted.build(build, path, folder)
    model.generator.set_weights(model.ema_generator.get_weights())
    return model


def write(gan, folder, card, discriminator, half, without_family):
    """Writes a model as a preset; see `GAN.save_to_preset`.

    A model of the class `without_family` is of none: its config names its networks.
    """
    folder = pathlib.Path(folder)
    family = None if type(gan) is without_family else _family_of(gan)
    # Without what belongs to the run: a preset takes the precision it is loaded under.
    of_the_run = ("name", "trainable", "dtype")
    arguments = {k: v for k, v in gan.get_config().items() if k not in of_the_run}
    config = {
        "format": FORMAT,
        "family": family.name if family else None,
        "ganzoo_version": __version__,
        "config": arguments,
        "networks": ["generator", "discriminator"] if discriminator else ["generator"],
    }
    with new_folder(folder) as partial:
        write_json(partial / "config.json", config)
        write_json(partial / "card.json", card)
        networks = _networks(gan, config["networks"])
        networks.save_weights(partial / "model.weights.h5")
        if half:
            weights.halve(partial / "model.weights.h5")
        if images.is_drawable(gan.image_shape):
            for pixels in [*gan.preview(64, seed=0).values()][:1]:
                grid = images.make_grid(pixels, columns=gan.num_classes)
                images.write_png(partial / "samples.png", grid)


def _family_of(gan):
    """The family that a model is of."""
    kind = type(gan)
    for family in registry.families():
        # By name first: only the class itself is worth an import.
        if family.class_name == kind.__name__ and family.load_class() is kind:
            return family
    raise ValueError(
        "A preset holds a model of a family or a `ganzoo.GAN`, and is loaded as that. Received: a "
        f"{kind.__module__}.{kind.__name__}, which would lose what it changes. Keep it by "
        "`gan.save('mine.keras')`."
    )


def _class_of(config, folder):
    """The family's class, or None; the configuration must be one that this version knows."""
    # The first format did not name itself.
    if (found := config.get("format", 1)) not in range(1, FORMAT + 1):
        raise ValueError(
            f"{str(folder)!r} is a preset of format {found!r}, and ganzoo {__version__} knows "
            f"those up to {FORMAT}: it was made by ganzoo {config.get('ganzoo_version')!r}. "
            "Install a newer ganzoo."
        )
    kinds = {"family": (str, type(None)), "config": dict, "networks": list}
    for name, kind in kinds.items():
        if not isinstance(config.get(name, ()), kind):
            raise ValueError(
                f"{str(folder)!r} is not a preset: its config.json has no {name!r}, or not as "
                "`save_to_preset` writes it."
            )
    if config["networks"] not in (["generator"], ["generator", "discriminator"]):
        raise ValueError(
            f"{str(folder)!r} is not a preset: its networks are {config['networks']!r}."
        )
    if config["family"] is None:
        return None
    try:
        return registry.get_family(config["family"]).load_class()
    except ValueError as error:
        raise ValueError(f"{str(folder)!r} cannot be loaded: {error}") from None


def _networks(gan, names):
    """What a preset's weight file holds, as one model: of generators, the averaged one."""
    networks = keras.Model()
    for name in names:
        setattr(networks, name, gan.ema_generator if name == "generator" else getattr(gan, name))
    networks.built = True
    return networks
