"""`LatentGAN`: a GAN whose generator makes images from latents."""

import random
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from ganzoo import images
from ganzoo.base import inversion
from ganzoo.base.gan import GAN
from ganzoo.checks import check_positive, check_seed
from ganzoo.conditions import by_name, examples
from ganzoo.data import validation
from ganzoo.data.labels import check_labels
from ganzoo.layers import network_inputs
from ganzoo.messages import unknown

LATENT_DISTRIBUTIONS = ("normal", "uniform")
# Columns of a grid of samples, if there are no more classes.
_GRID_COLUMNS = 8


@keras.saving.register_keras_serializable(package="ganzoo")
class LatentGAN(GAN):
    """GAN whose generator makes images from latents, and optionally labels.

    `ganzoo.GAN(generator, discriminator)` builds one from any two Keras models whose shapes
    match. The families that generate images derive from it.

    Args:
        generator: built functional or `Sequential` Keras model from latents `(batch, ...)`
            to images `(batch, height, width, channels)` in [-1, 1].
        discriminator: the same from such images to logits `(batch, ...)`, with no sigmoid at
            the end.
        latent_distribution: `"normal"` (standard) or `"uniform"` in [-1, 1).
        seed: int or None. Seed of the latents in training. None draws a random one.
        **kwargs: `name` and `dtype` of the Keras model.

    Input shape: latents `(batch, ...)`, as the generator takes them.
    Output shape: images `(batch, height, width, channels)`, in [-1, 1].

    Raises:
        ValueError: If the discriminator's input does not match the generator's output.
    """

    task: ClassVar[str] = "generation"

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_distribution: str = "normal",
        seed: int | None = None,
        **kwargs,
    ):
        if latent_distribution not in LATENT_DISTRIBUTIONS:
            raise ValueError(
                unknown("latent distribution", latent_distribution, LATENT_DISTRIBUTIONS)
            )
        super().__init__(generator, discriminator, seed=seed, **kwargs)
        self.latent_distribution = latent_distribution

    @property
    def latent_shape(self) -> tuple:
        """Shape of the latents of one image."""
        shape = self.generator.input_shape
        return tuple((shape[0] if isinstance(shape, list) else shape)[1:])

    def sample_latents(self, num_latents: int | tf.Tensor, seed=None) -> tf.Tensor:
        """Draw latents `(num_latents, ...)` of the model's distribution, float32.

        Args:
            num_latents: int or scalar tensor.
            seed: int32 `(2,)`, tensor or tuple. None takes the next seed of the model.
        """
        shape = (num_latents, *self.latent_shape)
        seed = self.next_seed() if seed is None else seed
        if self.latent_distribution == "uniform":
            return tf.random.stateless_uniform(shape, seed, minval=-1.0, maxval=1.0)
        return tf.random.stateless_normal(shape, seed)

    def make_fakes(self, real_images, condition, training: bool = True) -> tf.Tensor:
        """Return one fake image per real image, from new latents."""
        latents = self.sample_latents(count(real_images))
        return self.synthesize(latents, condition, training=training)

    # Sampling

    def generate(
        self,
        num_images: int,
        labels=None,
        seed: int | tuple[int, int] | None = None,
        batch_size: int = 64,
        use_ema: bool = True,
    ) -> np.ndarray:
        """Generate new images.

        Args:
            num_images: int, at least 1.
            labels: class ids or names, for models with classes: one for all images or one per
                image. For models with several conditions, a dict of them by column, such as
                `{"age": 42, "gender": "female"}`. None, and columns that are left out, draw random
                ones.
            seed: int, or a pair of ints `(seed, block)` for one of many blocks of images. An int
                is block 0. The same seed gives the same images for any batch size. None draws a
                random seed.
            batch_size: int, at least 1. Images per forward pass.
            use_ema: bool. Use the averaged weights, not the last ones.

        Returns:
            uint8 numpy array `(num_images, height, width, channels)`.

        Raises:
            ValueError: If a number is below 1, or labels are given to a family without
                classes.
        """
        latents, condition = self.prepare_inputs(num_images, labels, seed, batch_size)
        network = self.ema_generator if use_ema else self.generator
        return self.render(network, latents, condition, batch_size)

    def decode(
        self, latents, labels=None, batch_size: int = 64, use_ema: bool = True
    ) -> np.ndarray:
        """Generate images from latents, for example those that `invert` finds.

        Args:
            latents: float `(num_images, ...)`, as the generator takes them.
            labels: as for `generate`.
            batch_size: int, at least 1. Images per forward pass.
            use_ema: bool. Use the averaged weights, not the last ones.

        Returns:
            uint8 numpy array `(num_images, height, width, channels)`.

        Raises:
            ValueError: If the latents or labels do not fit the model, or `batch_size` is below 1.
        """
        check_positive(batch_size=batch_size)
        latents = tf.constant(np.asarray(latents, "float32"))
        if latents.shape[1:] != self.latent_shape:
            raise ValueError(
                f"Latents must have shape (num_images, {', '.join(map(str, self.latent_shape))}). "
                f"Received: latents of shape {tuple(latents.shape)}."
            )
        condition = self.prepare_condition(len(latents), labels, seed=0)
        network = self.ema_generator if use_ema else self.generator
        return self.render(network, latents, condition, batch_size)

    def invert(
        self,
        targets,
        labels=None,
        num_steps: int = 200,
        num_starts: int = 4,
        seed: int = 0,
        features: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find latents from which the averaged generator makes given images.

        With classes, `decode(latents, other_labels)` changes the class of an image.

        Args:
            targets: images `(num_images, height, width, channels)`: uint8 pixels, or
                floats in [-1, 1].
            labels: class ids or names of the images, for models with classes. For models with
                several conditions, a dict with all columns.
            num_steps: int, at least 1. Steps of gradient descent.
            num_starts: int, at least 1. Random starts per image; the best result is kept.
            seed: int. Seed of the starts.
            features: `"alexnet"` adds the perceptual distance LPIPS to the error of the pixels, and
                the first start is the mean of the latents. What is seen is kept better, and pixels
                less exactly. None uses pixels only.

        Returns:
            `(latents, errors)`: float32 `(num_images, ...)`, and each image's mean
            squared error, in units of the [-1, 1] range.

        Raises:
            ValueError: If the images or labels do not fit the model, a number is below 1, or the
                features are unknown.

        Reference: Creswell & Bharath, 2016 (arXiv:1611.05644). Perceptual distance: Abdal et al.,
        2019 (arXiv:1904.03189), section 3.2.
        """
        distance = inversion.get_distance(features)
        check_positive(num_steps=num_steps, num_starts=num_starts)
        seed = check_seed(seed)
        if labels is not None and self.conditions:
            labels = self.read_labels(labels)
        targets, labels = validation.check_arrays(targets, labels, self.data_spec())
        targets = np.asarray(targets)
        if targets.dtype == np.uint8:
            targets = images.from_pixels(targets)
        starts = self.sample_latents(len(targets) * num_starts, seed=(seed, 0))
        if distance is not None:
            starts = inversion.begin_at_the_mean(starts, num_starts)
        return inversion.invert(
            lambda latents, condition: tf.cast(
                self.ema_generator(network_inputs(latents, condition)), "float32"
            ),
            targets,
            starts,
            self.prepare_condition(len(targets), labels, seed),
            num_steps=num_steps,
            num_starts=num_starts,
            distance=distance,
        )

    def prepare_inputs(self, num_images: int, labels, seed, batch_size: int) -> tuple:
        """Check the arguments of `generate`. Return `(latents, condition)` of all images."""
        check_positive(num_images=num_images, batch_size=batch_size)
        if seed is None:
            seed = random.randrange(2**31)
        if not isinstance(seed, tuple):
            seed = check_seed(seed)
        condition = self.prepare_condition(num_images, labels, seed)
        block_seed = seed if isinstance(seed, tuple) else (seed, 0)
        return self.sample_latents(num_images, seed=block_seed), condition

    def prepare_condition(self, num_images: int, labels, seed) -> tuple:
        """Return the condition for `generate`: a tuple with the labels, or an empty one."""
        conditions = self.conditions
        if not conditions and labels is None:
            return ()
        if not conditions:
            raise ValueError(
                f"This {type(self).__name__} is not conditioned on classes. Received: "
                f"{np.size(labels)} labels. Leave them out, or use a conditional model."
            )
        rng = np.random.default_rng(seed)
        columns = {} if labels is None else by_name(self.read_labels(labels), conditions)
        tensors = []
        for condition in conditions:
            if condition.name not in columns:
                columns[condition.name] = condition.draw(rng, num_images)
            values = np.asarray(columns[condition.name])
            if values.ndim == 0:
                values = np.full(num_images, values)
            if values.shape != (num_images,):
                raise ValueError(
                    f"`labels` must be one value, or one for each of the {num_images} images. "
                    f"Received: labels of shape {values.shape}."
                )
            if condition.num_classes is not None:
                check_labels(values, condition.num_classes)
            tensors.append(tf.constant(values, condition.dtype))
        return tuple(tensors)

    def read_labels(self, labels):
        """Return labels as arrays, with names of classes replaced by class ids.

        Capitals do not matter, unless two names differ only by them.

        Args:
            labels: as for `generate`, but not None.

        Returns:
            Array, or a dict of arrays by column for a model with several conditions.

        Raises:
            ValueError: If the model has no such class or column, or a column of numbers gets
                something else. The range of class ids is not checked.
        """
        conditions = self.conditions
        if not conditions:
            return np.asarray(labels)
        columns = by_name(labels, conditions)
        known = {condition.name: condition for condition in conditions}
        for name in columns:
            if name not in known:
                raise ValueError(unknown("column of labels", name, known))
        arrays = {name: known[name].to_array(values) for name, values in columns.items()}
        return arrays if self.num_classes is None else arrays[conditions[0].name]

    def labels_of(self, condition: tuple):
        """Return what `prepare_condition` returned as labels, as `generate` takes them.

        Returns:
            Array, a dict of arrays by column, or None for a model without conditions.
        """
        arrays = [np.asarray(tensor) for tensor in condition]
        if not arrays or self.num_classes is not None:
            return arrays[0] if arrays else None
        return {one.name: array for one, array in zip(self.conditions, arrays, strict=True)}

    def captions_of(self, labels) -> list[str] | None:
        """Return labels as text, one for each of several images.

        Args:
            labels: as for `generate`: an array, or a dict of arrays of one length.

        Returns:
            Texts. None if the model has classes, but no names of them.
        """
        if self.num_classes is not None and self.class_names is None:
            return None
        columns = by_name(self.read_labels(labels), self.conditions)
        known = [condition for condition in self.conditions if condition.name in columns]
        texts = [[one.describe(value) for value in columns[one.name]] for one in known]
        return [", ".join(row) for row in zip(*texts, strict=True)]

    def preview(self, num_images: int, seed: int) -> dict:
        """Return generated images as `{"generated": pixels}`.

        With labels, the number of images is rounded up to equally many of each, in the order of
        `preview_columns`.
        """
        num_images, labels = self.balanced_labels(num_images)
        return {"generated": self.generate(num_images, labels=labels, seed=seed)}

    def balanced_labels(self, num_images: int) -> tuple[int, np.ndarray | dict | None]:
        """Return `(num_images, labels)` with equally many labels of each class.

        With several conditions, there are equally many of each combination of `preview_columns`.
        Labels are None for a model without conditions.
        """
        if not self.conditions:
            return num_images, None
        rows = examples(self.conditions)
        num_images = -(-num_images // len(rows)) * len(rows)
        columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        columns = {name: np.resize(values, num_images) for name, values in columns.items()}
        return num_images, columns if self.num_classes is None else columns.popitem()[1]

    @property
    def preview_columns(self) -> int | None:
        if not self.conditions:
            return None
        # A few classes are repeated, because two columns of many rows do not fit a screen.
        count = len(examples(self.conditions))
        return count * max(1, _GRID_COLUMNS // count)

    @property
    def preview_captions(self) -> list[str] | None:
        columns = self.preview_columns
        if columns is None:
            return None
        captions = self.captions_of(self.balanced_labels(1)[1])
        return captions and captions * (columns // len(captions))

    # Export and saving

    @property
    def export_signature(self) -> tuple[list[tf.TensorSpec], str]:
        specs = [tf.TensorSpec((None, *self.latent_shape), "float32", name="latents")]
        for condition in self.conditions:
            name = "labels" if self.num_classes else condition.input_name
            specs.append(tf.TensorSpec((None,), condition.dtype, name=name))
        return specs, "images"

    def export_examples(self, rng):
        specs, _ = self.export_signature
        names = [spec.name for spec in specs[1:]]
        for num_images in (1, 5):
            latents = rng.normal(size=(num_images, *self.latent_shape)).astype("float32")
            drawn = [one.draw(rng, num_images).astype(one.dtype) for one in self.conditions]
            yield {"latents": latents, **dict(zip(names, drawn, strict=True))}

    def get_config(self) -> dict:
        return {**super().get_config(), "latent_distribution": self.latent_distribution}


def require_generation(gan: GAN) -> None:
    """Check that a model generates images.

    Raises:
        ValueError: If it does something else.
    """
    if gan.task != "generation":
        raise ValueError(
            f"This needs a model that generates images. Received: {type(gan).__name__}. "
            "Upscale an image with a super-resolution model: `gan.upscale(image)` or "
            "`ganzoo upscale`."
        )


def count(images) -> tf.Tensor:
    """Return the number of images in a batch, or in a batch of pyramids."""
    return tf.shape(tf.nest.flatten(images)[0])[0]
