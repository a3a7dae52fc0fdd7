"""Presets of the CGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "cgan_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1), "num_classes": 10, "latent_dim": 64},
        weights=File(
            "model.weights.h5",
            sha256="ad5accc77a3aa214a2c38628fa65b82f48859c06531aa69637d23bda1c3db765",
            size=3_149_288,
        ),
        recipe={"data": "fashion_mnist", "epochs": 12, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 0.604, extractor="fashion_mnist", num_images=10_000),),
    ),
    "cgan_mnist": Preset(
        config={"image_shape": (28, 28, 1), "num_classes": 10, "latent_dim": 64},
        weights=File(
            "model.weights.h5",
            sha256="3e7965154585de89585c381e85124c20273edc77cf00fb37f695a2ea4d00b738",
            size=3_149_288,
        ),
        recipe={
            "data": "mnist",
            "regularizer": "none",
            "epochs": 6,
            "batch_size": 32,
            "seed": 0,
        },
        scores=(Score("fid", 0.0954, extractor="mnist", num_images=10_000),),
    ),
}
