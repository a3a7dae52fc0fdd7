"""`DCGAN`: a deep convolutional GAN."""

from typing import ClassVar

import keras

from ganzoo.base import LatentGAN
from ganzoo.dcgan import networks
from ganzoo.layers import check_recipe, dtype_policy, scale_rate
from ganzoo.messages import unknown
from ganzoo.optimizers import Adam
from ganzoo.regularizers import R1
from ganzoo.sizes import check_image_shape


@keras.saving.register_keras_serializable(package="ganzoo")
class DCGAN(LatentGAN):
    """Deep convolutional GAN for square images.

    The default differs from the paper, and generates better images after the same time. Its
    networks have a residual 3x3 convolution at each resolution, half the filters and 4x4 kernels.
    It trains with simultaneous updates, a higher learning rate and batches of 32, and averages the
    weights. Latents are normal. For color images a gradient penalty (R1) replaces batch
    normalization in the discriminator. `recipe="paper"` uses the paper's networks and training.

    Args:
        image_shape: `(height, width, channels)`. The shorter side is 4 to 7 times a power of two,
            at least 8. The longer side is a multiple of this power. 1 to 4 channels.
        latent_dim: int, at least 1. Length of a latent vector. None takes 64, or the paper's
            100.
        base_filters: int. Filters at the largest hidden resolution, doubled at each smaller
            one. None takes 64, or the paper's 128.
        recipe: `"default"` or `"paper"`.
        discriminator_norm: `"batch"` or `"none"`. Normalization in the discriminator; `"none"`
            needs a gradient penalty. None takes `"none"` for color images and `"batch"` for
            gray ones. `recipe="paper"` allows `"batch"` only.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: latents `(batch, latent_dim)`, standard normal; uniform in [-1, 1) with
        `recipe="paper"`.
    Output shape: images `(batch, height, width, channels)`, in [-1, 1].

    Raises:
        ValueError: If the network cannot make `image_shape`, or the normalization is unknown.

    Example:
        >>> gan = ganzoo.DCGAN(image_shape=(28, 28, 1), latent_dim=100)
        >>> tuple(gan(keras.random.normal((2, 100))).shape)
        (2, 28, 28, 1)

    Reference: Radford et al., 2015 (arXiv:1511.06434), section 3.
    """

    recommended_batch_sizes: ClassVar = {"default": 32, "paper": 128}

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int | None = None,
        base_filters: int | None = None,
        recipe: str = "default",
        discriminator_norm: str | None = None,
        **kwargs,
    ):
        check_recipe(recipe)
        image_shape = (*image_shape,)
        check_image_shape(image_shape)
        if latent_dim is None:
            latent_dim = 100 if recipe == "paper" else 64
        if base_filters is None:
            base_filters = 128 if recipe == "paper" else 64
        if discriminator_norm is None:
            is_color = image_shape[-1] >= 3
            discriminator_norm = "none" if is_color and recipe == "default" else "batch"
        known = ("batch",) if recipe == "paper" else ("batch", "none")
        if discriminator_norm not in known:
            raise ValueError(unknown("discriminator norm", discriminator_norm, known))
        with dtype_policy(kwargs.get("dtype")):
            if recipe == "paper":
                generator = networks.build_paper_generator(image_shape, latent_dim, base_filters)
                discriminator = networks.build_paper_discriminator(image_shape, base_filters)
            else:
                generator = networks.build_generator(image_shape, latent_dim, base_filters)
                discriminator = networks.build_discriminator(
                    image_shape, base_filters, discriminator_norm
                )
        super().__init__(
            generator,
            discriminator,
            latent_distribution="uniform" if recipe == "paper" else "normal",
            **kwargs,
        )
        self.recipe = recipe
        self.discriminator_norm = discriminator_norm
        self.per_sample_discriminator = discriminator_norm == "none"
        self.latent_dim = latent_dim
        self.base_filters = base_filters

    @classmethod
    def check_image_shape(cls, image_shape: tuple[int, int, int], **arguments) -> None:
        check_image_shape(image_shape)

    def recommended(self, **given) -> dict:
        if self.recipe == "paper":
            return {**super().recommended(**given), "ema_decay": 0.0, "update": "alternating"}
        # Without normalization, gradients can grow suddenly. A slow mean of their squares would
        # react too late.
        beta_2 = 0.99 if self.per_sample_discriminator else 0.999
        rate = scale_rate(8e-4, self.image_shape)
        return {
            **super().recommended(**given),
            "generator_optimizer": Adam(rate, beta_1=0.5, beta_2=beta_2),
            "discriminator_optimizer": Adam(rate, beta_1=0.5, beta_2=beta_2),
            # Replaces the normalization in the discriminator.
            "regularizer": R1(1.0, every=4) if self.per_sample_discriminator else "none",
            "ema_decay": 0.998,
        }

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "image_shape": self.image_shape,
            "latent_dim": self.latent_dim,
            "base_filters": self.base_filters,
            "recipe": self.recipe,
            "discriminator_norm": self.discriminator_norm,
        }
