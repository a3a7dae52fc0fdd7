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
from ganzoo.conditions import class_ids
from ganzoo.data import validation
from ganzoo.data.labels import check_labels
from ganzoo.layers import network_inputs
from ganzoo.messages import unknown

LATENT_DISTRIBUTIONS = ("normal", "uniform")


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
                image. None draws random ones.
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
            labels: class ids or names, for models with classes: one for all images or one per
                image. None draws random ones.
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
        self, targets, labels=None, num_steps: int = 200, num_starts: int = 4, seed: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find latents from which the averaged generator makes given images.

        With classes, `decode(latents, other_labels)` changes the class of an image.

        Args:
            targets: images `(num_images, height, width, channels)`: uint8 pixels, or
                floats in [-1, 1].
            labels: class ids or names of the images, for models with classes.
            num_steps: int, at least 1. Steps of gradient descent.
            num_starts: int, at least 1. Random starts per image; the best result is kept.
            seed: int. Seed of the starts.

        Returns:
            `(latents, errors)`: float32 `(num_images, ...)`, and each image's mean
            squared error, in units of the [-1, 1] range.

        Raises:
            ValueError: If the images or labels do not fit the model, or a number is below 1.
        """
        check_positive(num_steps=num_steps, num_starts=num_starts)
        seed = check_seed(seed)
        if labels is not None:
            labels = self.label_ids(labels)
        targets, labels = validation.check_arrays(targets, labels, self.data_spec())
        targets = np.asarray(targets)
        if targets.dtype == np.uint8:
            targets = images.from_pixels(targets)
        return inversion.invert(
            lambda latents, condition: tf.cast(
                self.ema_generator(network_inputs(latents, condition)), "float32"
            ),
            targets,
            self.sample_latents(len(targets) * num_starts, seed=(seed, 0)),
            self.prepare_condition(len(targets), labels, seed),
            num_steps=num_steps,
            num_starts=num_starts,
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
        if self.num_classes is None and labels is None:
            return ()
        if self.num_classes is None:
            raise ValueError(
                f"This {type(self).__name__} is not conditioned on classes. Received: "
                f"{np.size(labels)} labels. Leave them out, or use a conditional model."
            )
        if labels is None:
            labels = np.random.default_rng(seed).integers(self.num_classes, size=num_images)
        labels = self.label_ids(labels)
        if labels.ndim == 0:
            labels = np.full(num_images, labels)
        if labels.shape != (num_images,):
            raise ValueError(
                f"`labels` must be one class id, or one for each of the {num_images} images. "
                f"Received: labels of shape {labels.shape}."
            )
        check_labels(labels, self.num_classes)
        return (tf.constant(labels, "int32"),)

    def label_ids(self, labels) -> np.ndarray:
        """Return labels as an array, with names of classes replaced by class ids.

        Capitals do not matter, unless two names differ only by them.

        Raises:
            ValueError: If the model has no such class. Ids are not checked.
        """
        return class_ids(labels, self.class_names)

    def captions_of(self, labels) -> list[str] | None:
        """Return the names of the classes of labels, or None if the model has no class names."""
        names = self.class_names
        return None if names is None else [names[label] for label in self.label_ids(labels)]

    def preview(self, num_images: int, seed: int) -> dict:
        """Return generated images as `{"generated": pixels}`.

        With classes, the number of images is rounded up to fill every row of a grid with one
        column per class.
        """
        num_images, labels = self.balanced_labels(num_images)
        return {"generated": self.generate(num_images, labels=labels, seed=seed)}

    def balanced_labels(self, num_images: int) -> tuple[int, np.ndarray | None]:
        """Return `(num_images, labels)` with equally many labels of each class.

        Labels are None for a model without classes.
        """
        if self.num_classes is None:
            return num_images, None
        num_images = -(-num_images // self.num_classes) * self.num_classes
        return num_images, np.arange(num_images) % self.num_classes

    # Export and saving

    @property
    def export_signature(self) -> tuple[list[tf.TensorSpec], str]:
        specs = [tf.TensorSpec((None, *self.latent_shape), "float32", name="latents")]
        if self.num_classes:
            specs.append(tf.TensorSpec((None,), "int32", name="labels"))
        return specs, "images"

    def export_examples(self, rng):
        for num_images in (1, 5):
            latents = rng.normal(size=(num_images, *self.latent_shape)).astype("float32")
            labels = rng.integers(0, self.num_classes or 1, num_images).astype("int32")
            yield {"latents": latents, **({"labels": labels} if self.num_classes else {})}

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
