# %% [markdown]
# # Measure a GAN
#
# The loss of a GAN does not measure its images: it says who is ahead in the game. This guide measures
# images with the metrics that papers use, and shows what each of them can and cannot see.
# [Metrics](../metrics.md) is the list of all metrics, with their rules.
#
# ## Two distances
# A metric compares *features* of generated and of real images. The features come from a classifier.
# FID is a distance between the two clouds of features: 0 would be perfect.

# %%
import numpy as np

import ganzoo

real = ganzoo.data.load_arrays("sample")
print(real.pixels.shape)


def measure(images):
    fid = ganzoo.metrics.FrechetDistance(extractor="fashion_mnist")
    spread = ganzoo.metrics.PrecisionRecall(extractor="fashion_mnist")
    for metric in (fid, spread):
        metric.update(real.pixels[:500], real=True)
        metric.update(images, real=False)
    found = spread.result().details
    return (
        f"FID {float(fid.result()):7.2f}   precision {found['precision']:.2f}"
        f"   recall {found['recall']:.2f}"
    )


# %% [markdown]
# ## What a value means
# A value alone says little. Measure what you know beside it: real images that were not used, and
# images that are certainly bad.

# %%
unseen = real.pixels[500:1000]
noise = np.random.default_rng(0).integers(0, 256, unseen.shape, "uint8")
for name, images in [("unseen real images", unseen), ("noise", noise)]:
    print(f"{name:22s}", measure(images))

# %% [markdown]
# Noise has a precision of 0.42: its features happen to lie near those of some clothes. Never trust a
# single figure.
#
# Unseen real images do not have an FID of 0, because 500 images are only a sample. Their value is
# the *floor*: no generator can be better. Compare values of equal numbers of images only.
#
# ## Two generators

# %%
for name in ("vanilla_fashion_mnist", "dcgan_fashion_mnist"):
    images = ganzoo.from_preset(name).generate(500, seed=0)
    print(f"{name:22s}", measure(images))

# %% [markdown]
# The lower FID belongs to the better images. Precision is the share of generated images that look
# real. Recall is the share of real images that the generator can make.
#
# ## Fool the metrics
# Break the images in ways that you know, and see which metric notices.

# %%
good = ganzoo.from_preset("dcgan_fashion_mnist").generate(500, seed=0)
classes = ganzoo.from_preset("cgan_fashion_mnist")
broken = {
    "as they are": good,
    "one class only": classes.generate(500, labels="sneaker", seed=0),
    "ten images, repeated": np.tile(good[:10], (50, 1, 1, 1)),
    "noise added": np.clip(
        good + np.random.default_rng(0).normal(0, 20, good.shape), 0, 255
    ).astype("uint8"),
    "training images": real.pixels[:500],
}
for name, images in broken.items():
    print(f"{name:22s}", measure(images))

# %% [markdown]
# - **One class only**: each image looks real, so precision is high. Recall shows what is missing.
# - **Repeated images**: recall is 0. A generator that makes few images has *collapsed*.
# - **Noise added**: everything gets worse. Features notice noise that people hardly see.
# - **Training images**: the FID is 0, and nothing is new! FID, precision and recall do not see copies.
#   The metrics `copies` and `neighbours` do:

# %%
copies = ganzoo.metrics.TrainingCopies(extractor="fashion_mnist")
copies.update(real.pixels[:4000], real=True)
copies.update(good, real=False)
print(f"of the DCGAN's images, {float(copies.result()):.1%} count as copies")

# %% [markdown]
# Some unseen real images count as copies, too, because plain items look alike. `ganzoo evaluate` prints
# their share beside it.
#
# ## All of it in one command
# `evaluate` generates 10,000 images by default, chooses the extractor, and prints the floors. With
# fewer images it is faster and less exact:
#
# ```sh
# ganzoo evaluate dcgan_fashion_mnist --data fashion_mnist
# ganzoo evaluate runs/mine --data ./photos -n 1000 --copies copies.png
# ```
#
# `KID` does not depend on the number of images, and comes with a standard error. Trust it if you have
# few images.
#
# ## Exercises
# 1. Measure 1,000 and 2,000 images of the DCGAN. *Expected: the FID falls with the number, and the
#    FID of unseen real images falls, too. The generator has not changed.*
# 2. Measure `dcgan_mnist` with the extractor `fashion_mnist`. *Expected: a very large FID. Digits are
#    no clothes.*
# 3. Shift all images by one pixel: `np.roll(good, 1, axis=2)`. *Expected: the FID rises, although you
#    hardly see a difference. Features see positions.*
#
# Each takes less than a minute on a laptop.
