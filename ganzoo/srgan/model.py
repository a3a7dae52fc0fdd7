"""`SRGAN`: a GAN for super-resolution."""

from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras.optimizers.schedules import CosineDecay, PiecewiseConstantDecay

from ganzoo.base import GAN, ema, updates
from ganzoo.base.logs import RunningMean, count_images
from ganzoo.images import from_pixels, to_pixels
from ganzoo.layers import check_recipe, dtype_policy
from ganzoo.messages import unknown
from ganzoo.optimizers import Adam, Muon
from ganzoo.srgan import content as content_losses
from ganzoo.srgan import networks, tiling, upscaling
from ganzoo.srgan.bicubic import downscale
from ganzoo.srgan.pairs import PairSpec
from ganzoo.srgan.strength import Blends

SCALES = (2, 4)
# Blocks and filters of each network.
SIZES = {"srresnet": (16, 64), "compact": (6, 48)}


class PSNR(RunningMean):
    """Peak signal-to-noise ratio, in dB, of the mean squared error of images in [-1, 1]."""

    def convert(self, mean):
        return -10 * keras.ops.log10(mean / 2.0**2)  # The peak is 2. 0 gives infinity.


@keras.saving.register_keras_serializable(package="ganzoo")
class SRGAN(GAN):
    """GAN for super-resolution: images with `scale` times the height and width.

    Training has two phases: `compile(content_only=True)` trains the generator alone on the
    content loss (SRResNet), then `compile()` adds the discriminator.

    Args:
        scale: 2 or 4.
        num_blocks: int, at least 1, or None. Blocks of the generator. None takes the network's
            size.
        filters: int, at least 1, or None. Filters of the generator's convolutions. None takes the
            network's size.
        network: generator. `"srresnet"` is the paper's (16 blocks, 64 filters, 1.5 million
            parameters). `"compact"` is SPAN (Wan et al., 2023, arXiv:2311.12770; 6 blocks, 48
            filters, 0.4 million parameters). It has no batch normalization and upscales several
            times as fast.
        recipe: `"default"` or `"paper"`. The paper's has other optimizers and losses, and residual
            blocks that do not start at zero.
        soft_preset: str. Name or folder of a preset with the same architecture, trained on the
            content loss alone. `upscale` with `strength=0` uses its weights.
        **kwargs: `seed`, `name` and `dtype`.

    Input shape: low-resolution images `(batch, height, width, 3)`, in [-1, 1].
    Output shape: images `(batch, scale * height, scale * width, 3)`, about [-1, 1], not clipped.

    Raises:
        ValueError: If a size is out of range.

    Reference: Ledig et al., 2016 (arXiv:1609.04802), section 2 and figure 4.
    """

    task: ClassVar[str] = "super_resolution"
    recommended_batch_sizes: ClassVar = {"default": 16, "paper": 16}

    def __init__(
        self,
        scale: int = 4,
        num_blocks: int | None = None,
        filters: int | None = None,
        recipe: str = "default",
        network: str = "srresnet",
        soft_preset: str | None = None,
        **kwargs,
    ):
        check_recipe(recipe)
        if network not in SIZES:
            raise ValueError(unknown("network", network, SIZES))
        if network == "compact" and recipe == "paper":
            raise ValueError(
                "The paper's network is 'srresnet'. Received: network='compact' with "
                "recipe='paper'. Remove one of them."
            )
        default_blocks, default_filters = SIZES[network]
        num_blocks = default_blocks if num_blocks is None else num_blocks
        filters = default_filters if filters is None else filters
        if scale not in SCALES:
            raise ValueError(f"`scale` must be one of {SCALES}. Received: scale={scale!r}.")
        if num_blocks < 1 or filters < 1:
            raise ValueError(
                "`num_blocks` and `filters` must be at least 1. Received: "
                f"num_blocks={num_blocks}, filters={filters}."
            )
        with dtype_policy(kwargs.get("dtype")):
            if network == "compact":
                generator = networks.build_compact_generator(scale, num_blocks, filters)
            else:
                generator = networks.build_generator(
                    scale, num_blocks, filters, zero_start=recipe == "default"
                )
            discriminator = networks.build_discriminator(filters)
        super().__init__(generator, discriminator, **kwargs)
        self.scale = scale
        self.num_blocks = num_blocks
        self.filters = filters
        self.recipe = recipe
        self.network = network
        self.soft_preset = soft_preset
        self._soft_weights = None
        self._blends = Blends()
        self.content_only = False
        self._content_tracker = RunningMean(name="content_loss")
        self._psnr_tracker = PSNR(name="psnr")

    # Compiling

    def recommended(self, content_only: bool = False, **given) -> dict:
        """Return the arguments that `compile` uses if they are not given, for a phase."""
        if self.recipe == "default":
            # Without a discriminator, the generator can start with ten times the paper's rate.
            alone = Adam(CosineDecay(1e-3, 25_000, alpha=0.05))
            if self.network == "compact":
                alone = Muon(CosineDecay(2e-3, 25_000, alpha=0.05), adam_lr_ratio=0.5)
            return {
                **super().recommended(**given),
                "generator_optimizer": alone if content_only else Adam(1e-4),
                "discriminator_optimizer": Adam(1e-4),
            }
        return {
            **super().recommended(**given),
            "generator_optimizer": _paper_optimizer(content_only),
            "discriminator_optimizer": _paper_optimizer(content_only),
            "ema_decay": 0.0,
            "update": "alternating",
        }

    # The other arguments have to be named here, unlike those of `GAN.compile`.
    def compile(  # type: ignore[override]
        self,
        generator_optimizer: keras.optimizers.Optimizer | str | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | str | None = None,
        *,
        content_only: bool = False,
        content: str | None = None,
        adversarial_weight: float = 1e-3,
        vgg19_weights: str | None = None,
        **kwargs,
    ) -> None:
        """Configure how the networks are trained.

        Args:
            generator_optimizer: Keras optimizer or its name.
            discriminator_optimizer: Keras optimizer or its name, not the same object.
            content_only: bool. Train the generator alone, on the content loss (the paper's
                SRResNet). The discriminator does not change.
            content: content loss: `"pixel"`; the perceptual distance `"lpips"`; features of
                VGG19 `"vgg22"`, `"vgg34"` or `"vgg54"`, or of VGG16 `"vgg16_54"`; or a sum,
                `"pixel+lpips"`, `"pixel+vgg34"` or `"pixel+vgg16_54"`. None takes `"pixel"`,
                and `"vgg54"` for the second phase of `recipe="paper"`.
            adversarial_weight: float, at least 0. Weight of the adversarial loss relative to
                the content loss. The default is the paper's, for pixels. Features alone need a
                larger weight: LPIPS and the loss of VGG16 are 0.1 to 0.5, and that of VGG19 is
                in the hundreds.
            vgg19_weights: path of a file of VGG19 weights; see `content.VGGLoss`. It is read
                when training starts.
            **kwargs: other arguments of `GAN.compile`.

        Raises:
            ValueError: If a value has the wrong type or is out of range.
        """
        if content is None:
            # In short trainings, losses on VGG19 features cause a grid pattern.
            is_paper_gan = self.recipe == "paper" and not content_only
            content = "vgg54" if is_paper_gan else "pixel"
        content_losses.check(content)
        if kwargs.get("augment") not in (None, "none"):
            raise ValueError(
                "SRGAN does not take `augment`, because it trains on random crops of photographs. "
                f"Received: augment={kwargs['augment']!r}. Remove it."
            )
        if not adversarial_weight >= 0:
            raise ValueError(
                "`adversarial_weight` must be at least 0. Received: "
                f"adversarial_weight={adversarial_weight!r}."
            )
        given = {
            "generator_optimizer": generator_optimizer,
            "discriminator_optimizer": discriminator_optimizer,
            **kwargs,
        }
        with self.distribute_strategy.scope():  # Optimizers create variables.
            defaults = self.recommended(content_only=content_only)
        super().compile(**defaults | {k: v for k, v in given.items() if v is not None})
        self.content_only = content_only
        self.content = content
        self.adversarial_weight = adversarial_weight
        self.vgg19_weights = vgg19_weights
        self._content_loss = None

    def get_compile_config(self) -> dict:
        config = super().get_compile_config()
        if not config:
            return config
        return {
            **config,
            "content_only": self.content_only,
            "content": self.content,
            "adversarial_weight": self.adversarial_weight,
            # The path of the VGG19 weights belongs to this machine and is not saved.
        }

    # Training

    @property
    def trained_networks(self) -> dict:
        networks = super().trained_networks
        return {"generator": networks["generator"]} if self.content_only else networks

    def fit(self, *arguments, **kwargs) -> keras.callbacks.History:
        """Train on high-resolution images, or on pairs `(low_res, high_res)`.

        Arguments and logs are those of `GAN.fit`, with `content_loss` and the `psnr` of the
        training images in dB: that of their mean squared error, over all channels. With
        `content_only` the three logs of the discriminator are absent. Low-resolution images are
        made by bicubic downscaling unless they are given.

        Raises:
            ValueError: If the data do not fit, or there are no weights for the content loss.
        """
        return super().fit(*arguments, **kwargs)

    # Load the content loss before a run writes anything, and before a step is traced: errors are
    # then of one line, and the variables of a strategy cannot be created within a replica.

    def check_data(self, x, y):
        if self.compiled:
            self._load_content_loss()
        return super().check_data(x, y)

    def make_train_function(self, force=False):
        self._load_content_loss()
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        self._load_content_loss()
        return super().make_test_function(force)

    def _load_content_loss(self):
        """Return the content loss, loaded on first use: upscaling needs no feature network."""
        if self._content_loss is None:
            # Its weights must outlive a graph that may be traced at this moment.
            with tf.init_scope(), self.distribute_strategy.scope(), dtype_policy(self.dtype_policy):
                self._content_loss = content_losses.get(self.content, self.vgg19_weights)
        return self._content_loss

    def data_spec(self) -> PairSpec:
        smallest = content_losses.smallest_side(self.content) if self.compiled else 1
        return PairSpec(self.scale, smallest)

    def unpack(self, data) -> tuple:
        """Return the high-resolution images, and the low-resolution ones as the condition."""
        given, high_res, _ = keras.utils.unpack_x_y_sample_weight(data)
        given, _ = super().unpack((given,))
        if high_res is None or high_res.shape.rank != 4:
            return given, (downscale(given, self.scale),)
        high_res, _ = super().unpack((high_res,))
        return high_res, (given,)

    def discriminate(self, images, condition, training: bool = True):
        """Return logits of high-resolution images. The discriminator sees no condition."""
        return super().discriminate(images, (), training)

    def train_step(self, data):
        if not self.content_only:
            return super().train_step(data)
        real_images, condition = self.unpack(data)
        with tf.GradientTape() as tape:
            fake_images = self.make_fakes(real_images, condition)
            loss = self.compute_content_loss(real_images, fake_images)
        gradients = updates.compute_gradients(
            tape, loss, self.generator.trainable_variables, self.generator_optimizer
        )
        self.apply_generator_gradients(gradients, loss)
        ema.update_ema(self, condition)
        self.count_step()
        return self._track_content(loss, real_images)

    def test_step(self, data):
        if not self.content_only:
            return super().test_step(data)
        real_images, condition = self.unpack(data)
        fake_images = self.make_fakes(real_images, condition, training=False)
        return self._track_content(self.compute_content_loss(real_images, fake_images), real_images)

    def compute_content_loss(self, real_images, fake_images) -> tf.Tensor:
        """Return the content loss, and log it with the PSNR."""
        compared = [real_images, fake_images]
        if self.content != "pixel":
            compared = content_losses.shift_together(self.next_seed(), self.scale, *compared)
        loss = self._load_content_loss()(*compared)
        count = count_images(real_images)
        self._content_tracker.update_state(loss, sample_weight=count)
        error = tf.reduce_mean(tf.square(real_images - tf.clip_by_value(fake_images, -1, 1)))
        self._psnr_tracker.update_state(error, sample_weight=count)
        return loss

    def generator_loss(self, real_images, fake_images, real_logits, fake_logits) -> tf.Tensor:
        """Return content loss plus weighted adversarial loss (equation 3 of the paper)."""
        content_loss = self.compute_content_loss(real_images, fake_images)
        adversarial = super().generator_loss(real_images, fake_images, real_logits, fake_logits)
        return content_loss + self.adversarial_weight * adversarial

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        if not self.content_only:
            return super().metrics
        return self._content_trackers

    @property
    def _content_trackers(self):
        """Running means of the logs without a discriminator."""
        return [self._trackers[0], self._content_tracker, self._psnr_tracker]

    def track(self, *outcome):
        return {**super().track(*outcome), **self.read_logs(self._content_trackers[1:])}

    def _track_content(self, loss, real_images):
        """Return the logs without a discriminator. The generator's loss is the content loss."""
        self._trackers[0].update_state(loss, sample_weight=count_images(real_images))
        return self.read_logs(self._content_trackers)

    # Upscaling

    def upscale(
        self,
        image: np.ndarray,
        outscale: float | None = None,
        strength: float = 1.0,
        tile: int | None = None,
        use_ema: bool = True,
    ) -> np.ndarray:
        """Upscale images.

        The opacity of transparent images is upscaled like a gray image. 16-bit images are computed
        in float32.

        Args:
            image: uint8 or uint16 `(height, width, channels)`, or a batch `(num_images, height,
                width, channels)`. RGB or gray, optionally with alpha as the last channel. Any size.
            outscale: float. Ratio of the result's height and width to the image's. The network
                upscales by `scale`. The Lanczos filter resizes its result. None takes
                `scale`.
            strength: float from 0 to 1. 1 has the model's weights, and 0 those of `soft_preset`,
                which was trained without a discriminator. Between them the weights are
                interpolated (Wang et al., 2018, arXiv:1809.00219, section 3.4).
            tile: int, at least 16. Side of the tiles that are processed one by one. They overlap
                by the receptive field of the network, so the result does not depend on them. None
                takes the largest side up to 512 for which half of the free memory is enough.
            use_ema: bool. Use the averaged weights, not the last ones.

        Returns:
            Numpy array `(..., outscale * height, outscale * width, channels)` of the image's dtype.
            Sides are rounded.

        Raises:
            ValueError: If the image has another dtype, is empty or has other channels, or an
                argument is out of range.

        Example:
            >>> gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=4)
            >>> gan.upscale(np.zeros((7, 30, 3), "uint8")).shape
            (14, 60, 3)
            >>> gan.upscale(np.zeros((10, 30, 1), "uint16"), outscale=2.5).shape
            (25, 75, 1)
        """
        image = np.asarray(image)
        upscaling.check_image(image)
        self.check_upscaling(outscale, strength, tile)
        network = self.ema_generator if use_ema else self.generator
        if strength < 1 or image.dtype == np.uint16:
            soft_weights = self._load_soft_weights() if strength < 1 else None
            network = self._blends.take(network, soft_weights, strength)

        def render(window):
            if window.dtype == np.uint16:
                return self._blends.render_deep(network, window)
            return self.render(network, from_pixels(window)[None], ())[0]

        footprint = tiling.measure_network(network)
        upscaler = upscaling.Upscaler(render, footprint, self.scale, outscale or self.scale, tile)
        return upscaler.upscale(image)

    def check_upscaling(
        self, outscale: float | None = None, strength: float = 1.0, tile: int | None = None
    ) -> None:
        """Check arguments of `upscale`, before the work.

        Raises:
            ValueError: If one is out of range, or the model has no weights for the strength.
        """
        upscaling.check_arguments(outscale, strength, tile)
        if strength < 1:
            self._load_soft_weights()

    def _load_soft_weights(self):
        """Return the weights of strength 0, in the order of the generator's. They are kept."""
        if self._soft_weights is None:
            if self.soft_preset is None:
                raise ValueError(
                    "A strength below 1 needs the weights of a second model, and this model names "
                    "none. Use strength 1, or build the model with `soft_preset`, the name or "
                    "folder of a preset with the same architecture."
                )
            soft = SRGAN.from_preset(self.soft_preset).ema_generator.get_weights()
            # Keras would look for layers in a list.
            soft = tuple(soft)
            if [w.shape for w in soft] != [tuple(w.shape) for w in self.ema_generator.weights]:
                raise ValueError(
                    "`soft_preset` must have the architecture of the model. Received: "
                    f"soft_preset={self.soft_preset!r}, whose weights have other shapes."
                )
            self._soft_weights = soft
        return self._soft_weights

    def preview(self, num_images: int, seed: int) -> dict:
        """Return upscaled real examples, then their low-resolution versions."""
        if self.real_examples is None:
            return {}
        high_res = self.real_examples[:num_images]
        if high_res.dtype != np.uint8:
            high_res = to_pixels(high_res)
        low_res = to_pixels(downscale(from_pixels(high_res), self.scale))
        return {"generated": self.upscale(low_res), "low_res": low_res}

    @property
    def export_signature(self) -> tuple[list[tf.TensorSpec], str]:
        return [tf.TensorSpec((None, None, None, 3), "uint8", name="images")], "upscaled"

    def export_examples(self, rng):
        for height, width in ((16, 16), (24, 40), (33, 17)):
            yield {"images": rng.integers(0, 256, (1, height, width, 3), "uint8")}

    def get_config(self) -> dict:
        return {
            **self.get_common_config(),
            "scale": self.scale,
            "num_blocks": self.num_blocks,
            "filters": self.filters,
            "recipe": self.recipe,
            "network": self.network,
            "soft_preset": self.soft_preset,
        }


def _paper_optimizer(content_only):
    # Section 3.2: SRResNet with a constant rate, then the GAN for 1e5 steps with this rate and 1e5
    # steps with a tenth of it.
    if content_only:
        return Adam(1e-4)
    return Adam(PiecewiseConstantDecay([100_000], [1e-4, 1e-5]))
