# %% [markdown]
# # When training fails
#
# A GAN can fail in ways that no other network knows, and its losses do not tell. ganzoo's *doctor*
# watches both networks and names the failure with its evidence and advice. `ganzoo train` always
# calls it. From Python it is a callback. This guide makes trainings fail on purpose, and follows the
# advice.
#
# ## A training that diverges
# The learning rates of this vanilla GAN are a hundred times too high.

# %%
import keras
from PIL import Image

import ganzoo


def train(generator_rate, discriminator_rate, steps=300, **arguments):
    keras.utils.set_random_seed(0)
    gan = ganzoo.VanillaGAN((28, 28, 1), hidden_units=256, seed=0)
    gan.compile(
        keras.optimizers.Adam(generator_rate, beta_1=0.5),
        keras.optimizers.Adam(discriminator_rate, beta_1=0.5),
        **arguments,
    )
    doctor = ganzoo.callbacks.Doctor(every=50)
    data = ganzoo.data.load("sample", batch_size=64).repeat()
    gan.fit(data, steps_per_epoch=steps, callbacks=[doctor], verbose=0)
    return gan, doctor


gan, doctor = train(0.1, 0.1)

# %% [markdown]
# A report has the step, the evidence, and the arguments to change. With the advised rates:

# %%
gan, doctor = train(1e-3, 1e-3)
print("findings:", doctor.findings)

# %% [markdown]
# ## A discriminator that is too strong
# With the minimax loss, a sure discriminator gives the generator no gradient
# ([why](../learn/index.md#the-gradient-that-vanishes)).

# %%
arguments = {"loss": "minimax", "regularizer": "none", "steps": 1000}
gan, doctor = train(1e-3, 4e-3, **arguments)

# %% Images of the generator that got no gradient
before = gan.generate(16, seed=0)
Image.fromarray(ganzoo.images.draw_grid(before, columns=8)[..., 0])

# %%
arguments = {"loss": "non_saturating", "regularizer": "r1", "steps": 1000}
gan, doctor = train(1e-3, 4e-3, **arguments)
print("findings:", doctor.findings)

# %% Images after the advice
after = gan.generate(16, seed=0)
Image.fromarray(ganzoo.images.draw_grid(after, columns=8)[..., 0])

# %% [markdown]
# ## Look yourself
# `doctor.observations` holds the figures that the rules read. TensorBoard shows them below `doctor/`.

# %%
for seen in doctor.observations[::5]:
    print(
        f"step {seen.step:4d}: D(real) {seen.real_score:.2f}, D(fake) {seen.fake_score:.2f}, "
        f"gradient of the generator {seen.generator_gradient_norm:.3f}, "
        f"diversity {seen.diversity:.2f}"
    )

# %% [markdown]
# ## All failure modes
# | failure mode | evidence | advice |
# |---|---|---|
# | divergence | a loss or gradient norm is NaN or infinite; a loss is beyond 1,000; a loss other than `wasserstein` is beyond 100 in two observations in a row; or a gradient norm is a hundred times its earlier median | the default optimizers, or a tenth of the learning rates |
# | vanishing generator gradient | the discriminator is sure of every image, and the generator's gradient norm fell to a twentieth | `loss="non_saturating"`, a gradient penalty, or a lower learning rate of the discriminator |
# | mode collapse | the distance between fake images is less than 30 % of that between real images and does not rise; or fake images cover far fewer real images than before | a gradient penalty, or `loss="relativistic"` with `regularizer="r1_r2"` |
# | no equilibrium | the difference between real and fake scores oscillates | a gradient penalty |
# | discriminator memorising | the discriminator scores training images above held-out images | [augmentation](../few_images.md), more images, or fewer epochs |
# | generator winning | the discriminator scores fake images above real images | the default optimizers, or a higher learning rate of the discriminator |
#
# A report names the step, the evidence, the arguments of `compile`, and the options of `ganzoo
# train`. Advice depends on the loss, the penalty and the learning rates that the run uses.
#
# Observations are TensorBoard scalars below `doctor/`: losses, scores, gradient norms, diversity,
# precision, coverage, and `held_out_auc`. The last is the probability that the discriminator scores a
# training image above a held-out image. Findings are TensorBoard text, and rows of `findings` in
# `metrics.json`.
#
# ## Limits
# - The doctor observes steps 25, 50 and 100, then every 200 steps. Most rules need two to six
#   observations in a row. It sees nothing in very short runs.
# - Memorising is checked for models without classes, and only if the data have a test split of at
#   least 10 images. Folders of at least 100 images [have one](../data.md#held-out-images).
# - The doctor never changes a run. With the same seed, the weights are bit-identical with and without
#   it. It takes less than 1 % of the training time (`python benchmarks/doctor_cost.py`).
#
# [Experiments](../experiments/metrics.md) show findings and the effect of the advice on runs that fail by
# design.
