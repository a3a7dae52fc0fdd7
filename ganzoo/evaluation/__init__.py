"""Evaluate models on data sets."""

from ganzoo.evaluation.generation import (
    DEFAULT_METRICS,
    METRICS,
    NEIGHBOUR_COLUMNS,
    Evaluation,
    check_counts,
    check_metrics,
    evaluate,
    is_better,
    is_lower_better,
)
from ganzoo.evaluation.references import References, check_columns, find_labels, open_references
from ganzoo.evaluation.super_resolution import (
    SuperResolutionResult,
    check_photos,
    compare_pictures,
    evaluate_super_resolution,
)

__all__ = [
    "DEFAULT_METRICS",
    "METRICS",
    "NEIGHBOUR_COLUMNS",
    "Evaluation",
    "References",
    "SuperResolutionResult",
    "check_columns",
    "check_counts",
    "check_metrics",
    "check_photos",
    "compare_pictures",
    "evaluate",
    "evaluate_super_resolution",
    "find_labels",
    "is_better",
    "is_lower_better",
    "open_references",
]
