"""Define the presets of the LAPGAN."""

from ganzoo.class_names import CLASS_NAMES
from ganzoo.registry import File, Preset, Score

_SIZES = {"num_classes": 10, "base_size": 8, "base_latent_dim": 100, "filters": 64}
_RECIPE = {"batch_size": 32, "class_conditional": True, "seed": 0}

PRESETS = {
    "lapgan_cifar10": Preset(
        config={"image_shape": (32, 32, 3), "class_names": CLASS_NAMES["cifar10"], **_SIZES},
        weights=File(
            "model.weights.h5",
            sha256="db99ba89528aeec0700ecc67d6ce8919009355fed64b34af71ba1c6be80bc3b4",
            size=3_146_376,
        ),
        recipe={"data": "cifar10", **_RECIPE, "decay_steps": 31_240, "max_steps": 15_620},
        scores=(Score("fid", 5.559, extractor="cifar10", num_images=10_000),),
    ),
    "lapgan_fashion_mnist": Preset(
        config={
            "image_shape": (28, 28, 1),
            "class_names": CLASS_NAMES["fashion_mnist"],
            **_SIZES,
        },
        weights=File(
            "model.weights.h5",
            sha256="f5ca6f792a378728339ae21022e45c8d12a1b734a5cf666054832eb24e0f8219",
            size=2_857_752,
        ),
        recipe={
            "data": "fashion_mnist",
            **_RECIPE,
            "epochs": 12,
            "decay_steps": 22_500,
            "max_steps": 18_750,
        },
        scores=(Score("fid", 0.4879, extractor="fashion_mnist", num_images=10_000),),
    ),
}
