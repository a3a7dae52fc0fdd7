"""Presets of the SRGAN."""

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
            "content_only": True,
            "image_size": 64,
            "epochs": 62,
            "batch_size": 16,
            "seed": 0,
        },
        scores=(Score("Set5 PSNR", 31.46, extractor=None, num_images=5),),
    ),
    "srgan_x4": Preset(
        config={"scale": 4, "num_blocks": 16, "filters": 64},
        weights=File(
            "model.weights.h5",
            sha256="687d2e91ddaa7a11f64f8f13b4db6829da46151bb3bfc2d33235617fdf476b2e",
            size=3_410_712,
        ),
        recipe={
            "data": "photographs",
            "start_from": "srresnet_x4",
            "image_size": 64,
            "max_steps": 3265,
            "batch_size": 16,
            "seed": 0,
        },
        scores=(Score("Set5 PSNR", 29.59, extractor=None, num_images=5),),
    ),
}
