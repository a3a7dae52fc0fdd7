"""Presets of the DCGAN."""

from ganzoo.registry import File, Preset, Score

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
        config={"image_shape": (28, 28, 1), "latent_dim": 64, "base_filters": 64},
        weights=File(
            "model.weights.h5",
            sha256="317c1d5c727059da30b130f02505e30b5faf069e1fedd9947338df9ad280d7ba",
            size=2_195_832,
        ),
        recipe={"data": "fashion_mnist", "max_steps": 10_059, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 1.155, extractor="fashion_mnist", num_images=10_000),),
    ),
}
