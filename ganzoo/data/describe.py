"""Describe a folder of images before a training."""

import collections
import dataclasses
import hashlib
import math
import os
import pathlib
import shlex
import statistics
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from ganzoo.conditions import describe as describe_condition
from ganzoo.data import folders, tables
from ganzoo.data.formats import ImageFormat
from ganzoo.images import convert_channels, has_alpha, make_grid, on_white, photos, to_pil
from ganzoo.sizes import start_size

_KINDS = {1: "gray", 2: "gray and alpha", 3: "RGB", 4: "RGBA"}
# Side of the images of the contact sheet.
_CELL = 96
# Near-duplicates differ in at most this many of 64 bits, and by this level in small copies.
_MOST_BITS = 6
_MOST_LEVELS = 24
# Hashes that are compared at once.
_BLOCK = 1024
# The suggested size has one of these shorter sides. Larger ones take long without a GPU.
_SIDES = (64, 32, 28, 16, 8)
_LONGEST = 128
# Images with as many of each class are suggested for a family with classes.
_FEWEST_PER_CLASS = 20
_BATCH_SIZE = 32


@dataclasses.dataclass(frozen=True)
class Description:
    """Findings of `describe` about a folder.

    Attributes:
        folder: str. The folder.
        num_images: int. Images that can be read.
        num_held_out: int. Images of the split `"test"`.
        sizes: dict of the number of images by `(height, width)`, the most frequent first.
        channels: dict of the number of images by kind: gray, gray and alpha, RGB, RGBA. Alpha that
            is opaque everywhere does not count.
        class_counts: dict of the number of images by class, or None without class folders.
        num_without_class: int. Images beside the class folders.
        labels: dict of a description by column of `labels.csv` in the folder, or None without it.
        labels_problem: str. Reason why this file cannot be read, or None.
        duplicates: groups of files with the same pixels.
        near_duplicates: groups of files that look the same, except those of `duplicates`.
        unreadable: dict of the reason by file.
        command: str. Command that trains on the folder.
        reasons: list of str. Reasons for the parts of the command.
        sheet: uint8 `(height, width, 3)`. Contact sheet of images from the whole folder.
    """

    folder: str
    num_images: int
    num_held_out: int
    sizes: dict[tuple[int, int], int]
    channels: dict[str, int]
    class_counts: dict[str, int] | None
    num_without_class: int
    labels: dict[str, str] | None
    labels_problem: str | None
    duplicates: list[list[str]]
    near_duplicates: list[list[str]]
    unreadable: dict[str, str]
    command: str
    reasons: list[str]
    sheet: np.ndarray

    def to_dict(self) -> dict:
        """Return the record for JSON, without the contact sheet."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del fields["sheet"]
        fields["sizes"] = {f"{height}x{width}": n for (height, width), n in self.sizes.items()}
        return fields


@dataclasses.dataclass(frozen=True)
class _Seen:
    """One image: its file, size, channels, hashes and small copies."""

    name: str
    size: tuple[int, int]
    channels: int
    content: bytes
    looks: int
    small: np.ndarray
    has_white_border: bool


def describe(
    folder: str | os.PathLike,
    num_shown: int = 64,
    report: Callable[[int, int], object] | None = None,
) -> Description:
    """Look at all images of a folder: sizes, channels, classes, duplicates and damage.

    Near-duplicates are found by a perceptual hash: the signs of the 64 lowest frequencies of a
    small gray copy, relative to their median. Of images whose hashes agree, small copies in color
    are compared. Crops and mirror images are not found.

    Args:
        folder: folder of images, as for `ganzoo.data.load`.
        num_shown: int, at least 1. Most images of the contact sheet.
        report: function that is called with the number of images that were read, and of all.

    Returns:
        `Description`.

    Raises:
        ValueError: If the folder holds no images that can be read.

    Example:
        >>> for name in ("a.png", "b.png"):
        ...     ganzoo.images.write_png(tmp_path / name, np.zeros((40, 50, 3), "uint8"))
        >>> found = ganzoo.data.describe(tmp_path)
        >>> found.sizes, found.duplicates
        ({(40, 50): 2}, [['a.png', 'b.png']])
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise ValueError(
            f"`describe` needs a folder of images. Received: {str(folder)!r}, which is no folder. "
            "Check the path."
        )
    listing = folders.find_images(folder, False, "train+test")
    seen, unreadable, shown = [], {}, []
    # The sheet shows images of the whole folder, in its order.
    chosen = set(np.linspace(0, len(listing.files) - 1, num_shown).round().astype(int).tolist())
    for index, path in enumerate(listing.files):
        name = path.relative_to(folder).as_posix()
        try:
            pixels = photos.join_alpha(photos.read_photo(path))
        except ValueError as error:
            unreadable[name] = str(error).removeprefix(f"{path}: ")
            continue
        seen.append(_look(name, pixels))
        if index in chosen:
            cell = ImageFormat((_CELL, _CELL), "pad", alpha=False).apply(pixels)
            shown.append(convert_channels(cell, 3))
        if report:
            report(index + 1, len(listing.files))
    if not seen:
        raise ValueError(
            f"None of the {len(listing.files)} images in {str(folder)!r} can be read. The first: "
            f"{next(iter(unreadable.values()))}"
        )
    duplicates = _group(seen, _pairs_of_equal(seen))
    copies = {name for group in duplicates for name in group[1:]}
    others = [image for image in seen if image.name not in copies]
    names, counts = listing.fingerprint.class_names, listing.fingerprint.class_counts
    classes = dict(zip(names, counts or (), strict=True)) if names else None
    sizes = collections.Counter(image.size for image in seen)
    channels = collections.Counter(image.channels for image in seen)
    labels, labels_problem = _read_labels(folder)
    family, arguments, reasons = _suggest(seen, classes, labels)
    return Description(
        folder=str(folder),
        num_images=len(seen),
        num_held_out=folders.find_splits(folder).get("test", 0),
        sizes=dict(sizes.most_common()),
        channels={_KINDS[number]: count for number, count in channels.most_common()},
        class_counts=classes,
        num_without_class=len(listing.files) - sum(classes.values()) if classes else 0,
        labels=labels,
        labels_problem=labels_problem,
        duplicates=duplicates,
        near_duplicates=_group(others, _pairs_of_similar(others)),
        unreadable=unreadable,
        command=" ".join(["ganzoo train", family, "--data", _quote(folder), *arguments]),
        reasons=reasons,
        sheet=make_grid(np.stack(shown)),
    )


