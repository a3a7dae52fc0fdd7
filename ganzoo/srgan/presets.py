"""Presets of the SRGAN."""

PRESETS = {}
