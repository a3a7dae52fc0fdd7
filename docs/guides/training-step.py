# %% [markdown]
# # How a training step works
#
# `fit` calls the training step once for each batch. This guide writes the step by hand, from the
# equations of the 2014 paper, and shows that ganzoo does the same. At the end you can read
# `ganzoo/base/train_step.py`.
#
# ## The equations
# The generator $G$ turns latents $z$ into images. The discriminator $D$ gives the probability that an
# image is real. Both are trained on one value:
#
# $$\min_G \max_D \; \mathbb{E}_{x \sim p}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$
#
# The discriminator wants it to be large: it gives real images a $D$ near 1, and fake ones a $D$ near
# 0. The generator wants it to be small. Algorithm 1 of the paper does two things for each batch:
#
# 1. update the discriminator by a gradient step,
# 2. update the generator by a gradient step, against the new discriminator.
#
# In practice the generator maximizes $\log D(G(z))$ instead, which has the same goal and a larger
# gradient at the start ([Learn](../learn/index.md#the-gradient-that-vanishes)).
#
# ## Logits
# The network returns a logit $l$, and $D = \sigma(l)$. Then $-\log D = \mathrm{softplus}(-l)$ and
# $-\log(1 - D) = \mathrm{softplus}(l)$. So the two losses are
#
# $$L_D = \mathrm{mean}\,\mathrm{softplus}(-l_\mathrm{real}) + \mathrm{mean}\,\mathrm{softplus}(l_\mathrm{fake}),
# \qquad L_G = \mathrm{mean}\,\mathrm{softplus}(-l_\mathrm{fake})$$

# %%
import keras
import numpy as np
import tensorflow as tf
from keras import layers

import ganzoo


def discriminator_loss(real_logits, fake_logits):
    real, fake = tf.nn.softplus(-real_logits), tf.nn.softplus(fake_logits)
    return tf.reduce_mean(real) + tf.reduce_mean(fake)


def generator_loss(fake_logits):
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


real_logits, fake_logits = tf.random.normal((2, 8, 1), seed=0)
theirs = ganzoo.losses.get("non_saturating")
print(float(discriminator_loss(real_logits, fake_logits)))
print(float(theirs.discriminator(real_logits, fake_logits)), "by ganzoo.losses")

# %% [markdown]
# ## Two networks
# They are small, so that the page runs fast. We build them twice with the same weights: once for our
# own step, and once for ganzoo.


# %%
def build():
    keras.utils.set_random_seed(0)
    generator = keras.Sequential(
        [keras.Input((4,)), layers.Dense(64, activation="tanh"), layers.Reshape((8, 8, 1))]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(32),
            layers.LeakyReLU(0.2),
            layers.Dense(1),
        ]
    )
    return generator, discriminator


generator, discriminator = build()
gan = ganzoo.GAN(*build(), seed=0)

# %% [markdown]
# ## The step
# A `GradientTape` records what is computed, and gives the gradient of a loss with respect to
# weights. Note which weights each half changes:
#
# - The first half makes fake images *outside* of the tape. Only the discriminator's weights change.
# - The second half goes *through* the discriminator to the generator's weights. The gradient of the
#   loss with respect to the image tells the generator how to change the image.

# %%
discriminator_optimizer = keras.optimizers.SGD(0.1)
generator_optimizer = keras.optimizers.SGD(0.1)


def step(real_images, first_latents, second_latents):
    # 1. Update the discriminator.
    fake_images = generator(first_latents, training=True)
    with tf.GradientTape() as tape:
        loss = discriminator_loss(
            discriminator(real_images, training=True), discriminator(fake_images, training=True)
        )
    weights = discriminator.trainable_variables
    discriminator_optimizer.apply(tape.gradient(loss, weights), weights)
    # 2. Update the generator against the new discriminator.
    with tf.GradientTape() as tape:
        fake_logits = discriminator(generator(second_latents, training=True), training=True)
        loss = generator_loss(fake_logits)
    weights = generator.trainable_variables
    generator_optimizer.apply(tape.gradient(loss, weights), weights)


# %% [markdown]
# ## The same by ganzoo
# `update="alternating"` is algorithm 1. To compare, both need the same latents, so we give ganzoo
# latents of ours.

# %%
rng = np.random.default_rng(0)
batches = [rng.uniform(-1, 1, (16, 8, 8, 1)).astype("float32") for _ in range(10)]
latents = [rng.normal(size=(16, 4)).astype("float32") for _ in range(20)]

for index, batch in enumerate(batches):
    step(batch, latents[2 * index], latents[2 * index + 1])

given = iter(latents)
gan.sample_latents = lambda count, seed=None: tf.constant(next(given))
gan.compile(
    keras.optimizers.SGD(0.1),
    keras.optimizers.SGD(0.1),
    loss="non_saturating",
    regularizer="none",
    update="alternating",
    run_eagerly=True,
)
for batch in batches:
    gan.train_on_batch(batch)

for ours, theirs in [(generator, gan.generator), (discriminator, gan.discriminator)]:
    pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
    print("largest difference of a weight:", max(np.abs(a - b).max() for a, b in pairs))

# %% [markdown]
# After ten steps all weights agree.
#
# ## Read the real one
# The step of ganzoo is one screen in
# [`ganzoo/base/train_step.py`](../../ganzoo/base/train_step.py). It has the same two halves:
#
# | equation | code |
# |---|---|
# | draw $z$, compute $G(z)$ | `gan.make_fakes(real_images, condition)` |
# | the logits of $D$ | `gan.discriminate(images, condition)` |
# | $L_D$, with the gradient penalty | `gan.discriminator_loss(...)` in `update_discriminator` |
# | $L_G$ | `gan.generator_loss(...)` in `alternating_step` |
# | the gradient step | `updates.compute_gradients`, `gan.apply_..._gradients` |
# | $k$ updates of the discriminator for each of the generator | `split_batch(data, gan.discriminator_steps)` |
#
# It adds these things:
#
# - **Simultaneous updates.** By default both gradients come from one forward pass of each network.
#   That is faster ([Speed](../speed.md)).
# - **A moving average.** `gan.ema_generator` averages the generator's weights over the last steps.
#   `generate` uses it, because the last weights alone wobble.
# - **Precision and devices.** Half precision, several GPUs and the order of updates are in
#   `ganzoo/base/updates.py`, so that the step reads like the paper.
#
# ## Exercises
# 1. Use `update="simultaneous"`, and change `step` so that the weights agree again. Both gradients
#    must be computed before either update, from the same fake images. *Expected: a difference of at
#    most 1e-6.*
# 2. Remove `training=True`. *Expected: no change, because these networks have no batch
#    normalization.*
# 3. Give `compile` the loss `"least_squares"`, and write both losses for `step`
#    ([Reference](../reference/blocks.md)). *Expected: the weights agree, if both losses have the
#    factor 1/2, as in ganzoo.*
#
# Each takes seconds on a laptop.
