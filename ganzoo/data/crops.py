"""Random crops of photographs that differ in size."""

import functools
import os
import pathlib

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image

from ganzoo.checks import check_positive, check_seed
from ganzoo.data import degradation, folders, tfds
from ganzoo.data.pipelines import go_through
from ganzoo.distribution import WHOLE, Shard
from ganzoo.images import from_pixels, photos
from ganzoo.messages import count as count_of
from ganzoo.messages import first_line, list_names

# Decoded photographs are kept in memory up to this size.
_CACHED_BYTES = 2 * 10**9


def load_crops(
    name_or_dir: str | os.PathLike,
    split: str = "train",
    crop_size: int = 96,
    batch_size: int = 16,
    crops_per_image: int = 16,
    seed: int = 0,
    start: int | None = None,
    data_shard: Shard = WHOLE,
    batch_shard: Shard = WHOLE,
    scale: int = 4,
    degrade: bool = False,
    low_res: str | os.PathLike | None = None,
) -> tf.data.Dataset:
    """Load photographs as a pipeline of random crops, randomly rotated and mirrored.

    A photograph is decoded once for several crops. If all decoded photographs fit into 2 GB, each
    is decoded once and kept in memory. Of a larger data set, a few are in memory at a time.

    Args:
        name_or_dir: as for `load`, except `"sample"`. Images may differ in size.
        split: as for `load`.
        crop_size: int, at least 1. Side of the crops.
        batch_size: int, at least 1. Crops per batch.
        crops_per_image: int, at least 1. Crops of one image per pass.
        seed: int. Seed of order, positions, rotations and reflections.
        start: int. As for `pipeline`.
        data_shard: `Shard` of the photographs to read. As for `load_arrays`.
        batch_shard: `Shard` of every batch to return. As for `pipeline`.
        scale: int, at least 1. Ratio of the sides of pairs. Crops alone do not depend on it.
        degrade: bool. Return pairs with low-resolution images that are blurred, noisy and
            compressed. See `ganzoo.data.degradation`.
        low_res: folder with a low-resolution image of the same name for each photograph, or None.
            Pairs of crops of the same place are returned.

    Returns:
        `tf.data.Dataset` of float32 RGB images `(batch, crop_size, crop_size, 3)` in
        [-1, 1], or pairs `(low_res, high_res)` of them. Its attribute `data_fingerprint` is a
        `ganzoo.data.Fingerprint`.

    Raises:
        ValueError: If the data are not found, if an image is smaller than a crop, or if there
            are too few images for one batch. Only the first image of a TFDS data set is checked
            here. A later one that is too small raises `tf.errors.InvalidArgumentError` when it
            is read.

    Example:
        >>> for name in ("a.png", "b.png"):
        ...     ganzoo.images.write_png(tmp_path / name, np.zeros((40, 50, 3), "uint8"))
        >>> dataset = ganzoo.data.load_crops(tmp_path, crop_size=32, batch_size=8)
        >>> tuple(next(iter(dataset)).shape)
        (8, 32, 32, 3)
    """
    sizes = {"crop_size": crop_size, "batch_size": batch_size, "scale": scale}
    check_positive(**sizes, crops_per_image=crops_per_image)
    seed = check_seed(seed)
    if (degrade or low_res is not None) and crop_size % scale:
        raise ValueError(
            f"The side of crops must be a multiple of {scale}, the scale. Received: "
            f"crop_size={crop_size}. Choose another one (--image-size)."
        )
    opened = _open_photos(name_or_dir, split, crop_size, data_shard)
    sources, decode, count, num_bytes, fingerprint = opened
    if low_res is not None:
        if degrade:
            raise ValueError(
                "`low_res` and degraded images exclude each other. Remove one of them (--low-res, "
                "--degrade)."
            )
        if not folders.is_folder(name_or_dir):
            raise ValueError(
                "`low_res` needs a folder of photographs. Received: "
                f"{str(name_or_dir)!r}. Give a folder with --data."
            )
        listing = folders.find_images(pathlib.Path(name_or_dir), False, "train+test")
        pairs = _find_pairs(listing.files, pathlib.Path(name_or_dir), pathlib.Path(low_res), scale)
        decode = functools.partial(_decode_pair, pairs, scale, decode)
        num_bytes *= 2
    num_batches = count * crops_per_image // batch_size
    if num_batches == 0:
        raise ValueError(
            f"{str(name_or_dir)!r} holds {count} images, too few for one batch of {batch_size} "
            f"with {crops_per_image} crops of each. Give more images or a smaller batch size "
            "(--batch-size)."
        )
    if num_bytes <= _CACHED_BYTES:
        sources, decode = _decoded(sources, decode).cache(), None

    def one_pass(number):
        key = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], "int64"), number)

        def crop(index, photo):
            shape = (crops_per_image, crop_size, crop_size)
            seed = tf.random.experimental.stateless_fold_in(key, index)
            # Low-resolution images are enlarged by repeating pixels. Their crops start at a pixel.
            return _random_crops(photo, shape, seed, 1 if low_res is None else scale)

        # Clear the seed of this function's graph: the order must depend on the key only.
        tf.random.set_seed(None)
        once = {"seed": key[0], "reshuffle_each_iteration": False}
        # Shuffle before decoding: a buffer of decoded photographs would not fit into memory.
        shuffled = sources.shuffle(min(count, 1000), **once)
        photographs = shuffled if decode is None else _decoded(shuffled, decode)
        crops = photographs.enumerate().map(crop, num_parallel_calls=tf.data.AUTOTUNE)
        # Crops of one image are neighbours. The buffer spreads them over many batches.
        crops = crops.unbatch().shuffle(64 * crops_per_image, **once)
        if degrade:
            # The photographs of a pass have the other seeds, from 0 on.
            degradations = tf.random.experimental.stateless_fold_in(key, -1)

            def pair(index, crop):
                draw = tf.random.experimental.stateless_fold_in(degradations, index)
                return degradation.degrade(crop, scale, draw), crop

            crops = crops.enumerate().map(pair, num_parallel_calls=tf.data.AUTOTUNE)
        if low_res is not None:
            crops = crops.map(lambda both: (both[::scale, ::scale, 3:], both[..., :3]))
        return crops.batch(batch_size, drop_remainder=True)

    batches = go_through(one_pass, num_batches, seed, start)

    def convert(*batch):
        parts = [from_pixels(images[batch_shard.of(batch_size)]) for images in batch]
        return tuple(parts) if len(parts) == 2 else parts[0]

    batches = batches.map(convert, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)
    batches.data_fingerprint = fingerprint
    return batches


