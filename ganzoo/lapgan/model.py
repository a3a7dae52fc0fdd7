"""`LAPGAN`: a Laplacian pyramid of conditional GANs."""

import dataclasses
from typing import Any, ClassVar, Literal, overload

import keras
import numpy as np
import tensorflow as tf

from ganzoo import images
from ganzoo.base import LatentGAN, updates
from ganzoo.base.latent_gan import count
from ganzoo.base.logs import LOGS, RunningMean, count_images, per_level
from ganzoo.data import validation
from ganzoo.data.spec import DataSpec
from ganzoo.lapgan import networks
from ganzoo.lapgan.pyramid import downsample, gaussian_pyramid
from ganzoo.layers import check_recipe, collecting, dtype_policy, network_inputs, normalizations
from ganzoo.optimizers import Adam, MomentumRampSGD
from ganzoo.regularizers import R1
from ganzoo.sizes import check_size

# Default of the constructor.
_BASE_SIZE = 8
# Recalibrate batch normalization once in this many steps: the samples cost a fifth of a step.
_RECALIBRATE_EVERY = 4


@dataclasses.dataclass(frozen=True)
class Level:
    """Condition of one level's networks.

    Attributes:
        index: int. 0 is the coarsest level.
        coarse: list with the real images of the previous level; empty at level 0.
        labels: list with the labels; empty without classes.
    """

    index: int
    coarse: list
    labels: list


