"""Presets of the LAPGAN."""

PRESETS = {}
