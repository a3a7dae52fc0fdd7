"""Named image data as `tf.data` pipelines.

A data set is decoded once and kept in memory as uint8 pixels. A pipeline over it
shuffles indices, gathers whole batches, scales them to [-1, 1] and prefetches, so
that it is never what limits training.

What a batch holds follows from its number and the seed alone, so that a run that was
stopped goes on with the batches that it would have seen.
"""

import dataclasses
import os
import pathlib
import sys

import numpy as np
import tensorflow as tf
from PIL import Image

from ganzoo import downloads, photos, registry
from ganzoo.distribution import WHOLE
from ganzoo.images import from_pixels

_STACKED_MNIST = "stacked_mnist"
_SAMPLE = pathlib.Path(__file__).parent / "assets" / "fashion_mnist_sample.npz"
# Decoded images that are kept in memory where they are not all cut to one size.
_CACHED_BYTES = 2 * 10**9
_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp"}


@dataclasses.dataclass(frozen=True)
class ImageData:
    """A whole data set in memory.

    Attributes:
        pixels: uint8 `(n, height, width, channels)`.
        labels: class ids `(n,)`, or None.
        num_classes: int, or None without labels.
    """

    pixels: np.ndarray
    labels: np.ndarray | None = None
    num_classes: int | None = None

    def take(self, indices):
        """Some of the images, as another `ImageData`."""
        labels = None if self.labels is None else self.labels[indices]
        return ImageData(self.pixels[indices], labels, self.num_classes)


def load(
    name_or_dir, split="train", image_size=None, batch_size=64, labels=None, seed=0, shuffle=True
):
    """A batched, shuffled, prefetched pipeline of images.

    Args:
        name_or_dir: the name of a TFDS data set with images (`"mnist"`,
            `"fashion_mnist"`, `"cifar10"`, ...), a folder of images (one subfolder for
            each class gives labels), `"sample"`: 10,000 Fashion-MNIST training images,
            1,000 of each class, that come with ganzoo, or `"stacked_mnist"`: MNIST, three
            digits at a time as the colours of an image, whose class is the number they
            spell (Metz et al., 2016, arXiv:1611.02163, section 3.3.1). Where a bare name could
            be either, it is the data set: `"./mnist"` is the folder.
        split: TFDS split, such as `"test"` or `"train[:5000]"`. A folder and the sample
            have `"train"` alone.
        image_size: int. Side that images are cropped (to a centred square) and resized
            to; None leaves them as they are, if all are of one size.
        batch_size: int, at least 1. Images in a batch; what is left over after the last
            whole batch waits for the next shuffle.
        labels: bool. Whether batches are `(images, labels)`, labels int32 `(batch,)`.
        seed: int. Seed of the order, which is another in each pass.
        shuffle: bool. Whether the order is random.

    Returns:
        `tf.data.Dataset` of float32 images `(batch, height, width, channels)` in [-1, 1].

    Raises:
        ValueError: If the data set is not found or empty, has no labels where they are
            asked for, or holds files that are not images.

    Example:
        >>> dataset = ganzoo.data.load("sample", batch_size=32)
        >>> tuple(next(iter(dataset)).shape)
        (32, 28, 28, 1)
    """
    if image_size is not None and image_size < 1:
        raise ValueError(f"`image_size` must be at least 1. Received: image_size={image_size}.")
    image_data = read(name_or_dir, split, image_size)
    if labels and image_data.labels is None:
        raise ValueError(
            f"{str(name_or_dir)!r} has no labels. Give a folder with one subfolder for each "
            "class, or a data set with labels."
        )
    return pipeline(image_data, batch_size, labels=bool(labels), seed=seed, shuffle=shuffle)


