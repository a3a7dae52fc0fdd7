"""Presets of the DCGAN."""

PRESETS = {}
