"""Export models as SavedModel, ONNX or LiteRT, which run without ganzoo."""

from ganzoo.export.writing import FORMATS, LARGEST_DIFFERENCE, export, find_format, verify

__all__ = ["FORMATS", "LARGEST_DIFFERENCE", "export", "find_format", "verify"]
