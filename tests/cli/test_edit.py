"""Test `ganzoo edit`."""

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo import registry, sampling

FAST = ("--steps", 2, "--starts", 1, "--features", "none")


@pytest.fixture(scope="module")
def cgan(tmp_path_factory):
    """Return a model with classes and its file."""
    path = tmp_path_factory.mktemp("model") / "cgan.keras"
    model = registry.get_family("cgan").build_test_model(seed=0, class_names=["bag", "cat", "dog"])
    model.save(path)
    return model, path


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8")
    Image.fromarray(pixels).save(path)
    return path


def test_edit_writes_a_strip_and_an_animation(ganzoo_command, cgan, photo, tmp_path, eager):
    model, path = cgan
    arguments = ["edit", path, photo, "--labels", "dog,bag", "--photo-labels", "cat", *FAST]
    code, out, err = ganzoo_command(*arguments, "--out", tmp_path / "out")
    assert code == 0, err
    assert "1 photograph" in out
    pixels = sampling.read_picture(photo, model.image_shape)
    search = {"num_steps": 2, "num_starts": 1, "features": None}
    edit = sampling.relabel(model, sampling.find_latents(model, pixels, 1, **search), ["dog", "0"])
    with Image.open(tmp_path / "out" / "photo_edit.png") as image:
        expected = ganzoo.images.draw_grid(edit.columns, 4, ["photo", "found: cat", "dog", "bag"])
        np.testing.assert_array_equal(np.asarray(image), expected[..., 0])
    with Image.open(tmp_path / "out" / "photo_edit.gif") as image:
        assert image.n_frames == 2 * len(edit.frames) - 2  # Forward, then backward.


def test_edit_moves_along_directions_and_to_another_photograph(
    ganzoo_command, model_file, photo, tmp_path, eager
):
    for name, *edit in (("move", "--direction", 2, "--by", "-1,1"), ("walk", "--to", photo)):
        arguments = ["edit", model_file, photo, *edit, *FAST, "--format", "webp"]
        code, _, err = ganzoo_command(*arguments, "--out", tmp_path / name)
        assert code == 0, err
        names = sorted(path.name for path in (tmp_path / name).iterdir())
        assert names == ["photo_edit.png", "photo_edit.webp"]


def test_edit_skips_bad_photographs_and_existing_results(
    ganzoo_command, model_file, photo, tmp_path, eager
):
    (tmp_path / "bad.png").write_bytes(b"no image")
    arguments = ["edit", model_file, tmp_path / "bad.png", photo, "--direction", 1, *FAST]
    code, out, err = ganzoo_command(*arguments, "--out", tmp_path / "out")
    assert code == 1
    assert "bad.png: empty, or not an image" in err
    assert "1 photograph" in out
    assert (tmp_path / "out" / "photo_edit.gif").exists()
    code, out, err = ganzoo_command(*arguments, "--out", tmp_path / "out")
    assert code == 1
    assert "0 photographs" in out
    assert "--overwrite" in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "Give one edit: --labels, --direction or --to."),
        (("--labels", "0", "--direction", 1), "Give one edit"),
        (("--direction", 1, "--by", "3"), "--by must be two numbers, such as -3,3."),
        (("--direction", 1, "--format", "mp4"), "gif"),
        (("--direction", 10_000), "--direction must be at most"),
        (("--labels", "0"), "not conditioned on classes"),
        (("--direction", 1, "--features", "vgg"), "alexnet"),
    ],
)
def test_edit_explains_wrong_input_in_one_line(
    ganzoo_command, model_file, photo, tmp_path, arguments, expected, eager
):
    command = ["edit", model_file, photo, *FAST, *arguments, "--out", tmp_path / "out"]
    code, out, err = ganzoo_command(*command)
    assert (code, out) == (2, "")
    assert expected in err
    assert err.splitlines()[-1].startswith("ganzoo: ")
