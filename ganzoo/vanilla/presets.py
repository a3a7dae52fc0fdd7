"""Presets of the vanilla GAN."""

PRESETS = {}
