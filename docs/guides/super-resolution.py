# %% [markdown]
# # Super-resolution of your photographs
#
# Super-resolution makes a small photograph large. Many large photographs shrink to the same small
# one, so detail must be invented. An SRGAN has learned from photographs which detail is likely. This
# guide enlarges a photograph and looks at the result.
#
# The photograph here is [photo.png](photo.png): the astronaut Eileen Collins, 128 pixels wide (NASA,
# public domain). Use your own instead.

# %%
import numpy as np
from PIL import Image

import ganzoo

photo = np.asarray(Image.open("photo.png").convert("RGB"))
print(photo.shape, photo.dtype)

# %% [markdown]
# ## Enlarge it
# `upscale` takes pixels and returns pixels, with four times the height and width:

# %%
model = ganzoo.from_preset("srgan_x4")
large = model.upscale(photo)
print(large.shape, large.dtype)

# %% [markdown]
# Compare a detail with bicubic interpolation, which invents nothing:

# %% Bicubic interpolation on the left, the SRGAN on the right
bicubic = np.asarray(Image.fromarray(photo).resize((512, 512), Image.Resampling.BICUBIC))
detail = np.s_[120:400, 90:370]
Image.fromarray(np.hstack([bicubic[detail], large[detail]]))

# %% [markdown]
# ## From the shell
# The command takes files and folders. `--outscale` sets another size. `--strength` sets how much
# detail is invented. At 0 the weights are those of the first phase of training, which is smooth. At
# 1, the default, they are those of the SRGAN.

# %%
# !ganzoo upscale srgan_x4 photo.png --out large
# !ganzoo upscale srgan_x4 photo.png --outscale 2.5 --strength 0.5 --out softer

# %% [markdown]
# Large photographs are cut into tiles, so that memory stays bounded. The tiles do not show.
#
# ## Which preset
# | preset | trained for | choose it for |
# |---|---|---|
# | `srresnet_x4` | the smallest error of pixels | text and drawings, measurement |
# | `srresnet_compact_x4` | the same, with a smaller and faster network | videos |
# | `srgan_x4` | the smallest error, and looking like a photograph | photographs |
#
# `srresnet_x4` has the better PSNR, and `srgan_x4` the better LPIPS, which is closer to what people
# see:

# %%
small = np.asarray(Image.fromarray(photo).resize((32, 32), Image.Resampling.BICUBIC))
for name in ("srresnet_x4", "srgan_x4"):
    guess = ganzoo.from_preset(name).upscale(small)
    psnr, lpips = ganzoo.metrics.psnr(photo, guess), ganzoo.metrics.lpips(photo, guess)
    print(f"{name}: PSNR {float(psnr):.2f} dB, LPIPS {float(lpips):.3f}")

# %% [markdown]
# Higher PSNR is better, and lower LPIPS is better. One photograph says little. The scores of a test
# set are in [the zoo](../zoo.md#srgan_x4).
#
# ## Limits
# - **Do not use the result as evidence.** Letters, faces and textures may be wrong. The more the
#   photograph is enlarged, the more is invented.
# - The presets were trained on sharp photographs that were shrunk. Noise and JPEG blocks are detail to
#   them, and become sharper. `--strength` helps. So does a model trained with `--degrade`.
#
# ## Train your own
# A few hundred sharp photographs are enough to begin. The first phase learns the pixels, and the
# second one adds the discriminator:
#
# ```sh
# ganzoo train srgan --model network=compact --content-only --data ./photos --minutes 60 \
#     --out runs/phase1
# ganzoo train srgan --model network=compact --data ./photos --content pixel+lpips --from runs/phase1 \
#     --decay-steps 300 --blend 0.35 --out runs/phase2
# ganzoo evaluate runs/phase2 --data ./other_photos
# ```
#
# [SRGAN](../../ganzoo/srgan/README.md) explains the options, and how to train on pairs of your own.
