"""Small images of every kind, and Pillow's way with them."""

import numpy as np
from PIL import Image, ImageCms

# 5 wide and 4 high, so that a swapped axis shows.
GRAY = np.random.default_rng(0).integers(0, 256, (4, 5), "uint8")
RGB = np.random.default_rng(1).integers(0, 256, (4, 5, 3), "uint8")
ALPHA = np.random.default_rng(2).integers(0, 256, (4, 5), "uint8")
DEEP = np.random.default_rng(3).integers(0, 65_536, (4, 5), "uint16")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# The header alone: nothing here looks further.
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]


def save(path, pixels, mode=None, **options):
    """Writes an array by Pillow alone."""
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(path, **options)
    return path


def repeat(pixels, scale=2):
    """The least function that upscales."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def load(path):
    """What Pillow reads: mode and channels."""
    with Image.open(path) as image:
        return image.mode, np.asarray(image)
