"""Build the smallest networks and data for tests.

Height, width and channels all differ, so that tests detect swapped axes.
"""

import keras
import numpy as np
from keras import layers
from PIL import Image

import ganzoo

IMAGE_SHAPE = (2, 3, 1)


def build_generator(image_shape=IMAGE_SHAPE, latent_dim=4, batch_norm=True):
    return keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(5),
            *([layers.BatchNormalization()] if batch_norm else []),
            layers.LeakyReLU(0.2),
            layers.Dense(int(np.prod(image_shape))),
            layers.Reshape(image_shape),
            layers.Activation("tanh", dtype="float32"),
        ],
        name="generator",
    )


def build_discriminator(image_shape=IMAGE_SHAPE):
    return keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Flatten(),
            layers.Dense(6),
            # Softplus is smooth, so second derivatives are finite everywhere.
            layers.Activation("softplus"),
            layers.Dense(1, dtype="float32"),
        ],
        name="discriminator",
    )


def build_gan(image_shape=IMAGE_SHAPE, batch_norm=True, **kwargs):
    generator = build_generator(image_shape, batch_norm=batch_norm)
    return ganzoo.GAN(generator, build_discriminator(image_shape), **{"seed": 3, **kwargs})


def make_images(num_images, image_shape=IMAGE_SHAPE, seed=0):
    """Return float images that are brighter than those of an untrained generator."""
    generator = np.random.default_rng(seed)
    images = generator.uniform(-0.2, 1.0, (num_images, *image_shape))
    return images.astype("float32")


def make_data(model, num_images, seed=0):
    """Return arguments of `fit`: `(images,)`, or `(images, labels)` if the model has classes."""
    shape = tuple(side or 24 for side in model.image_shape)
    images = make_images(num_images, shape, seed)
    if model.num_classes is None:
        return (images,)
    labels = np.random.default_rng(seed + 1).integers(0, model.num_classes, num_images)
    return images, labels.astype("int32")


def make_pixels(model, num_images, labels=None):
    """Return generated or upscaled uint8 images of all classes, equal at every call."""
    if model.task == "super_resolution":
        low_res = np.random.default_rng(0).integers(0, 256, (num_images, 5, 6, 3), "uint8")
        return model.upscale(low_res)
    if labels is None and model.num_classes is not None:
        labels = np.arange(num_images) % model.num_classes
    return model.generate(num_images, labels=labels, seed=1)


def write_vgg19(path, last_block=3):
    """Write random weights of the first blocks of VGG19, as large as trained ones."""
    generator = np.random.default_rng(0)
    arrays, channels = {}, 3
    for block, (convolutions, filters) in enumerate([(2, 64), (2, 128), (4, 256)][:last_block], 1):
        for index in range(1, convolutions + 1):
            name = f"block{block}_conv{index}"
            spread = np.sqrt(2 / (9 * channels))
            kernel = generator.normal(0, spread, (3, 3, channels, filters))
            arrays[f"{name}/kernel"] = kernel.astype("float32")
            arrays[f"{name}/bias"] = np.zeros(filters, "float32")
            channels = filters
    np.savez(path, **arrays)
    return path


def write_folder(folder, num_images, side=8, classes=("",)):
    """Write `num_images` gray PNG images for each class."""
    generator = np.random.default_rng(0)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(num_images):
            pixels = generator.integers(0, 256, (side, side), "uint8")
            Image.fromarray(pixels).save(folder / name / f"{index:03d}.png")
    return folder


def gather(dataset):
    """Return all batches of a data set, concatenated to one array or a tuple of arrays."""
    batches = list(dataset.as_numpy_iterator())
    if isinstance(batches[0], tuple):
        return tuple(np.concatenate(part) for part in zip(*batches, strict=True))
    return np.concatenate(batches)


def take(dataset, count):
    """Return the first batches as a list of arrays."""
    return [batch.numpy() for batch in dataset.take(count)]


def copy_of(variables):
    """Return copies of the values of variables, which later steps do not change."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assert_equal(left, right):
    """Assert that variables are equal bit for bit. An error names the variable."""
    names = [getattr(one, "path", "") for one in left]
    for name, one, other in zip(names, copy_of(left), copy_of(right), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def assert_close(left, right, rtol=1e-5, atol=1e-6):
    """Assert that variables are equal up to rounding. An error names the variable."""
    names = [getattr(one, "path", "") for one in left]
    for name, one, other in zip(names, copy_of(left), copy_of(right), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=atol, err_msg=name)


def differ(left, right):
    """Return True if any pair of arrays in two lists differs."""
    pairs = zip(copy_of(left), copy_of(right), strict=True)
    return any(not np.array_equal(one, other) for one, other in pairs)
