"""Presets of the DCGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "dcgan_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1), "latent_dim": 64, "base_filters": 64},
        weights=File(
            "model.weights.h5",
            sha256="7b2528839306e29409c3059256beb8f3372593e990da57ac66b718d501ec77c9",
            size=1_504_632,
        ),
        recipe={"data": "fashion_mnist", "max_steps": 10_059, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 1.155, extractor="fashion_mnist", num_images=10_000),),
    ),
}
