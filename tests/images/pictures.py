"""Provide small images of every kind, and save and load images with Pillow alone."""

import numpy as np
from PIL import Image, ImageCms

# The images are 5 pixels wide and 4 high, so that swapped axes are noticed.
GRAY = np.random.default_rng(0).integers(0, 256, (4, 5), "uint8")
RGB = np.random.default_rng(1).integers(0, 256, (4, 5, 3), "uint8")
ALPHA = np.random.default_rng(2).integers(0, 256, (4, 5), "uint8")
DEEP = np.random.default_rng(3).integers(0, 65_536, (4, 5), "uint16")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Only the header says gray, because the tested code reads nothing else of a profile.
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]


def save(path, pixels, mode=None, **options):
    """Save an array with Pillow, and return the path."""
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def repeat(pixels, scale=2):
    """Upscale by repeating pixels."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def load(path):
    """Return the mode and the pixels that Pillow reads."""
    with Image.open(path) as image:
        return image.mode, np.asarray(image)
