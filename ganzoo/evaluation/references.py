"""Load and embed the real images for an evaluation, and cache their features on disk."""

import dataclasses
import hashlib
import itertools
import json
import os
import pathlib
import re
import warnings
import zipfile
from collections.abc import Sequence

import numpy as np

from ganzoo import data
from ganzoo.base import GAN
from ganzoo.checks import check_seed
from ganzoo.conditions import Condition, describe, list_columns
from ganzoo.data import ImageData, is_folder, tables
from ganzoo.images import convert_channels, has_alpha
from ganzoo.messages import first_line
from ganzoo.metrics import Embedding, extractor_names, get_extractor
from ganzoo.metrics.features import Extractor, NamedExtractor
from ganzoo.saving import weights
from ganzoo.saving.files import new_file, shorten
from ganzoo.version import __version__

# Classes that an error lists.
_LISTED = 4
# Images to embed at once.
_BATCH = 1000
# Without a test split, one training image in this many is held out.
HELD_OUT = 10
# Most training images for metrics that compare pairs, and most held-out images.
_SAMPLE = 10_000


@dataclasses.dataclass(frozen=True)
class References:
    """Embedded real images that generated images are compared with.

    Attributes:
        extractor: the extractor.
        split: str. Data and split, for the record.
        seed: int. Seed of the choice of `sample` and `held_out`.
        images: `ImageData` of the training images.
        training: `Embedding` of the same images, in the same order.
        sample: `Embedding` of at most 10,000 training images, in random order.
        held_out: `Embedding` of at most 10,000 other real images, in random order.
        unseen: bool. True if the held-out images are a test split, so that a model that was
            trained on the training split has not seen them.
    """

    extractor: NamedExtractor
    split: str
    seed: int
    images: ImageData
    training: Embedding
    sample: Embedding
    held_out: Embedding
    unseen: bool


def open_references(
    name: str | os.PathLike,
    image_shape: tuple[int, int, int],
    extractor: Extractor = None,
    seed: int = 0,
    class_names: Sequence[str] | None = None,
    trained_on: data.Fingerprint | None = None,
    labels: str | os.PathLike | None = None,
) -> References:
    """Load and embed the real images of a data set.

    Args:
        name: data set or folder, see `ganzoo.data.load`.
        image_shape: `(height, width, channels)` of the generated images. Real images come to this
            size.
        extractor: see `ganzoo.metrics.get_extractor`. None uses the classifier of the data set
            if ganzoo has one, else `"alexnet"`.
        seed: int. Seed of every choice.
        class_names: names of the classes that the model was trained on. None if it has no classes,
            or they are unknown.
        trained_on: `ganzoo.data.Fingerprint` of the model's training images. Real images come to
            their size as these did. If none were held out of a folder, or with None, no images of
            a folder count as unseen.
        labels: CSV file with the labels of a folder. See `ganzoo.data.load`.

    Raises:
        ValueError: If the data are not found or too few, their images have another shape or other
            classes, or the extractor is not available.
    """
    seed = check_seed(seed)
    fit = "crop" if trained_on is None else trained_on.fit
    has_test = "test" in data.find_splits(name)
    if data.is_folder(name):
        # A model of other data may have been trained on all images of the folder.
        has_test = has_test and trained_on is not None and trained_on.num_held_out > 0
    training, held_out, split = _read_images(name, image_shape, seed, fit, has_test, labels)
    check_classes(class_names, training, str(name))
    extractor = get_extractor(extractor or _extractor_for(name))
    features = embed_reference(extractor, training.pixels, f"{name} {split}")
    embedded = Embedding(features, pixels=training.pixels, labels=_class_ids(training))
    rng = np.random.default_rng(seed)
    # A data set may be sorted by class.
    chosen = rng.permutation(len(features))[:_SAMPLE]
    unseen = rng.permutation(len(held_out.pixels))[:_SAMPLE]
    return References(
        extractor=extractor,
        split=f"{name} {split}",
        seed=seed,
        images=training,
        training=embedded,
        sample=embedded[chosen],
        held_out=Embedding.join(_embed_in_parts(extractor, held_out.pixels[unseen])).with_labels(
            _class_ids(held_out.take(unseen))
        ),
        unseen=split == "train",
    )


def find_labels(
    gan: GAN, data: str | os.PathLike, labels: str | os.PathLike | None
) -> str | os.PathLike | None:
    """Return the CSV file with the labels of a folder for a model, or None if it needs none.

    Args:
        gan: the model.
        data: data set or folder.
        labels: the file. None takes `labels.csv` in the folder, if there is one and the model is
            conditioned on columns of a file.
    """
    has_columns = gan.num_classes is None or (gan.trained_on and gan.trained_on.columns)
    if labels is not None or not gan.conditions or not has_columns:
        return labels
    has_file = is_folder(data) and pathlib.Path(data, tables.DEFAULT_NAME).is_file()
    return tables.DEFAULT_NAME if has_file else None


def check_classes(class_names: Sequence[str] | None, image_data: ImageData, name: str) -> None:
    """Check that images have the classes that a model was trained on.

    Args:
        class_names: names of the model's classes, or None if they are unknown.
        image_data: the images.
        name: name of the images, for the error.

    Raises:
        ValueError: If the images have other classes, or another order of them.
    """
    found = image_data.class_names
    if class_names is None or found is None or list(class_names) == list(found):
        return
    # Long lists mostly agree.
    differing = [pair for pair in itertools.zip_longest(class_names, found) if pair[0] != pair[1]]
    was, now = (
        ", ".join("none" if name is None else repr(name) for name in names[:_LISTED])
        for names in zip(*differing, strict=True)
    )
    raise ValueError(
        f"The model was trained on {len(class_names)} classes, among them {was}. Received: "
        f"{name!r} with {len(found)} classes, in their place {now}. Use images of the same classes."
    )


