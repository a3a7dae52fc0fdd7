"""Figures that say how good images are."""

from ganzoo.metrics.restoration import psnr, ssim

__all__ = ["psnr", "ssim"]
