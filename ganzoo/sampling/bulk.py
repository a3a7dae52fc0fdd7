"""Sample millions of images, in blocks that any number of machines can share.

Image `k` of a seed is image `k % BLOCK` of block `k // BLOCK`. Each block has its own seed for
the latents, and is always rendered in the same batches. So an image depends only on the model,
the seed and its index. It does not depend on the number of images or on the number of shards.
Different hardware may round differently, by 1 of 255 levels.
"""

import csv
import hashlib
import itertools
import operator
import pathlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganzoo import messages
from ganzoo.base import require_generation
from ganzoo.checks import check_positive, check_seed
from ganzoo.data.arrays import map_labels
from ganzoo.data.labels import cycle
from ganzoo.data.tables import is_number_or_missing
from ganzoo.images import encode_png
from ganzoo.saving import untrusted
from ganzoo.saving.files import check_folder_path, new_file, new_folder, write_json

# Images in a block. It must be a multiple of the batch size of `render`.
BLOCK = 1024


class Drawn(NamedTuple):
    """Number of images and files in a shard.

    Attributes:
        num_images: int. Images of the shard.
        num_files: int. Files (or folders) that hold them.
        num_made: int. Files that did not exist before.
    """

    num_images: int
    num_files: int
    num_made: int


def draw_block(
    gan, index: int, seed: int = 0, labels: Sequence[int | str] | dict | None = None
) -> tuple[np.ndarray, np.ndarray | dict | None]:
    """Generate the images of one block.

    Args:
        gan: a GAN that generates images.
        index: int, at least 0. Block 0 equals `gan.generate(BLOCK, seed=seed)`.
        seed: int, at least 0.
        labels: list of class ids or names. Image `k` gets `labels[k % len(labels)]`. For models
            with several conditions, a dict of such lists of one length. None draws random labels.

    Returns:
        `(pixels, labels)`: uint8 `(BLOCK, height, width, channels)`, and int32 `(BLOCK,)`. Labels
        are None for models without classes, and a dict of arrays with several conditions.

    Example:
        >>> gan = ganzoo.VanillaGAN(image_shape=(4, 4, 1), hidden_units=8)
        >>> pixels, labels = ganzoo.sampling.draw_block(gan, 7)
        >>> pixels.shape
        (1024, 4, 4, 1)
    """
    seed = check_seed(seed)
    latents = gan.sample_latents(BLOCK, seed=(seed, index))
    condition = _condition_of(gan, index, seed, labels)
    pixels = gan.render(gan.ema_generator, latents, condition)
    return pixels, gan.labels_of(condition)


def _condition_of(gan, index, seed, labels):
    """Return the condition of all images of a block."""
    return gan.prepare_condition(BLOCK, cycle(labels, _numbers(index)), (seed, index))


