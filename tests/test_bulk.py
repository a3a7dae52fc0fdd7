"""Images by the million."""

import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganzoo import bulk, cli, registry

# Three blocks, the last of them not full.
NUM_IMAGES = 2 * bulk.BLOCK + 5


@pytest.fixture(scope="module")
def gan():
    # Else its weights would be those of a model that a test builds, or not, by what ran before.
    keras.utils.set_random_seed(0)
    return registry.get_family("vanilla").build_smallest(seed=0)


@pytest.fixture(scope="module")
def with_classes():
    return registry.get_family("cgan").build_smallest(seed=0)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def images_in(folder, format):
    """`(images, labels)` of all files, as another program reads them."""
    blocks = sorted(path for path in folder.iterdir() if path.name != "images.json")
    images, labels = [], []
    for block in blocks:
        if format == "npz":
            with np.load(block) as arrays:
                images.extend(arrays["images"])
                labels.extend(arrays.get("labels", []))
        elif format == "png":
            names = sorted(path for path in block.glob("*.png"))
            images.extend(read_png(path.read_bytes()) for path in names)
            if (block / "labels.csv").exists():
                heading, *rows = (block / "labels.csv").read_text().splitlines()
                assert heading == "image,label"
                assert [row.split(",")[0] for row in rows] == [path.name for path in names]
                labels.extend(int(row.split(",")[1]) for row in rows)
        else:
            for record in tf.data.TFRecordDataset(str(block)).as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                assert feature["index"].int64_list.value == [len(images)]
                images.append(read_png(feature["image"].bytes_list.value[0]))
                labels.extend(feature["label"].int64_list.value)
    return np.stack(images), np.array(labels)


def read_png(encoded):
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image)[..., None]


@pytest.mark.parametrize("format", bulk.FORMATS)
def test_shards_are_together_the_single_run_byte_for_byte(format, gan, tmp_path):
    single = bulk.sample(gan, NUM_IMAGES, tmp_path / "single", format, seed=3)
    assert single == (NUM_IMAGES, 3, 3)
    wanted = contents(tmp_path / "single")
    for shards in (2, 5):
        folder = tmp_path / f"of_{shards}"
        # Whatever the order.
        for shard in reversed(range(shards)):
            bulk.sample(gan, NUM_IMAGES, folder, format, seed=3, shards=shards, shard=shard)
        assert contents(folder) == wanted


@pytest.mark.parametrize("format", bulk.FORMATS)
def test_the_files_hold_the_images_of_their_blocks(format, with_classes, tmp_path):
    bulk.sample(with_classes, NUM_IMAGES, tmp_path, format, seed=3)
    blocks = [bulk.draw_block(with_classes, index, seed=3) for index in range(3)]
    images, labels = images_in(tmp_path, format)
    for found, wanted in zip((images, labels), zip(*blocks, strict=True), strict=True):
        np.testing.assert_array_equal(found, np.concatenate(wanted)[:NUM_IMAGES])
    assert set(labels) == {0, 1, 2}
    # No two blocks are alike.
    assert len({block.tobytes() for block, _ in blocks}) == 3
    assert len({block.tobytes() for _, block in blocks}) == 3


@pytest.mark.parametrize("family", ["vanilla", "cgan", "lapgan"])
def test_the_first_block_is_what_generate_makes(family):
    model = registry.get_family(family).build_smallest(seed=0)
    pixels, labels = bulk.draw_block(model, 0, seed=4)
    np.testing.assert_array_equal(pixels, model.generate(bulk.BLOCK, seed=4))
    assert (labels is None) == (model.num_classes is None)


def test_classes_are_taken_in_turn_by_all_images(with_classes, tmp_path):
    bulk.sample(with_classes, NUM_IMAGES, tmp_path, "npz", labels=[2, 0, 1, 1, 2])
    _, labels = images_in(tmp_path, "npz")
    np.testing.assert_array_equal(labels, np.resize([2, 0, 1, 1, 2], NUM_IMAGES))


