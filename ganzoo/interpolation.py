"""Walks through the latents and between the classes of a model."""

import numpy as np

from ganzoo import batches


def interpolate(gan, num_rows=8, num_steps=10, labels=None, seed=0):
    """Images on the way from one latent vector, or one class, to another.

    Without `labels`, every row goes from one drawn latent vector to another along the
    sphere (Shoemake's slerp), where a normal distribution has its mass; a model with
    classes keeps one class in a row. With `labels`, every row keeps its latents and goes
    through the classes, linearly in the label embedding.

    Args:
        gan: a model with vector latents; for `labels`, one with `morph`, such as `CGAN`.
        num_rows: int, at least 1. Independent walks.
        num_steps: int, at least 2. Images of a walk, both ends included.
        labels: two or more class ids to go through, such as `[0, 3, 7]`.
        seed: int. Seed of the latents.

    Returns:
        uint8 numpy array `(num_rows, num_steps, height, width, channels)`.

    Raises:
        ValueError: If a number is too small, a label is no class, or labels are given to
            a model that cannot mix them.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
        >>> ganzoo.interpolate(gan, num_rows=2, num_steps=3).shape
        (2, 3, 8, 8, 1)
    """
    if num_rows < 1 or num_steps < 2:
        raise ValueError(
            "`num_rows` must be at least 1 and `num_steps` at least 2. Received: "
            f"num_rows={num_rows}, num_steps={num_steps}."
        )
    latents = np.asarray(gan.sample_latents(2 * num_rows, seed=(seed, 0)))
    if labels is None:
        fractions = np.linspace(0.0, 1.0, num_steps)
        walks = [slerp(*ends, fractions) for ends in zip(latents[::2], latents[1::2], strict=True)]
        classes = None
        if gan.num_classes is not None:
            classes = np.repeat(np.arange(num_rows) % gan.num_classes, num_steps)
        made = gan.decode(np.concatenate(walks), classes)
    else:
        if not hasattr(gan, "morph") or len(labels) < 2:
            raise ValueError(
                "`labels` must be two or more class ids, for a model that mixes classes, such as "
                f"a CGAN. Received: labels={labels} for a {type(gan).__name__}. Leave them out to "
                "walk the latents."
            )
        batches.check_labels(np.asarray(labels), gan.num_classes)
        weights = _class_path(gan.num_classes, labels, num_steps)
        made = gan.morph(
            np.repeat(latents[:num_rows], num_steps, axis=0), np.tile(weights, (num_rows, 1))
        )
    return made.reshape(num_rows, num_steps, *made.shape[1:])


def slerp(start, end, fractions):
    """Points on the arc from one vector to another; lengths go linearly.

    Args:
        start: `(dim,)`.
        end: `(dim,)`.
        fractions: `(num_points,)`, 0 at the start and 1 at the end.

    Returns:
        float32 `(num_points, dim)`.

    Example:
        >>> slerp(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.5])).round(3).tolist()
        [[0.7070000171661377, 0.7070000171661377]]

    Reference: Shoemake, 1985 (doi:10.1145/325165.325242); for latents White, 2016
    (arXiv:1609.04468), section 2.
    """
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    directions = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip(directions[0] @ directions[1], -1.0, 1.0))
    fractions = np.asarray(fractions)[:, None]
    if np.sin(angle) < 1e-6:  # The arc is a point, or not defined: the straight line is as good.
        points = (1 - fractions) * directions[0] + fractions * directions[1]
    else:
        points = np.sin((1 - fractions) * angle) * directions[0]
        points = (points + np.sin(fractions * angle) * directions[1]) / np.sin(angle)
    length = (1 - fractions) * lengths[0] + fractions * lengths[1]
    return (points * length).astype("float32")


def _class_path(num_classes, labels, num_steps):
    """Weights of the classes `(num_steps, num_classes)` on a path through some of them."""
    corners = np.eye(num_classes, dtype="float32")[list(labels)]
    places = np.linspace(0.0, len(labels) - 1, num_steps)
    left = np.minimum(places.astype(int), len(labels) - 2)
    fraction = (places - left)[:, None].astype("float32")
    return (1 - fraction) * corners[left] + fraction * corners[left + 1]
