"""Presets of the CGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "cgan_fashion_mnist": Preset(
        config={"image_shape": (28, 28, 1), "num_classes": 10, "latent_dim": 64},
        weights=File(
            "model.weights.h5",
            sha256="2be638b12b7cc8c79a66d61cd49aebf378178b616dc95c3e0169c1ce9ea24162",
            size=6_178_536,
        ),
        recipe={"data": "fashion_mnist", "epochs": 12, "batch_size": 32, "seed": 0},
        scores=(Score("fid", 0.604, extractor="fashion_mnist", num_images=10_000),),
    ),
    "cgan_mnist": Preset(
        config={"image_shape": (28, 28, 1), "num_classes": 10, "latent_dim": 64},
        weights=File(
            "model.weights.h5",
            sha256="f7e16aeaa82e663b7d0f9fa866f18bb8066130d3e1242cef98f61840f353f92d",
            size=6_178_536,
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