def pipeline(
    image_data, batch_size, labels=False, seed=0, shuffle=True, start=None, batch_part=WHOLE
):
    """The pipeline of `load` over data that have been read.

    Args:
        image_data: `ImageData`.
        batch_size: int, at least 1. Images in a batch.
        labels: bool. As for `load`.
        seed: int. As for `load`.
        shuffle: bool. As for `load`.
        start: int. The number of the first batch, counted over all passes: the batches go
            on from there and never end. None goes through the data once, in another order
            each time.
        batch_part: a `Part`. The part of every batch to give, `batch_size //
            batch_part.count` images: workers that are given the same data and seed, and a
            part each, have between them the batches that one alone has. They gather their
            own images.

    Raises:
        ValueError: If there are fewer images than one batch takes.
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}.")
    count = len(image_data.pixels)
    if count < batch_size:
        raise ValueError(
            f"The data set holds {count} images, fewer than one batch of {batch_size}. "
            "Give more images or a smaller batch size."
        )
    # In the machine's memory: beside a GPU constants would fill the GPU's.
    with tf.device("CPU:0"):
        pixels = tf.constant(image_data.pixels)
        classes = tf.constant(image_data.labels, "int32") if labels else None
    part = batch_part.of(batch_size)
    num_batches = count // batch_size

    def one_pass(number):
        places = tf.data.Dataset.range(num_batches * batch_size)
        places = places.batch(batch_size, drop_remainder=True)
        if not shuffle:
            return places
        key = tf.stack([tf.constant(seed, "int64"), number])
        return places.map(lambda batch: tf.random.experimental.index_shuffle(batch, key, count - 1))

    def gather(indices):
        indices = indices[part]
        images = from_pixels(tf.gather(pixels, indices))
        return images if classes is None else (images, tf.gather(classes, indices))

    batches = _go_through(one_pass, num_batches, seed, start)
    return batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


def _go_through(one_pass, num_batches, seed, start):
    """The batches of one pass over data, or of all passes from a batch on.

    Args:
        one_pass: function from a pass's number, an int64 tensor, to a data set of batches.
        num_batches: int. Batches in a pass.
        seed: int. Seed of the pass's number where there is but one.
        start: as for `pipeline`.
    """
    if start is None:
        number = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
        one = number.flat_map(one_pass)
        return one.apply(tf.data.experimental.assert_cardinality(num_batches))
    first, done = divmod(start, num_batches)
    return tf.data.Dataset.range(first, sys.maxsize).flat_map(one_pass).skip(done)


def load_crops(
    name_or_dir,
    split="train",
    crop_size=96,
    batch_size=16,
    crops_per_image=16,
    seed=0,
    start=None,
    data_part=WHOLE,
    batch_part=WHOLE,
):
    """A pipeline of random crops of photographs, turned and mirrored at random.

    An image is decoded once for several crops, and only once at all where the decoded
    images fit into 2 GB of memory.

    Args:
        name_or_dir: as for `load`, but for `"sample"`; images may differ in size.
        split: as for `load`.
        crop_size: int, at least 1. Side of the crops.
        batch_size: int, at least 1. Crops in a batch.
        crops_per_image: int, at least 1. Crops of an image in one pass.
        seed: int. Seed of order, places, turns and mirrors.
        start: int. As for `pipeline`.
        data_part: a `Part`. The photographs to read; see `read`.
        batch_part: a `Part`. The part of every batch to give; see `pipeline`.

    Returns:
        `tf.data.Dataset` of float32 RGB images `(batch, crop_size, crop_size, 3)` in
        [-1, 1].

    Raises:
        ValueError: If the data are not found, an image is smaller than a crop, or they
            give less than one batch.

    Example:
        >>> for name in ("a.png", "b.png"):
        ...     ganzoo.images.write_png(tmp_path / name, np.zeros((40, 50, 3), "uint8"))
        >>> dataset = ganzoo.data.load_crops(tmp_path, crop_size=32, batch_size=8)
        >>> tuple(next(iter(dataset)).shape)
        (8, 32, 32, 3)
    """
    for name, value in (("crop_size", crop_size), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
    whole, count, num_bytes = _open_photos(name_or_dir, split, crop_size, data_part)
    num_batches = count * crops_per_image // batch_size
    if num_batches == 0:
        raise ValueError(
            f"{str(name_or_dir)!r} holds {count} images, too few for one batch of {batch_size} at "
            f"{crops_per_image} crops each. Give more images or a smaller batch size."
        )
    if num_bytes <= _CACHED_BYTES:
        whole = whole.cache()

    def one_pass(number):
        key = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], "int64"), number)

        def crop(index, photo):
            shape = (crops_per_image, crop_size, crop_size)
            return _random_crops(photo, shape, tf.random.experimental.stateless_fold_in(key, index))

        # Of this function's graph: the order follows from the key alone.
        tf.random.set_seed(None)
        once = {"seed": key[0], "reshuffle_each_iteration": False}
        shuffled = whole.shuffle(min(count, 1000), **once).enumerate()
        crops = shuffled.map(crop, num_parallel_calls=tf.data.AUTOTUNE)
        # Crops of one image come together: the buffer spreads them over many batches.
        crops = crops.unbatch().shuffle(64 * crops_per_image, **once)
        return crops.batch(batch_size, drop_remainder=True)

    batches = _go_through(one_pass, num_batches, seed, start)
    batches = batches.map(lambda batch: batch[batch_part.of(batch_size)])
    return batches.map(from_pixels, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _open_photos(name_or_dir, split, crop_size, part):
    """`(dataset, count, bytes)` of uint8 RGB images of any size, decoded as they are read."""
    if name_or_dir == "sample":
        raise ValueError(
            "The sample is 28 x 28 pixels, too small to be cut into crops. Received: 'sample'. "
            "Give a folder of photographs, or a TFDS name such as 'div2k'."
        )
    if not _means_folder(name_or_dir):
        return _open_tfds_photos(str(name_or_dir), split, part)
    _require_train(name_or_dir, split)
    files = _image_files(pathlib.Path(name_or_dir))
    files = _take_part(files, part, name_or_dir)
    sizes = []
    for path in files:
        try:
            with Image.open(path) as image:
                sizes.append(image.size)
        # Pillow has another exception for each kind of damage.
        except Exception:
            raise ValueError(f"{str(path)!r} cannot be read. Mend or remove it.") from None
        if min(sizes[-1]) < crop_size:
            raise ValueError(
                f"{str(path)!r} is smaller than a crop: {sizes[-1]} (width, height) against "
                f"{crop_size}. Remove it, or take smaller crops with `crop_size` (--image-size)."
            )

    def decode(path):
        pixels = photos.read_photo(path.decode()).pixels
        return np.broadcast_to(pixels, (*pixels.shape[:2], 3))

    def load_photo(path):
        photo = tf.numpy_function(decode, [path], tf.uint8)
        return tf.ensure_shape(photo, (None, None, 3))

    dataset = tf.data.Dataset.from_tensor_slices([str(path) for path in files])
    dataset = dataset.map(load_photo, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset, len(files), sum(3 * width * height for width, height in sizes)


def _open_tfds_photos(name, split, part):
    builder, image_key, _ = _find_tfds(name)
    dataset = _read_split(builder, split, part).map(lambda example: example[image_key])
    channels = builder.info.features[image_key].shape[-1]
    if channels == 1:
        dataset = dataset.map(tf.image.grayscale_to_rgb)
    count = len(dataset)
    first = next(iter(dataset), np.zeros(0))
    return dataset, count, count * int(tf.size(first))


def _random_crops(photo, shape, seed):
    """Crops of a photo at random places, each one of the eight turned and mirrored ones."""
    count, height, width = shape
    limits = tf.shape(photo)[:2] - [height, width] + 1
    draws = tf.random.stateless_uniform((count, 5), seed)
    corners = tf.cast(draws[:, :2] * tf.cast(limits, "float32"), "int32")

    def cut(corner_and_draw):
        corner, draw = corner_and_draw
        crop = tf.image.crop_to_bounding_box(photo, corner[0], corner[1], height, width)
        crop = tf.cond(draw[0] < 0.5, lambda: crop, lambda: tf.reverse(crop, [0]))
        crop = tf.cond(draw[1] < 0.5, lambda: crop, lambda: tf.reverse(crop, [1]))
        return tf.cond(draw[2] < 0.5, lambda: crop, lambda: tf.transpose(crop, (1, 0, 2)))

    signature = tf.TensorSpec((height, width, 3), "uint8")
    return tf.map_fn(cut, (corners, draws[:, 2:]), fn_output_signature=signature)


def read(name_or_dir, split="train", image_size=None, data_part=WHOLE):
    """Decodes a whole data set into memory, as `ImageData`; see `load`.

    With a `data_part` it decodes this `Part` of the images alone: of a folder one file
    in every `count`, of a TFDS split as many neighbouring examples. Parts have no image
    in common and are of one size; the few images that do not divide are in none.
    """
    if name_or_dir == _STACKED_MNIST:
        return _read_stacked_mnist(split, image_size, data_part)
    if name_or_dir != "sample" and not _means_folder(name_or_dir):
        return _read_tfds(str(name_or_dir), split, image_size, data_part)
    _require_train(name_or_dir, split)
    if name_or_dir == "sample":
        return _read_sample(image_size, data_part)
    return _read_folder(pathlib.Path(name_or_dir), image_size, data_part)


def find_splits(name_or_dir):
    """Names of the splits of a data set; a folder and the sample have `"train"` alone."""
    if name_or_dir == "sample" or _means_folder(name_or_dir):
        return ["train"]
    source = "mnist" if name_or_dir == _STACKED_MNIST else str(name_or_dir)
    builder, _, _ = _find_tfds(source)
    return sorted(builder.info.splits)


def _means_folder(name_or_dir):
    """Whether a folder of that name is there and meant: a bare name means the data set."""
    if not pathlib.Path(name_or_dir).is_dir():
        return False
    if isinstance(name_or_dir, os.PathLike) or os.sep in name_or_dir:
        return True
    import tensorflow_datasets as tfds

    return name_or_dir not in tfds.list_builders(with_community_datasets=False)


def _require_train(name_or_dir, split):
    if split != "train":
        raise ValueError(
            f"{str(name_or_dir)!r} has one split, 'train'. Received: split={split!r}. "
            "Give the folder of the other images instead."
        )


def _read_sample(image_size, part):
    with np.load(_SAMPLE, allow_pickle=False) as arrays:
        found = ImageData(arrays["images"], arrays["labels"], num_classes=10)
    found = found.take(part.of(len(found.pixels)))
    if image_size in (None, found.pixels.shape[1]):
        return found
    resized = [_fit(_to_pil(image), image_size) for image in found.pixels]
    return dataclasses.replace(found, pixels=np.stack(resized))


def _read_stacked_mnist(split, image_size, part):
    """Each digit once in each colour: as many images as there are digits."""
    digits = _read_tfds("mnist", split, image_size, WHOLE)
    rng = np.random.default_rng(0)
    hundreds, tens, ones = (digits.take(rng.permutation(len(digits.labels))) for _ in range(3))
    pixels = np.concatenate([hundreds.pixels, tens.pixels, ones.pixels], axis=-1)
    labels = 100 * hundreds.labels + 10 * tens.labels + ones.labels
    return ImageData(pixels, labels, num_classes=1000).take(part.of(len(pixels)))


def _read_folder(folder, image_size, part):
    """Reads the images below a folder; first-level subfolders are classes."""
    files = _image_files(folder)
    parents = [path.relative_to(folder).parts[:-1] for path in files]
    names = sorted({parts[0] for parts in parents if parts})
    own_parents = parents[part.of(len(files))]
    files = _take_part(files, part, folder)
    decoded, unreadable = [], []
    for path in files:
        try:
            decoded.append(_fit(_to_pil(photos.read_photo(path).pixels), image_size))
        except ValueError:
            unreadable.append(path.relative_to(folder).as_posix())
    if unreadable:
        named = ", ".join(unreadable[:5]) + (", ..." if len(unreadable) > 5 else "")
        raise ValueError(
            f"{len(unreadable)} of {len(files)} images in {str(folder)!r} cannot be read: {named}. "
            "Mend or remove them."
        )
    # A class for every image, or no classes: loose files beside subfolders belong to none.
    pixels = _stack(decoded, folder)
    if not all(parents):
        return ImageData(pixels)
    return ImageData(pixels, np.array([names.index(p[0]) for p in own_parents]), len(names))


def _image_files(folder):
    """Paths of all images below a folder, sorted."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise ValueError(
            f"{str(folder)!r} holds no images. Looked for files ending in "
            f"{', '.join(sorted(_SUFFIXES))}."
        )
    return files


