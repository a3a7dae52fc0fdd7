"""A family outside of ganzoo: WGAN-GP with residual networks.

Reference: Gulrajani et al., 2017 (arXiv:1704.00028), appendix F.
"""

from typing import ClassVar

import keras
from keras import layers

from ganzoo import registry
from ganzoo.base import LatentGAN
from ganzoo.layers import dtype_policy
from ganzoo.optimizers import Adam
from ganzoo.regularizers import GradientPenalty


def residual_block(x, filters, resample, normalize, name):
    """Return `conv(relu(conv(relu(x)))) + x`, with a resampling layer between the two sides."""
    y = layers.BatchNormalization(name=f"{name}_norm")(x) if normalize else x
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv_1")(layers.ReLU()(y))
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv_2")(layers.ReLU()(y))
    x = layers.Conv2D(filters, 1, name=f"{name}_shortcut")(x)
    return layers.Add(name=f"{name}_sum")([resample(2)(x), resample(2)(y)])


def count_blocks(side):
    if side < 8 or side & (side - 1):
        raise ValueError(
            f"`image_shape` must have a side of 8, 16, 32, ... Received: a side of {side}."
        )
    return side.bit_length() - 3  # The first resolution is 4 x 4.


def build_generator(image_shape, latent_dim, filters):
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Reshape((4, 4, filters))(layers.Dense(16 * filters, name="project")(latents))
    for index in range(count_blocks(image_shape[0])):
        x = residual_block(x, filters, layers.UpSampling2D, True, f"block_{index}")
    x = layers.Conv2D(image_shape[-1], 3, padding="same", name="to_images")(layers.ReLU()(x))
    return keras.Model(latents, layers.Activation("tanh", dtype="float32")(x), name="generator")


def build_discriminator(image_shape, filters):
    images = x = keras.Input(image_shape, name="images")
    for index in range(count_blocks(image_shape[0])):
        x = residual_block(x, filters, layers.AveragePooling2D, False, f"block_{index}")
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(images, layers.Dense(1, dtype="float32")(x), name="discriminator")


@keras.saving.register_keras_serializable(package="wgan_gp")
class WGANGP(LatentGAN):
    """Wasserstein GAN with gradient penalty and residual networks, for square images.

    Args:
        image_shape: `(side, side, channels)`. The side is a power of two, at least 8.
        latent_dim: int. Length of a latent vector.
        filters: int. Filters of all convolutions.
        **kwargs: `seed`, `name` and `dtype`.
    """

    recommended_batch_sizes: ClassVar = {"default": 320}  # 64 for each of 5 critic updates.
    per_sample_discriminator = True

    def __init__(
        self, image_shape: tuple[int, int, int], latent_dim: int = 128, filters: int = 128, **kwargs
    ):
        image_shape = tuple(image_shape)
        with dtype_policy(kwargs.get("dtype")):
            generator = build_generator(image_shape, latent_dim, filters)
            discriminator = build_discriminator(image_shape, filters)
        super().__init__(generator, discriminator, **kwargs)
        self.latent_dim, self.filters = latent_dim, filters

    def recommended(self, **given) -> dict:
        return {
            **super().recommended(**given),
            "generator_optimizer": Adam(1e-4, beta_1=0.0, beta_2=0.9),
            "discriminator_optimizer": Adam(1e-4, beta_1=0.0, beta_2=0.9),
            "loss": "wasserstein",
            "regularizer": GradientPenalty(10.0),
            "discriminator_steps": 5,
            "update": "alternating",
        }

    def get_config(self) -> dict:
        sizes = {"image_shape": self.image_shape, "latent_dim": self.latent_dim}
        return {**self.get_common_config(), **sizes, "filters": self.filters}


registry.register_family(
    "wgan_gp",
    model="wgan_gp:WGANGP",
    paper="Gulrajani et al. 2017, arXiv:1704.00028",
    conditioned_on="nothing",
    test_config={"image_shape": (8, 8, 1), "latent_dim": 4, "filters": 4},
)
