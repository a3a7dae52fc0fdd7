"""Presets of the LAPGAN."""

from ganzoo.registry import File, Preset

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
    ),
}