def _take_part(files, part, folder):
    """The files of a part; a `ValueError` where there is none for each."""
    if len(files) < part.count:
        raise ValueError(
            f"{str(folder)!r} holds {len(files)} images, fewer than the {part.count} workers that "
            "share them. Give more images, or share them by element."
        )
    return files[part.of(len(files))]


def _stack(decoded, source):
    # One colour image makes all of them colour images.
    channels = max(image.shape[-1] for image in decoded)
    decoded = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in decoded]
    sizes = sorted({image.shape[:2] for image in decoded})
    if len(sizes) > 1:
        smallest, largest = sizes[0], sizes[-1]
        raise ValueError(
            f"Images in {str(source)!r} have {len(sizes)} different sizes, from {smallest} to "
            f"{largest} (height, width). Give one side for all with `image_size`."
        )
    return np.stack(decoded)


def _fit(image, image_size):
    """A PIL image as pixels; cropped to its central square and resized if a size is given."""
    if image_size is not None and image.size != (image_size, image_size):
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((left, top, left + side, top + side))
        # Pillow's filters are scaled with the ratio, so shrinking does not alias.
        image = image.resize((image_size, image_size), Image.Resampling.BICUBIC)
    pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _find_tfds(name):
    """`(builder, image_key, label_key)` of a data set on disk; the label's key may be None."""
    # Slow to import, and not needed for folders or the sample.
    import tensorflow_datasets as tfds

    builder = _prepared_builder(tfds, name)
    features = builder.info.features
    image_keys = [k for k, f in features.items() if isinstance(f, tfds.features.Image)]
    # Sets of pairs for super-resolution, as DIV2K, call the larger image `hr`.
    image_key = "hr" if "hr" in image_keys else next(iter(image_keys), None)
    label_key = next(
        (k for k, f in features.items() if isinstance(f, tfds.features.ClassLabel)), None
    )
    if image_key is None:
        raise ValueError(f"TFDS data set {name!r} has no images. Its features: {list(features)}.")
    return builder, image_key, label_key