def sample(
    gan,
    num_images: int,
    out: pathlib.Path | str,
    format: str = "tfrecord",
    seed: int = 0,
    labels: Sequence[int | str] | dict | None = None,
    shards: int = 1,
    shard: int = 0,
    report: Callable[[int], None] | None = None,
) -> Drawn:
    """Write one shard of many images into a folder. Memory use does not grow with their number.

    Shards are independent. Together they write the same files as a single run, byte for byte.
    Existing files are not written again, so calling `sample` again resumes an interrupted shard.
    Each file is written completely or not at all.

    Args:
        gan: a GAN that generates images.
        num_images: int, at least 1. Images of all shards together.
        out: folder. Shards may share one. `images.json` in it records the model and the arguments.
        format: `"tfrecord"`: `block_000000.tfrecord`, a `tf.train.Example` for each image
            with `image` (PNG), `index` and, with classes, `label`. `"npz"`:
            `block_000000.npz` with `images` and, with classes, `labels`. `"png"`:
            `block_000000/0000000000.png` and so on and, with classes, `labels.csv`, which
            `ganzoo.data.load(out, labels="labels.csv")` reads.
        seed: int, at least 0.
        labels: list of class ids or names, or a dict of lists, as for `draw_block`.
        shards: int, at least 1. Number of shards.
        shard: int, from 0 to `shards - 1`. Index of this shard.
        report: function that is called after each block with the number of images that are
            written so far.

    Returns:
        A `Drawn`.

    Raises:
        ValueError: If a number is out of range, the model does not generate images, a label is
            invalid, or the folder holds other images.

    Example:
        >>> gan = ganzoo.VanillaGAN(image_shape=(4, 4, 1), hidden_units=8)
        >>> ganzoo.sampling.sample(gan, 3000, tmp_path, "npz", shards=2, shard=1)
        Drawn(num_images=1024, num_files=1, num_made=1)
        >>> sorted(path.name for path in tmp_path.iterdir())
        ['block_000001.npz', 'images.json']
    """
    if format not in FORMATS:
        raise ValueError(messages.unknown("format", format, FORMATS))
    check_positive(num_images=num_images, shards=shards)
    seed = check_seed(seed)
    if shard not in range(shards):
        raise ValueError(
            f"`shard` must be from 0 to {shards - 1}. Received: shard={shard}, shards={shards}."
        )
    require_generation(gan)
    # Check the arguments before anything is written.
    gan.prepare_inputs(1, cycle(labels, [0]), seed, 1)
    if labels is not None:
        labels = map_labels(np.ndarray.tolist, gan.read_labels(labels))
        every = range(max(map(len, labels.values() if isinstance(labels, dict) else [labels])))
        gan.prepare_condition(len(every), cycle(labels, every), seed)
    check_folder_path(out)
    out = pathlib.Path(out)
    _claim(out, gan, num_images=num_images, seed=seed, labels=labels, format=format)
    if format == "png" and gan.conditions:
        _write_table(out / "labels.csv", gan, num_images, seed, labels)
    suffix, write = FORMATS[format]
    num_made = num_files = num_drawn = 0
    for index in range(shard, -(-num_images // BLOCK), shards):
        count = min(BLOCK, num_images - index * BLOCK)
        path = out / f"{_block_name(index)}{suffix}"
        if not path.exists():
            pixels, classes = draw_block(gan, index, seed, labels)
            classes = map_labels(operator.itemgetter(slice(count)), classes)
            write(path, pixels[:count], classes, _numbers(index))
            num_made += 1
        num_files += 1
        num_drawn += count
        if report:
            report(num_drawn)
    return Drawn(num_drawn, num_files, num_made)


def _block_name(index):
    return f"block_{index:06d}"


def _numbers(index):
    """Return the indices of a block's images among all images."""
    return range(index * BLOCK, (index + 1) * BLOCK)


def _claim(out, gan, **wanted):
    """Record the model and the arguments in a folder, or check them against its record."""
    digest = hashlib.sha256()
    for weight in gan.ema_generator.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    wanted = {
        "family": type(gan).__name__,
        "weights_sha256": digest.hexdigest(),
        **wanted,
        "block": BLOCK,
    }
    record = out / "images.json"
    if not record.exists():
        if any(out.glob("block_*")):
            raise ValueError(
                f"{str(out)!r} must be a folder that is new, or that `ganzoo sample` wrote, with "
                "its images.json. Choose another folder."
            )
        # Shards that start at the same time write the same content.
        write_json(record, wanted)
        return
    recorded = untrusted.read_config(record)
    for name, value in wanted.items():
        if recorded.get(name) != value:
            raise ValueError(
                f"{str(out)!r} holds other images, with {name}={recorded.get(name)}. Received: "
                f"{name}={value}. Choose another folder."
            )


def _write_npz(path, pixels, labels, numbers):
    with new_file(path, durable=True) as partial:
        np.savez(partial, images=pixels, **_by_column(labels, "labels"))


def _write_tfrecord(path, pixels, labels, numbers):
    with (
        new_file(path, durable=True) as partial,
        tf.io.TFRecordWriter(str(partial)) as writer,
    ):
        for position, image in enumerate(pixels):
            feature = {
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[encode_png(image)])),
                "index": _feature(numbers[position]),
            }
            for name, values in _by_column(labels, "label").items():
                feature[name] = _feature(values[position])
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            # Every process writes the same bytes.
            writer.write(example.SerializeToString(deterministic=True))


def _feature(value):
    if isinstance(value, np.floating):
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))


def _by_column(labels, name):
    """Return labels as a dict by column. Labels alone get a name."""
    return labels if isinstance(labels, dict) else {} if labels is None else {name: labels}


def _write_pngs(path, pixels, labels, numbers):
    with new_folder(path) as partial:
        for number, image in zip(numbers, pixels, strict=False):
            (partial / _png_name(number)).write_bytes(encode_png(image))


def _png_name(number):
    return f"{number:010d}.png"


def _write_table(path, gan, num_images, seed, labels):
    """Write the labels of all images in the form that `ganzoo.data.load` reads.

    Every shard writes the same content.
    """
    if path.exists():
        return
    names = ["label" if one.name == "labels" else one.name for one in gan.conditions]
    with new_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["file", *names])
        for index in range(-(-num_images // BLOCK)):
            files = [f"{_block_name(index)}/{_png_name(number)}" for number in _numbers(index)]
            columns = [
                _to_texts(values, one, name)
                for values, one, name in zip(
                    _condition_of(gan, index, seed, labels), gan.conditions, names, strict=True
                )
            ]
            rows = zip(files, *columns, strict=True)
            writer.writerows(itertools.islice(rows, num_images - index * BLOCK))


def _to_texts(values, condition, name):
    """Return labels of one condition as text. Classes never look like numbers."""
    values = np.asarray(values)
    if condition.num_classes is None:
        return list(map(str, values))
    classes = list(map(str, condition.class_names or range(condition.num_classes)))
    if any(map(is_number_or_missing, classes)):
        classes = [f"{name}_{text}" for text in classes]
    return [classes[value] for value in values]


FORMATS = {
    "tfrecord": (".tfrecord", _write_tfrecord),
    "npz": (".npz", _write_npz),
    "png": ("", _write_pngs),
}