def check_columns(conditions: Sequence[Condition], image_data: ImageData, name: str) -> None:
    """Check that images have labels for a model with several conditions.

    Args:
        conditions: conditions of the model.
        image_data: the images.
        name: name of the images, for the error.

    Raises:
        ValueError: If a column is missing, or its classes are others.
    """
    if len(conditions) == 1 and conditions[0].num_classes is not None:
        return
    found = {condition.name: condition for condition in image_data.conditions or ()}
    for condition in conditions:
        other = found.get(condition.name)
        if other is None:
            raise ValueError(
                f"The model needs labels {list_columns([one.name for one in conditions])}. "
                f"Received: {name!r} with {list_columns(found) or 'none of them'}. Give their "
                "file, such as --labels labels.csv."
            )
        if other.num_classes != condition.num_classes or (
            condition.class_names and list(other.class_names or ()) != list(condition.class_names)
        ):
            raise ValueError(
                f"Labels {condition.name!r} must be as in training: {describe(condition)}. "
                f"Received: {name!r} with {describe(other)}. Use labels of the same kind."
            )


def _extractor_for(name):
    name = re.split("[/:]", str(name))[0]
    name = "fashion_mnist" if name == "sample" else name
    return name if name in extractor_names() else "alexnet"


def _class_ids(image_data):
    """Return the class ids of images, or None if they have none, or several columns of labels."""
    return None if isinstance(image_data.labels, dict) else image_data.labels


def _read_images(name, image_shape, seed, fit, has_test, labels):
    """Return `(training, held_out, split)`: two `ImageData`, and a name for the first."""
    form = {"image_size": image_shape[:2], "fit": fit, "alpha": has_alpha(image_shape)}
    whole = "train+test" if data.is_folder(name) and not has_test else "train"
    training = data.load_arrays(name, whole, labels=labels, **form)
    if training.pixels.shape[1:] != image_shape:
        raise ValueError(
            f"The images of {str(name)!r} do not fit the model. Needed: {image_shape}. "
            f"Received: {training.pixels.shape[1:]}. Use the data that the model was trained on."
        )
    if has_test:
        held_out = data.load_arrays(name, "test", labels=labels, **form)
        # Colors are those of the training images, also if none of the few others has them.
        pixels = convert_channels(held_out.pixels, image_shape[-1])
        return training, dataclasses.replace(held_out, pixels=pixels), "train"
    if len(training.pixels) < HELD_OUT:
        raise ValueError(
            f"An evaluation needs at least {HELD_OUT} real images, one of which is held out for "
            f"comparison. Received: {len(training.pixels)} images in {str(name)!r}. Add images."
        )
    order = np.random.default_rng(seed).permutation(len(training.pixels))
    parts = np.split(order, [len(order) // HELD_OUT])
    held_out, training = (training.take(np.sort(part)) for part in parts)
    return training, held_out, f"train, without 1 in {HELD_OUT} (seed {seed})"


def embed_reference(extractor: NamedExtractor, pixels: np.ndarray, name: str) -> np.ndarray:
    """Return the features of a whole set of real images, from a cache on disk if possible.

    The cache is the folder `references/` in ganzoo's home folder. The name of a file contains a
    hash of the pixels and of the extractor's weights. It also holds their provenance.

    Args:
        extractor: see `ganzoo.metrics.get_extractor`. Features of an extractor without a
            `fingerprint` are not cached.
        pixels: uint8 `(num_images, height, width, channels)`.
        name: str. Name of the images, for people.

    Returns:
        float32 `(num_images, dim)`.
    """
    fingerprint = getattr(extractor, "fingerprint", None)
    if fingerprint is None:
        return _embed(extractor, pixels)
    content = hashlib.sha256(np.ascontiguousarray(pixels).data)
    content.update(f"{pixels.shape} {fingerprint}".encode())
    stem = shorten(re.sub(r"[^\w-]+", "_", f"{name} {extractor.name}"), 80)
    path = weights.home() / "references" / f"{stem}-{content.hexdigest()[:16]}.npz"
    found = _read(path, len(pixels))
    if found is not None:
        return found
    features = _embed(extractor, pixels)
    provenance = {
        "images": name,
        "count": len(pixels),
        "extractor": extractor.name,
        "extractor_fingerprint": fingerprint,
        "ganzoo_version": __version__,
    }
    _write(path, features, provenance)
    return features


def _embed(extractor, pixels):
    return np.concatenate([part.features for part in _embed_in_parts(extractor, pixels)])


def _embed_in_parts(extractor, pixels):
    # A user's extractor may need much memory per image.
    for start in range(0, len(pixels) or 1, _BATCH):
        yield extractor(pixels[start : start + _BATCH])


def _read(path, count):
    """Return the features in a file, or None if it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            features = arrays["features"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return features if len(features) == count else None


def _write(path, features, provenance):
    try:
        with new_file(path) as partial:
            np.savez(partial, features=features, provenance=json.dumps(provenance))
    except OSError as error:
        # Without the cache, the next evaluation is only slower.
        warnings.warn(
            f"Features of real images were not kept: {first_line(error, limit=300)}", stacklevel=2
        )
