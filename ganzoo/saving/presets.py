"""Read and write preset folders: the config, weights, card and samples of a model."""

import dataclasses
import pathlib
import tempfile

import keras

from ganzoo import images, registry
from ganzoo.saving import hub, model_card, untrusted, weights
from ganzoo.saving.files import new_folder, write_json
from ganzoo.version import __version__

# Format of the folders. Increase it if older versions cannot read new folders.
FORMAT = 1


def read(preset: pathlib.Path | str, wanted_class: type):
    """Load the model of a preset. It is not compiled. See `GAN.from_preset`.

    Args:
        preset: registered name, a folder, or an address such as `"hf://user/name"`.
        wanted_class: class that the model must have.

    Returns:
        The model, an instance of `wanted_class`.

    Raises:
        ValueError: If there is no such preset, it is damaged, or its model has another class.
    """
    folder = weights.find_preset(preset)
    config = untrusted.read_config(folder / "config.json")
    model_class = _class_of(config, folder)
    if not issubclass(model_class, wanted_class):
        raise ValueError(
            f"Preset {str(preset)!r} holds a {model_class.__name__}, not a "
            f"{wanted_class.__name__}. Load it with `ganzoo.{model_class.__name__}.from_preset` "
            "or `ganzoo.from_preset`."
        )

    def build():
        model = model_class.from_config(config["config"])
        return model, _networks(model, config["networks"])

    path = folder / weights.WEIGHTS
    if weights.is_registered(preset):
        # Its hash was verified. The checks for untrusted files would add a third to the time.
        model, networks = build()
        networks.load_weights(path)
    else:
        _verify_weights(config, path)
        model = untrusted.build(build, path, folder)
    model.generator.set_weights(model.ema_generator.get_weights())
    return model


def write(gan, folder: pathlib.Path | str, card: dict, discriminator: bool, half: bool) -> None:
    """Write a model as a preset. See `GAN.save_to_preset`.

    Raises:
        ValueError: If the folder is not empty, or a preset cannot hold the model's class.
    """
    folder = pathlib.Path(folder)
    family = registry.find_family(type(gan))
    # These belong to the run. A preset takes the precision it is loaded under.
    of_the_run = ("name", "trainable", "dtype", "frozen")
    arguments = {k: v for k, v in gan.get_config().items() if k not in of_the_run}
    config = {
        "format": FORMAT,
        "family": family.name if family else None,
        "ganzoo_version": __version__,
        "config": arguments,
        "networks": ["generator", "discriminator"] if discriminator else ["generator"],
    }
    with new_folder(folder) as partial:
        networks = _networks(gan, config["networks"])
        networks.save_weights(partial / weights.WEIGHTS)
        if half:
            weights.halve(partial / weights.WEIGHTS)
        record = weights.make_record(partial / weights.WEIGHTS)
        write_json(partial / "config.json", {**config, "weights": dataclasses.asdict(record)})
        write_json(partial / "card.json", card)
        if images.is_drawable(gan.image_shape):
            for pixels in [*gan.preview(64, seed=0).values()][:1]:
                grid = images.make_grid(pixels, columns=gan.preview_columns)
                if gan.preview_captions:
                    grid = images.add_captions(grid, gan.preview_captions)
                images.write_png(partial / "samples.png", grid)


def push(gan, repository: str, card: dict, private: bool, discriminator: bool, half: bool) -> str:
    """Upload a model as a preset, and return the URL. See `GAN.push_to_hub`."""
    hub.check_installed()
    with tempfile.TemporaryDirectory() as parent:
        folder = pathlib.Path(parent) / "preset"
        write(gan, folder, card, discriminator, half)
        readme = model_card.write_readme(
            hub.PREFIX + repository,
            untrusted.read_config(folder / "config.json"),
            card,
            has_samples=(folder / "samples.png").is_file(),
        )
        (folder / "README.md").write_text(readme, encoding="utf-8")
        return hub.upload(folder, repository, private)


def _verify_weights(config, path):
    """Compare a weight file with the record in the config. Older presets have none.

    Raises:
        ValueError: If the file differs.
    """
    if "weights" not in config:
        return
    with untrusted.refusing(path.parent / "config.json"):
        fields = config["weights"]
        record = registry.File(str(fields["name"]), str(fields["sha256"]), int(fields["size"]))
    weights.verify(path, record, "Copy or download the preset again.")


def _class_of(config, folder):
    """Return the model class of a preset. Refuse formats that this version cannot read."""
    # The first format had no `format` entry.
    if (found := config.get("format", 1)) not in range(1, FORMAT + 1):
        raise ValueError(
            f"{str(folder)!r} is a preset of format {found!r}, and ganzoo {__version__} reads "
            f"formats up to {FORMAT}. It was made by ganzoo {config.get('ganzoo_version')!r}. "
            "Install a newer ganzoo."
        )
    kinds = {"family": (str, type(None)), "config": dict, "networks": list}
    for name, kind in kinds.items():
        if not isinstance(config.get(name, ()), kind):
            raise ValueError(
                f"{str(folder)!r} is not a preset: its config.json has no {name!r}, or one of "
                "another type than `save_to_preset` writes."
            )
    if config["networks"] not in (["generator"], ["generator", "discriminator"]):
        raise ValueError(
            f"{str(folder)!r} is not a preset: its networks are {config['networks']!r}."
        )
    try:
        return registry.load_model_class(config["family"])
    except ValueError as error:
        raise ValueError(f"{str(folder)!r} cannot be loaded: {error}") from None


def _networks(gan, names):
    """Return a model of the networks that a preset's weight file holds."""
    # The generator in the file is the averaged one.
    networks = keras.Model()
    for name in names:
        setattr(networks, name, gan.ema_generator if name == "generator" else getattr(gan, name))
    networks.built = True
    return networks
