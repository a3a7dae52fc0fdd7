"""Comparisons of every row or number of one set with every one of another."""

import numpy as np

# Rows of a distance matrix that are in memory at once.
_ROWS = 1000


def blocks_of_squares(first, second, num_rows=_ROWS):
    """`(rows, squared distances of those rows of the first to all of the second)`."""
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    norms = np.sum(second**2, axis=1)
    for start in range(0, len(first), num_rows):
        rows = slice(start, min(start + num_rows, len(first)))
        block = first[rows]
        squares = np.sum(block**2, axis=1)[:, None] + norms - 2 * block @ second.T
        yield rows, np.maximum(squares, 0)


def nearest(queries, candidates, count):
    """The nearest candidates of each query, by Euclidean distance.

    Args:
        queries: float `(num_queries, dim)`.
        candidates: float `(num_candidates, dim)`.
        count: int. Candidates for each query.

    Returns:
        `(indices, distances)`, each `(num_queries, count)`, the nearest first.
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


def chance_above(first, second):
    """The chance that a number of the first set is above one of the second; ties are half.

    This is the statistic of Mann and Whitney over the number of pairs.
    """
    ordered = np.sort(second)
    below = np.searchsorted(ordered, first)
    not_above = np.searchsorted(ordered, first, side="right")
    return float(np.mean(below + not_above) / (2 * len(ordered)))