def _read_labels(folder):
    """Return a description of each column of `labels.csv`, and the problem with it, or None."""
    if not (folder / tables.DEFAULT_NAME).is_file():
        return None, None
    try:
        table = tables.read_table(folder / tables.DEFAULT_NAME)
        files = folders.find_images(folder, False, "train+test", quiet=True).files
        _, labels = tables.label(table, files, folder)
    except ValueError as error:
        return None, str(error)
    return {one.name: describe_condition(one) for one in labels.conditions}, None


def _quote(folder):
    text = str(folder)
    # A bare name could be a data set.
    return shlex.quote(text if folders.is_path_like(text) else f"./{text}")


def _look(name, pixels):
    white = convert_channels(on_white(pixels), 3)
    small = np.asarray(to_pil(white).resize((16, 16), Image.Resampling.BOX))
    border = np.concatenate([white[0], white[-1], white[:, 0], white[:, -1]])
    return _Seen(
        name,
        pixels.shape[:2],
        pixels.shape[-1],
        hashlib.blake2b(f"{pixels.shape}".encode() + pixels.tobytes(), digest_size=16).digest(),
        perceptual_hash(white),
        small.astype("int16"),
        bool(np.median(border) >= 250),
    )


def perceptual_hash(pixels: np.ndarray) -> int:
    """Return a 64-bit hash that is nearly the same for images that look alike.

    It is the sign of each of the 8 x 8 lowest frequencies of a gray copy of 32 x 32 pixels,
    relative to their median.

    Args:
        pixels: uint8 `(height, width, channels)`.

    Reference: "pHash" of Zauner, 2010 (https://phash.org/docs/pubs/thesis_zauner.pdf), as in the
    library `imagehash`.
    """
    gray = to_pil(convert_channels(pixels, 1)).resize((32, 32), Image.Resampling.LANCZOS)
    frequencies = _DCT @ np.asarray(gray, "float64") @ _DCT.T
    bits = frequencies > np.median(frequencies)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


# The eight lowest frequencies of the discrete cosine transform (type 2) of 32 values.
_DCT = np.cos(np.pi / 32 * np.outer(np.arange(8), np.arange(32) + 0.5))


def _pairs_of_equal(seen):
    """Yield pairs of indices of images with the same pixels."""
    first = {}
    for index, image in enumerate(seen):
        before = first.setdefault(image.content, index)
        if before != index:
            yield before, index


