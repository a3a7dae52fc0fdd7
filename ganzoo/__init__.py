"""ganzoo: the GAN model zoo for Keras 3 on TensorFlow.

Importing the package is light; a family imports TensorFlow when it is first
touched.
"""

import importlib

from ganzoo import registry

# A line for each family, which registers itself.
from ganzoo import cgan  # isort: skip
from ganzoo import dcgan  # isort: skip
from ganzoo import lapgan  # isort: skip
from ganzoo import srgan  # isort: skip
from ganzoo import vanilla  # isort: skip
from ganzoo.version import __version__

_MODULES = (
    "bulk",
    "callbacks",
    "data",
    "evaluation",
    "export",
    "images",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
)
_FUNCTIONS = {
    "GAN": "ganzoo.gan",
    "load": "ganzoo.runs",
    "from_preset": "ganzoo.runs",
    "interpolate": "ganzoo.interpolation",
}
_FAMILIES = {family.class_name: family for family in registry.families()}

__all__ = [
    "__version__",
    "list_presets",
    *_MODULES,
    *_FUNCTIONS,
    *_FAMILIES,
]


def list_presets():
    """Names of all registered presets, sorted."""
    return list(registry.presets())


def __getattr__(name):
    if name in _FAMILIES:
        return _FAMILIES[name].load_class()
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"ganzoo.{name}")
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")


def __dir__():
    return sorted({*globals(), *__all__})
