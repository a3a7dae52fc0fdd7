"""Build the networks of the LAPGAN: a generator and a discriminator for each level.

The generator of a level takes `[coarser images, noise, labels]` and returns the images of the
level. The generator of level 0, the coarsest, takes `[noise, labels]`. The discriminator of a
level takes `[images, labels]`. A model without classes has no labels.

`num_classes` and `filters` are those of `LAPGAN`. `name` is the name of the Keras model.
"""

import math

import keras
from keras import layers, ops

from ganzoo.lapgan.pyramid import Downsample, Upsample
from ganzoo.layers import OneHot, leaky_relu, normalize, project_on_labels


@keras.saving.register_keras_serializable(package="ganzoo")
class LatentPart(keras.layers.Layer):
    """Layer that extracts the noise of one level from the latents.

    Args:
        start: int. Index of the first latent.
        shape: tuple of int. Shape of the noise of one image.

    Input shape: `(batch, latent_dim)`. Output shape: `(batch, *shape)`.
    """

    def __init__(self, start: int, shape: tuple, **kwargs):
        super().__init__(**kwargs)
        self.start = start
        self.shape = tuple(shape)

    def call(self, latents):
        part = latents[:, self.start : self.start + math.prod(self.shape)]
        return ops.reshape(part, (-1, *self.shape))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.shape)

    def get_config(self):
        return {**super().get_config(), "start": self.start, "shape": self.shape}


def level_name(index: int) -> str:
    """Return the name of a level's network inside the whole model."""
    return f"level_{index}"


def noise_name(index: int) -> str:
    """Return the name of the `LatentPart` layer of a level."""
    return f"level_{index}_noise"


def build_levels(
    shapes: list[tuple], num_classes: int | None, latent_dim: int, filters: int
) -> tuple[list[keras.Model], list[keras.Model]]:
    """Build the networks of all levels.

    Args:
        shapes: image shapes of the levels, coarse to fine.
        num_classes: int or None. Number of classes.
        latent_dim: int. Length of the noise of level 0.
        filters: int. Filters of the convolutions.

    Returns:
        `(generators, discriminators)`, two lists, coarse to fine.
    """
    generators = [
        build_coarse_generator(shapes[0], latent_dim, num_classes, filters, level_name(0))
    ]
    discriminators = [build_level_discriminator(shapes[0], num_classes, filters, level_name(0))]
    for index, shape in enumerate(shapes[1:], start=1):
        arguments = shape, num_classes, filters, level_name(index)
        generators.append(build_level_generator(*arguments))
        discriminators.append(build_level_discriminator(*arguments))
    return generators, discriminators


def build_paper_levels(
    shapes: list[tuple], num_classes: int | None, latent_dim: int, filters: int
) -> tuple[list[keras.Model], list[keras.Model]]:
    """Build the networks of the paper. Arguments are those of `build_levels`."""
    generators = [build_paper_coarse_generator(shapes[0], latent_dim, num_classes, level_name(0))]
    discriminators = [build_paper_coarse_discriminator(shapes[0], num_classes, level_name(0))]
    for index, shape in enumerate(shapes[1:], start=1):
        arguments = shape, num_classes, filters, level_name(index)
        generators.append(build_paper_level_generator(*arguments))
        discriminators.append(build_paper_level_discriminator(*arguments))
    return generators, discriminators


def build_generator(level_generators: list[keras.Model], num_classes: int | None) -> keras.Model:
    """Build the whole generator, from latents and labels through all levels, coarse to fine."""
    noise_shapes = [model.get_layer("noise").output.shape[1:] for model in level_generators]
    latent_dim = sum(math.prod(shape) for shape in noise_shapes)
    latents = keras.Input((latent_dim,), name="latents")
    labels = _label_inputs(num_classes)
    noises, start = [], 0
    for index, shape in enumerate(noise_shapes):
        noises.append(LatentPart(start, shape, name=noise_name(index))(latents))
        start += math.prod(shape)
    images = grow(level_generators, noises, labels)[-1]
    # Clip only here: a level must be able to correct values out of range.
    images = layers.Activation("hard_tanh", dtype="float32", name="images")(images)
    return keras.Model([latents, *labels] if labels else latents, images, name="generator")