def _pairs_of_similar(seen):
    """Yield pairs of indices of images that look alike."""
    hashes = np.array([image.looks for image in seen], "uint64")
    ones = np.array([bin(number).count("1") for number in range(256)], "uint8")
    for start in range(0, len(hashes), _BLOCK):
        differ = hashes[start : start + _BLOCK, None] ^ hashes[None]
        num_bits = ones[differ.view("uint8").reshape(*differ.shape, 8)].sum(axis=-1)
        for row, column in np.argwhere(num_bits <= _MOST_BITS):
            left, right = start + int(row), int(column)
            # Flat areas have noisy hashes, and a hash does not see colors.
            if left < right:
                levels = np.abs(seen[left].small - seen[right].small).max()
                if levels <= _MOST_LEVELS:
                    yield left, right


def _group(seen, pairs):
    """Return lists of names that are connected by pairs of indices."""
    group_of = {}
    for left, right in pairs:
        joined = group_of.get(left, [left]), group_of.get(right, [right])
        if joined[0] is not joined[1]:
            merged = [*joined[0], *joined[1]]
            group_of.update(dict.fromkeys(merged, merged))
    groups = {id(group): sorted(group) for group in group_of.values()}
    return [[seen[index].name for index in group] for group in sorted(groups.values())]


# The suggestion


def _suggest(
    seen: Sequence[_Seen], classes: dict | None, labels: dict | None
) -> tuple[str, list[str], list[str]]:
    """Return the family and options for a folder, and the reasons."""
    count, reasons = len(seen), []
    smallest = min(classes.values()) if classes else 0
    family = "cgan" if len(classes or ()) > 1 and smallest >= _FEWEST_PER_CLASS else "dcgan"
    if labels:
        family = "cgan"
        reasons.append(f"cgan: {tables.DEFAULT_NAME} has labels.")
    elif classes and family == "cgan":
        reasons.append(f"cgan: there are {len(classes)} classes of at least {smallest} images.")
    elif classes and len(classes) > 1:
        reasons.append(
            f"dcgan: the smallest class has {smallest} images. A family with classes needs at "
            f"least {_FEWEST_PER_CLASS} of each."
        )
    else:
        reasons.append("dcgan: there are no classes.")
    size = _suggest_size(seen)
    words = "x".join(map(str, size)) if size[0] != size[1] else str(size[0])
    arguments = ["--labels", tables.DEFAULT_NAME] if labels else []
    arguments += ["--image-size", words]
    sizes = {image.size for image in seen}
    if sizes == {size}:
        reasons.append(f"--image-size {words}: the size of all images.")
    else:
        reasons.append(f"--image-size {words}: a size that the network can make, near the images'.")
    lost = statistics.fmean(_lost_by_crop(image.size, size) for image in seen)
    if lost > 0.02:
        num_on_background = sum(image.has_white_border for image in seen)
        fit = "pad" if 2 * num_on_background > count else "crop"
        arguments += ["--fit", fit]
        reasons.append(
            "--fit pad: most images have a white or transparent border."
            if fit == "pad"
            else f"--fit crop: it cuts off {lost:.0%} of an image. pad and stretch keep all of it."
        )
    num_transparent = sum(has_alpha((*image.size, image.channels)) for image in seen)
    if 2 * num_transparent >= count:
        arguments.append("--alpha")
        reasons.append("--alpha: most images are transparent. --no-alpha puts them on white.")
    batch_size = min(_BATCH_SIZE, 2 ** max(0, int(math.log2(max(1, 0.8 * count)))))
    arguments += ["--augment", "diffaugment" if count < 20_000 else "none"]
    reasons.append(
        "--augment diffaugment: with few images, the discriminator memorizes them."
        if count < 20_000
        else "--augment none: there are many images."
    )
    arguments += ["--batch-size", str(batch_size), "--out", "runs/first"]
    return family, arguments, reasons


def _suggest_size(seen):
    """Return a `(height, width)` that convolutional generators can make, for most images."""
    shapes = collections.Counter(image.size for image in seen)
    size, frequency = shapes.most_common(1)[0]
    if frequency == len(seen) and min(size) >= 8 and max(size) <= _LONGEST and start_size(size):
        return size
    shorter = statistics.median(min(image.size) for image in seen)
    side = next((side for side in _SIDES if side <= shorter), _SIDES[-1])
    ratios = [math.log(height / width) for height, width in (image.size for image in seen)]
    ratio = math.exp(abs(statistics.median(ratios)))
    # A shorter side of 4 to 7 is doubled.
    unit = side // start_size((side, side))[0]
    longer = min(max(side, round(side * ratio / unit) * unit), 2 * side)
    return (longer, side) if statistics.median(ratios) > 0 else (side, longer)


def _lost_by_crop(size, wanted):
    """Return the share of an image's area that cropping to the wanted shape cuts off."""
    ratio = (size[0] / size[1]) / (wanted[0] / wanted[1])
    return 1 - min(ratio, 1 / ratio)
