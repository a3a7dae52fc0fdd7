"""Base classes of all GANs, and their training step."""

from ganzoo.base.gan import GAN
from ganzoo.base.latent_gan import LatentGAN, require_generation

__all__ = ["GAN", "LatentGAN", "require_generation"]
