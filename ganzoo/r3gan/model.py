"""`R3GAN`: a GAN with a relativistic loss and two gradient penalties."""

import math
from collections.abc import Sequence
from typing import ClassVar

import keras

from ganzoo.augment import ADA
from ganzoo.base import LatentGAN
from ganzoo.checks import check_positive
from ganzoo.conditions import Condition, resolve
from ganzoo.layers import check_recipe, dtype_policy, scale_rate
from ganzoo.optimizers import Adam
from ganzoo.r3gan import networks
from ganzoo.regularizers import R1R2
from ganzoo.schedules import Cosine, HalfLife
from ganzoo.sizes import check_image_shape

# 20 passes over CIFAR-10 in batches of 32.
_STEPS = 31_240
# 20 million images in batches of 512.
_PAPER_STEPS = 39_063


@keras.saving.register_keras_serializable(package="ganzoo")
class R3GAN(LatentGAN):
    """GAN with a relativistic loss, R1 and R2 penalties, and residual networks.

    Neither network has normalization layers. The loss compares pairs of a real and a fake image.
    Learning rates, the weight of the penalties and the half-life of the averaged weights follow
    cosines over `schedule_steps`, and with `recipe="paper"` Adam's `beta_2` and the probability of
    augmentations, too. The default has narrower networks without grouped convolutions, and
    simultaneous updates with penalties at every fourth step.

    Args:
        image_shape: `(height, width, channels)`. The shorter side is 4 to 7 times a power of two,
            at least 8. The longer side is a multiple of this power. 1 to 4 channels.
        num_classes: int, at least 2. Classes that both networks are conditioned on. None for none.
        latent_dim: int, at least 1. Length of a latent vector. None takes 64.
        base_filters: int, at least 1. Filters at the resolution of the images, doubled at each
            smaller one up to 8 times, or to 768 with `recipe="paper"`. None takes 48, or the
            paper's: 768 up to a side of 32, halved at each larger one.
        blocks: int, at least 1. Residual blocks at each resolution. None takes 1, or the paper's 2.
        recipe: `"default"` or `"paper"`.
        schedule_steps: int, at least 1. Steps in which the schedules of training reach their last
            values, which they keep. Set it to the number of steps that you train. None takes 31,240
            (20 passes over CIFAR-10), or the paper's 39,063 (20 million images).
        class_names: list of str. Name of each class id. `fit` sets it to the names of its data.
        conditions: list of `ganzoo.conditions.Condition` or dicts, for labels of several columns or
            numbers, instead of `num_classes` and `class_names`:
            `[{"name": "age", "mean": 40, "std": 20}, {"name": "kind", "class_names": ["a", "b"]}]`.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: latents `(batch, latent_dim)`, standard normal. With classes, `[latents, labels]`.
        With `conditions`, `[latents, *labels]`, one `(batch,)` for each.
    Output shape: images `(batch, height, width, channels)`, about [-1, 1], not clipped.

    Raises:
        ValueError: If a size is out of range, or the networks cannot make `image_shape`.

    Example:
        >>> gan = ganzoo.R3GAN(image_shape=(32, 48, 3), num_classes=10, base_filters=4)
        >>> gan.generate(2, labels=[3, 5], seed=0).shape
        (2, 32, 48, 3)

    Reference: Huang et al., 2024 (arXiv:2501.05441). Initialization: Zhang et al., 2019
    (arXiv:1901.09321). Projection: Miyato & Koyama, 2018 (arXiv:1802.05637).
    """

    recommended_batch_sizes: ClassVar = {"default": 32, "paper": 512}
    per_sample_discriminator = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int | None = None,
        latent_dim: int | None = None,
        base_filters: int | None = None,
        blocks: int | None = None,
        recipe: str = "default",
        schedule_steps: int | None = None,
        class_names: list[str] | None = None,
        conditions: Sequence[Condition | dict] | None = None,
        **kwargs,
    ):
        check_recipe(recipe)
        image_shape = (*image_shape,)
        check_image_shape(image_shape)
        latent_dim = 64 if latent_dim is None else latent_dim
        if blocks is None:
            blocks = 2 if recipe == "paper" else 1
        if schedule_steps is None:
            schedule_steps = _PAPER_STEPS if recipe == "paper" else _STEPS
        conditions = resolve(num_classes, class_names, conditions)
        check_positive(
            latent_dim=latent_dim,
            base_filters=1 if base_filters is None else base_filters,
            blocks=blocks,
            schedule_steps=schedule_steps,
        )
        choose_sizes = networks.paper_sizes if recipe == "paper" else networks.default_sizes
        sizes = choose_sizes(image_shape, base_filters, blocks)
        with dtype_policy(kwargs.get("dtype")):
            generator = networks.build_generator(image_shape, conditions, latent_dim, sizes)
            discriminator = networks.build_discriminator(image_shape, conditions, sizes)
        super().__init__(generator, discriminator, **kwargs)
        self.set_conditions(conditions)
        self.latent_dim = latent_dim
        self.base_filters = sizes.widths[-1]
        self.blocks = blocks
        self.recipe = recipe
        self.schedule_steps = schedule_steps

    @classmethod
    def check_image_shape(cls, image_shape: tuple[int, int, int], **arguments) -> None:
        check_image_shape(image_shape)

    def recommended(self, **given) -> dict:
        steps = self.schedule_steps
        if self.recipe == "paper":
            return {
                **super().recommended(**given),
                **_optimizers(2e-4, steps, beta_2=Cosine(0.9, 0.99, steps)),
                "loss": "relativistic",
                "regularizer": R1R2(Cosine(0.05, 0.005, steps)),
                "augment": ADA(probability=Cosine(0.0, 0.55, steps), color=0.5, cutout=1.0),
                "ema_decay": HalfLife(Cosine(0.0, 5e6 / 512, steps)),  # 5 million images.
                "update": "alternating",
            }
        # The squared norm of the gradient falls with the number of pixels.
        weight = 0.5 * math.prod(self.image_shape[:2]) / 32**2
        return {
            **super().recommended(**given),
            **_optimizers(scale_rate(5e-4, self.image_shape), steps, beta_2=0.99),
            "loss": "relativistic",
            "regularizer": R1R2(Cosine(weight, weight / 10, steps), every=4),
            "ema_decay": HalfLife(Cosine(0.0, steps / 20, steps)),
        }

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "class_names": self.class_names,
            "conditions": self.conditions_config(),
            "latent_dim": self.latent_dim,
            "base_filters": self.base_filters,
            "blocks": self.blocks,
            "recipe": self.recipe,
            "schedule_steps": self.schedule_steps,
        }


def _optimizers(rate, steps, beta_2):
    return {
        f"{network}_optimizer": Adam(Cosine(rate, rate / 4, steps), beta_1=0.0, beta_2=beta_2)
        for network in ("generator", "discriminator")
    }
