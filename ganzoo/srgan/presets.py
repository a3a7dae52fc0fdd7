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
