"""Presets of the DCGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "dcgan_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1), "latent_dim": 64, "base_filters": 64},
        weights=File(
            "model.weights.h5",
            sha256="384cea0afae479b26c1064951d18d60a8f9fb4758eb88e5e3d92b666c5d72397",
            size=4_295_224,
        ),
        recipe={"data": "fashion_mnist", "max_steps": 10_059, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 1.155, extractor="fashion_mnist", num_images=10_000),),
    ),
}
