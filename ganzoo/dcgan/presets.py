"""Presets of the DCGAN."""

from ganzoo.registry import File, Preset, Score

_OF_GRAY_IMAGES = {
    "image_shape": (28, 28, 1),
    "latent_dim": 64,
    "base_filters": 64,
    "discriminator_norm": "batch",
}
_EIGHT_PASSES = {
    "epochs": 8,
    "batch_size": 32,
    "mixed_precision": True,
    "decay_steps": 15_000,
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
            sha256="140ebd2720ff514f09da46be954f6ffde66465f4a13eb5bdcd2b1baaf500fdea",
            size=3_476_048,
        ),
        recipe={
            "data": "cifar10",
            "epochs": 10,
            "batch_size": 32,
            "mixed_precision": True,
            "decay_steps": 15_620,
            "seed": 0,
            "max_steps": 15_620,
        },
        scores=(Score("fid", 9.554, extractor="cifar10", num_images=10_000),),
    ),
    "dcgan_fashion_mnist": Preset(
        config=_OF_GRAY_IMAGES,
        weights=File(
            "model.weights.h5",
            sha256="7d44a75547744e380d4bcb35f09fddb29ac13823b02dfdf0671623c26c8a18a6",
            size=2_195_832,
        ),
        recipe={"data": "fashion_mnist", **_EIGHT_PASSES},
        scores=(Score("fid", 0.9995, extractor="fashion_mnist", num_images=10_000),),
    ),
    "dcgan_mnist": Preset(
        config=_OF_GRAY_IMAGES,
        weights=File(
            "model.weights.h5",
            sha256="75c6b32805e9420ee645a6f7742ff18d4d0d8459116bfa5cf5523be08edcbc1a",
            size=1_504_632,
        ),
        recipe={"data": "mnist", **_EIGHT_PASSES, "max_steps": 13_125},
        scores=(Score("fid", 0.8999, extractor="mnist", num_images=10_000),),
    ),
}