def _find_pairs(files, folder, low_res, scale):
    """Return the low-resolution file of each photograph, by its path.

    Raises:
        ValueError: If one is missing, cannot be read, or has a size that does not fit.
    """
    if not low_res.is_dir():
        raise ValueError(f"There is no folder {str(low_res)!r}. Check the path (--low-res).")
    pairs = {path: low_res / path.relative_to(folder) for path in files}
    missing = [other.name for other in pairs.values() if not other.is_file()]
    if missing:
        raise ValueError(
            f"{str(low_res)!r} lacks {count_of(len(missing), 'image')} of {str(folder)!r}: "
            f"{list_names(missing)}. Names must be the same, with their suffix."
        )
    for path, other in pairs.items():
        high, low = (_upright_size(each) for each in (path, other))
        if high != (scale * low[0], scale * low[1]):
            raise ValueError(
                f"{str(path)!r} must be {scale} times the size of {str(other)!r}. Received: "
                f"{high[0]} x {high[1]} and {low[0]} x {low[1]} (width x height). Cut or remove "
                "them, or choose another --scale."
            )
    return {os.fsencode(path): os.fsencode(other) for path, other in pairs.items()}


def _upright_size(path):
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) > 4
            return image.size[::-1] if turned else image.size
    # Pillow has another exception for each kind of damage.
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} cannot be read ({first_line(error)}). Repair or remove it."
        ) from None


def _decode_pair(pairs, scale, decode, path):
    """Return a photograph, and its low-resolution image enlarged by repetition, in 6 channels."""

    def read_low_res(path):
        pixels = photos.flatten(photos.read_photo(os.fsdecode(pairs[path])))
        pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
        return pixels.repeat(scale, axis=0).repeat(scale, axis=1)

    low_res = tf.numpy_function(read_low_res, [path], tf.uint8)
    both = tf.concat([decode(path), low_res], axis=-1)
    return tf.ensure_shape(both, (None, None, 6))


