"""Compare all pairs from two sets."""

from collections.abc import Iterator

import numpy as np

# Rows of a distance matrix to hold in memory at once.
_ROWS = 1000


def blocks_of_squares(
    first: np.ndarray, second: np.ndarray, num_rows: int = _ROWS
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield the matrix of squared Euclidean distances in blocks of rows.

    Args:
        first: float `(num_first, dim)`.
        second: float `(num_second, dim)`.
        num_rows: int. Rows of `first` per block.

    Yields:
        `(rows, squares)`: a slice of the rows of `first`, and their squared distances to all rows
        of `second`, float64.
    """
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    norms = np.sum(second**2, axis=1)
    for start in range(0, len(first), num_rows):
        rows = slice(start, min(start + num_rows, len(first)))
        block = first[rows]
        squares = np.sum(block**2, axis=1)[:, None] + norms - 2 * block @ second.T
        yield rows, np.maximum(squares, 0)


def nearest(
    queries: np.ndarray, candidates: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest candidates of each query, by Euclidean distance.

    Args:
        queries: float `(num_queries, dim)`.
        candidates: float `(num_candidates, dim)`.
        count: int. Candidates per query.

    Returns:
        `(indices, distances)`, each `(num_queries, count)`, nearest first.
    """
    indices = np.empty((len(queries), count), int)
    distances = np.empty((len(queries), count))
    for rows, squares in blocks_of_squares(queries, candidates):
        found = np.argpartition(squares, count - 1, axis=1)[:, :count]
        found_squares = np.take_along_axis(squares, found, axis=1)
        order = np.argsort(found_squares, axis=1)
        indices[rows] = np.take_along_axis(found, order, axis=1)
        distances[rows] = np.sqrt(np.take_along_axis(found_squares, order, axis=1))
    return indices, distances


def chance_above(first: np.ndarray, second: np.ndarray) -> float:
    """Return the probability that a number of the first set is above one of the second.

    A tie counts half. This is the Mann-Whitney statistic divided by the number of pairs, and the
    area under the ROC curve.
    """
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first)
    not_above = np.searchsorted(ordered, first, side="right")
    return float(np.mean(below + not_above) / (2 * len(ordered)))
