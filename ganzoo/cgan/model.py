"""`CGAN`: a GAN conditioned on class labels."""

from collections.abc import Sequence
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from ganzoo.base import LatentGAN
from ganzoo.cgan import networks
from ganzoo.checks import check_positive
from ganzoo.conditions import Condition, resolve
from ganzoo.layers import check_recipe, dtype_policy, scale_rate, vector_size
from ganzoo.optimizers import Adam, FlooredExponentialDecay, MomentumRampSGD
from ganzoo.regularizers import R1
from ganzoo.sizes import check_image_shape


@keras.saving.register_keras_serializable(package="ganzoo")
class CGAN(LatentGAN):
    """GAN conditioned on class labels.

    The default departs from the paper: its networks are convolutional. The generator
    takes the latents concatenated with a class embedding. The discriminator uses a projection.
    `recipe="paper"` uses the paper's multilayer perceptrons.

    Args:
        image_shape: `(height, width, channels)`. The default needs a shorter side of 4 to 7 times
            a power of two, at least 8, a longer side that is a multiple of this power, and 1 to 4
            channels. `recipe="paper"` takes any.
        num_classes: int, at least 2. None with `conditions`.
        latent_dim: int, at least 1. Length of a latent vector. None takes 64, or the paper's
            100.
        base_filters: int. Filters at the largest hidden resolution of the default, doubled at
            each smaller one.
        recipe: `"default"` or `"paper"`.
        class_names: list of str. Name of each class id. `fit` sets it to the names of its data.
        conditions: list of `ganzoo.conditions.Condition` or dicts, for labels of several columns or
            numbers, instead of `num_classes` and `class_names`:
            `[{"name": "age", "mean": 40, "std": 20}, {"name": "kind", "class_names": ["a", "b"]}]`.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: `[latents, labels]`: `(batch, latent_dim)`, standard normal, or uniform in
        [-1, 1) with `recipe="paper"`; and int32 `(batch,)`. With `conditions`, one `(batch,)` for
        each: int32 for classes, float32 for numbers.
    Output shape: images `(batch, height, width, channels)`, in [-1, 1].

    Raises:
        ValueError: If a size is out of range.

    Example:
        >>> gan = ganzoo.CGAN(image_shape=(28, 28, 1), num_classes=10)
        >>> gan.generate(3, labels=[0, 1, 7], seed=0).shape
        (3, 28, 28, 1)
        >>> columns = [
        ...     {"name": "age", "mean": 40.0, "std": 20.0},
        ...     {"name": "gender", "class_names": ["female", "male"]},
        ... ]
        >>> gan = ganzoo.CGAN(image_shape=(32, 32, 3), conditions=columns)
        >>> gan.generate(3, labels={"age": 42, "gender": "female"}, seed=0).shape
        (3, 32, 32, 3)

    Reference: Mirza & Osindero, 2014 (arXiv:1411.1784), section 4.1. Projection: Miyato &
    Koyama, 2018 (arXiv:1802.05637), equation 3.
    """

    recommended_batch_sizes: ClassVar = {"default": 32, "paper": 100}

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int | None = None,
        latent_dim: int | None = None,
        base_filters: int = 64,
        recipe: str = "default",
        class_names: list[str] | None = None,
        conditions: Sequence[Condition | dict] | None = None,
        **kwargs,
    ):
        check_recipe(recipe)
        image_shape = (*image_shape,)
        if latent_dim is None:
            latent_dim = 100 if recipe == "paper" else 64
        conditions = resolve(num_classes, class_names, conditions)
        if not conditions:
            raise ValueError(
                "`CGAN` needs `num_classes` or `conditions`. Received: none of them. Give the "
                "number of classes."
            )
        check_positive(latent_dim=latent_dim)
        sizes = image_shape, conditions, latent_dim
        with dtype_policy(kwargs.get("dtype")):
            if recipe == "paper":
                generator = networks.build_paper_generator(*sizes)
                discriminator = networks.build_paper_discriminator(image_shape, conditions)
            else:
                check_image_shape(image_shape)
                generator = networks.build_generator(*sizes, base_filters)
                discriminator = networks.build_discriminator(image_shape, conditions, base_filters)
        super().__init__(
            generator,
            discriminator,
            latent_distribution="uniform" if recipe == "paper" else "normal",
            **kwargs,
        )
        self.set_conditions(conditions)
        self.latent_dim = latent_dim
        self.base_filters = base_filters
        self.recipe = recipe
        self.per_sample_discriminator = recipe == "paper"  # The default uses batch normalization.

    @classmethod
    def check_image_shape(cls, image_shape: tuple[int, int, int], **arguments) -> None:
        if arguments.get("recipe") != "paper":  # The paper's perceptrons make all sizes.
            check_image_shape(image_shape)

    def recommended(self, **given) -> dict:
        if self.recipe == "default":
            rate = scale_rate(8e-4, self.image_shape)
            return {
                **super().recommended(**given),
                "generator_optimizer": Adam(rate, beta_1=0.5),
                "discriminator_optimizer": Adam(rate, beta_1=0.5),
                # Without it, all images of a class become the same.
                "regularizer": R1(0.5, every=4),
                "ema_decay": 0.998,
            }
        return {
            **super().recommended(**given),
            "generator_optimizer": _paper_optimizer(),
            "discriminator_optimizer": _paper_optimizer(),
            "ema_decay": 0.0,
            "update": "alternating",
        }

    def morph(
        self,
        latents: np.ndarray,
        class_weights: np.ndarray,
        batch_size: int = 64,
        use_ema: bool = True,
    ) -> np.ndarray:
        """Generate images between classes by mixing label embeddings linearly.

        Args:
            latents: float `(num_images, latent_dim)`.
            class_weights: float `(num_images, num_classes)`. Weight of each class. Rows sum to 1.
                With several conditions, the vectors of `ganzoo.conditions.to_vectors`.
            batch_size: int, at least 1. Images per forward pass.
            use_ema: bool. Use the averaged weights, not the last ones.

        Returns:
            uint8 numpy array `(num_images, height, width, channels)`.

        Raises:
            ValueError: If a shape does not fit the model, or `batch_size` is below 1.
        """
        check_positive(batch_size=batch_size)
        shapes = np.shape(latents), np.shape(class_weights)
        count = len(class_weights) if shapes[1] else 0
        size = vector_size(self.conditions)
        if shapes != ((count, self.latent_dim), (count, size)):
            raise ValueError(
                f"Latents must have shape (num_images, {self.latent_dim}), and class weights "
                f"(num_images, {size}). Received: {shapes[0]} and {shapes[1]}."
            )
        network = self.ema_generator if use_ema else self.generator
        condition = (tf.constant(class_weights, "float32"),)
        return self.render(network.get_layer("synthesis"), latents, condition, batch_size)

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "class_names": self.class_names,
            "conditions": self.conditions_config(),
            "latent_dim": self.latent_dim,
            "base_filters": self.base_filters,
            "recipe": self.recipe,
        }


def _paper_optimizer():
    # The momentum rises over 250 epochs, as in the code published with the 2014 GAN paper. The CGAN
    # paper shares its other settings. An epoch has 500 batches of 100 digits.
    schedule = FlooredExponentialDecay(0.1, 1.00004, floor=1e-6)
    return MomentumRampSGD(schedule, momentum=0.5, final_momentum=0.7, ramp_steps=250 * 500)
