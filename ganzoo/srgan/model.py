"""The SRGAN."""

import itertools
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers.schedules import CosineDecay, PiecewiseConstantDecay

from ganzoo import batches, photos
from ganzoo.gan import GAN
from ganzoo.images import from_pixels, to_pixels
from ganzoo.layers import check_recipe, dtype_policy
from ganzoo.optimizers import Adam
from ganzoo.srgan import content as content_losses
from ganzoo.srgan import networks
from ganzoo.srgan.bicubic import downscale
from ganzoo.srgan.tiling import upscale_in_tiles

SCALES = (2, 4)
# Pixels of the input. Beyond 7 of them, what trained networks of 16 blocks make of photographs
# differs by one level at most; their receptive field reaches 40.
_OVERLAP = 16
# Pixels of the input, so that an image of 4000 x 3000 takes less than 3 GB.
_TILE = 192


@keras.saving.register_keras_serializable(package="ganzoo")
class SRGAN(GAN):
    """GAN that makes images `scale` times as high and wide, with the detail they lack.

    Trained in two phases: `compile(content_only=True)` trains the generator alone on the
    pixels (SRResNet), then `compile()` lets the discriminator join.

    Args:
        scale: 2 or 4.
        num_blocks: int, at least 1. Residual blocks.
        filters: int, at least 1. Filters of the convolutions; the discriminator's first
            two have as many, its last two eight times as many.
        recipe: `"default"` or `"paper"`: other optimizers and losses, and residual blocks
            that do not start at zero.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: low-resolution images `(batch, height, width, 3)`, in [-1, 1].
    Output shape: images `(batch, scale * height, scale * width, 3)`, in about [-1, 1]:
        not clipped.

    Raises:
        ValueError: If a size does not fit.

    Reference: Ledig et al., 2016 (arXiv:1609.04802), section 2 and figure 4.
    """

    recommended_batch_sizes: ClassVar = {"default": 16, "paper": 16}

    def __init__(self, scale=4, num_blocks=16, filters=64, recipe="default", **kwargs):
        check_recipe(recipe)
        if scale not in SCALES:
            raise ValueError(f"`scale` must be one of {SCALES}. Received: scale={scale!r}.")
        if num_blocks < 1 or filters < 1:
            raise ValueError(
                "`num_blocks` and `filters` must be at least 1. Received: "
                f"num_blocks={num_blocks}, filters={filters}."
            )
        with dtype_policy(kwargs.get("dtype")):
            generator = networks.build_generator(
                scale, num_blocks, filters, zero_start=recipe == "default"
            )
            discriminator = networks.build_discriminator(filters)
        super().__init__(generator, discriminator, **kwargs)
        self.scale = scale
        self.num_blocks = num_blocks
        self.filters = filters
        self.recipe = recipe
        self.content_only = False
        self._content_tracker = keras.metrics.Mean(name="content_loss")
        self._psnr_tracker = keras.metrics.Mean(name="psnr")

    # Compiling

    def recommended(self, content_only=None):
        """As for every GAN; those of the phase that is asked for, or else compiled for."""
        if content_only is None:
            content_only = self.content_only
        if self.recipe == "default":
            return {
                **super().recommended(),
                # Alone the generator bears ten times the paper's rate at first.
                "generator_optimizer": Adam(
                    CosineDecay(1e-3, 25_000, alpha=0.05) if content_only else 1e-4
                ),
                "discriminator_optimizer": Adam(1e-4),
            }
        return {
            **super().recommended(),
            "generator_optimizer": _paper_optimizer(content_only),
            "discriminator_optimizer": _paper_optimizer(content_only),
            "ema_decay": 0.0,
            "update": "alternating",
        }

    def compile(
        self,
        *arguments,
        content_only=False,
        content=None,
        adversarial_weight=1e-3,
        vgg19_weights=None,
        **kwargs,
    ):
        """Sets how the networks are trained; arguments as for `GAN.compile`, and:

        Args:
            content_only: bool. Trains the generator alone, on the content loss: the
                paper's SRResNet. The discriminator stays as it is.
            content: the content loss: `"pixel"`, or `"vgg22"`, `"vgg34"` or `"vgg54"` of
                VGG19 features, or `"pixel+vgg34"` of both. None takes `"pixel"`, but for
                the paper's game, which is played on `"vgg54"`.
            adversarial_weight: float, at least 0. Weight of the adversarial loss beside
                the content loss: the paper's, beside pixels. Beside VGG19 features alone,
                whose loss is in the hundreds, it takes a larger one to matter.
            vgg19_weights: path of a file of VGG19 weights; see `content.VGGLoss`. Read
                when training starts, not before.
            *arguments: those of `GAN.compile`.
            **kwargs: those of `GAN.compile`.

        Raises:
            ValueError: If a value is of the wrong kind or out of range.
        """
        if content is None:
            # In a short game the others draw a grid; see the family's page.
            of_the_paper = self.recipe == "paper" and not content_only
            content = "vgg54" if of_the_paper else "pixel"
        content_losses.check(content)
        if not adversarial_weight >= 0:
            raise ValueError(
                "`adversarial_weight` must be at least 0. Received: "
                f"adversarial_weight={adversarial_weight!r}."
            )
        self.content_only = content_only
        super().compile(*arguments, **kwargs)
        self.content = content
        self.adversarial_weight = adversarial_weight
        self.vgg19_weights = vgg19_weights
        self._content_loss = None

    def get_compile_config(self):
        config = super().get_compile_config()
        if not config:
            return config
        return {
            **config,
            "content_only": self.content_only,
            "content": self.content,
            "adversarial_weight": self.adversarial_weight,
            # The path is the machine's own: another finds the weights its own way.
        }

    # Training

    def fit(self, *arguments, **kwargs):
        """Trains on high-resolution images, or on pairs `(low_res, high_res)`.

        Arguments and logs as for `GAN.fit`, with `content_loss` and the `psnr` of the
        training images in dB (all channels). Where `content_only`, the discriminator's
        three logs are absent. Low-resolution images are made by bicubic downscaling
        unless they are given.

        Raises:
            ValueError: If the data do not fit, or there are no weights for the content
                loss.
        """
        if self.compiled:
            self._load_content_loss()  # Here, where an error is still one line.
        return super().fit(*arguments, **kwargs)

    def _load_content_loss(self):
        """The content loss, made when it is first needed: to upscale, a model needs no VGG19."""
        if self._content_loss is None:
            # Its weights must outlive the graph that may be traced by now.
            with tf.init_scope(), self.distribute_strategy.scope(), dtype_policy(self.dtype_policy):
                self._content_loss = content_losses.get(self.content, self.vgg19_weights)
        return self._content_loss

    def check_data(self, x, y):
        """As for every GAN, for pairs, too; the sides must fit the scale."""
        if y is not None and np.ndim(y) == 4:
            batches.check_batch(y, None, self.image_shape, None)
            x, low_res = super().check_data(x, None)
            high_res = np.asarray(y)
        elif isinstance(x, tf.data.Dataset) and _holds_pairs(x.element_spec):
            # Each of the two is checked as the first of its pair.
            swapped, high_res = super().check_data(x.map(_swap), None)
            x, low_res = super().check_data(swapped.map(_swap), None)
        else:
            if hasattr(x, "__next__"):
                x, ahead = itertools.tee(x)
                _refuse_pairs(next(ahead, None))
            elif isinstance(x, keras.utils.PyDataset) and x.num_batches != 0:
                _refuse_pairs(x[0])
            x, high_res = super().check_data(x, y)
            low_res = None
        if high_res is not None:
            self._check_sides(high_res.shape[1:3], None if low_res is None else low_res.shape[1:3])
        return x, high_res

    def _check_sides(self, high_res, low_res):
        if any(side % self.scale or side < 2 * self.scale for side in high_res):
            raise ValueError(
                f"Sides of high-resolution images must be multiples of the scale, {self.scale}, "
                f"and at least {2 * self.scale}. Received: {high_res} (height, width). Cut them, "
                "for example with `ganzoo.data.load_crops`."
            )
        if low_res is not None and tuple(self.scale * side for side in low_res) != high_res:
            raise ValueError(
                f"Pairs must be `(low_res, high_res)`, the second {self.scale} times the size of "
                f"the first. Received: {low_res} and {high_res} (height, width)."
            )

    def unpack(self, data):
        """The high-resolution images, and the low-resolution ones as their condition."""
        given, high_res, _ = keras.utils.unpack_x_y_sample_weight(data)
        given, _ = super().unpack((given,))
        if high_res is None or high_res.shape.rank != 4:
            return given, (downscale(given, self.scale),)
        high_res, _ = super().unpack((high_res,))
        return high_res, (given,)

    def make_fakes(self, real_images, condition, training=True):
        """The super-resolved images: there is no noise in this game."""
        (low_res,) = condition
        return tf.cast(self.generator(low_res, training=training), "float32")

    def discriminate(self, images, condition, training=True):
        """Logits of high-resolution images; the low-resolution ones are not shown."""
        return super().discriminate(images, (), training)

    def train_step(self, data):
        if not self.content_only:
            return super().train_step(data)
        real_images, condition = self.unpack(data)
        with tf.GradientTape() as tape:
            fake_images = self.make_fakes(real_images, condition)
            loss = self.compute_content_loss(real_images, fake_images)
            scaled_loss = self.scale_loss(loss, self.generator_optimizer)
        gradients = tape.gradient(scaled_loss, self.generator.trainable_variables)
        self.move_generator(gradients, loss)
        self.update_ema()
        self.note_step()
        return self._track_content()

    def test_step(self, data):
        if not self.content_only:
            return super().test_step(data)
        real_images, condition = self.unpack(data)
        self.compute_content_loss(
            real_images, self.make_fakes(real_images, condition, training=False)
        )
        return self._track_content()

    def compute_content_loss(self, real_images, fake_images):
        """The content loss, which is logged with the PSNR."""
        compared = real_images, fake_images
        if self.content != "pixel":
            compared = content_losses.shift_alike(self.next_seed(), self.scale, *compared)
        loss = self._load_content_loss()(*compared)
        self._content_tracker.update_state(loss)
        error = tf.reduce_mean(tf.square(real_images - tf.clip_by_value(fake_images, -1, 1)))
        # The range of the images is 2 wide.
        self._psnr_tracker.update_state(10 * tf.math.log(4 / error) / np.log(10))
        return loss

    def compute_generator_loss(self, real_images, fake_images, real_logits, fake_logits):
        """Content and, weighted, adversarial loss (equation 3 of the paper)."""
        content_loss = self.compute_content_loss(real_images, fake_images)
        adversarial = super().compute_generator_loss(
            real_images, fake_images, real_logits, fake_logits
        )
        return content_loss + self.adversarial_weight * adversarial

    def track(self, *outcome):
        return {**super().track(*outcome), **self._content_logs()}

    def _track_content(self):
        """The logs without a discriminator: all that the generator loses is content."""
        logs = self._content_logs()
        return {"generator_loss": logs["content_loss"], **logs}

    def _content_logs(self):
        return self.read((self._content_tracker, self._psnr_tracker))

    # Upscaling

    def upscale(self, image, tile=None, use_ema=True):
        """Makes images `scale` times as high and wide.

        Args:
            image: uint8 `(height, width, channels)`, or a batch `(num_images, height,
                width, channels)`; RGB, gray, or one of them with transparency (alpha) as
                its last channel. Any size.
            tile: int, at least 16. Side of the tiles that are worked on one by one; they
                overlap, so that no seam is seen. None takes 192.
            use_ema: bool. With the averaged weights, or with the last ones.

        Returns:
            uint8 numpy array `(..., scale * height, scale * width, channels)`.

        Raises:
            ValueError: If the image is not uint8, is empty or has other channels.

        Example:
            >>> gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=4)
            >>> gan.upscale(np.zeros((7, 30, 3), "uint8")).shape
            (14, 60, 3)
        """
        image = np.asarray(image)
        tile = _TILE if tile is None else tile
        if image.dtype != np.uint8 or image.ndim not in (3, 4) or not 1 <= image.shape[-1] <= 4:
            raise ValueError(
                "`image` must be uint8 (height, width, channels) or a batch of them, with 1 to 4 "
                f"channels. Received: {image.dtype} of shape {image.shape}."
            )
        if 0 in image.shape:
            raise ValueError(f"`image` is empty. Received: shape {image.shape}.")
        if tile < 16:
            raise ValueError(f"`tile` must be at least 16. Received: tile={tile}.")
        if image.ndim == 4:
            return np.stack([self.upscale(one, tile, use_ema) for one in image])
        num_colours = image.shape[-1] - 1 + image.shape[-1] % 2
        alpha = image[..., -1] if num_colours < image.shape[-1] else None
        photo = photos.upscale_photo(
            photos.Photo(image[..., :num_colours], alpha),
            lambda pixels: self._upscale_colours(pixels, tile, use_ema),
            self.scale,
        )
        return photo.pixels if alpha is None else np.dstack([photo.pixels, photo.alpha])

    def _upscale_colours(self, pixels, tile, use_ema):
        """One RGB or gray image; the gray of the result is the mean of its colours."""
        network = self.ema_generator if use_ema else self.generator

        def render(window):
            return self.render(network, from_pixels(window)[None], ())[0]

        rgb = np.repeat(pixels, 3 // pixels.shape[-1], axis=-1)
        made = upscale_in_tiles(render, rgb, self.scale, tile, self._overlap)
        if pixels.shape[-1] == 3:
            return made
        return np.rint(made.mean(axis=-1, keepdims=True)).astype("uint8")

    @property
    def _overlap(self):
        """Pixels of the input that a tile sees around it, of those that it could."""
        # First convolution, blocks, the one after them, and 3 for those over finer pixels.
        receptive = 4 + 2 * self.num_blocks + 1 + 3
        return min(receptive, _OVERLAP)

    def preview(self, num_images, seed):
        """The upscaled real examples, then what they were made of by bicubic interpolation."""
        if self.real_examples is None:
            return {}
        high_res = self.real_examples[:num_images]
        if high_res.dtype != np.uint8:
            high_res = to_pixels(high_res)
        low_res = to_pixels(downscale(from_pixels(high_res), self.scale))
        return {"generated": self.upscale(low_res), "low_res": low_res}

    def decode(self, *arguments, **kwargs):
        """Refused, as `sample_latents` is."""
        return self.sample_latents(1)

    def sample_latents(self, num_latents, seed=None):
        """Refused, and `generate` with it: an SRGAN makes nothing out of noise.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            "An SRGAN makes no images out of noise. Received: a call that draws latents. Give it "
            "an image: `gan.upscale(image)`, or `ganzoo upscale` on the command line."
        )

    def get_config(self):
        return {
            **self.get_common_config(),
            "scale": self.scale,
            "num_blocks": self.num_blocks,
            "filters": self.filters,
            "recipe": self.recipe,
        }


def _paper_optimizer(content_only):
    # Section 3.2: SRResNet at one rate, then 1e5 steps of the game at it and 1e5 at a tenth.
    if content_only:
        return Adam(1e-4)
    return Adam(PiecewiseConstantDecay([100_000], [1e-4, 1e-5]))


def _holds_pairs(spec):
    """Whether a data set's elements are images with images, and not with labels."""
    if not isinstance(spec, tuple) or len(spec) < 2:
        return False
    if spec[1].shape.rank is None:
        raise ValueError(
            "Whether these are pairs of images, or images and labels, is not known. Received: a "
            f"data set of {spec}. Give it shapes, as by `output_signature` of `from_generator`."
        )
    return spec[1].shape.rank == 4


def _refuse_pairs(batch):
    if isinstance(batch, (tuple, list)) and len(batch) > 1 and np.ndim(batch[1]) == 4:
        raise ValueError(
            "Pairs of images must be two arrays, `fit(low_res, high_res)`, or a "
            "`tf.data.Dataset`. Received: pairs one batch after another. Wrap them by "
            "`tf.data.Dataset.from_generator`."
        )


def _swap(first, second):
    return second, first
