"""Presets of the LAPGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "lapgan_cifar10": Preset(
        config={"image_shape": (32, 32, 3), "num_classes": 10},
        weights=File(
            "model.weights.h5",
            sha256="b78f9dc5c21c719bda9c78b5c28a01c2e412574f14903fb9e88c5c2d5617b69a",
            size=2_966_832,
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
            sha256="7f0174632bd4709f95076fef7313ecc23e4c5cdcf05d643227c9212ce9034dd7",
            size=2_450_152,
        ),
        recipe={"data": "fashion_mnist", "epochs": 14, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 3.017, extractor="fashion_mnist", num_images=10_000),),
    ),
}