@keras.saving.register_keras_serializable(package="ganzoo")
class LAPGAN(LatentGAN):
    """Laplacian pyramid of GANs: a small image, then finer and finer detail.

    Level 0 generates images whose shorter side is at most `base_size`. Each following level doubles
    both sides: it interpolates the images of the previous level (low-pass) and adds detail. Its
    generator makes the detail from these images and a plane of noise. In training every level takes
    the real images of the previous level, so the levels train independently. One step trains all.
    The default recipe adds noise to these images. It also recalibrates the batch normalization
    of the averaged generator on generated images of the previous level.

    Args:
        image_shape: `(height, width, channels)`; 1 to 4 channels. Both sides are halved until the
            shorter one is at most `base_size`: 28, 14, 7 or 32, 16, 8 or 64, 32, 16, 8.
        num_classes: int, at least 2. Classes that every level is conditioned on. None for none.
        base_size: int, at least 4. Largest shorter side of level 0.
        base_latent_dim: int, at least 1. Length of level 0's noise. A later level has one number
            per pixel.
        filters: int, at least 2. Filters of the convolutions. With `recipe="paper"` level 0 has
            none.
        recipe: `"default"` or `"paper"`.
        class_names: list of str. Name of each class id. `fit` sets it to the names of its data.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: latents `(batch, latent_dim)`, standard normal, or uniform in [-1, 1) with
        `recipe="paper"`: the noise of all levels, flattened, coarse to fine. With classes,
        `[latents, labels]`.
    Output shape: images `(batch, height, width, channels)`, in [-1, 1].

    Raises:
        ValueError: If a size is out of range, a side becomes odd before the image is small enough,
            or the recipe is unknown.

    Example:
        >>> gan = ganzoo.LAPGAN(image_shape=(28, 28, 1), filters=8)
        >>> gan.level_sizes
        ((7, 7), (14, 14), (28, 28))
        >>> [pixels.shape for pixels in gan.generate(2, seed=0, all_levels=True)]
        [(2, 7, 7, 1), (2, 14, 14, 1), (2, 28, 28, 1)]

    Reference: Denton et al., 2015 (arXiv:1506.05751), section 3.
    """

    recommended_batch_sizes: ClassVar = {"default": 32, "paper": 128}
    per_sample_discriminator = True

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int | None = None,
        base_size: int = _BASE_SIZE,
        base_latent_dim: int = 100,
        filters: int = 64,
        recipe: str = "default",
        class_names: list[str] | None = None,
        **kwargs,
    ):
        check_recipe(recipe)
        image_shape = (*image_shape,)
        _check_image_shape(image_shape, base_size)
        _check_sizes(num_classes, base_latent_dim, filters)
        sizes = _level_sizes(image_shape[:2], base_size)
        shapes = [(*size, image_shape[-1]) for size in sizes]
        with dtype_policy(kwargs.get("dtype")):
            build = networks.build_paper_levels if recipe == "paper" else networks.build_levels
            generators, discriminators = build(shapes, num_classes, base_latent_dim, filters)
            generator = networks.build_generator(generators, num_classes)
            discriminator = networks.build_discriminator(discriminators, num_classes)
        super().__init__(
            generator,
            discriminator,
            latent_distribution="uniform" if recipe == "paper" else "normal",
            **kwargs,
        )
        self.num_classes = num_classes
        self.class_names = class_names
        self.level_sizes = sizes
        self.recipe = recipe
        self.base_size = base_size
        self.base_latent_dim = base_latent_dim
        self.filters = filters
        # With noise, a level learns to correct mistakes of the previous level.
        self.coarse_noise = 0.0 if recipe == "paper" else 0.1
        self._level_trackers = [
            [RunningMean(name=f"{networks.level_name(index)}_{name}") for name in LOGS]
            for index in range(self.num_levels)
        ]

    @property
    def num_levels(self) -> int:
        """Number of levels, including the coarsest."""
        return len(self.level_sizes)

    @property
    def latent_dim(self) -> int:
        """Length of a latent vector. It holds the noise of all levels."""
        return self.latent_shape[0]

    @classmethod
    def check_image_shape(cls, image_shape: tuple[int, int, int], **arguments) -> None:
        _check_image_shape(image_shape, arguments.get("base_size", _BASE_SIZE))

    def recommended(self, **given) -> dict:
        if self.recipe == "default":
            return {
                **super().recommended(**given),
                "generator_optimizer": Adam(8e-4, beta_1=0.5),
                "discriminator_optimizer": Adam(8e-4, beta_1=0.5),
                # Without it, the convolutions of level 0 collapse.
                "regularizer": R1(0.1, every=4),
                "ema_decay": 0.998,
            }
        return {
            **super().recommended(**given),
            "generator_optimizer": _paper_optimizer(),
            "discriminator_optimizer": _paper_optimizer(),
            "ema_decay": 0.0,
            "update": "alternating",
        }

    # Each level trains independently, on real images of the previous level. All levels share a
    # step and two optimizers. No weight belongs to two levels, and SGD and Adam update each weight
    # by the gradients of that weight only. The sum of the losses therefore trains each level as the
    # loss of that level would.

    def unpack(self, data) -> tuple:
        """Return the real images of every level, coarse to fine, and the `Level` of each."""
        real_images, labels = super().unpack(data)
        real_levels = gaussian_pyramid(real_images, self.num_levels)
        before = [[], *([coarse] for coarse in real_levels[:-1])]
        return real_levels, [Level(i, coarse, [*labels]) for i, coarse in enumerate(before)]

    def synthesize(self, latents, condition, training: bool = True):
        """Return a list of fake images, one batch per level."""
        made = []
        for level in condition:
            coarse = (
                [self._disturb(images) for images in level.coarse] if training else level.coarse
            )
            noise = self.generator.get_layer(networks.noise_name(level.index))(latents)
            network = self.generator.get_layer(networks.level_name(level.index))
            fake_images = network([*coarse, noise, *level.labels], training=training)
            made.append(tf.cast(fake_images, "float32"))
        return made

    def _disturb(self, coarse_images):
        """Return coarse images with noise, which stands for mistakes of the previous level."""
        if self.coarse_noise == 0:
            return coarse_images
        noise = tf.random.stateless_normal(tf.shape(coarse_images), self.next_seed())
        return coarse_images + self.coarse_noise * noise

    def recalibrate_ema_batch_norm(self, condition) -> list:
        """Recalibrate batch statistics on generated images, every `_RECALIBRATE_EVERY` steps.

        In training the generator sees real coarse images. The averaged generator, which is used
        for sampling, sees coarse images that it has made itself.
        """
        if not any(normalizations(self.ema_generator)):
            return []

        seed = self.next_seed()

        def recalibrate():
            labels = condition[0].labels
            latents = self.sample_latents(count(condition[1].coarse), seed)
            inputs = network_inputs(latents, labels)
            with collecting(self.ema_generator):
                return tf.reduce_sum(self.ema_generator(inputs, training=True))

        now = tf.equal(self.generator_optimizer.iterations % _RECALIBRATE_EVERY, 0)
        return [updates.every_n_steps(now, recalibrate, self.ema_generator)]

    def discriminate(self, images, condition, training: bool = True):
        """Return logits of one level's images, or a list of them for all levels' images."""
        if not isinstance(condition, Level):
            pairs = zip(images, condition, strict=True)
            return [self.discriminate(*pair, training=training) for pair in pairs]
        if training:
            images = self.augment_images(images, condition.index)
        network = self.discriminator.get_layer(networks.level_name(condition.index))
        logits = network([images, *condition.labels], training=training)
        return tf.cast(logits, "float32")

    def discriminator_loss(self, real_images, fake_images, condition) -> tuple:
        """Return the losses of all levels, stacked, and lists of both batches' logits."""
        levels = zip(real_images, fake_images, condition, strict=True)
        results = [super(LAPGAN, self).discriminator_loss(*level) for level in levels]
        level_losses, real_logits, fake_logits = zip(*results, strict=True)
        return tf.stack(level_losses), list(real_logits), list(fake_logits)

    def track(self, generator_loss, discriminator_loss, real_logits, fake_logits):
        """Return the logs of all levels together, then of each level."""
        logs = super().track(generator_loss, discriminator_loss, real_logits, fake_logits)
        scores = per_level(self.adversarial_loss.scores, real_logits, fake_logits)
        values = tf.stack([generator_loss, discriminator_loss, *tf.unstack(scores, axis=1)])
        count = count_images(real_logits)
        for index, trackers in enumerate(self._level_trackers):
            for tracker, value in zip(trackers, tf.unstack(values[:, index]), strict=True):
                tracker.update_state(value, sample_weight=count)
            logs |= self.read_logs(trackers)
        return logs

    # Sampling

    @overload
    def generate(
        self,
        num_images: int,
        labels: Any = None,
        seed: int | tuple[int, int] | None = None,
        batch_size: int = 64,
        use_ema: bool = True,
        coarse_images: Any = None,
        level: int | None = None,
        all_levels: Literal[False] = False,
    ) -> np.ndarray: ...

    @overload
    def generate(
        self,
        num_images: int,
        labels: Any = None,
        seed: int | tuple[int, int] | None = None,
        batch_size: int = 64,
        use_ema: bool = True,
        coarse_images: Any = None,
        level: int | None = None,
        *,
        all_levels: Literal[True],
    ) -> list[np.ndarray]: ...

    def generate(
        self,
        num_images: int,
        labels=None,
        seed: int | tuple[int, int] | None = None,
        batch_size: int = 64,
        use_ema: bool = True,
        coarse_images=None,
        level: int | None = None,
        all_levels: bool = False,
    ) -> np.ndarray | list[np.ndarray]:
        """Generate new images, coarse to fine.

        Args:
            num_images: int, at least 1.
            labels: class ids or names, one for all images or one per image. None draws them
                uniformly. Refused by a model without classes.
            seed: int, or a pair of ints `(seed, block)`, as for `LatentGAN.generate`.
            batch_size: int, at least 1. Images per forward pass.
            use_ema: bool. Use the averaged weights, not the last ones.
            coarse_images: images to start from instead of level 0's, for example real ones:
                `(num_images, height, width, channels)`, or one image for all. The size is that
                of any level; uint8 pixels or floats in [-1, 1].
            level: int. Level to continue from, not the last one. Finer `coarse_images` are
                downsampled to it first. None continues from `coarse_images` as they are.
            all_levels: bool. Return the images of every level.

        Returns:
            uint8 numpy array `(num_images, height, width, channels)`. With `all_levels`, a list of
            them, coarse to fine, which begins with `coarse_images` if they were given.

        Raises:
            ValueError: If a number is below 1, or labels, coarse images or the level do
                not fit.

        Example:
            >>> gan = ganzoo.LAPGAN(image_shape=(16, 16, 1), filters=8)
            >>> small = np.zeros((1, 8, 8, 1), "uint8")
            >>> gan.generate(4, coarse_images=small, seed=0).shape
            (4, 16, 16, 1)
            >>> real = np.zeros((4, 16, 16, 1), "uint8")
            >>> gan.generate(4, coarse_images=real, level=0, seed=0).shape
            (4, 16, 16, 1)
        """
        # The whole pyramid is one compiled function. To enter it midway, levels run one by one.
        if coarse_images is None and level is None and not all_levels:
            return super().generate(num_images, labels, seed, batch_size, use_ema)
        latents, condition = self.prepare_inputs(num_images, labels, seed, batch_size)
        first, coarse = self._prepare_coarse(coarse_images, level, num_images)
        network = self.ema_generator if use_ema else self.generator
        levels = range(first, self.num_levels)
        level_networks = [network.get_layer(networks.level_name(index)) for index in levels]
        made = []
        for start in range(0, num_images, batch_size):
            part = slice(start, start + batch_size)
            noises = [
                network.get_layer(networks.noise_name(index))(latents[part]) for index in levels
            ]
            begin = [] if coarse is None else [coarse[part]]
            grown = networks.grow(
                level_networks, noises, [value[part] for value in condition], *begin
            )
            made.append([images.to_pixels(level) for level in [*begin, *grown]])
        whole = [np.concatenate(level) for level in zip(*made, strict=True)]
        return whole if all_levels else whole[-1]

    def _prepare_coarse(self, coarse_images, level, num_images):
        """Return `(first, images)`: the first level to run, and its coarse images as floats.

        It is `(0, None)` without coarse images, as level 0 starts from noise.
        """
        if coarse_images is None:
            if level is not None:
                raise ValueError(
                    "`level` needs `coarse_images` to continue from. Received: "
                    f"level={level} alone."
                )
            return 0, None
        coarse_images = np.asarray(coarse_images)
        wanted = [(*size, self.image_shape[-1]) for size in self.level_sizes]
        if coarse_images.shape[1:] not in wanted or len(coarse_images) not in (1, num_images):
            raise ValueError(
                f"`coarse_images` must be one or {num_images} images of the shape of a level: "
                f"{wanted}. Received: shape {coarse_images.shape}. Take one of "
                "`gan.generate(..., all_levels=True)`, or resize."
            )
        given = wanted.index(coarse_images.shape[1:])
        level = given if level is None else level
        if level not in range(min(given + 1, self.num_levels - 1)):
            raise ValueError(
                f"`level` must be below the last level, {self.num_levels - 1}, and no finer than "
                f"`coarse_images`. Received: level={level}, images of level {given}."
            )
        validation.check_arrays(coarse_images, None, DataSpec(coarse_images.shape[1:]))
        if coarse_images.dtype == np.uint8:
            coarse_images = images.from_pixels(coarse_images)
        coarse = tf.cast(coarse_images, "float32")
        for _ in range(given - level):
            coarse = downsample(coarse)
        return level + 1, tf.broadcast_to(coarse, (num_images, *coarse.shape[1:]))

    def preview(self, num_images: int, seed: int) -> dict:
        """Return the images, then the images of the previous levels that they grew from."""
        num_images, labels = self.balanced_labels(num_images)
        *coarser, finest = self.generate(num_images, labels=labels, seed=seed, all_levels=True)
        levels = {networks.level_name(index): pixels for index, pixels in enumerate(coarser)}
        return {"generated": finest, **levels}

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "class_names": self.class_names,
            "base_size": self.base_size,
            "base_latent_dim": self.base_latent_dim,
            "filters": self.filters,
            "recipe": self.recipe,
        }


