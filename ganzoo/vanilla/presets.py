"""Presets of the vanilla GAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "vanilla_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1), "latent_dim": 100, "hidden_units": 512},
        weights=File(
            "model.weights.h5",
            sha256="6f68336b2ab943a8cbe1a1439549d05da9e2a4f667d9c2034ff891dc85b6f23b",
            size=1_473_368,
        ),
        recipe={
            "data": "fashion_mnist",
            "batch_size": 64,
            "mixed_precision": True,
            "regularizer": "r1",
            "regularizer_weight": 0.1,
            "regularizer_every": 8,
            "seed": 0,
            "max_steps": 18_740,
        },
        scores=(Score("fid", 5.27, extractor="fashion_mnist", num_images=10_000),),
    ),
    "vanilla_mnist": Preset(
        config={"image_shape": (28, 28, 1), "latent_dim": 100, "hidden_units": 512},
        weights=File(
            "model.weights.h5",
            sha256="2807f29f083aaaf7471c068aeba70e5fac6aa0126d3f58477546e34f1ac52368",
            size=1_473_368,
        ),
        recipe={
            "data": "mnist",
            "batch_size": 64,
            "mixed_precision": True,
            "regularizer": "r1",
            "regularizer_weight": 0.1,
            "regularizer_every": 8,
            "seed": 0,
            "max_steps": 18_740,
        },
        scores=(Score("fid", 1.822, extractor="mnist", num_images=10_000),),
    ),
}
