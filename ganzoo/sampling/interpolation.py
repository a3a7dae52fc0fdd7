"""Interpolate between the latents and between the classes of a model."""

from collections.abc import Sequence

import numpy as np

from ganzoo.base import require_generation
from ganzoo.checks import check_positive, check_seed
from ganzoo.conditions import by_name, to_vectors
from ganzoo.data.arrays import map_labels


def interpolate(
    gan,
    num_rows: int = 8,
    num_steps: int = 10,
    labels: Sequence[int | str] | dict | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Generate images along paths between latents, or between classes.

    Without `labels`, each row interpolates between two random latents along the sphere, where a
    normal distribution has its mass (spherical interpolation, "slerp"). A model with classes keeps
    one class per row. With `labels`, each row keeps its latents and passes through the classes,
    linearly in the label embedding.

    Args:
        gan: a model with vector latents. With `labels`, a model with `morph`, such as `CGAN`.
        num_rows: int, at least 1. Number of independent paths.
        num_steps: int, at least 2. Images on a path, including both ends.
        labels: two or more class ids or names to pass through, such as `[0, 3, 7]`. For a model
            with several conditions, a dict of them, such as `{"age": [20, 60], "gender": "male"}`.
        seed: int. Seed of the latents.

    Returns:
        uint8 numpy array `(num_rows, num_steps, height, width, channels)`.

    Raises:
        ValueError: If a number is too small, a label is not a class of the model, or labels are
            given to a model that cannot mix them.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> ganzoo.interpolate(gan, num_rows=2, num_steps=3).shape
        (2, 3, 8, 8, 1)
    """
    check_positive(num_rows=num_rows, num_steps=num_steps)
    if num_steps < 2:
        raise ValueError(f"`num_steps` must be at least 2. Received: num_steps={num_steps}.")
    require_generation(gan)
    latents = np.asarray(gan.sample_latents(2 * num_rows, seed=(check_seed(seed), 0)))
    if labels is None:
        fractions = np.linspace(0.0, 1.0, num_steps)
        walks = [slerp(*ends, fractions) for ends in zip(latents[::2], latents[1::2], strict=True)]
        _, classes = gan.balanced_labels(num_rows)
        classes = map_labels(lambda values: np.repeat(values[:num_rows], num_steps), classes)
        made = gan.decode(np.concatenate(walks), classes)
    else:
        given = labels.values() if isinstance(labels, dict) else [labels]
        count = max([len(values) for values in given if np.ndim(values)], default=1)
        if not hasattr(gan, "morph") or count < 2:
            raise ValueError(
                "`labels` must be two or more class ids, for a model that mixes classes, such as "
                f"a CGAN. Received: labels={labels} for a {type(gan).__name__}. Leave them out to "
                "interpolate between latents."
            )
        columns = gan.labels_of(gan.prepare_condition(count, labels, seed))
        corners = to_vectors(by_name(columns, gan.conditions), gan.conditions)
        weights = path(corners, num_steps)
        made = gan.morph(
            np.repeat(latents[:num_rows], num_steps, axis=0), np.tile(weights, (num_rows, 1))
        )
    return made.reshape(num_rows, num_steps, *made.shape[1:])


def slerp(start: np.ndarray, end: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Interpolate between two vectors along an arc. Lengths are interpolated linearly.

    Args:
        start: float array `(dim,)`.
        end: float array `(dim,)`.
        fractions: float array `(num_points,)`, 0 at the start and 1 at the end.

    Returns:
        float32 `(num_points, dim)`.

    Example:
        >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5])).round(3).tolist()
        [[0.7070000171661377, 0.7070000171661377]]

    Reference: Shoemake, 1985 (doi:10.1145/325165.325242). For latents: White, 2016
    (arXiv:1609.04468), section 2.
    """
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    directions = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip(directions[0] @ directions[1], -1.0, 1.0))
    fractions = np.asarray(fractions)[:, None]
    # For parallel vectors the arc is a point or not unique. Use a straight line.
    if np.sin(angle) < 1e-6:
        points = (1 - fractions) * directions[0] + fractions * directions[1]
    else:
        points = np.sin((1 - fractions) * angle) * directions[0]
        points = (points + np.sin(fractions * angle) * directions[1]) / np.sin(angle)
    length = (1 - fractions) * lengths[0] + fractions * lengths[1]
    return (points * length).astype("float32")


def path(corners: np.ndarray, num_steps: int) -> np.ndarray:
    """Return vectors at equal distances on a path of straight lines through some vectors.

    Args:
        corners: float `(num_corners, size)`, at least 2.
        num_steps: int, at least 2. Vectors on the path, including both ends.

    Returns:
        float32 `(num_steps, size)`.

    Example:
        >>> path(np.array([[0.0], [1.0], [5.0]]), 5).ravel().tolist()
        [0.0, 0.5, 1.0, 3.0, 5.0]
    """
    places = np.linspace(0.0, len(corners) - 1, num_steps)
    left = np.minimum(places.astype(int), len(corners) - 2)
    fraction = (places - left)[:, None].astype("float32")
    return (1 - fraction) * corners[left] + fraction * corners[left + 1]
