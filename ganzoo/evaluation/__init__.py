"""A model run against data, into a result record."""

from ganzoo.evaluation.generation import (
    DEFAULT_METRICS,
    METRICS,
    NEIGHBOUR_COLUMNS,
    Evaluation,
    evaluate,
)
from ganzoo.evaluation.references import References, open_references
from ganzoo.evaluation.super_resolution import SuperResolutionResult, evaluate_super_resolution

__all__ = [
    "DEFAULT_METRICS",
    "METRICS",
    "NEIGHBOUR_COLUMNS",
    "Evaluation",
    "References",
    "SuperResolutionResult",
    "evaluate",
    "evaluate_super_resolution",
    "open_references",
]
