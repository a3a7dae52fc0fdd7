"""`VanillaGAN`: a GAN of two multilayer perceptrons."""

import math
from typing import ClassVar

import keras

from ganzoo.base import LatentGAN
from ganzoo.layers import check_recipe, dtype_policy
from ganzoo.optimizers import Adam, FlooredExponentialDecay, MomentumRampSGD
from ganzoo.regularizers import R1
from ganzoo.vanilla import networks


@keras.saving.register_keras_serializable(package="ganzoo")
class VanillaGAN(LatentGAN):
    """GAN of two multilayer perceptrons, for images of any shape.

    The default differs from the paper. Its generator has batch normalization. Its discriminator has
    leaky ReLU instead of maxout and dropout. It trains with a small gradient penalty (R1) and Adam,
    and averages the weights. `recipe="paper"` uses the networks and training of the code
    published with the paper.

    Args:
        image_shape: `(height, width, channels)`, any. Points in the plane are `(1, 1, 2)`.
        latent_dim: int, at least 1. Length of a latent vector.
        hidden_units: int. Units of each hidden layer. With `recipe="paper"`, only those of the
            generator. None takes 512, or the paper's 1200.
        recipe: `"default"` or `"paper"`.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: latents `(batch, latent_dim)`, standard normal; uniform in [-1, 1) with
        `recipe="paper"`.
    Output shape: images `(batch, height, width, channels)`, in [-1, 1].

    Raises:
        ValueError: If a size is below 1, or the recipe is unknown.

    Example:
        >>> gan = ganzoo.VanillaGAN(image_shape=(28, 28, 1), latent_dim=100)
        >>> tuple(gan(keras.random.normal((2, 100))).shape)
        (2, 28, 28, 1)

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), section 5.
    """

    recommended_batch_sizes: ClassVar = {"default": 64, "paper": 100}
    per_sample_discriminator = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int = 100,
        hidden_units: int | None = None,
        recipe: str = "default",
        **kwargs,
    ):
        check_recipe(recipe)
        image_shape = (*image_shape,)
        if len(image_shape) != 3 or math.prod(image_shape) < 1 or latent_dim < 1:
            raise ValueError(
                "`image_shape` must be `(height, width, channels)` and `latent_dim` at least 1. "
                f"Received: image_shape={image_shape}, latent_dim={latent_dim}. "
                "Try (28, 28, 1) and 100."
            )
        if hidden_units is None:
            hidden_units = 1200 if recipe == "paper" else 512
        with dtype_policy(kwargs.get("dtype")):
            if recipe == "paper":
                generator = networks.build_paper_generator(image_shape, latent_dim, hidden_units)
                discriminator = networks.build_paper_discriminator(image_shape)
            else:
                generator = networks.build_generator(image_shape, latent_dim, hidden_units)
                discriminator = networks.build_discriminator(image_shape, hidden_units)
        super().__init__(
            generator,
            discriminator,
            latent_distribution="uniform" if recipe == "paper" else "normal",
            **kwargs,
        )
        self.recipe = recipe
        self.latent_dim = latent_dim
        self.hidden_units = hidden_units

    def recommended(self, **given) -> dict:
        if self.recipe == "default":
            return {
                **super().recommended(**given),
                "generator_optimizer": Adam(1e-3, beta_1=0.5),
                "discriminator_optimizer": Adam(1e-3, beta_1=0.5),
                # Without it, points in the plane collapse to a mode or two, and images are worse.
                "regularizer": R1(0.01, every=8),
                # With a constant rate the weights oscillate. The moving average covers about the
                # last ninth of the run, as its decay rises.
                "ema_decay": 0.9999,
            }
        # The schedule counts epochs of 500 batches: 50,000 digits in batches of 100.
        steps_per_epoch = 500
        return {
            **super().recommended(**given),
            "generator_optimizer": self._paper_optimizer(0.1, steps_per_epoch),
            # The published code halves the discriminator's loss. With momentum SGD, half the
            # rate is the same.
            "discriminator_optimizer": self._paper_optimizer(0.05, steps_per_epoch),
            "ema_decay": 0.0,
            "update": "simultaneous",
        }

    def _paper_optimizer(self, learning_rate, steps_per_epoch):
        # The published code never lowers the rate below 1e-6. Runs end before that.
        schedule = FlooredExponentialDecay(learning_rate, 1.000004, floor=1e-6)
        return MomentumRampSGD(
            schedule, momentum=0.5, final_momentum=0.7, ramp_steps=250 * steps_per_epoch
        )

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "image_shape": self.image_shape,
            "latent_dim": self.latent_dim,
            "hidden_units": self.hidden_units,
            "recipe": self.recipe,
        }
