"""Define the presets of the DCGAN."""

from ganzoo.registry import File, Preset, Score

_GRAY_CONFIG = {
    "image_shape": (28, 28, 1),
    "latent_dim": 64,
    "base_filters": 64,
    "discriminator_norm": "batch",
}
_GRAY_RECIPE = {
    "epochs": 24,
    "batch_size": 32,
    "decay_steps": 45_000,
    "seed": 0,
}

PRESETS = {
    "dcgan_cifar10": Preset(
        config={
            "image_shape": (32, 32, 3),
            "latent_dim": 64,
            "base_filters": 64,
            "discriminator_norm": "none",
        },
        weights=File(
            "model.weights.h5",
            sha256="d9ba474b7ab771a430447909c823e03b4d241fb5671b5e583a6eecaef2fae9fd",
            size=3_476_048,
        ),
        recipe={
            "data": "cifar10",
            "batch_size": 32,
            "decay_steps": 31_240,
            "seed": 0,
            "max_steps": 28_116,
        },
        scores=(Score("fid", 7.806, extractor="cifar10", num_images=10_000),),
    ),
    "dcgan_fashion_mnist": Preset(
        config=_GRAY_CONFIG,
        weights=File(
            "model.weights.h5",
            sha256="ed74e8e878715b65001a8386bf1691e237c25575f79f10d013f0a35721a4eed1",
            size=2_195_832,
        ),
        recipe={"data": "fashion_mnist", **_GRAY_RECIPE},
        scores=(Score("fid", 0.5486, extractor="fashion_mnist", num_images=10_000),),
    ),
    "dcgan_mnist": Preset(
        config=_GRAY_CONFIG,
        weights=File(
            "model.weights.h5",
            sha256="401072f12609689e30924ce451b9a4cf8139feb4a1cd1b524f0e772f5b3d1880",
            size=1_504_632,
        ),
        recipe={
            "data": "mnist",
            **_GRAY_RECIPE,
            "compile": {"regularizer": "r1", "regularizer.weight": 0.5, "regularizer.every": 4},
            "max_steps": 45_000,
        },
        scores=(Score("fid", 0.1358, extractor="mnist", num_images=10_000),),
    ),
}
