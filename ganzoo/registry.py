"""Register the families and presets of ganzoo, and look them up by name.

This module holds plain records and does not import Keras, so that listing the families and
presets is fast. Each family registers itself in its `__init__.py`.
"""

import dataclasses
import importlib
from typing import Any

from ganzoo import messages


@dataclasses.dataclass(frozen=True)
class File:
    """Record of a file that is verified: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclasses.dataclass(frozen=True)
class Score:
    """Measured score, with what is needed to interpret it.

    Attributes:
        metric: name of the metric.
        value: measured value.
        extractor: name of the feature network, None for a metric without one. Scores of different
            extractors cannot be compared.
        num_images: number of generated images.
    """

    metric: str
    value: float
    extractor: str | None
    num_images: int


@dataclasses.dataclass(frozen=True)
class Preset:
    """Trained model with a name, and the recipe that trained it.

    Attributes:
        config: arguments of the family's constructor. `ganzoo reproduce` builds the model
            with them.
        weights: record of the weight file.
        recipe: other arguments of `ganzoo.training.Recipe`.
        scores: measured scores. The first one is the most important.
    """

    config: dict
    weights: File
    recipe: dict
    scores: tuple[Score, ...] = ()


@dataclasses.dataclass(frozen=True)
class Flag:
    """Short command-line flag for an argument of a family.

    Attributes:
        target: `"model.NAME"` or `"compile.NAME"`.
        kind: type of the value: int, float, str, or bool for a flag without a value.
        help: help text.
        metavar: placeholder of the value in the help.
    """

    target: str
    kind: type
    help: str
    metavar: str | None = None


@dataclasses.dataclass(frozen=True)
class Family:
    """Kind of GAN: one paper, one class and its presets.

    Attributes:
        name: name on the command line.
        model: `"module:Class"`, a string, so that listing families does not import Keras.
        paper: authors, year and arXiv number. `ganzoo list` and the README show it.
        conditioned_on: inputs of the generator other than latents, in words. `ganzoo list` and the
            README show it.
        test_config: constructor arguments of the smallest valid model, for tests.
        classes: `"never"`, `"always"` or `"optional"`: if the constructor takes `num_classes`.
        task: `task` of the class.
        flags: short command-line flags for arguments of the family, by name.
        presets: presets by name.
    """

    name: str
    model: str
    paper: str
    conditioned_on: str
    test_config: dict
    classes: str = "never"
    task: str = "generation"
    flags: dict[str, Flag] = dataclasses.field(default_factory=dict)
    presets: dict[str, Preset] = dataclasses.field(default_factory=dict)

    @property
    def class_name(self) -> str:
        """Name of the model class."""
        return self.model.partition(":")[2]

    # Any: the class of a model, whose module imports Keras.
    def load_class(self) -> Any:
        """Import and return the model class."""
        return _load(self.model)

    def build_test_model(self, **overrides):
        """Build the smallest valid model, with some arguments changed."""
        return self.load_class()(**{**self.test_config, **overrides})


# The model of presets that belong to no family.
_GENERIC_MODEL = "ganzoo.base.latent_gan:LatentGAN"
_FAMILIES: dict[str, Family] = {}


def register_family(name: str, **fields) -> None:
    """Register a family for listing, the command line and the contract tests.

    Args:
        name: str. Name on the command line.
        **fields: other fields of `Family`.
    """
    _FAMILIES[name] = Family(name=name, **fields)


def load_model_class(name: str | None) -> type:
    """Import and return the class of a family, or the generic one for None.

    Raises:
        ValueError: If there is no such family.
    """
    return _load(_GENERIC_MODEL) if name is None else get_family(name).load_class()


def find_family(model_class: type) -> Family | None:
    """Return the family of a class, or None for the generic one.

    Raises:
        ValueError: If the class is neither, for example a subclass of a family's class.
    """
    path = f"{model_class.__module__}:{model_class.__name__}"
    if path == _GENERIC_MODEL:
        return None
    for family in families():
        if family.class_name == model_class.__name__ and family.load_class() is model_class:
            return family
    raise ValueError(
        "A preset needs a model of a family or a `ganzoo.GAN`. Received: a "
        f"{path.replace(':', '.')}, whose changes a preset would lose. Save it with "
        "`gan.save('mine.keras')`."
    )


def families() -> list[Family]:
    """Return all registered families, sorted by name."""
    return [_FAMILIES[name] for name in sorted(_FAMILIES)]


def get_family(name: str) -> Family:
    """Return the family with this name.

    Raises:
        ValueError: If there is none.
    """
    if name not in _FAMILIES:
        raise ValueError(messages.unknown("family", name, _FAMILIES))
    return _FAMILIES[name]


def presets() -> dict[str, tuple[Family, Preset]]:
    """Return all registered presets as `{name: (family, preset)}`, sorted by name."""
    found = {
        name: (family, preset) for family in families() for name, preset in family.presets.items()
    }
    return dict(sorted(found.items()))


def get_preset(name: str) -> tuple[Family, Preset]:
    """Return the family and the record of a registered preset.

    Raises:
        ValueError: If there is no preset with this name.
    """
    known = presets()
    if name not in known:
        raise ValueError(messages.unknown("preset", name, known))
    return known[name]


def _load(path):
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
