"""Define the presets of the CGAN."""

from ganzoo.class_names import CLASS_NAMES
from ganzoo.registry import File, Preset, Score

PRESETS = {
    "cgan_fashion_mnist": Preset(
        config={
            "image_shape": (28, 28, 1),
            "num_classes": 10,
            "class_names": CLASS_NAMES["fashion_mnist"],
            "latent_dim": 64,
        },
        weights=File(
            "model.weights.h5",
            sha256="dce3b44ddf83b81c1c347a79f629775eb1c62f22a214ef1e44d52a27a4c4e438",
            size=3_149_288,
        ),
        recipe={
            "data": "fashion_mnist",
            "epochs": 24,
            "batch_size": 32,
            "compile": {"regularizer": "r1", "regularizer.weight": 0.5, "regularizer.every": 4},
            "decay_steps": 45_000,
            "seed": 0,
            "max_steps": 45_000,
        },
        scores=(Score("fid", 0.2131, extractor="fashion_mnist", num_images=10_000),),
    ),
    "cgan_mnist": Preset(
        config={
            "image_shape": (28, 28, 1),
            "num_classes": 10,
            "class_names": CLASS_NAMES["mnist"],
            "latent_dim": 64,
        },
        weights=File(
            "model.weights.h5",
            sha256="f5523ef862b33e433588cb630b2d3f435d52b5cd1bd19bc0fcee82eb3c71cad0",
            size=3_149_288,
        ),
        recipe={
            "data": "mnist",
            "epochs": 10,
            "batch_size": 32,
            "decay_steps": 18_750,
            "seed": 0,
            "max_steps": 15_000,
        },
        scores=(Score("fid", 0.04476, extractor="mnist", num_images=10_000),),
    ),
}
