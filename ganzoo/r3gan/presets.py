"""Define the presets of the R3GAN."""

PRESETS = {}
