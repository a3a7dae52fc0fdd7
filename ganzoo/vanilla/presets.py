"""Presets of the vanilla GAN."""

from ganzoo.registry import File, Preset, Score

_CONFIG = {"image_shape": (28, 28, 1), "latent_dim": 100, "hidden_units": 512}
_RECIPE = {
    "batch_size": 64,
    "regularizer": "r1",
    "regularizer_weight": 0.1,
    "regularizer_every": 8,
    "seed": 0,
}

PRESETS = {
    "vanilla_fashion_mnist": Preset(
        config=_CONFIG,
        weights=File(
            "model.weights.h5",
            sha256="6f68336b2ab943a8cbe1a1439549d05da9e2a4f667d9c2034ff891dc85b6f23b",
            size=1_473_368,
        ),
        recipe={"data": "fashion_mnist", **_RECIPE, "max_steps": 18_740},
        scores=(Score("fid", 5.27, extractor="fashion_mnist", num_images=10_000),),
    ),
    "vanilla_mnist": Preset(
        config=_CONFIG,
        weights=File(
            "model.weights.h5",
            sha256="5aaa99d4efcbd6c10cd37161a198bd9d7a7426ded637c25076ba507c5ceb3436",
            size=1_473_368,
        ),
        recipe={"data": "mnist", **_RECIPE, "epochs": 40, "max_steps": 37_480},
        scores=(Score("fid", 1.113, extractor="mnist", num_images=10_000),),
    ),
}