def _decoded(sources, decode):
    return sources.map(decode, num_parallel_calls=tf.data.AUTOTUNE)


def _open_photos(name_or_dir, split, crop_size, shard):
    """Return `(sources, decode, count, num_bytes, fingerprint)` of RGB photographs of any size.

    `decode` maps an element of `sources` to uint8 pixels. `num_bytes` is the size of all pixels.
    """
    if name_or_dir == "sample":
        raise ValueError(
            "Crops need photographs. Received: 'sample', whose images of 28 x 28 pixels are too "
            "small. Give a folder of photographs, or a TFDS name such as 'div2k'."
        )
    if not folders.is_folder(name_or_dir):
        return _open_tfds_photos(str(name_or_dir), split, crop_size, shard)
    folders.require_train(name_or_dir, split)
    listing = folders.find_images(pathlib.Path(name_or_dir), False, "train+test")
    files = listing.files[folders.take_shard(listing, shard)]
    sizes, unreadable = [], []
    for path in files:
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
        # Pillow has another exception for each kind of damage.
        except Exception:
            unreadable.append(path)
            continue
        if min(sizes[-1]) < crop_size:
            raise ValueError(
                f"{str(path)!r} is smaller than a crop: {sizes[-1]} (width, height), but crops are "
                f"{crop_size} x {crop_size}. Remove it, or choose a smaller `crop_size` "
                "(--image-size)."
            )
    folders.refuse_unreadable(unreadable, listing)

    def read(path):
        pixels = photos.flatten(photos.read_photo(os.fsdecode(path)))
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))

    def decode(path):
        photo = tf.numpy_function(read, [path], tf.uint8)
        return tf.ensure_shape(photo, (None, None, 3))

    sources = tf.data.Dataset.from_tensor_slices([os.fsencode(path) for path in files])
    num_bytes = sum(3 * width * height for width, height in sizes)
    return sources, decode, len(files), num_bytes, listing.fingerprint


def _open_tfds_photos(name, split, crop_size, shard):
    builder, image_key, _ = tfds.find(name)
    feature = builder.info.features[image_key]
    sources = tfds.open_split(builder, split, shard, undecoded=image_key)
    too_small = (
        f"A photograph of {name!r} is smaller than a crop of {crop_size} x {crop_size} pixels. "
        "Choose a smaller `crop_size` (--image-size)."
    )

    def decode(encoded):
        photo = feature.decode_example(encoded)
        large = tf.reduce_min(tf.shape(photo)[:2]) >= crop_size
        with tf.control_dependencies([tf.debugging.Assert(large, [too_small])]):
            photo = tf.identity(photo)
        return tf.image.grayscale_to_rgb(photo) if feature.shape[-1] == 1 else photo

    count = len(sources)
    try:
        first = next(iter(sources.take(1).map(decode)), np.zeros(0))
    except tf.errors.InvalidArgumentError:
        raise ValueError(too_small) from None
    fingerprint = tfds.make_fingerprint(builder, split)
    return sources, decode, count, count * int(tf.size(first)), fingerprint


def _random_crops(photo, shape, seed, step=1):
    """Return crops at random positions, each under one of the eight symmetries of a square.

    Positions are multiples of `step`.
    """
    count, height, width = shape
    limits = (tf.shape(photo)[:2] - [height, width]) // step + 1
    draws = tf.random.stateless_uniform((count, 5), seed)
    corners = step * tf.cast(draws[:, :2] * tf.cast(limits, "float32"), "int32")

    def cut(corner_and_draw):
        corner, draw = corner_and_draw
        crop = tf.image.crop_to_bounding_box(photo, corner[0], corner[1], height, width)
        crop = tf.cond(draw[0] < 0.5, lambda: crop, lambda: tf.reverse(crop, [0]))
        crop = tf.cond(draw[1] < 0.5, lambda: crop, lambda: tf.reverse(crop, [1]))
        return tf.cond(draw[2] < 0.5, lambda: crop, lambda: tf.transpose(crop, (1, 0, 2)))

    signature = tf.TensorSpec((height, width, photo.shape[-1]), "uint8")
    return tf.map_fn(cut, (corners, draws[:, 2:]), fn_output_signature=signature)
