"""Presets of the CGAN."""

PRESETS = {}
