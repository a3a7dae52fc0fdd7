"""The families and presets that ganzoo knows, by name.

Plain records and look-up, nothing else: listing the zoo must not cost an
import of TensorFlow. A family registers itself in its `__init__.py`.
"""

import dataclasses
import difflib
import importlib


@dataclasses.dataclass(frozen=True)
class File:
    """A weight file as it must be: its name, SHA-256 and size in bytes."""

    name: str
    sha256: str
    size: int


@dataclasses.dataclass(frozen=True)
class Score:
    """One measured figure, with all that is needed to read it.

    `extractor` names the feature network, None where the metric has none; figures of
    different extractors are never comparable.
    """

    metric: str
    value: float
    extractor: str | None
    num_images: int


@dataclasses.dataclass(frozen=True)
class Preset:
    """A trained model that can be had by name, and the recipe that made it."""

    config: dict
    weights: File
    recipe: dict
    scores: tuple[Score, ...] = ()
    license: str = "Apache-2.0"


@dataclasses.dataclass(frozen=True)
class Family:
    """A kind of GAN: one paper, one class, its presets.

    `model` is `"module:Class"`, a string, so that a family can be listed
    without importing Keras. `classes` says whether its constructor takes
    `num_classes`: "never", "always" or "optional". `restores` says that it is given
    images of any size and makes them better, rather than makes new ones. `smallest` are constructor
    arguments of the least model that still is one of the family: contract tests
    train it in seconds.
    """

    name: str
    model: str
    paper: str
    conditioned_on: str
    smallest: dict
    classes: str = "never"
    restores: bool = False
    presets: dict[str, Preset] = dataclasses.field(default_factory=dict)

    @property
    def class_name(self):
        return self.model.partition(":")[2]

    def load_class(self):
        """Imports and returns the model class."""
        module, _, name = self.model.partition(":")
        return getattr(importlib.import_module(module), name)

    def build_smallest(self, **overrides):
        """Builds the least model of the family."""
        return self.load_class()(**{**self.smallest, **overrides})


_FAMILIES: dict[str, Family] = {}


def register_family(name, **fields):
    """Makes a family known to listing, the command line and the contract tests."""
    _FAMILIES[name] = Family(name=name, **fields)


def families():
    """Every registered family, sorted by name."""
    return [_FAMILIES[name] for name in sorted(_FAMILIES)]


def get_family(name):
    """The family called `name`.

    Raises:
        ValueError: If there is none.
    """
    if name not in _FAMILIES:
        raise ValueError(unknown("family", name, _FAMILIES))
    return _FAMILIES[name]


def presets():
    """Every registered preset as `{name: (family, preset)}`, sorted by name."""
    found = {
        name: (family, preset) for family in families() for name, preset in family.presets.items()
    }
    return dict(sorted(found.items()))


def get_preset(name):
    """The `(family, preset)` registered as `name`.

    Raises:
        ValueError: If there is none.
    """
    known = presets()
    if name not in known:
        raise ValueError(unknown("preset", name, known))
    return known[name]


def unknown(kind, name, known):
    """One line that says which names of a kind there are, the nearest first."""
    nearest = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
    listing = ", ".join(sorted(known)) or "none yet"
    return f"Unknown {kind}: {name!r}.{hint} Known: {listing}."
