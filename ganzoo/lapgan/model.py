"""The LAPGAN."""

from typing import ClassVar, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from ganzoo import batches, images
from ganzoo.gan import GAN
from ganzoo.lapgan import networks
from ganzoo.lapgan.pyramid import downsample, gaussian_pyramid
from ganzoo.layers import check_recipe, collecting, dtype_policy, normalizations
from ganzoo.optimizers import Adam, MomentumRampSGD
from ganzoo.regularizers import R1
from ganzoo.steps import count, each
from ganzoo.training import LOGS

# Steps from one that takes statistics of samples to the next: the samples cost as much as a
# fifth of a step.
_COLLECT_EVERY = 4


class Level(NamedTuple):
    """What a level is given beside noise: the condition of its game.

    Attributes:
        index: int. 0 is the coarsest level.
        coarse: list with the real images of the level before; empty at level 0.
        labels: list with the labels; empty without classes.
    """

    index: int
    coarse: list
    labels: list


@keras.saving.register_keras_serializable(package="ganzoo")
class LAPGAN(GAN):
    """Laplacian pyramid of GANs for square images: a small picture, then ever finer detail.

    Level 0 makes pictures of a side of at most `base_size`. Each level above doubles
    the side: it interpolates the pictures (low-pass) and adds the detail that its
    generator draws for them from a plane of noise. In training every level is given
    the real pictures of the level before, so that each plays a game of its own; all
    are played in one step. The default recipe adds some noise to these pictures, and
    takes the moving statistics of the averaged generator from its own samples: there
    a level's pictures come from the level before.

    Args:
        image_shape: `(side, side, channels)`; 1 or 3 channels. The side is halved
            until it is at most `base_size`: 28, 14, 7 or 32, 16, 8 or 64, 32, 16, 8.
        num_classes: int, at least 2. Classes to condition every level on; None for none.
        base_size: int, at least 4. Largest side of level 0.
        base_latent_dim: int, at least 1. Length of level 0's noise; a level above has
            one number for each pixel.
        filters: int, at least 2. Filters of the convolutions; under `recipe="paper"`
            level 0 has none.
        recipe: `"default"` or `"paper"`.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: latents `(batch, latent_dim)`, standard normal, uniform in [-1, 1)
        under `recipe="paper"`: the noise of all levels, flattened, coarse to fine. With
        classes, `[latents, labels]`.
    Output shape: images `(batch, side, side, channels)`, in [-1, 1].

    Raises:
        ValueError: If a size is out of range, the side odd before it is small enough,
            or the recipe unknown.

    Example:
        >>> gan = ganzoo.LAPGAN(image_shape=(28, 28, 1), filters=8)
        >>> gan.level_sides
        (7, 14, 28)
        >>> [pixels.shape for pixels in gan.generate(2, seed=0, all_levels=True)]
        [(2, 7, 7, 1), (2, 14, 14, 1), (2, 28, 28, 1)]

    Reference: Denton et al., 2015 (arXiv:1506.05751), section 3.
    """

    recommended_batch_sizes: ClassVar = {"default": 32, "paper": 128}
    judges_singly = True
    own_statistics = True

    def __init__(
        self,
        image_shape,
        num_classes=None,
        base_size=8,
        base_latent_dim=100,
        filters=64,
        recipe="default",
        **kwargs,
    ):
        check_recipe(recipe)
        image_shape = tuple(image_shape)
        _check_sizes(image_shape, num_classes, base_size, base_latent_dim, filters)
        sides = _level_sides(image_shape[0], base_size)
        shapes = [(side, side, image_shape[-1]) for side in sides]
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
        self.level_sides = sides
        self.recipe = recipe
        self.base_size = base_size
        self.base_latent_dim = base_latent_dim
        self.filters = filters
        # A level learns to mend coarse images rather than to trust them.
        self.coarse_noise = 0.0 if recipe == "paper" else 0.1
        self._level_trackers = [
            [keras.metrics.Mean(name=f"{networks.level_name(index)}_{name}") for name in LOGS]
            for index in range(self.num_levels)
        ]

    @property
    def num_levels(self):
        """Levels of the pyramid, the coarsest counted."""
        return len(self.level_sides)

    @property
    def latent_dim(self):
        """Length of a latent vector, which holds the noise of all levels."""
        return self.latent_shape[0]

    def recommended(self):
        if self.recipe == "default":
            return {
                **super().recommended(),
                "generator_optimizer": Adam(8e-4, beta_1=0.5),
                "discriminator_optimizer": Adam(8e-4, beta_1=0.5),
                # Convolutions at level 0 collapsed without it.
                "regularizer": R1(0.1, every=4),
                "ema_decay": 0.998,
            }
        return {
            **super().recommended(),
            "generator_optimizer": _paper_optimizer(),
            "discriminator_optimizer": _paper_optimizer(),
            "ema_decay": 0.0,
            "update": "alternating",
        }

    # Training: every level is a game of its own, on real pictures of the level before.
    # All share the step and the players' two optimizers. No weight belongs to two
    # levels and SGD and Adam move each weight by its own gradients, so the sum of the
    # losses trains each level as its own loss would.

    def unpack(self, data):
        """The real images of every level, coarse to fine, and the `Level` of each."""
        real_images, labels = super().unpack(data)
        real_levels = gaussian_pyramid(real_images, self.num_levels)
        before = [[], *([coarse] for coarse in real_levels[:-1])]
        return real_levels, [Level(i, coarse, [*labels]) for i, coarse in enumerate(before)]

    def synthesize(self, latents, condition, training=True):
        """A list of fake images, one batch for each level."""
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
        """Coarse images with the noise that stands for the mistakes of the level before."""
        if self.coarse_noise == 0:
            return coarse_images
        noise = tf.random.stateless_normal(tf.shape(coarse_images), self.next_seed())
        return coarse_images + self.coarse_noise * noise

    # The statistics of the generator are of real coarse images. Those of the averaged one, which
    # draws, are of the coarse images that it draws itself.

    def collect_statistics(self, condition):
        """At one step in `_COLLECT_EVERY`, of samples of the classes of a batch."""
        if not any(normalizations(self.ema_generator)):
            return []

        seed = self.next_seed()

        def collect():
            labels = condition[0].labels
            latents = self.sample_latents(count(condition[1].coarse), seed)
            with collecting(self.ema_generator):
                return tf.reduce_sum(self.ema_generator(self.join(latents, labels), training=True))

        now = tf.equal(self.generator_optimizer.iterations % _COLLECT_EVERY, 0)
        return [self.compute_at_times(now, collect, self.ema_generator)]

    def discriminate(self, images, condition, training=True):
        """Logits of one level's images, or a list of them for a list of all levels'."""
        if isinstance(condition, list):
            pairs = zip(images, condition, strict=True)
            return [self.discriminate(*pair, training=training) for pair in pairs]
        network = self.discriminator.get_layer(networks.level_name(condition.index))
        logits = network([images, *condition.labels], training=training)
        return tf.cast(logits, "float32")

    def judge(self, real_images, fake_images, condition):
        """Lists of both batches' logits, and the losses of all levels, stacked."""
        judged = []
        for level in zip(real_images, fake_images, condition, strict=True):
            judged.append(super().judge(*level))
        real_logits, fake_logits, level_losses = zip(*judged, strict=True)
        return list(real_logits), list(fake_logits), tf.stack(level_losses)

    def track(self, generator_loss, discriminator_loss, real_logits, fake_logits):
        """The logs of all levels together, then of each level."""
        logs = super().track(generator_loss, discriminator_loss, real_logits, fake_logits)
        scores = each(self.adversarial_loss.scores, real_logits, fake_logits)
        values = tf.stack([generator_loss, discriminator_loss, *tf.unstack(scores, axis=1)])
        for index, trackers in enumerate(self._level_trackers):
            for tracker, value in zip(trackers, tf.unstack(values[:, index]), strict=True):
                tracker.update_state(value)
            logs |= self.read(trackers)
        return logs

    # Sampling

    def generate(
        self,
        num_images,
        labels=None,
        seed=None,
        batch_size=64,
        use_ema=True,
        coarse_images=None,
        level=None,
        all_levels=False,
    ):
        """Makes new images, coarse to fine.

        Args:
            num_images: int, at least 1.
            labels: class ids, one or one for each image; None draws them uniformly.
                Refused by a model without classes.
            seed: int. The same seed gives the same images, whatever the batch size;
                None draws one.
            batch_size: int, at least 1. Images in one pass of the network.
            use_ema: bool. With the averaged weights, or with the last ones.
            coarse_images: pictures to start from in place of level 0's own, for
                example real ones: `(num_images, side, side, channels)`, or one alone
                for all. The side is that of any level; uint8 pixels or floats in
                [-1, 1].
            level: int. The level, any but the last, whose pictures are to be gone on
                from: finer `coarse_images` are first brought down to it. None goes on
                from `coarse_images` as they are.
            all_levels: bool. Whether to return the pictures of every level.

        Returns:
            uint8 numpy array `(num_images, side, side, channels)`. With `all_levels`, a
            list of them, coarse to fine, that begins with `coarse_images` where given.

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
        # The whole pyramid is one compiled function; from its midst it is worked level by level.
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
        """`(first, images)`: the level that goes on from coarse images, and them as floats.

        `(0, None)` where none are given: level 0 starts from noise.
        """
        if coarse_images is None:
            if level is not None:
                raise ValueError(
                    f"`level` needs `coarse_images` to go on from. Received: level={level} alone."
                )
            return 0, None
        coarse_images = np.asarray(coarse_images)
        side = coarse_images.shape[1] if coarse_images.ndim == 4 else None
        wanted = {(side, side, self.image_shape[-1]) for side in self.level_sides}
        if coarse_images.shape[1:] not in wanted or len(coarse_images) not in (1, num_images):
            raise ValueError(
                f"`coarse_images` must be one or {num_images} images of the shape of a level: "
                f"{sorted(wanted)}. Received: shape {coarse_images.shape}. Take one of "
                "`gan.generate(..., all_levels=True)`, or resize."
            )
        given = self.level_sides.index(side)
        level = given if level is None else level
        if level not in range(min(given + 1, self.num_levels - 1)):
            raise ValueError(
                f"`level` must be below the last level, {self.num_levels - 1}, and no finer than "
                f"`coarse_images`. Received: level={level}, images of level {given}."
            )
        batches.check_batch(coarse_images, None, coarse_images.shape[1:], None)
        if coarse_images.dtype == np.uint8:
            coarse_images = images.from_pixels(coarse_images)
        coarse = tf.cast(coarse_images, "float32")
        for _ in range(given - level):
            coarse = downsample(coarse)
        return level + 1, tf.broadcast_to(coarse, (num_images, *coarse.shape[1:]))

    def preview(self, num_images, seed):
        """The images, then the pictures of the levels below that they grew from."""
        num_images, labels = self.arrange(num_images)
        *coarser, finest = self.generate(num_images, labels=labels, seed=seed, all_levels=True)
        levels = {networks.level_name(index): pixels for index, pixels in enumerate(coarser)}
        return {"generated": finest, **levels}

    def get_config(self):
        return {
            **self.get_common_config(),
            "image_shape": self.image_shape,
            "num_classes": self.num_classes,
            "base_size": self.base_size,
            "base_latent_dim": self.base_latent_dim,
            "filters": self.filters,
            "recipe": self.recipe,
        }


def _paper_optimizer():
    # The published code raises momentum after each of 250 epochs: here of 50,000 images, 128
    # at a time.
    return MomentumRampSGD(0.02, momentum=0.5, final_momentum=0.7, ramp_steps=250 * 390)


def _level_sides(side, base_size):
    """Sides of the levels, coarse to fine; None if halving meets an odd side first."""
    sides = [side]
    while sides[0] > base_size:
        if sides[0] % 2:
            return None
        sides.insert(0, sides[0] // 2)
    return tuple(sides)


def _check_sizes(image_shape, num_classes, base_size, base_latent_dim, filters):
    square = len(image_shape) == 3 and image_shape[0] == image_shape[1]
    if not square or image_shape[2] not in (1, 3) or base_size < 4:
        raise ValueError(
            "`image_shape` must be square with 1 or 3 channels, and `base_size` at least 4. "
            f"Received: image_shape={image_shape}, base_size={base_size}. Try (32, 32, 3) and 8."
        )
    sides = _level_sides(image_shape[0], base_size)
    if sides is None or len(sides) < 2:
        raise ValueError(
            "The side must be above `base_size` and even until halving brings it to `base_size` "
            "or below, because every level doubles the one before. Received: "
            f"image_shape={image_shape}, base_size={base_size}. Try a side of 28, 32 or 64, for "
            "example with `ganzoo.data.load(..., image_size=32)`."
        )
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
