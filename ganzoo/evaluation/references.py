"""Real images to measure against, and their features, kept on disk once they are made."""

import dataclasses
import hashlib
import json
import re
import warnings
import zipfile

import numpy as np

from ganzoo import data, weights
from ganzoo.data import ImageData
from ganzoo.files import new_file
from ganzoo.metrics import Embedding, extractor_names, get_extractor
from ganzoo.version import __version__

_BATCH = 1000
# Real images that are held out where the data have no test split, one in so many.
_HELD_OUT = 10
# Real images for metrics that compare them pair by pair, and of those that are held out.
_SAMPLE = 10_000


@dataclasses.dataclass(frozen=True)
class References:
    """Real images, embedded: what generated ones are measured against.

    Attributes:
        extractor: what embedded them.
        split: str. Data and split, for the record.
        seed: int. Seed of the choice of `sample` and `held_out`.
        images: `ImageData` of the training split.
        training: `Embedding` of all of it, in its order.
        sample: `Embedding` of 10,000 of it, or of all, in random order.
        held_out: `Embedding` of 10,000 other real images, or fewer, in random order.
        held_out_labels: their class ids, or None.
        unseen: bool. Whether the held-out images are of a split of their own, which a
            model that was trained on the training split has not seen.
    """

    extractor: object
    split: str
    seed: int
    images: ImageData
    training: Embedding
    sample: Embedding
    held_out: Embedding
    held_out_labels: np.ndarray | None
    unseen: bool


def open_references(name, image_shape, extractor=None, seed=0):
    """Reads and embeds the real images of a data set.

    Args:
        name: data set or folder; see `ganzoo.data.load`.
        image_shape: `(height, width, channels)` of the images that are measured; real
            ones are resized to it.
        extractor: see `ganzoo.metrics.get_extractor`. None takes the classifier of the
            data set if ganzoo has one, else `"inception_v3"`.
        seed: int. Of every choice.

    Raises:
        ValueError: If the data are not found or have other channels, or the extractor
            cannot be had.
    """
    training, held_out, split = _read_images(name, image_shape, seed)
    extractor = get_extractor(extractor or _extractor_for(name))
    features = embed_reference(extractor, training.pixels, f"{name} {split}")
    embedded = Embedding(features, pixels=training.pixels)
    rng = np.random.default_rng(seed)
    # Data sets may be sorted by class.
    chosen = rng.permutation(len(features))[:_SAMPLE]
    unseen = rng.permutation(len(held_out.pixels))[:_SAMPLE]
    return References(
        extractor=extractor,
        split=f"{name} {split}",
        seed=seed,
        images=training,
        training=embedded,
        sample=embedded[chosen],
        held_out=Embedding.join(_embed_in_parts(extractor, held_out.pixels[unseen])),
        held_out_labels=None if held_out.labels is None else held_out.labels[unseen],
        unseen=split == "train",
    )


def _extractor_for(name):
    name = re.split("[/:]", str(name))[0]
    name = "fashion_mnist" if name == "sample" else name
    return name if name in extractor_names() else "inception_v3"


def _read_images(name, image_shape, seed):
    """`(training, held_out, split)`: `ImageData` twice, and what the first is called."""
    height, width, _ = image_shape
    # Only squares are cut; others must be of the size already.
    size = height if height == width else None
    training = data.read(name, "train", size)
    if training.pixels.shape[1:] != image_shape:
        raise ValueError(
            f"The images of {str(name)!r} do not fit the model. Needed: {image_shape}. "
            f"Received: {training.pixels.shape[1:]}. Give the data the model was trained on."
        )
    if "test" in data.find_splits(name):
        return training, data.read(name, "test", size), "train"
    order = np.random.default_rng(seed).permutation(len(training.pixels))
    parts = np.split(order, [len(order) // _HELD_OUT])
    held_out, training = (training.take(np.sort(part)) for part in parts)
    return training, held_out, f"train, without 1 in {_HELD_OUT} (seed {seed})"


def embed_reference(extractor, pixels, name):
    """Features of a whole set of real images, from the disk if they lie there.

    They are kept in `references/` of ganzoo's home folder, with their provenance, under
    a name that holds the hash of the pixels and of the extractor: other pixels or
    another extractor are other features.

    Args:
        extractor: see `ganzoo.metrics.get_extractor`. Features of one without a
            `fingerprint` are not kept.
        pixels: uint8 `(num_images, height, width, channels)`.
        name: str. What the images are, for people.

    Returns:
        float32 `(num_images, dim)`.
    """
    fingerprint = getattr(extractor, "fingerprint", None)
    if fingerprint is None:
        return _embed(extractor, pixels)
    content = hashlib.sha256(np.ascontiguousarray(pixels))
    content.update(f"{pixels.shape} {fingerprint}".encode())
    stem = re.sub(r"[^\w-]+", "_", f"{name} {extractor.name}")[-80:]
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
    # A user's extractor may take much memory for each image.
    for start in range(0, len(pixels) or 1, _BATCH):
        yield extractor(pixels[start : start + _BATCH])


def _read(path, count):
    """The features in a file, or None if there is none that is whole."""
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
        # The figures are right without it, and only slower the next time.
        warnings.warn(f"Features of real images were not kept: {error}", stacklevel=2)
