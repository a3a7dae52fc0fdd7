"""Test the evaluation of super-resolution models on a folder of images."""

import json
import math

import numpy as np
import pytest
import tiny
from keras import ops
from PIL import Image

import ganzoo
from ganzoo.evaluation import compare_pictures, evaluate_super_resolution
from ganzoo.images import make_grid, resize_bicubic, write_png
from ganzoo.srgan.bicubic import downscale


class Repeat:
    """Upscale by repeating pixels, and record the inputs."""

    task = "super_resolution"

    def __init__(self, scale=2):
        self.scale = scale
        self.seen = []

    def upscale(self, image):
        self.seen.append(image)
        return image.repeat(self.scale, axis=0).repeat(self.scale, axis=1)


class Bicubic(Repeat):
    """Upscale by bicubic interpolation."""

    def upscale(self, image):
        height, width, _ = image.shape
        return resize(image, self.scale * height, self.scale * width)


def resize(image, height, width):
    """Return uint8 pixels, resized by bicubic interpolation."""
    return np.clip(np.rint(resize_bicubic(image, height, width)), 0, 255).astype("uint8")


def smooth(height, width, seed=0):
    """Return an RGB image with structure that survives resizing."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3), "uint8")
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write_png(folder / "b.png", smooth(41, 53, seed=1))
    write_png(folder / "a.png", smooth(64, 40, seed=2))
    (folder / "notes.txt").write_text("no image")
    return folder


def test_every_image_has_a_score_and_the_mean_is_over_all_images(photos):
    seen = []
    result = evaluate_super_resolution(Repeat(), photos, report=seen.append)
    assert [score.name for score in result.images] == ["a.png", "b.png"]
    assert seen == list(result.images)
    for name in ("psnr", "ssim", "lpips", "bicubic_psnr", "bicubic_ssim", "bicubic_lpips"):
        values = [getattr(score, name) for score in result.images]
        assert getattr(result.mean, name) == pytest.approx(np.mean(values), rel=1e-12)


def test_a_bicubic_model_scores_the_same_as_bicubic_and_repetition_scores_less(photos):
    for score in evaluate_super_resolution(Bicubic(), photos).images:
        assert (score.psnr, score.ssim) == (score.bicubic_psnr, score.bicubic_ssim)
        assert score.lpips == score.bicubic_lpips
    for score in evaluate_super_resolution(Repeat(), photos).images:
        assert score.psnr < score.bicubic_psnr
        assert score.ssim < score.bicubic_ssim


@pytest.mark.parametrize("scale", [2, 4])
def test_images_are_cropped_at_the_right_and_bottom_and_scored_without_their_border(photos, scale):
    model = Repeat(scale)
    result = evaluate_super_resolution(model, photos)
    assert model.seen[1].shape == (40 // scale, 52 // scale, 3)
    real, fake = smooth(41, 53, seed=1)[:40, :52], Repeat(scale).upscale(model.seen[1])
    assert result.images[1].psnr == ganzoo.metrics.psnr(real, fake, border=scale)
    assert result.images[1].ssim == ganzoo.metrics.ssim(real, fake, border=scale)
    assert result.scale == scale
    assert f"{scale}-pixel border" in result.protocol


@pytest.mark.parametrize("scale", [2, 4])
def test_inputs_equal_those_of_training_except_for_rounding(photos, scale):
    model = Repeat(scale)
    evaluate_super_resolution(model, photos)
    for pixels, low_res in zip((smooth(64, 40, 2), smooth(41, 53, 1)), model.seen, strict=True):
        height, width = (scale * side for side in low_res.shape[:2])
        trained = ops.convert_to_numpy(downscale(pixels[None, :height, :width] / 1.0, scale))[0]
        np.testing.assert_allclose(low_res, trained.clip(0, 255), atol=0.501)


def test_an_srgan_is_scored_by_its_upscaled_images(photos):
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    score = evaluate_super_resolution(gan, photos).images[0]
    real = smooth(64, 40, seed=2)
    made = gan.upscale(resize(real, 32, 20))
    assert score.psnr == ganzoo.metrics.psnr(real, made, border=2)
    assert score.lpips == ganzoo.metrics.lpips(real, made)


def test_lpips_and_niqe_are_measured_if_an_image_is_large_enough(photos):
    write_png(photos / "c.png", smooth(96, 100))
    write_png(photos / "d.png", smooth(30, 200))
    result = evaluate_super_resolution(Repeat(), photos)
    *_, large, flat = result.images
    made = Repeat().upscale(resize(smooth(96, 100), 48, 50))
    assert large.niqe == ganzoo.metrics.niqe(made) == result.mean.niqe
    assert large.bicubic_niqe != large.niqe
    assert math.isnan(flat.lpips) and math.isnan(flat.niqe)
    assert result.mean.lpips == pytest.approx(np.mean([s.lpips for s in result.images[:3]]))
    record = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert record["images"][3]["niqe"] is None


def test_gray_images_stay_gray(tmp_path):
    tiny.write_folder(tmp_path, num_images=1, side=40)
    model = Repeat()
    score = evaluate_super_resolution(model, tmp_path).images[0]
    assert model.seen[0].shape == (20, 20, 1)
    with Image.open(tmp_path / "000.png") as image:
        real = np.asarray(image)[..., None]
    assert score.psnr == ganzoo.metrics.psnr(real, Repeat().upscale(model.seen[0]), border=2)


def test_16_bit_gray_images_score_the_same_as_8_bit_gray_images(tmp_path):
    eight = smooth(48, 40)[..., 0]
    for name, gray in (("a.png", eight), ("b.png", eight.astype("uint16") * 257)):
        Image.fromarray(gray).save(tmp_path / name)
    first, second = evaluate_super_resolution(Repeat(), tmp_path).images
    assert (first.psnr, first.ssim) == (second.psnr, second.ssim)


def test_the_record_is_valid_json_if_an_image_is_restored_without_error(photos):
    write_png(photos / "flat.png", np.full((40, 40, 3), 90, "uint8"))
    result = evaluate_super_resolution(Repeat(), photos)
    assert result.images[2].psnr == result.mean.psnr == math.inf
    record = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert record["images"][2] == {
        "name": "flat.png",
        "psnr": None,
        "ssim": 1.0,
        "lpips": 0.0,
        "niqe": None,
        "bicubic_psnr": None,
        "bicubic_ssim": 1.0,
        "bicubic_lpips": 0.0,
        "bicubic_niqe": None,
    }
    assert record["images"][0]["psnr"] == result.images[0].psnr
    assert record["mean"]["ssim"] == result.mean.ssim
    assert record["protocol"] == result.protocol
    assert (record["data"], record["scale"]) == (str(photos), 2)


def test_models_that_do_not_upscale_are_refused(photos):
    gan = tiny.build_gan()
    with pytest.raises(
        ValueError, match=r"needs a super-resolution model.*a LatentGAN.*`evaluate`"
    ):
        evaluate_super_resolution(gan, photos)


def test_invalid_folders_are_refused_before_any_image_is_upscaled(photos, tmp_path):
    model = Repeat(4)
    with pytest.raises(ValueError, match=r"none: there is no such file or folder"):
        evaluate_super_resolution(model, tmp_path / "none")
    with pytest.raises(ValueError, match=r"holds no images.*\.png"):
        evaluate_super_resolution(model, tmp_path)

    write_png(photos / "z.png", smooth(40, 19))  # The side of 19 is cropped to 16.
    with pytest.raises(ValueError, match=r"z\.png is too small.* at least 20 pixels.*19 x 40"):
        evaluate_super_resolution(model, photos)
    whole = (photos / "a.png").read_bytes()
    (photos / "z.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"z\.png: cannot be read"):
        evaluate_super_resolution(model, photos)
    assert model.seen == []
    write_png(photos / "z.png", smooth(40, 20))
    assert len(evaluate_super_resolution(model, photos).images) == 3


def test_pictures_show_bicubic_interpolation_the_model_and_the_original(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), "uint8")
    write_png(tmp_path / "a.png", pixels)
    gan = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    pictures = compare_pictures(gan, tmp_path, count=4, side=33)
    assert list(pictures) == ["a.png"]
    center = pixels[4:36, 14:46]
    small = resize_bicubic(center, 16, 16).clip(0, 255).round().astype("uint8")
    bicubic = resize_bicubic(small, 32, 32).clip(0, 255).round().astype("uint8")
    expected = make_grid(np.stack([bicubic, gan.upscale(small), center]), columns=3)
    np.testing.assert_array_equal(pictures["a.png"], expected)
