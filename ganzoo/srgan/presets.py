"""Define the presets of the SRGAN."""

from ganzoo.registry import File, Preset, Score

PRESETS = {
    "srresnet_x4": Preset(
        config={"scale": 4, "num_blocks": 16, "filters": 64},
        weights=File(
            "model.weights.h5",
            sha256="fcf0a0fadf15d430f029b002f99309ce9989b7dc5565c24bc083c66b9f0253a9",
            size=3_410_712,
        ),
        recipe={
            "data": "photographs",
            "compile": {"content_only": True},
            "image_size": 64,
            "epochs": 62,
            "batch_size": 16,
            "seed": 0,
        },
        scores=(Score("Set5 PSNR", 31.46, extractor=None, num_images=5),),
    ),
    "srresnet_compact_x4": Preset(
        config={"scale": 4, "network": "compact", "num_blocks": 6, "filters": 48},
        weights=File(
            "model.weights.h5",
            sha256="5a9ebc1c82714b6a834a230a632869f0451dfb8a5fb5123b69a36a283623240f",
            size=969_056,
        ),
        recipe={
            "data": "photographs",
            "model": {"network": "compact"},
            "compile": {"content_only": True, "generator_optimizer.learning_rate": 2e-3},
            "image_size": 96,
            "batch_size": 16,
            "max_steps": 5_774,
            "decay_steps": 16_000,
            "seed": 0,
        },
        scores=(Score("Set5 PSNR", 30.85, extractor=None, num_images=5),),
    ),
    "srgan_x4": Preset(
        config={
            "scale": 4,
            "num_blocks": 16,
            "filters": 64,
            "soft_preset": "srresnet_x4",
        },
        weights=File(
            "model.weights.h5",
            sha256="a561b08539545da49e7403fb6a1df92ae0ccc862b5e76f4743054b5c024664d2",
            size=3_410_712,
        ),
        recipe={
            "data": "photographs",
            "start_from": "srresnet_x4",
            "blend": 0.35,
            "image_size": 64,
            "compile": {"content": "pixel+vgg34"},
            "max_steps": 300,
            "decay_steps": 300,
            "batch_size": 16,
            "seed": 0,
        },
        scores=(Score("Set5 PSNR", 31.29, extractor=None, num_images=5),),
    ),
}