def _paper_optimizer():
    # The published code raises momentum after each of 250 epochs: 50,000 images in batches of
    # 128.
    return MomentumRampSGD(0.02, momentum=0.5, final_momentum=0.7, ramp_steps=250 * 390)


def _level_sizes(size, base_size):
    """Return the sizes of the levels, coarse to fine. None if a side becomes odd too early."""
    sizes = [tuple(size)]
    while min(sizes[0]) > base_size:
        height, width = sizes[0]
        if height % 2 or width % 2:
            return None
        sizes.insert(0, (height // 2, width // 2))
    return tuple(sizes)


def _check_image_shape(image_shape, base_size):
    if base_size < 4:
        raise ValueError(f"`base_size` must be at least 4. Received: base_size={base_size}. Try 8.")
    check_size(
        image_shape,
        lambda size: len(_level_sizes(size, base_size) or ()) > 1,
        f"Halving both sides must lead to a shorter side of at most base_size={base_size}, and at "
        "least one halving is needed.",
    )


def _check_sizes(num_classes, base_latent_dim, filters):
    if num_classes is not None and num_classes < 2:
        raise ValueError(
            "`num_classes` must be at least 2, or None for a model without classes. Received: "
            f"num_classes={num_classes}."
        )
    if base_latent_dim < 1 or filters < 2:
        raise ValueError(
            "`base_latent_dim` must be at least 1 and `filters` at least 2. Received: "
            f"base_latent_dim={base_latent_dim}, filters={filters}. Try 100 and 64."
        )