def _read_split(builder, split, part):
    import tensorflow_datasets as tfds

    parts = tfds.even_splits(split, part.count, drop_remainder=True)
    try:
        return builder.as_dataset(split=parts[part.index] if part.count > 1 else split)
    except ValueError:
        splits = ", ".join(sorted(builder.info.splits))
        raise ValueError(
            f"TFDS data set {builder.name!r} has no split {split!r}. It has: {splits}; parts are "
            "written 'train[:5000]'."
        ) from None


def _read_tfds(name, split, image_size, part):
    builder, image_key, label_key = _find_tfds(name)
    features = builder.info.features
    dataset = _read_split(builder, split, part)
    if image_size in (None, features[image_key].shape[0]) and None not in features[image_key].shape:
        # Images of one known size come in large batches, many times as fast as one by one.
        examples = list(dataset.batch(1000).as_numpy_iterator())
        decoded = [image for example in examples for image in example[image_key]]
        labels = np.concatenate([example[label_key] for example in examples]) if label_key else None
    else:
        decoded, labels = [], []
        # One by one: as large as they come they might not fit into memory together.
        for example in dataset.as_numpy_iterator():
            decoded.append(_fit(_to_pil(example[image_key]), image_size))
            labels.append(example[label_key] if label_key else None)
        labels = np.array(labels) if label_key else None
    if not decoded:
        raise ValueError(f"Split {split!r} of TFDS data set {name!r} is empty.")
    num_classes = features[label_key].num_classes if label_key else None
    return ImageData(_stack(decoded, name), labels, num_classes)


def _to_pil(pixels):
    return Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)


def _prepared_builder(tfds, name):
    """The builder of a data set that is on disk, downloaded first where that is possible."""
    try:
        builder = tfds.builder(name)
    except (tfds.core.registered.DatasetNotFoundError, ValueError):
        known = set(tfds.list_builders(with_community_datasets=False))
        line = registry.unknown("data set", name, known).partition(" Known:")[0]
        raise ValueError(
            f"{line} Looked for: a folder of that name, and a data set of TFDS. Give the path of "
            "a folder of images, a TFDS name such as 'fashion_mnist', or 'sample'."
        ) from None
    if builder.is_prepared():
        return builder
    place = os.fspath(builder.data_path)
    try:
        # Where names are not resolved, TFDS would try again for minutes.
        downloads.require_network("www.tensorflow.org")
        builder.download_and_prepare()
    # Every kind of failure on the way (network, disk, a changed source) ends in the same advice.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:100]
        raise ValueError(
            f"Data set {name!r} was not found at {place!r} and cannot be downloaded ({reason}). "
            "Set TFDS_DATA_DIR to a folder that holds it, or use 'sample' or a folder of images."
        ) from None
    return builder
