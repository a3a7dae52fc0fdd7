"""Images by the million, drawn in blocks that any number of machines share.

Image `k` of a seed is image `k % BLOCK` of block `k // BLOCK`, whose latents are drawn
with the block's own seed, and which is always rendered in the same batches. So an image
depends on nothing but the model, the seed and its number: not on how many there are,
nor on who draws the others. Machines of another kind may round otherwise, by 1 of 255.
"""

import hashlib
import pathlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from ganzoo import registry, untrusted
from ganzoo.files import new_file, new_folder, write_json
from ganzoo.images import encode_png

# Images in a block, a whole number of the batches that `render` makes of it.
BLOCK = 1024


class Drawn(NamedTuple):
    """What a shard came to.

    Attributes:
        num_images: int. Images of the shard.
        num_files: int. Files (or folders) that they are in.
        num_made: int. Those of them that were not there before.
    """

    num_images: int
    num_files: int
    num_made: int


def draw_block(gan, index, seed=0, labels=None):
    """The images of a block.

    Args:
        gan: a GAN that generates images.
        index: int, at least 0. Block 0 is what `gan.generate(BLOCK, seed=seed)` makes.
        seed: int, at least 0.
        labels: list of class ids, taken in turn by all images; None draws them, for
            models with classes.

    Returns:
        `(pixels, labels)`: uint8 `(BLOCK, height, width, channels)`, and int32
        `(BLOCK,)`, None without classes.

    Example:
        >>> gan = ganzoo.VanillaGAN(image_shape=(4, 4, 1), hidden_units=8)
        >>> pixels, labels = ganzoo.bulk.draw_block(gan, 7)
        >>> pixels.shape
        (1024, 4, 4, 1)
    """
    if labels is not None:
        labels = [labels[number % len(labels)] for number in _numbers(index)]
    latents = gan.sample_latents(BLOCK, seed=(seed, index))
    condition = gan.prepare_condition(BLOCK, labels, (seed, index))
    pixels = gan.render(gan.ema_generator, latents, condition)
    return pixels, condition[0].numpy() if condition else None


def sample(
    gan,
    num_images,
    out,
    format="tfrecord",
    seed=0,
    labels=None,
    shards=1,
    shard=0,
    report=None,
):
    """Writes a shard of many images into a folder, in memory that does not grow with them.

    Shards need nothing of each other, and their files are those of a single run, byte
    for byte. What is there already is not made again: a shard that was stopped goes on
    when it is started again. Each file appears whole, or not at all.

    Args:
        gan: a GAN that generates images.
        num_images: int, at least 1. Images of all shards together.
        out: the folder, the same for all shards or one for each. `images.json` in it
            says what the images are.
        format: `"tfrecord"`: `block_000000.tfrecord`, a `tf.train.Example` for each image
            with `image` (PNG), `index` and, with classes, `label`. `"npz"`:
            `block_000000.npz` with `images` and, with classes, `labels`. `"png"`:
            `block_000000/0000000000.png` and so on and, with classes, `labels.csv`.
        seed: int, at least 0.
        labels: see `draw_block`.
        shards: int, at least 1.
        shard: int, from 0 to `shards - 1`.
        report: function that is called with the number of images that are there after
            each block.

    Returns:
        A `Drawn`.

    Raises:
        ValueError: If a number is out of range, the model does not generate, labels do
            not fit it, or the folder holds other images.

    Example:
        >>> gan = ganzoo.VanillaGAN(image_shape=(4, 4, 1), hidden_units=8)
        >>> ganzoo.bulk.sample(gan, 3000, tmp_path, "npz", shards=2, shard=1)
        Drawn(num_images=1024, num_files=1, num_made=1)
        >>> sorted(path.name for path in tmp_path.iterdir())
        ['block_000001.npz', 'images.json']
    """
    if format not in FORMATS:
        raise ValueError(registry.unknown("format", format, FORMATS))
    if not 0 <= shard < shards:
        raise ValueError(
            f"`shard` must be from 0 to `shards` - 1. Received: shard={shard}, shards={shards}."
        )
    # Refuses what cannot be drawn, before anything is written.
    gan.prepare_inputs(min(num_images, 1), labels and labels[:1], seed, 1)
    if labels is not None:
        gan.prepare_condition(len(labels), labels, seed)
    out = pathlib.Path(out)
    _claim(out, gan, num_images=num_images, seed=seed, labels=labels, format=format)
    suffix, write = FORMATS[format]
    num_made = num_files = num_drawn = 0
    for index in range(shard, -(-num_images // BLOCK), shards):
        count = min(BLOCK, num_images - index * BLOCK)
        path = out / f"block_{index:06d}{suffix}"
        if not path.exists():
            pixels, classes = draw_block(gan, index, seed, labels)
            classes = None if classes is None else classes[:count]
            write(path, pixels[:count], classes, _numbers(index))
            num_made += 1
        num_files += 1
        num_drawn += count
        if report:
            report(num_drawn)
    return Drawn(num_drawn, num_files, num_made)


def _numbers(index):
    """The numbers that a block's images have among all."""
    return range(index * BLOCK, (index + 1) * BLOCK)


def _claim(out, gan, **wanted):
    """Says in a folder what its images are, or checks that they are what it says."""
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
        if out.exists() and (not out.is_dir() or any(out.glob("block_*"))):
            raise ValueError(
                f"{str(out)!r} must be a folder that is new, or whose images.json says what its "
                "images are. Choose another folder."
            )
        # Shards that start at once write the same.
        write_json(record, wanted)
        return
    there = untrusted.read_config(record)
    for name, value in wanted.items():
        if there.get(name) != value:
            raise ValueError(
                f"{str(out)!r} holds other images, of {name}={there.get(name)}. Received: "
                f"{name}={value}. Choose another folder."
            )


def _write_npz(path, pixels, labels, numbers):
    arrays = {"images": pixels} if labels is None else {"images": pixels, "labels": labels}
    with new_file(path, durable=True) as partial:
        np.savez(partial, **arrays)


def _write_tfrecord(path, pixels, labels, numbers):
    with (
        new_file(path, durable=True) as partial,
        tf.io.TFRecordWriter(str(partial)) as writer,
    ):
        for position, image in enumerate(pixels):
            feature = {
                "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[encode_png(image)])),
                "index": _integer(numbers[position]),
            }
            if labels is not None:
                feature["label"] = _integer(labels[position])
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            # The same bytes whoever writes them.
            writer.write(example.SerializeToString(deterministic=True))


def _integer(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[int(value)]))


def _write_pngs(path, pixels, labels, numbers):
    with new_folder(path) as partial:
        names = [f"{number:010d}.png" for number in numbers[: len(pixels)]]
        for name, image in zip(names, pixels, strict=True):
            (partial / name).write_bytes(encode_png(image))
        if labels is not None:
            rows = [f"{name},{label}\n" for name, label in zip(names, labels, strict=True)]
            (partial / "labels.csv").write_text("".join(["image,label\n", *rows]))


FORMATS = {
    "tfrecord": (".tfrecord", _write_tfrecord),
    "npz": (".npz", _write_npz),
    "png": ("", _write_pngs),
}
