"""Features of real images, kept on disk so that each set is embedded once."""

import hashlib
import json
import os
import re
import warnings
import zipfile

import numpy as np

from ganzoo import weights
from ganzoo.version import __version__

_BATCH = 1000


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
    parts = [
        extractor(pixels[start : start + _BATCH]).features
        for start in range(0, len(pixels), _BATCH)
    ]
    return np.concatenate(parts)


def _read(path, count):
    """The features in a file, or None if there is none that is whole."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            features = arrays["features"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    return features if len(features) == count else None


def _write(path, features, provenance):
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            np.savez(partial, features=features, provenance=json.dumps(provenance))
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        # The figures are right without it, and only slower the next time.
        warnings.warn(f"Features of real images were not kept: {error}", stacklevel=2)
