"""A folder is described as it was made: sizes, classes, duplicates, damage, and how to train."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ganzoo import data, images
from ganzoo.data.describe import perceptual_hash


def picture(seed, size=(48, 64)):
    """Return a smooth color picture, as a photograph is."""
    noise = np.random.default_rng(seed).integers(0, 256, (*size, 3), "uint8")
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(5)).point(lambda v: 4 * v - 384)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of 3 cats and 4 dogs, with copies, damage and an image beside both."""
    folder = tmp_path_factory.mktemp("data") / "my pets"
    for name in ("cats", "dogs"):
        (folder / name).mkdir(parents=True)
    for index in range(3):
        picture(index).save(folder / "cats" / f"{index}.png")
    picture(3, (40, 40)).save(folder / "dogs" / "3.png")
    picture(0).save(folder / "dogs" / "copy.bmp")
    picture(1).resize((128, 96)).save(folder / "dogs" / "large.jpg", quality=80)
    (folder / "dogs" / "broken.png").write_bytes(b"not an image")
    picture(5).convert("L").save(folder / "loose.png")
    return folder


@pytest.fixture(scope="module")
def found(folder):
    return data.describe(folder)


def test_sizes_channels_and_classes_are_counted(found):
    assert found.num_images == 7
    assert found.sizes == {(48, 64): 5, (40, 40): 1, (96, 128): 1}
    assert next(iter(found.sizes)) == (48, 64)
    assert found.channels == {"RGB": 6, "gray": 1}
    assert found.class_counts == {"cats": 3, "dogs": 4}
    assert (found.num_without_class, found.num_held_out) == (1, 0)


def test_copies_and_damage_are_named(found):
    assert found.duplicates == [["cats/0.png", "dogs/copy.bmp"]]
    assert found.near_duplicates == [["cats/1.png", "dogs/large.jpg"]]
    (reason,) = found.unreadable.values()
    assert list(found.unreadable) == ["dogs/broken.png"]
    assert reason.startswith("empty, or not an image")


def test_the_contact_sheet_shows_every_image_of_a_small_folder(found):
    assert found.sheet.shape == images.make_grid(np.zeros((7, 96, 96, 3), "uint8")).shape


def test_recolored_pictures_and_flat_ones_are_no_duplicates(tmp_path):
    swapped = Image.fromarray(np.asarray(picture(0))[..., ::-1])
    levels = {"black": 0, "gray": 128, "white": 255}
    for name, image in (("a", picture(0)), ("b", swapped)):
        image.save(tmp_path / f"{name}.png")
    for name, level in levels.items():
        Image.new("RGB", (48, 64), (level,) * 3).save(tmp_path / f"{name}.png")
    found = data.describe(tmp_path)
    assert (found.duplicates, found.near_duplicates) == ([], [])


def test_the_hash_is_the_sign_of_the_low_frequencies_of_scipy():
    fft = pytest.importorskip("scipy.fft")
    image = picture(7, (32, 32)).convert("L")
    frequencies = fft.dctn(np.asarray(image, "float64"), type=2)[:8, :8]
    bits = (frequencies > np.median(frequencies)).ravel()
    expected = int("".join("1" if bit else "0" for bit in bits), 2)
    assert perceptual_hash(np.asarray(image)[..., None]) == expected


@pytest.mark.parametrize(
    ("sizes", "mode", "options"),
    [
        ([(64, 96)] * 3, "RGB", "dcgan --image-size 64x96 --augment diffaugment --batch-size 2"),
        ([(30, 30)] * 3, "RGB", "dcgan --image-size 28 --augment diffaugment --batch-size 2"),
        ([(300, 450)] * 3, "L", "dcgan --image-size 64x96 --augment diffaugment --batch-size 2"),
        (
            [(300, 450), (450, 300), (400, 400)],
            "RGB",
            "dcgan --image-size 64 --fit crop --augment diffaugment --batch-size 2",
        ),
        (
            [(40, 30), (30, 40), (32, 32)],
            "RGBA",
            "dcgan --image-size 28 --fit pad --alpha --augment diffaugment --batch-size 2",
        ),
    ],
)
def test_the_command_suits_the_images(sizes, mode, options, tmp_path):
    for index, size in enumerate(sizes):
        image = picture(index, size).convert(mode)
        if mode == "RGBA":
            image.putalpha(Image.fromarray(np.pad(np.full(np.subtract(size, 8), 255, "uint8"), 4)))
        image.save(tmp_path / f"{index}.png")
    command = data.describe(tmp_path).command
    family, *rest = options.split()
    words = ["ganzoo", "train", family, "--data", str(tmp_path), *rest, "--out", "runs/first"]
    assert shlex.split(command) == words


def test_a_class_conditional_family_needs_images_of_every_class(tmp_path):
    for name, count in (("a", 20), ("b", 20)):
        (tmp_path / name).mkdir()
        for index in range(count):
            picture(index, (8, 8)).save(tmp_path / name / f"{index}.png")
    assert data.describe(tmp_path).command.startswith("ganzoo train cgan --data")
    (tmp_path / "a" / "0.png").unlink()
    assert data.describe(tmp_path).command.startswith("ganzoo train dcgan --data")


def test_a_file_of_labels_is_described_and_suggested(tmp_path):
    for index in range(3):
        picture(index, (8, 8)).save(tmp_path / f"{index}.png")
    table = tmp_path / "labels.csv"
    table.write_text("file,age,kind\n0.png,1,a\n1.png,3,b\n2.png,5,a")
    found = data.describe(tmp_path)
    assert found.labels == {"age": "numbers from 1 to 5 (mean 3)", "kind": "2 classes (a, b)"}
    assert "train cgan --data" in found.command
    assert " --labels labels.csv " in found.command
    table.write_text("file,age\n0.png,1\n9.png,3")
    found = data.describe(tmp_path)
    assert "names 1 of 2 files that are not images" in found.labels_problem
    assert "train dcgan --data" in found.command


def test_a_folder_that_cannot_be_described_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"needs a folder of images\. Received: 'fashion_mnist'"):
        data.describe("fashion_mnist")
    (tmp_path / "a.png").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"None of the 1 images in .* The first: empty, or not"):
        data.describe(tmp_path)


def test_the_record_is_json(found):
    fields = json.loads(json.dumps(found.to_dict()))
    assert fields["sizes"] == {"48x64": 5, "40x40": 1, "96x128": 1}
    assert "sheet" not in fields
