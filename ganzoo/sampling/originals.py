"""Generate images, and replace those that copy a training image."""

import operator
from collections.abc import Sequence

import numpy as np

from ganzoo.base import require_generation
from ganzoo.checks import check_positive, check_seed
from ganzoo.data.arrays import map_labels
from ganzoo.metrics.copies import COPY_RATIO, copy_ratios

# Attempts per image. A generator that only copies must not run forever.
_ATTEMPTS = 20


def generate_originals(
    gan,
    references,
    num_images: int,
    labels: Sequence[int | str] | dict | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, int]:
    """Generate images of which none copies a training image.

    A copy is what `ganzoo.metrics.TrainingCopies` counts. It is replaced by another image of the
    same class.

    Args:
        gan: model that generates images.
        references: `ganzoo.evaluation.References` of the data that the model was trained on.
        num_images: int, at least 1.
        labels: class ids or names, one per image. None draws them uniformly.
        seed: int. Images that are no copies are those of `gan.generate` with this seed.

    Returns:
        `(pixels, num_replaced)`: uint8 `(num_images, height, width, channels)`, and the number of
        copies that were generated and replaced.

    Raises:
        ValueError: If a number is out of range, or 20 attempts give a copy in the place of an image
            each.
    """
    require_generation(gan)
    check_positive(num_images=num_images)
    seed = check_seed(seed)
    labels = gan.labels_of(gan.prepare_condition(num_images, labels, seed))
    training = references.training.features
    missing, num_replaced = np.arange(num_images), 0
    pixels = None
    for attempt in range(_ATTEMPTS):
        asked = map_labels(operator.itemgetter(missing), labels)
        made = gan.generate(len(missing), asked, seed=(seed, attempt))
        pixels = made.copy() if pixels is None else pixels
        pixels[missing] = made
        ratios, _ = copy_ratios(references.extractor(made).features, training)
        missing = missing[ratios < COPY_RATIO]
        if not len(missing):
            return pixels, num_replaced
        num_replaced += len(missing)
    raise ValueError(
        f"{len(missing)} of {num_images} images were copies of training images in all {_ATTEMPTS} "
        "attempts. Train with more images or with --augment diffaugment, or allow copies."
    )
