"""ganzoo: the GAN model zoo for Keras 3 on TensorFlow.

Importing the package is fast. TensorFlow is imported when a family is first used.
"""

import importlib

from ganzoo import registry

# One line per family, which registers itself.
from ganzoo import cgan  # isort: skip
from ganzoo import dcgan  # isort: skip
from ganzoo import lapgan  # isort: skip
from ganzoo import r3gan  # isort: skip
from ganzoo import srgan  # isort: skip
from ganzoo import vanilla  # isort: skip
from ganzoo.version import __version__

_MODULES = (
    "augment",
    "base",
    "callbacks",
    "data",
    "distribution",
    "evaluation",
    "export",
    "images",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "sampling",
    "schedules",
    "training",
    "transforms",
)
_FUNCTIONS = {
    "GAN": "ganzoo.base",
    "LatentGAN": "ganzoo.base",
    "load": "ganzoo.saving.loading",
    "find_card": "ganzoo.saving.loading",
    "from_preset": "ganzoo.saving.loading",
    "interpolate": "ganzoo.sampling",
    "directions": "ganzoo.sampling",
    "train": "ganzoo.training",
    "resume": "ganzoo.training",
    "reproduce": "ganzoo.training",
}
# Former names that programs may still use.
_RENAMED = {"bulk": "ganzoo.sampling"}
_FAMILIES = {family.class_name: family for family in registry.families()}

__all__ = [
    "__version__",
    "list_presets",
    *_MODULES,
    *_FUNCTIONS,
    *_FAMILIES,
]


def list_presets() -> list[str]:
    """Return the names of all registered presets, sorted."""
    return list(registry.presets())


def __getattr__(name):
    if name in _FAMILIES:
        return _FAMILIES[name].load_class()
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"ganzoo.{name}")
    if name in _RENAMED:
        return importlib.import_module(_RENAMED[name])
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
