"""Presets of the LAPGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "lapgan_cifar10": Preset(
        config={"image_shape": (32, 32, 3), "num_classes": 10},
        weights=File(
            "model.weights.h5",
            sha256="4c67e47dd30509d6bff5acb06592c83518b054d5516de5358164466513b93c89",
            size=5_668_600,
        ),
        recipe={
            "data": "cifar10",
            "class_conditional": True,
            "epochs": 24,
            "batch_size": 32,
            "seed": 0,
        },
        scores=(Score("fid", 8.167, extractor="cifar10", num_images=10_000),),
    ),
    "lapgan_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1)},
        weights=File(
            "model.weights.h5",
            sha256="d0f42b2a507dc0b6984c1b2c1f065a565422ae9a602b37809ba5844b5a74281b",
            size=4_697_480,
        ),
        recipe={"data": "fashion_mnist", "epochs": 14, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 3.017, extractor="fashion_mnist", num_images=10_000),),
    ),
}