def grow(
    level_generators: list[keras.Model],
    noises: list[keras.KerasTensor],
    labels: list[keras.KerasTensor],
    images: keras.KerasTensor | None = None,
) -> list[keras.KerasTensor]:
    """Run the generators of successive levels.

    Args:
        level_generators: models of successive levels, coarse to fine.
        noises: noise of these levels, in the same order.
        labels: list with the labels, or an empty list.
        images: images of the level before the first one. None if the first one is level 0.

    Returns:
        Images of each level, coarse to fine.
    """
    made = []
    for level_generator, noise in zip(level_generators, noises, strict=True):
        given = [noise, *labels] if images is None else [images, noise, *labels]
        images = level_generator(given)
        made.append(images)
    return made


def build_discriminator(
    level_discriminators: list[keras.Model], num_classes: int | None
) -> keras.Model:
    """Build the whole discriminator, from images and labels to a logit per level."""
    images = keras.Input(level_discriminators[-1].inputs[0].shape[1:], name="images")
    labels = _label_inputs(num_classes)
    logits: list[keras.KerasTensor] = []
    at_level = images
    for index in reversed(range(len(level_discriminators))):
        logits.insert(0, level_discriminators[index]([at_level, *labels]))
        if index > 0:
            at_level = Downsample(dtype="float32", name=f"{level_name(index - 1)}_images")(at_level)
    logits = layers.Concatenate(dtype="float32", name="logits")(logits)
    return keras.Model([images, *labels] if labels else images, logits, name="discriminator")


def build_paper_coarse_generator(
    image_shape: tuple, latent_dim: int, num_classes: int | None, name: str
) -> keras.Model:
    """Build the paper's generator of level 0: two hidden layers of 1200 units."""
    noise = keras.Input((latent_dim,), name="noise")
    labels = _label_inputs(num_classes)
    x = _join_class(noise, labels, num_classes)
    for index in range(2):
        x = layers.Dense(1200, activation="relu", name=f"dense_{index}")(x)
    x = layers.Dense(math.prod(image_shape), dtype="float32", name="to_images")(x)
    images = layers.Reshape(image_shape, dtype="float32", name="images")(x)
    return keras.Model([noise, *labels], images, name=name)


def build_paper_coarse_discriminator(
    image_shape: tuple, num_classes: int | None, name: str
) -> keras.Model:
    """Build the paper's discriminator of level 0: two hidden layers of 600 units with dropout."""
    images = keras.Input(image_shape, name="images")
    labels = _label_inputs(num_classes)
    x = _join_planes([images], labels, num_classes, image_shape)
    x = layers.Flatten(name="flatten")(x)
    for index in range(2):
        x = layers.Dense(600, activation="relu", name=f"dense_{index}")(x)
        x = layers.Dropout(0.5, name=f"dropout_{index}")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model([images, *labels], logits, name=name)


def build_paper_level_generator(
    image_shape: tuple, num_classes: int | None, filters: int, name: str
) -> keras.Model:
    """Build the paper's generator of a later level: three convolutions."""
    coarse, noise, labels, low_pass = _level_inputs(image_shape, num_classes)
    x = _join_planes([low_pass, noise], labels, num_classes, image_shape)
    for index in range(2):
        x = layers.Conv2D(filters, 7, padding="same", activation="relu", name=f"conv_{index}")(x)
    return _add_detail(x, image_shape[-1], 5, [coarse, noise, *labels], low_pass, name)


def build_paper_level_discriminator(
    image_shape: tuple, num_classes: int | None, filters: int, name: str
) -> keras.Model:
    """Build the paper's discriminator of a later level: two convolutions, dropout, a dense layer.

    The paper adds the low-pass images to the detail in the first layer. Here the input is the sum.
    """
    images = keras.Input(image_shape, name="images")
    labels = _label_inputs(num_classes)
    x = _join_planes([images], labels, num_classes, image_shape)
    for index, strides in enumerate((1, 2)):
        x = layers.Conv2D(
            filters, 5, strides, padding="same", activation="relu", name=f"conv_{index}"
        )(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.5, name="dropout")(x)
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model([images, *labels], logits, name=name)


