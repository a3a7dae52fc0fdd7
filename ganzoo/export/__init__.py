"""Models for use elsewhere: SavedModel, ONNX and LiteRT, which need no ganzoo to run."""

from ganzoo.export.writing import FORMATS, LARGEST_DIFFERENCE, export, find_format, verify

__all__ = ["FORMATS", "LARGEST_DIFFERENCE", "export", "find_format", "verify"]
