"""The training step: algorithm 1 of Goodfellow et al., 2014 (arXiv:1406.2661).

`gan.discriminate` augments its images: the real and the fake ones, in the losses of both networks
and under the gradient penalty (Zhao et al., 2020, arXiv:2006.10738, figure 4). Precision, replicas
and the order of updates are handled in `updates.py`, the moving average in `ema.py`. A family
changes the step by overriding the methods of `GAN` that are called here.
"""

import tensorflow as tf

from ganzoo.base import ema, updates


def train_step(gan, data) -> tuple:
    """Update the discriminator k times and the generator once, then the moving average.

    Each of the k updates sees its own part of the batch and its own latents. The generator's
    update belongs to the last part.

    Returns:
        `(generator_loss, discriminator_loss, real_logits, fake_logits)` of the last part.
    """
    *first_parts, last_part = split_batch(data, gan.discriminator_steps)
    for part in first_parts:
        update_discriminator(gan, *gan.unpack(part))
    real_images, condition = gan.unpack(last_part)
    update_both = simultaneous_step if gan.update == "simultaneous" else alternating_step
    losses_and_logits = update_both(gan, real_images, condition)
    ema.update_ema(gan, condition)
    gan.count_step()
    gan.adapt_augmentation(*losses_and_logits)
    return losses_and_logits


def alternating_step(gan, real_images, condition) -> tuple:
    """Update the discriminator, then the generator against the updated discriminator."""
    discriminator_loss, real_logits, _ = update_discriminator(gan, real_images, condition)
    with tf.GradientTape() as tape:
        fake_images = gan.make_fakes(real_images, condition)
        fake_logits = gan.discriminate(fake_images, condition)
        if gan.adversarial_loss.generator_uses_real_logits:
            # Logits are comparable only if the same discriminator computed them.
            real_logits = gan.discriminate(real_images, condition)
        generator_loss = gan.generator_loss(real_images, fake_images, real_logits, fake_logits)
    gradients = updates.compute_gradients(
        tape, generator_loss, gan.generator.trainable_variables, gan.generator_optimizer
    )
    gan.apply_generator_gradients(gradients, generator_loss)
    return generator_loss, discriminator_loss, real_logits, fake_logits


def update_discriminator(gan, real_images, condition) -> tuple:
    """Update the discriminator alone. Return its loss and the logits of both batches."""
    # Make fake images outside of the tape, because the generator gets no gradient.
    fake_images = gan.make_fakes(real_images, condition)
    with tf.GradientTape() as tape:
        loss, real_logits, fake_logits = gan.discriminator_loss(real_images, fake_images, condition)
    gradients = updates.compute_gradients(
        tape, loss, gan.discriminator.trainable_variables, gan.discriminator_optimizer
    )
    gan.apply_discriminator_gradients(gradients, loss)
    return loss, real_logits, fake_logits


def simultaneous_step(gan, real_images, condition) -> tuple:
    """Update both networks at once, from one forward pass of each."""
    with tf.GradientTape() as generator_tape:
        fake_images = gan.make_fakes(real_images, condition)
    with tf.GradientTape(persistent=True) as discriminator_tape:
        discriminator_tape.watch(fake_images)
        discriminator_loss, real_logits, fake_logits = gan.discriminator_loss(
            real_images, fake_images, condition
        )
    with tf.GradientTape() as loss_tape:
        loss_tape.watch([fake_images, fake_logits])
        generator_loss = gan.generator_loss(real_images, fake_images, real_logits, fake_logits)

    # Compute both gradients before either update, so that both use the current weights of the
    # other network.
    losses = [discriminator_loss, generator_loss]
    discriminator_gradients, image_gradients = updates.gradients_of_both(
        gan, discriminator_tape, loss_tape, fake_images, fake_logits, *losses
    )
    generator_gradients = generator_tape.gradient(
        fake_images, gan.generator.trainable_variables, image_gradients
    )
    gan.apply_discriminator_gradients(discriminator_gradients, losses)
    gan.apply_generator_gradients(generator_gradients, losses)
    return generator_loss, discriminator_loss, real_logits, fake_logits


def split_batch(data, num_parts: int) -> list:
    """Split every tensor of a batch into equal parts along its first axis. None stays None."""
    if num_parts == 1:
        return [data]
    parts = [
        [None] * num_parts if tensor is None else tf.split(tensor, num_parts)
        for tensor in tf.nest.flatten(data)
    ]
    return [tf.nest.pack_sequence_as(data, part) for part in zip(*parts, strict=True)]