def build_coarse_generator(
    image_shape: tuple, latent_dim: int, num_classes: int | None, filters: int, name: str
) -> keras.Model:
    """Build the generator of level 0: a dense layer, then convolutions."""
    height, width, channels = image_shape
    noise = keras.Input((latent_dim,), name="noise")
    labels = _label_inputs(num_classes)
    x = _join_class(noise, labels, num_classes)
    x = layers.Dense(height * width * filters, use_bias=False, name="project")(x)
    x = layers.Reshape((height, width, filters), name="reshape")(x)
    x = normalize(x, name="project_norm")
    x = layers.ReLU(name="project_relu")(x)
    for index in range(2):
        x = layers.Conv2D(2 * filters, 3, padding="same", use_bias=False, name=f"conv_{index}")(x)
        x = normalize(x, name=f"norm_{index}")
        x = layers.ReLU(name=f"relu_{index}")(x)
    x = layers.Conv2D(channels, 3, padding="same", name="to_images")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model([noise, *labels], images, name=name)


def build_level_generator(
    image_shape: tuple, num_classes: int | None, filters: int, name: str
) -> keras.Model:
    """Build the generator of a later level. Most of its convolutions work at half the resolution.

    Half the resolution is enough for the low-pass images, and convolutions cost a quarter there.
    """
    coarse, noise, labels, low_pass = _level_inputs(image_shape, num_classes)
    x = _join_planes([low_pass, noise], labels, num_classes, image_shape)
    x = layers.Conv2D(filters, 4, 2, padding="same", use_bias=False, name="down_conv")(x)
    x = normalize(x, name="down_norm")
    x = layers.ReLU(name="down_relu")(x)
    for index in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"conv_{index}")(x)
        x = normalize(x, name=f"norm_{index}")
        x = layers.ReLU(name=f"relu_{index}")(x)
    x = layers.Conv2DTranspose(filters // 2, 4, 2, padding="same", use_bias=False, name="up_conv")(
        x
    )
    x = normalize(x, name="up_norm")
    x = layers.ReLU(name="up_relu")(x)
    return _add_detail(x, image_shape[-1], 3, [coarse, noise, *labels], low_pass, name)


def build_level_discriminator(
    image_shape: tuple, num_classes: int | None, filters: int, name: str
) -> keras.Model:
    """Build the discriminator of any level: strided convolutions, then a dense layer."""
    images = keras.Input(image_shape, name="images")
    labels = _label_inputs(num_classes)
    x = images
    for index in range(2):
        x = layers.Conv2D(filters * 2**index, 4, 2, padding="same", name=f"down_{index}_conv")(x)
        x = leaky_relu(name=f"down_{index}_relu")(x)
    x = layers.Flatten(name="flatten")(x)
    if num_classes is not None:
        one_hot = OneHot(num_classes, dtype="float32", name="one_hot")(labels[0])
        logits = project_on_labels(x, one_hot)
    else:
        logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model([images, *labels], logits, name=name)


def _label_inputs(num_classes):
    """Return a list with the input for labels. It is empty for a model without classes."""
    return [] if num_classes is None else [keras.Input((), dtype="int32", name="labels")]


def _one_hot(labels, num_classes):
    return OneHot(num_classes, name="one_hot")(labels)


def _join_class(noise, labels, num_classes):
    """Concatenate the noise with one-hot labels."""
    if not labels:
        return noise
    return layers.Concatenate(name="join")([noise, _one_hot(labels[0], num_classes)])


def _join_planes(planes, labels, num_classes, image_shape):
    """Concatenate planes, and add a plane that encodes the class (section 3 of the paper)."""
    if labels:
        x = _one_hot(labels[0], num_classes)
        height, width = image_shape[:2]
        x = layers.Dense(height * width, name="class_plane")(x)
        planes = [*planes, layers.Reshape((height, width, 1), name="class_reshape")(x)]
    return layers.Concatenate(name="join")(planes) if len(planes) > 1 else planes[0]


def _level_inputs(image_shape, num_classes):
    height, width, channels = image_shape
    coarse = keras.Input((height // 2, width // 2, channels), name="coarse_images")
    noise = keras.Input((height, width, 1), name="noise")
    low_pass = Upsample(dtype="float32", name="low_pass")(coarse)
    return coarse, noise, _label_inputs(num_classes), low_pass


def _add_detail(x, channels, kernel_size, inputs, low_pass, name):
    """Complete a level's generator: compute the detail, and add it to the low-pass images."""
    # Use float32 even under mixed precision, which would round images to 8 or 11 bits.
    detail = layers.Conv2D(channels, kernel_size, padding="same", dtype="float32", name="detail")(x)
    images = layers.Add(dtype="float32", name="images")([low_pass, detail])
    return keras.Model(inputs, images, name=name)
