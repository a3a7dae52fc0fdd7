"""Define the presets of the R3GAN."""

from ganzoo.registry import Preset

PRESETS: dict[str, Preset] = {}
