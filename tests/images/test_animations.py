"""Test the upscaling of animated images."""

import numpy as np
import pytest
from pictures import repeat
from PIL import Image

from ganzoo.images import upscaling


def frames_of(path):
    """Return the pixels, duration and loop that Pillow reads."""
    with Image.open(path) as image:
        pixels, durations = [], []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            pixels.append(np.asarray(image.convert("RGBA")))
            durations.append(image.info["duration"])
        return np.stack(pixels), durations, image.info.get("loop")


@pytest.mark.parametrize("transparent", [False, True], ids=["opaque", "transparent"])
@pytest.mark.parametrize("loop", [0, 3])
@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_frames_durations_and_repetitions_are_kept(kind, loop, transparent, tmp_path):
    frames = []
    for index in range(3):
        pixels = np.full((8, 12, 4), (250, 20, 80, 255), "uint8")
        pixels[:, 4 * index : 4 * index + 4] = (10, 200, 90 * index, 0 if transparent else 255)
        frames.append(Image.fromarray(pixels))
    options = {"gif": {"disposal": 2}, "webp": {"lossless": True}, "png": {}}[kind]
    source, target = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    frames[0].save(
        source,
        save_all=True,
        append_images=frames[1:],
        duration=[70, 200, 90],
        loop=loop,
        **options,
    )
    upscaling.upscale_file(source, target, repeat, 2)
    before, durations, _ = frames_of(source)
    made, *timing = frames_of(target)
    assert timing == [durations, loop] == [[70, 200, 90], loop]
    expected = before.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(made[..., 3], expected[..., 3])
    seen = expected[..., 3] > 0
    assert np.abs(made[seen].astype(int) - expected[seen]).max() <= 2


def test_a_gif_without_repetitions_is_played_once(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    upscaling.upscale_file(tmp_path / "a.gif", tmp_path / "b.gif", repeat, 2)
    assert frames_of(tmp_path / "b.gif")[2] is None


def test_repeated_frames_are_upscaled_once(tmp_path):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "red", "blue", "blue")]
    frames[0].save(
        tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=50, lossless=True
    )
    seen = []
    upscaling.upscale_file(
        tmp_path / "a.webp", tmp_path / "b.webp", lambda p: seen.append(p) or repeat(p), 2
    )
    assert len(seen) == 2


def test_a_damaged_frame_is_reported_before_the_work(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3, 40, 40, 3), "uint8")
    frames = [Image.fromarray(pixels) for pixels in noise]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=50)
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[: len(content) - 4000])
    with pytest.raises(ValueError, match=r"a\.png: cannot be read"):
        upscaling.upscale_file(tmp_path / "a.png", tmp_path / "b.png", pytest.fail, 2)
    assert not (tmp_path / "b.png").exists()
