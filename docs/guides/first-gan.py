# %% [markdown]
# # Your first GAN
#
# A GAN is a pair of networks. The *generator* turns random numbers into images. The *discriminator*
# looks at an image and says how likely it is to be real. They train against each other: the
# discriminator learns to tell real images from generated ones, and the generator learns to be taken
# for real. In this guide you build both networks, train them and look at the images.

# %%
import keras
from keras import layers
from PIL import Image

import ganzoo

keras.utils.set_random_seed(0)

# %% [markdown]
# ## The data
# `sample` is a part of Fashion-MNIST that comes with ganzoo: 10,000 gray pictures of clothes, 28
# pixels wide. For your own folder, write its path instead.

# %%
data = ganzoo.data.load("sample", batch_size=64)
images = next(iter(data))
print(images.shape, images.dtype)

# %% [markdown]
# A batch has 64 images of 28 x 28 pixels and one channel. Networks see values in [-1, 1]. Pictures for
# people have whole numbers from 0 to 255, called *pixels* in ganzoo:

# %% Sixteen real pictures of clothes
pixels = ganzoo.images.to_pixels(images[:16].numpy())
Image.fromarray(ganzoo.images.draw_grid(pixels, columns=8)[..., 0])

# %% [markdown]
# ## The generator
# It takes 64 random numbers, the *latents*, and returns an image. The last activation is `tanh`,
# because images are in [-1, 1].

# %%
generator = keras.Sequential(
    [
        keras.Input((64,)),
        layers.Dense(256),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dense(512),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Dense(28 * 28, activation="tanh"),
        layers.Reshape((28, 28, 1)),
    ]
)

# %% [markdown]
# ## The discriminator
# It takes an image and returns one number, the *logit*. A positive logit means "real". There is no
# sigmoid at the end: the loss contains it, which is more exact.

# %%
discriminator = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        layers.Flatten(),
        layers.Dense(512),
        layers.LeakyReLU(0.2),
        layers.Dense(256),
        layers.LeakyReLU(0.2),
        layers.Dense(1),
    ]
)

# %% [markdown]
# ## Train
# `GAN` is a `keras.Model`, so `compile` and `fit` are Keras's. The penalty `r1` keeps the
# discriminator from becoming too sure of itself. [Learn](../learn/index.md) explains why that helps.

# %%
gan = ganzoo.GAN(generator, discriminator, seed=0)
gan.compile(
    keras.optimizers.Adam(5e-4, beta_1=0.5),
    keras.optimizers.Adam(5e-4, beta_1=0.5),
    loss="non_saturating",
    regularizer=ganzoo.regularizers.R1(0.1, every=4),
)
history = gan.fit(data, epochs=12, verbose=0)
for epoch in (0, 5, 11):
    real, fake = (history.history[name][epoch] for name in ("real_score", "fake_score"))
    print(f"epoch {epoch + 1}: D(real) = {real:.2f}, D(fake) = {fake:.2f}")

# %% [markdown]
# `real_score` is the mean probability of being real that the discriminator gives to real images, and
# `fake_score` that of generated ones. At 0.5 and 0.5 it could only guess. They stay apart here: the
# discriminator still finds flaws. That is normal, and it is what the generator learns from.
#
# ## Look at the images

# %% Sixteen generated pictures of clothes
images = gan.generate(16, seed=0)
Image.fromarray(ganzoo.images.draw_grid(images, columns=8)[..., 0])

# %% [markdown]
# These two networks have no convolutions, so the images are grainy. Networks that were made for
# images do better. A trained DCGAN comes with ganzoo:

# %% Sixteen pictures of clothes from a trained DCGAN
dcgan = ganzoo.from_preset("dcgan_fashion_mnist")
Image.fromarray(ganzoo.images.draw_grid(dcgan.generate(16, seed=0), columns=8)[..., 0])

# %% [markdown]
# ## Walk between two images
# Latents that are near each other give similar images. `interpolate` walks from one image to
# another:

# %% A walk between generated images
walk = ganzoo.interpolate(dcgan, num_rows=2, num_steps=8, seed=3)
walk = walk.reshape(-1, 28, 28, 1)
Image.fromarray(ganzoo.images.draw_grid(walk, columns=8)[..., 0])

# %% [markdown]
# ## Save and load

# %%
gan.save("first.keras")
again = ganzoo.load("first.keras")
print((again.generate(16, seed=0) == images).all())

# %% [markdown]
# ## Try it
#
# | change | what you should see |
# |---|---|
# | `epochs=60` | clearer clothes, after a few minutes |
# | `regularizer="none"` | a discriminator that is a little surer: 0.70 and 0.32 after 12 epochs |
# | `loss="minimax"` | a slow start: 0.97 and 0.06 after the first epoch; then it catches up |
# | `ganzoo.DCGAN(image_shape=(28, 28, 1))` instead of both networks | much sharper images; an epoch takes about a minute |
#
# Next: [How a training step works](training-step.py), or [Your images](your-images.md).
