"""Presets of the CGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "cgan_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1), "num_classes": 10, "latent_dim": 64},
        weights=File(
            "model.weights.h5",
            sha256="413131b7bfcd842a53b3f34db4b4fb0ad4228471fb03268a85dbc56ae27e836a",
            size=2_324_280,
        ),
        recipe={"data": "fashion_mnist", "epochs": 12, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 0.604, extractor="fashion_mnist", num_images=10_000),),
    ),
    "cgan_mnist": Preset(
        config={"image_shape": (28, 28, 1), "num_classes": 10, "latent_dim": 64},
        weights=File(
            "model.weights.h5",
            sha256="a97400b6cc1b38cb6392ab4e2c7611296a9ad201b56983084c40892ed8d67cbb",
            size=2_324_280,
        ),
        recipe={
            "data": "mnist",
            "regularizer": "none",
            "epochs": 6,
            "batch_size": 32,
            "seed": 0,
        },
        scores=(Score("fid", 0.0954, extractor="mnist", num_images=10_000),),
    ),
}