def test_what_is_there_is_not_made_again_and_what_was_stopped_is(gan, tmp_path, monkeypatch):
    render, calls = type(gan).render, []

    def render_until_stopped(self, network, latents, *arguments):
        calls.append(len(latents))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return render(self, network, latents, *arguments)

    monkeypatch.setattr(type(gan), "render", render_until_stopped)
    with pytest.raises(KeyboardInterrupt):
        bulk.sample(gan, NUM_IMAGES, tmp_path, "npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["block_000000.npz", "images.json"]
    assert bulk.sample(gan, NUM_IMAGES, tmp_path, "npz") == (NUM_IMAGES, 3, 2)
    # A block at a time, however many there are.
    assert calls == [bulk.BLOCK] * 4
    assert bulk.sample(gan, NUM_IMAGES, tmp_path, "npz") == (NUM_IMAGES, 3, 0)


@pytest.mark.parametrize("format", bulk.FORMATS)
def test_a_file_that_cannot_be_written_is_not_there(format, gan, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(bulk, "encode_png", fail)
    monkeypatch.setattr(bulk.np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        bulk.sample(gan, 5, tmp_path, format)
    assert [path.name for path in tmp_path.iterdir()] == ["images.json"]


@pytest.mark.parametrize("changes", [{"seed": 1}, {"num_images": 6}, {"format": "png"}])
def test_a_folder_of_other_images_is_refused(changes, gan, tmp_path):
    arguments = {"num_images": 5, "out": tmp_path, "format": "npz", "seed": 0}
    bulk.sample(gan, **arguments)
    before = contents(tmp_path)
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=rf"{name}={arguments[name]}.*Received: {name}={value}"):
        bulk.sample(gan, **{**arguments, **changes})
    other = registry.get_family("vanilla").build_smallest(seed=0)
    with pytest.raises(ValueError, match="weights_sha256"):
        bulk.sample(other, **arguments)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_images": 0}, "num_images=0"),
        ({"format": "jpg"}, "Unknown format: 'jpg'"),
        ({"shards": 3, "shard": 3}, "shard=3, shards=3"),
        ({"shards": 0}, "shards=0"),
        ({"shard": -1}, "shard=-1"),
        ({"labels": [1]}, "not conditioned on classes"),
    ],
)
def test_what_cannot_be_drawn_is_named_and_leaves_nothing(changes, named, gan, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=named):
        bulk.sample(gan, **{"num_images": 5, "out": out, **changes})
    assert not out.exists()


def test_a_class_that_is_none_leaves_nothing(with_classes, tmp_path):
    with pytest.raises(ValueError, match="0 to 2"):
        bulk.sample(with_classes, 5, tmp_path / "out", labels=[0, 3])
    assert not (tmp_path / "out").exists()


def test_a_folder_of_blocks_of_nobody_knows_what_is_refused(gan, tmp_path):
    bulk.sample(gan, 5, tmp_path / "out", "npz")
    (tmp_path / "out" / "images.json").unlink()
    for path in (tmp_path / "out", tmp_path / "out" / "block_000000.npz"):
        with pytest.raises(ValueError, match=r"must be a folder that is new"):
            bulk.sample(gan, 5, path, "npz")


def test_a_super_resolution_model_draws_nothing(tmp_path):
    model = registry.get_family("srgan").build_smallest()
    with pytest.raises(ValueError, match="makes no images out of noise"):
        bulk.sample(model, 5, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# From the command line.


@pytest.fixture
def sample(gan, tmp_path, capsys):
    path = tmp_path / "small.keras"
    gan.save(path)

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main(["sample", str(path), *map(str, arguments)])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run


def test_the_command_makes_a_shard(sample, gan, tmp_path):
    out = tmp_path / "out"
    arguments = ["-n", NUM_IMAGES, "--seed", 3, "--format", "npz", "--out", out]
    code, said, _ = sample(*arguments, "--shards", 2, "--shard", 0)
    assert code == 0
    assert said == f"{out}: {bulk.BLOCK + 5} of {NUM_IMAGES} images in 2 files, 2 of them new\n"
    assert sample(*arguments)[1].endswith("3 files, 1 of them new\n")
    images, _ = images_in(out, "npz")
    np.testing.assert_array_equal(images[: bulk.BLOCK], gan.generate(bulk.BLOCK, seed=3))
    record = json.loads((out / "images.json").read_text())
    assert record["num_images"] == NUM_IMAGES
    assert record["family"] == "VanillaGAN"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--shards", 2, "--shard", 0], "--format"),
        (["--shard", 0], "--format"),
        (["--format", "npz", "--shards", 2], "--shard is missing"),
        (["--format", "npz", "--shards", 0], "shards=0"),
        (["--format", "npz", "--interpolate"], "--interpolate"),
        (["--format", "gif"], "Unknown format"),
        (["--format", "npz", "--labels", "1"], "not conditioned"),
    ],
)
def test_the_command_refuses_what_does_not_go_together(arguments, named, sample, tmp_path):
    code, _, err = sample(*arguments, "--out", tmp_path / "out")
    (line,) = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert code == 2
    assert named in line
    assert not (tmp_path / "out").exists()
