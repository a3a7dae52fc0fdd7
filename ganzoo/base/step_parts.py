"""`StepParts`: what a training step computes with two networks. Families override these parts.

`train_step.py` puts them together.
"""

import keras
import tensorflow as tf

from ganzoo import augment, losses, regularizers
from ganzoo.base import updates
from ganzoo.base.adaptive import AdaptiveAmount
from ganzoo.base.logs import Untracked, per_level
from ganzoo.base.pair import NetworkPair
from ganzoo.conditions import by_name
from ganzoo.images import from_pixels
from ganzoo.layers import network_inputs


class StepParts(NetworkPair):
    """Batches, fake images, logits, losses, penalties and updates of a training step."""

    # True if each logit depends on one image only (no batch normalization). Then both networks
    # share a backward pass through the discriminator.
    per_sample_discriminator: bool = False
    # `GAN.compile` sets these.
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer
    adversarial_loss: losses.AdversarialLoss
    regularizer: regularizers.GradientRegularizer | None
    discriminator_steps: int

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.augmentation: augment.Augmentation | None = None
        self._adaptive_amount: AdaptiveAmount | None = None
        # State in an object that Keras does not track as metrics or weights.
        self._untracked = Untracked()

    @property
    def num_levels(self) -> int:
        """Number of discriminators that train independently."""
        return 1

    @property
    def gradient_norms(self) -> dict:
        """Running mean of each network's gradient norm, a dict of `keras.metrics.Mean`."""
        return self._untracked.gradient_norms

    def unpack(self, data) -> tuple:
        """Return `(real_images, condition)` of a batch.

        The condition is a tuple of tensors that both networks take in addition to their first
        input. It holds the labels, or is empty for a family without classes.
        """
        real_images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        if real_images.dtype == tf.uint8:
            real_images = from_pixels(real_images)
        return tf.cast(real_images, "float32"), self.to_condition(labels)

    def to_condition(self, labels) -> tuple:
        """Return labels as the condition of the networks: one tensor for each condition."""
        conditions = self.conditions
        if not conditions:
            return ()
        columns = by_name(labels, conditions)
        return tuple(tf.cast(columns[one.name], one.dtype) for one in conditions)

    def make_fakes(self, real_images, condition, training: bool = True):
        """Return one fake image per real image.

        By default, the generator makes them from the condition.
        """
        inputs, *others = condition
        return self.synthesize(inputs, others, training=training)

    def synthesize(self, inputs, condition, training: bool = True):
        """Return fake images of the generator, float32."""
        images = self.generator(network_inputs(inputs, condition), training=training)
        return tf.cast(images, "float32")

    def discriminate(self, images, condition, training: bool = True):
        """Return logits of the discriminator, float32. In training it sees augmented images."""
        if training:
            images = self.augment_images(images)
        logits = self.discriminator(network_inputs(images, condition), training=training)
        return tf.cast(logits, "float32")

    def augment_images(self, images, level: int = 0):
        """Return images as the discriminator of a level sees them in training.

        A family that overrides `discriminate` calls this there.
        """
        if self.augmentation is None:
            return images
        return self.augmentation(images, self.augment_amounts()[level], self.draw_uniform)

    def augment_amounts(self) -> list:
        """Return the current amount of augmentation of each level, a scalar from 0 to 1."""
        if self.augmentation is None:
            return [0.0] * self.num_levels
        if self._adaptive_amount is not None:
            return tf.unstack(self._adaptive_amount.variables["amounts"].value)
        step = self.discriminator_optimizer.iterations
        return [self.augmentation.amount_at(step)] * self.num_levels

    def discriminator_loss(self, real_images, fake_images, condition) -> tuple:
        """Return `(loss, real_logits, fake_logits)`, the loss with its penalty."""
        # Two forward passes, so that batch normalization does not mix real with fake images.
        real_logits = self.discriminate(real_images, condition)
        fake_logits = self.discriminate(fake_images, condition)
        loss = self.adversarial_loss.discriminator(real_logits, fake_logits)
        if self.regularizer is not None:
            loss += self.lazy_penalty(real_images, tf.stop_gradient(fake_images), condition)
        return loss, real_logits, fake_logits

    def generator_loss(self, real_images, fake_images, real_logits, fake_logits) -> tf.Tensor:
        """Return the generator's loss, a vector with one value per level."""
        return per_level(self.adversarial_loss.generator, real_logits, fake_logits)

    def lazy_penalty(self, real_images, fake_images, condition) -> tf.Tensor:
        """Return `every` times the gradient penalty, at every `regularizer.every`-th step, else 0.

        Reference: Karras et al., 2020 (arXiv:1912.04958), section 3.1, "lazy regularization".
        """
        if self.regularizer is None:
            return tf.zeros(())
        every = self.regularizer.every
        if every == 1:
            return self.penalty(real_images, fake_images, condition)
        return updates.every_n_steps(
            tf.equal(self.discriminator_optimizer.iterations % every, 0),
            lambda: every * self.penalty(real_images, fake_images, condition),
            self.discriminator,
        )

    def penalty(self, real_images, fake_images, condition) -> tf.Tensor:
        """Return the gradient penalty. Only the network itself runs in reduced precision."""
        penalty = 0.0
        if self.regularizer is None:
            return penalty
        for points in self.regularizer.points(real_images, fake_images, self.draw_uniform):
            with tf.GradientTape() as tape:
                tape.watch(points)
                # The gradient of the sum holds each image's own gradient if its logit depends
                # on no other image. Batch normalization adds its effect on the others' logits.
                total = tf.reduce_sum(self.discriminate(points, condition))
            penalty += self.regularizer.penalty(
                tape.gradient(total, points), self.discriminator_optimizer.iterations
            )
        return penalty

    def recalibrate_ema_batch_norm(self, condition) -> list | None:
        """Recalibrate the averaged generator's batch statistics on generated images.

        Args:
            condition: condition of the last batch.

        Returns:
            List of tensors that depend on the new statistics. No weight may change before they are
            computed. None, the default, averages the statistics like all other weights.

        Reference: "precise BN", Wu & Johnson, 2021 (arXiv:2105.07576), section 3.
        """
        return None

    def apply_discriminator_gradients(self, gradients, losses) -> None:
        """Update the discriminator once `losses` are computed."""
        updates.apply_gradients(
            self.discriminator,
            self.discriminator_optimizer,
            self.gradient_norms["discriminator"],
            gradients,
            losses,
        )

    def apply_generator_gradients(self, gradients, losses) -> None:
        """Update the generator once `losses` are computed."""
        updates.apply_gradients(
            self.generator,
            self.generator_optimizer,
            self.gradient_norms["generator"],
            gradients,
            losses,
        )

    def count_step(self) -> None:
        """Count a training step, also if the loss scale of float16 skipped its updates."""
        self._untracked.steps.assign_add(1)

    def adapt_augmentation(
        self, generator_loss, discriminator_loss, real_logits, fake_logits
    ) -> None:
        """Adapt the augmentation to the logits of a step, once the losses are computed."""
        if self._adaptive_amount is None:
            return
        pairs = zip(tf.nest.flatten(real_logits), tf.nest.flatten(fake_logits), strict=True)
        margins = [self.adversarial_loss.margins(real, fake) for real, fake in pairs]
        self._adaptive_amount.update(
            self.augmentation,
            updates.wait_for([generator_loss, discriminator_loss], margins),
            self._untracked.steps.value,
            self.discriminator_steps,
        )
