"""Write generated images as training data: with labels, balanced, and the best of them only."""

import math
import os
import pathlib
import re
from collections.abc import Callable

import numpy as np

from ganzoo import data
from ganzoo.base import LatentGAN, require_generation
from ganzoo.checks import check_positive, check_seed
from ganzoo.images import encode_png, has_alpha
from ganzoo.messages import unknown
from ganzoo.metrics import extractor_names, get_extractor, predict, train_classifier
from ganzoo.sampling.bulk import FORMATS as BULK_FORMATS
from ganzoo.saving.files import check_folder_path, new_file

FORMATS = ("png", "tfrecord")
# Images to generate and judge at once.
_BLOCK = 1000


def synthesize(
    gan: LatentGAN,
    num_images: int,
    out: str | os.PathLike,
    keep: float = 1.0,
    judge: Callable | None = None,
    format: str = "png",
    seed: int = 0,
    report: Callable[[int], object] | None = None,
) -> dict[str, int]:
    """Write labeled images, equally many of each class up to 1.

    Args:
        gan: model with classes.
        num_images: int, at least 1.
        out: folder, empty or new. `"png"` makes a subfolder for each class, which
            `ganzoo.data.load` reads. `/` in the name of a class becomes `-`. `"tfrecord"` makes
            `block_000000.tfrecord` and so on, as `ganzoo.sampling.sample` does.
        keep: float above 0, at most 1. Share of the generated images of each class that is
            written: those whose class is surest. More images are generated accordingly.
        judge: function from uint8 pixels to the probabilities of the classes
            `(num_images, num_classes)`, for `keep` below 1. See `make_judge`.
        format: `"png"` or `"tfrecord"`.
        seed: int.
        report: function that is called with the number of images written so far.

    Returns:
        Number of images of each class, by its name.

    Raises:
        ValueError: If the model has no classes, an argument is out of range, or the folder holds
            files.

    Example:
        >>> gan = ganzoo.CGAN(image_shape=(8, 8, 1), num_classes=2, base_filters=2)
        >>> synthesize(gan, 5, tmp_path / "made")
        {'0': 3, '1': 2}
        >>> ganzoo.data.load_arrays(tmp_path / "made").labels.tolist()
        [0, 0, 0, 1, 1]
    """
    require_generation(gan)
    num_classes = _require_classes(gan)
    check_positive(num_images=num_images)
    seed = check_seed(seed)
    if format not in FORMATS:
        raise ValueError(unknown("format", format, FORMATS))
    if not 0 < keep <= 1 or (keep < 1 and judge is None):
        raise ValueError(
            f"`keep` must be above 0 and at most 1, and below 1 it needs a judge. Received: "
            f"keep={keep}."
        )
    out = pathlib.Path(out)
    check_folder_path(out)
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{str(out)!r} is not empty. Choose another folder (--out).")
    names = gan.class_names or [str(index) for index in range(num_classes)]
    if len(set(map(_folder_of, names))) < len(names):
        raise ValueError(
            f"Folders need names that differ. Received: classes {', '.join(names)}, two of which "
            "would share a folder. Use format='tfrecord'."
        )
    write = _write_tfrecord if format == "tfrecord" else _write_pngs
    totals = dict.fromkeys(names, 0)
    for block, start in enumerate(range(0, num_images, _BLOCK)):
        numbers = np.arange(start, min(start + _BLOCK, num_images))
        labels = numbers % num_classes
        pixels = _draw(gan, labels, keep, judge, (seed, block))
        write(out, block, pixels, labels, numbers, names)
        for label in labels:
            totals[names[label]] += 1
        if report:
            report(start + len(numbers))
    return totals


def make_judge(gan: LatentGAN, name: str | os.PathLike, seed: int = 0) -> Callable:
    """Return a function from pixels to the probabilities of a model's classes.

    Args:
        gan: model with classes.
        name: `"mnist"`, `"fashion_mnist"` or `"cifar10"` for the classifier that comes with ganzoo.
            Another data set or folder trains one on its real images, see
            `ganzoo.metrics.train_classifier`.
        seed: int. Seed of the training.

    Raises:
        ValueError: If the data are not found, or have other classes than the model.
    """
    num_classes = _require_classes(gan)
    if name in extractor_names():
        extractor = get_extractor(name)

        def judge(pixels):
            return extractor(pixels).require_probabilities()

        num_known = judge(np.zeros((1, *gan.image_shape), "uint8")).shape[1]
        _check_classes(gan, name, num_known, None)
        return judge
    alpha = has_alpha(gan.image_shape)
    real = data.load_arrays(name, "train", image_size=gan.image_shape[:2], alpha=alpha)
    _check_classes(gan, name, real.num_classes, real.class_names)
    network = train_classifier(real.pixels, np.asarray(real.labels), num_classes, seed)
    return lambda pixels: predict(network, pixels)


def _require_classes(gan):
    """Return the number of classes of a model with one class per image."""
    if not gan.num_classes:
        kind = "several columns of labels" if gan.conditions else "no classes"
        raise ValueError(
            f"Training data need a model with one class per image. Received: a "
            f"{type(gan).__name__} with {kind}. Write images with `ganzoo sample --format png`."
        )
    return gan.num_classes


def _check_classes(gan, name, num_classes, class_names):
    other_names = None not in (gan.class_names, class_names) and list(gan.class_names) != list(
        class_names
    )
    if num_classes != gan.num_classes or other_names:
        raise ValueError(
            f"The classifier must know the {gan.num_classes} classes of the model. Received: "
            f"{str(name)!r} with {num_classes or 'no'} classes. Give data of the same classes."
        )


def _draw(gan, labels, keep, judge, seed):
    """Generate images for some labels. Of each class, keep those with the surest label."""
    if keep == 1:
        return gan.generate(len(labels), labels, seed=seed)
    classes, counts = np.unique(labels, return_counts=True)
    asked = np.repeat(classes, [math.ceil(count / keep) for count in counts])
    pixels = gan.generate(len(asked), asked, seed=seed)
    confidences = judge(pixels)[np.arange(len(asked)), asked]
    chosen = np.zeros(len(labels), int)
    for label, count in zip(classes, counts, strict=True):
        (candidates,) = np.nonzero(asked == label)
        best = candidates[np.argsort(-confidences[candidates], kind="stable")[:count]]
        # The order in which they were generated does not tell how sure they are.
        chosen[labels == label] = np.sort(best)
    return pixels[chosen]


def _write_pngs(out, block, pixels, labels, numbers, names):
    for image, label, number in zip(pixels, labels, numbers, strict=True):
        with new_file(out / _folder_of(names[label]) / f"{number:07d}.png") as partial:
            partial.write_bytes(encode_png(image))


def _write_tfrecord(out, block, pixels, labels, numbers, names):
    suffix, write = BULK_FORMATS["tfrecord"]
    write(out / f"block_{block:06d}{suffix}", pixels, labels, numbers)


def _folder_of(name):
    """Return the name of a class as the name of a folder."""
    return re.sub(r"[/\\:\x00]", "-", name).strip(". ") or "class"
