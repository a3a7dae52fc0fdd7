# %% [markdown]
# # Write a family, a loss, a metric
#
# ganzoo's parts can be replaced. This guide writes a loss, a metric and a family of models of its own,
# and uses them like those of ganzoo.
#
# ## A loss
# A loss is a class with two methods, one for each player. Both see the logits of real and of fake
# images. This one is a squared hinge: it asks for a margin between the two kinds.

# %%
import keras
import numpy as np
from keras import layers, ops

import ganzoo

keras.utils.set_random_seed(0)


@keras.saving.register_keras_serializable(package="my_models")
class Margin(ganzoo.losses.AdversarialLoss):
    """Push logits of real images above `margin`, and those of fake images below `-margin`."""

    generator_uses_real_logits = False

    def __init__(self, margin: float = 1.0):
        self.margin = margin

    def discriminator(self, real_logits, fake_logits):
        real = ops.relu(self.margin - real_logits)
        fake = ops.relu(self.margin + fake_logits)
        return ops.mean(real**2) + ops.mean(fake**2)

    def generator(self, real_logits, fake_logits):
        return -ops.mean(fake_logits)

    def get_config(self):
        return {"margin": self.margin}


loss = Margin(margin=1.0)
print(float(loss.discriminator(ops.ones((4, 1)), -ops.ones((4, 1)))), "if D is right by the margin")

# %% [markdown]
# `get_config` and the decorator let Keras save the loss with a model. It is used like a name:

# %%
images = ganzoo.data.load_arrays("sample").pixels[:2000]
gan = ganzoo.VanillaGAN((28, 28, 1), hidden_units=64, seed=0)
gan.compile(loss=Margin(), regularizer="r1")
gan.fit(images, epochs=2, batch_size=64, verbose=2)
gan.save("margin.keras")
print(type(ganzoo.load("margin.keras").adversarial_loss).__name__)

# %% [markdown]
# ## A penalty or an augmentation
# `ganzoo.regularizers.GradientRegularizer` and `ganzoo.augment.Augmentation` are base classes in the
# same way ([Reference](../reference/blocks.md)).
#
# ## A metric
# The simplest metric is a function of pixels:


# %%
def ink(pixels):
    """Return the mean brightness of each image, from 0 to 1."""
    return pixels.mean(axis=(1, 2, 3)) / 255


real, fake = ink(images[:500]), ink(gan.generate(500, seed=0))
print(f"real {real.mean():.3f} ± {real.std():.3f}, fake {fake.mean():.3f} ± {fake.std():.3f}")

# %% [markdown]
# An *extractor* of your own gives all distances a new meaning. It is a function from pixels to
# features. Here the features are 49 means of 4 x 4 pixels:


# %%
def cells(pixels):
    return pixels.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49) / 255


fid = ganzoo.metrics.FrechetDistance(extractor=cells)
fid.update(images, real=True)
fid.update(gan.generate(2000, seed=0), real=False)
print(f"{float(fid.result()):.3f} by {fid.result().extractor}")

# %% [markdown]
# ## A family
# A family is a class: its constructor builds both networks, `recommended` holds its recipe, and
# `get_config` its arguments. From these, saving, presets, the command line and `reproduce` follow.


# %%
@keras.saving.register_keras_serializable(package="my_models")
class LinearGAN(ganzoo.LatentGAN):
    """GAN with a linear generator, which can only mix a few pictures.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: int. Number of pictures that are mixed.
        **kwargs: `seed`, `name` and `dtype`.
    """

    def __init__(self, image_shape: tuple[int, int, int], latent_dim: int = 16, **kwargs):
        pixels = int(np.prod(image_shape))
        generator = keras.Sequential(
            [
                keras.Input((latent_dim,), name="latents"),
                layers.Dense(pixels, activation="tanh", name="pictures"),
                layers.Reshape(image_shape),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input(image_shape, name="images"),
                layers.Flatten(),
                layers.Dense(128, name="hidden"),
                layers.LeakyReLU(0.2),
                layers.Dense(1, name="logits"),
            ]
        )
        super().__init__(generator, discriminator, **kwargs)
        self.latent_dim = latent_dim

    def recommended(self, **given) -> dict:
        return {**super().recommended(**given), "regularizer": "r1"}

    def get_config(self) -> dict:
        arguments = {"image_shape": self.image_shape, "latent_dim": self.latent_dim}
        return {**self.get_common_config(), **arguments}


gan = LinearGAN((28, 28, 1), seed=0)
gan.compile()
gan.fit(images, epochs=2, batch_size=64, verbose=2)
gan.save("linear.keras")
print(ganzoo.load("linear.keras").latent_dim)

# %% [markdown]
# One more call tells ganzoo its name. Then the command line trains it, with its own arguments as
# options:

# %%
from ganzoo import registry

registry.register_family(
    "linear",
    model="__main__:LinearGAN",
    paper="none",
    conditioned_on="nothing",
    test_config={"image_shape": (8, 8, 1), "latent_dim": 4},
)
print([family.name for family in registry.families()])

# %% [markdown]
# In a package of your own, replace `__main__` by the name of the module.
# [Contributing](../../CONTRIBUTING.md#add-a-family) goes through a complete family, WGAN-GP, and
# names the methods to override if the game itself changes.
