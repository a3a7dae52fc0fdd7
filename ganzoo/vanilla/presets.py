"""Define the presets of the vanilla GAN."""

from ganzoo.registry import File, Preset, Score

_CONFIG = {"image_shape": (28, 28, 1), "latent_dim": 100, "hidden_units": 512}
_RECIPE = {
    "batch_size": 64,
    "compile": {"regularizer": "r1", "regularizer.weight": 0.1, "regularizer.every": 8},
    "seed": 0,
}

PRESETS = {
    "vanilla_fashion_mnist": Preset(
        config=_CONFIG,
        weights=File(
            "model.weights.h5",
            sha256="15543d7faae2f9c248f9cecfb415791e34a875e1428c55a8905caf39f7c66acc",
            size=1_473_368,
        ),
        recipe={"data": "fashion_mnist", **_RECIPE, "epochs": 40, "max_steps": 37_480},
        scores=(Score("fid", 3.866, extractor="fashion_mnist", num_images=10_000),),
    ),
    "vanilla_mnist": Preset(
        config=_CONFIG,
        weights=File(
            "model.weights.h5",
            sha256="17521af0609361d1185f3560b433ef5d0fdc1be9244c3bc4e9bae1c65ce96371",
            size=1_473_368,
        ),
        recipe={"data": "mnist", **_RECIPE, "epochs": 60, "max_steps": 56_220},
        scores=(Score("fid", 0.827, extractor="mnist", num_images=10_000),),
    ),
}
