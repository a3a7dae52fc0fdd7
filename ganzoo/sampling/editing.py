"""Edit photographs: find their latents, then change labels or latents and decode them again."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ganzoo.base import LatentGAN, require_generation
from ganzoo.conditions import by_name, examples, to_vectors
from ganzoo.data.arrays import map_labels
from ganzoo.data.formats import ImageFormat
from ganzoo.images import convert_channels, has_alpha, photos
from ganzoo.sampling.interpolation import path, slerp

# Steps and starts of the short searches that compare the labels of a photograph.
_TRIAL = {"num_steps": 50, "num_starts": 2}
# Images of a strip, except for labels, and frames of an animation between two edits.
_COLUMNS = 7
_FRAMES = 12


@dataclasses.dataclass(frozen=True)
class Found:
    """Latents of a photograph.

    Attributes:
        pixels: uint8 `(height, width, channels)`, the photograph in the size of the model.
        latents: float32 `(latent_dim,)`.
        labels: class id of the photograph, or a dict of labels by column. None without conditions.
        error: float. Mean squared error of the reconstruction, in units of the [-1, 1] range.
    """

    pixels: np.ndarray
    latents: np.ndarray
    labels: int | dict | None
    error: float


@dataclasses.dataclass(frozen=True)
class Edit:
    """Edits of a photograph.

    Attributes:
        columns: uint8 `(num_columns, height, width, channels)`: one or two photographs and the
            images that the model makes.
        captions: text for each column.
        frames: uint8 `(num_frames, height, width, channels)`. Steps of an animation.
    """

    columns: np.ndarray
    captions: list[str]
    frames: np.ndarray


def read_picture(
    source: pathlib.Path | str, image_shape: tuple[int, int, int], fit: str = "crop"
) -> np.ndarray:
    """Read an image file in the size and the channels of a model.

    Args:
        source: image file, as for `ganzoo.images.photos.read_photo`. It is turned upright, and only
            the first frame of an animation is read.
        image_shape: `(height, width, channels)`.
        fit: `"crop"` cuts the largest part of the model's proportions out of the middle, `"pad"`
            adds white bars, and `"stretch"` changes the proportions. See `ganzoo.data.load`.

    Returns:
        uint8 `(height, width, channels)`.

    Raises:
        ValueError: If the file cannot be read, or the fit is unknown.
    """
    image_format = ImageFormat.of(image_shape[:2], fit, has_alpha(image_shape))
    pixels = photos.join_alpha(photos.read_photo(source))
    return convert_channels(image_format.apply(pixels), image_shape[-1])


def find_latents(
    gan: LatentGAN,
    pixels: np.ndarray,
    labels=None,
    num_steps: int = 200,
    num_starts: int = 4,
    seed: int = 0,
    features: str | None = "alexnet",
) -> Found:
    """Find the latents of a photograph, and its labels if they are not given.

    Unknown labels are those that reproduce the photograph best in a short search: each class, or
    each combination that a grid of samples shows.

    Args:
        gan: model that generates images.
        pixels: uint8 `(height, width, channels)`.
        labels: class id or name, or a dict of labels by column. None compares all.
        num_steps: int. As for `LatentGAN.invert`, like the other arguments.
        num_starts: int.
        seed: int.
        features: str or None.

    Raises:
        ValueError: If the image or labels do not fit the model, or a number is below 1.

    Example:
        >>> gan = ganzoo.VanillaGAN(image_shape=(8, 8, 1), hidden_units=8)
        >>> photo = np.zeros((8, 8, 1), "uint8")
        >>> find_latents(gan, photo, num_steps=2, features=None).latents.shape
        (100,)
    """
    require_generation(gan)
    search: dict[str, Any] = {"seed": seed, "features": features}
    if gan.conditions and labels is None:
        labels = _guess_labels(gan, pixels, search)
    condition = gan.prepare_condition(1, labels, seed)
    ones = gan.labels_of(condition)
    latents, errors = gan.invert(
        pixels[None], ones, num_steps=num_steps, num_starts=num_starts, **search
    )
    return Found(pixels, latents[0], map_labels(lambda values: values[0], ones), float(errors[0]))


def relabel(gan: LatentGAN, found: Found, labels) -> Edit:
    """Decode the latents of a photograph under other labels.

    The animation mixes the labels if the model has `morph`, such as a `CGAN`.

    Args:
        gan: model with conditions.
        found: result of `find_latents`.
        labels: list of class ids or names, or a dict of such lists of one length. Columns that are
            left out stay as they were found.

    Raises:
        ValueError: If a label is not one of the model.
    """
    count = len(next(iter(labels.values())) if isinstance(labels, Mapping) else labels)
    if not gan.conditions:
        gan.prepare_condition(count, labels, seed=0)  # It explains the error.
    before = by_name(found.labels, gan.conditions)
    wanted = {**before, **by_name(gan.read_labels(labels), gan.conditions)}
    rows = {name: np.append(before[name], np.broadcast_to(wanted[name], count)) for name in wanted}
    rows = gan.labels_of(gan.prepare_condition(count + 1, rows, seed=0))
    columns = _decode(gan, found.latents, rows)
    frames = columns
    if hasattr(gan, "morph"):
        corners = to_vectors(by_name(rows, gan.conditions), gan.conditions)
        vectors = path(corners, count * _FRAMES + 1)
        frames = gan.morph(np.repeat(found.latents[None], len(vectors), axis=0), vectors)
    captions = gan.captions_of(rows) or [str(label) for label in np.asarray(rows)]
    return Edit(
        np.concatenate([found.pixels[None], columns]),
        ["photo", f"found: {captions[0]}", *captions[1:]],
        frames,
    )


def move(gan: LatentGAN, found: Found, direction: np.ndarray, low: float, high: float) -> Edit:
    """Decode latents along a direction, such as one of `ganzoo.directions`.

    Args:
        gan: model with vector latents.
        found: result of `find_latents`.
        direction: float `(latent_dim,)`.
        low: float. Amount of the direction at the start.
        high: float. Amount at the end.
    """

    def decode(amounts):
        return _decode(gan, found.latents + amounts[:, None] * direction, found.labels)

    amounts = np.linspace(low, high, _COLUMNS, dtype="float32")
    return Edit(
        np.concatenate([found.pixels[None], decode(amounts)]),
        ["photo", *(f"{amount:+.2g}" for amount in amounts)],
        decode(np.linspace(low, high, 2 * _FRAMES + 1, dtype="float32")),
    )


def blend(gan: LatentGAN, start: Found, end: Found) -> Edit:
    """Interpolate between two photographs, along the sphere.

    Labels are mixed if the model has `morph`, such as a `CGAN`. Otherwise the labels of the nearer
    photograph are used.

    Args:
        gan: model with vector latents.
        start: result of `find_latents` for the first photograph.
        end: the same for the second one.
    """

    def decode(num_steps):
        fractions = np.linspace(0.0, 1.0, num_steps)
        latents = slerp(start.latents, end.latents, fractions)
        if not gan.conditions:
            return gan.decode(latents)
        ends = [by_name(found.labels, gan.conditions) for found in (start, end)]
        rows = {name: np.array([one[name] for one in ends]) for name in ends[0]}
        if hasattr(gan, "morph"):
            return gan.morph(latents, path(to_vectors(rows, gan.conditions), num_steps))
        nearer = np.rint(fractions).astype(int)
        return gan.decode(latents, {name: values[nearer] for name, values in rows.items()})

    return Edit(
        np.concatenate([start.pixels[None], decode(_COLUMNS), end.pixels[None]]),
        ["photo", *(f"{share:.0%}" for share in np.linspace(0, 1, _COLUMNS)), "photo"],
        decode(2 * _FRAMES + 1),
    )


def _guess_labels(gan, pixels, search):
    """Return the labels, in the form of `generate`, that reproduce an image best."""
    rows = examples(gan.conditions)
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    labels = columns if gan.num_classes is None else columns.popitem()[1]
    targets = np.repeat(pixels[None], len(rows), axis=0)
    _, errors = gan.invert(targets, labels, **_TRIAL, **search)
    return map_labels(lambda values: values[errors.argmin()], labels)


def _decode(gan, latents, labels):
    """Decode the latents of one image under several labels, or several latents under one."""
    if latents.ndim == 1:
        count = len(next(iter(by_name(labels, gan.conditions).values())))
        latents = np.repeat(latents[None], count, axis=0)
    return gan.decode(latents, labels)
