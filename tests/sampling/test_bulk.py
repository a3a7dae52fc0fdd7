"""Test the generation of many images in blocks and shards."""

import csv
import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import others_slow
from PIL import Image

from ganzoo import cli, data, registry
from ganzoo.sampling import bulk

# These are three blocks. The last one is not full.
NUM_IMAGES = 2 * bulk.BLOCK + 5


@pytest.fixture(scope="module")
def gan():
    # Without this seed, the weights would depend on the tests that ran before.
    keras.utils.set_random_seed(0)
    return registry.get_family("vanilla").build_test_model(seed=0)


@pytest.fixture(scope="module")
def cgan():
    return registry.get_family("cgan").build_test_model(seed=0)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def images_in(folder, format):
    """Return `(images, labels)` of all files, read without ganzoo."""
    blocks = sorted(folder.glob("block_*"))
    images, labels = [], []
    for block in blocks:
        if format == "npz":
            with np.load(block) as arrays:
                images.extend(arrays["images"])
                labels.extend(arrays.get("labels", []))
        elif format == "png":
            names = sorted(path for path in block.glob("*.png"))
            images.extend(read_png(path.read_bytes()) for path in names)
        else:
            for record in tf.data.TFRecordDataset(str(block)).as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                assert feature["index"].int64_list.value == [len(images)]
                images.append(read_png(feature["image"].bytes_list.value[0]))
                labels.extend(feature["label"].int64_list.value)
    if format == "png" and (folder / "labels.csv").exists():
        table = list(csv.DictReader((folder / "labels.csv").open()))
        paths = [path for block in blocks for path in sorted(block.glob("*.png"))]
        assert [folder / row["file"] for row in table] == paths
        labels = [int(row["label"].removeprefix("label_")) for row in table]
    return np.stack(images), np.array(labels)


def read_png(encoded):
    with Image.open(io.BytesIO(encoded)) as image:
        return np.asarray(image)[..., None]


@pytest.mark.parametrize("format", others_slow(bulk.FORMATS, "npz"))
def test_all_shards_together_equal_a_single_run_byte_for_byte(format, gan, tmp_path):
    single = bulk.sample(gan, NUM_IMAGES, tmp_path / "single", format, seed=3)
    assert single == (NUM_IMAGES, 3, 3)
    expected = contents(tmp_path / "single")
    for shards in (2, 5):
        folder = tmp_path / f"of_{shards}"
        # The order of the shards does not matter.
        for shard in reversed(range(shards)):
            bulk.sample(gan, NUM_IMAGES, folder, format, seed=3, shards=shards, shard=shard)
        assert contents(folder) == expected


@pytest.mark.parametrize("format", bulk.FORMATS)
def test_files_hold_the_images_and_labels_of_their_blocks(format, cgan, tmp_path):
    bulk.sample(cgan, NUM_IMAGES, tmp_path, format, seed=3)
    blocks = [bulk.draw_block(cgan, index, seed=3) for index in range(3)]
    images, labels = images_in(tmp_path, format)
    for found, expected in zip((images, labels), zip(*blocks, strict=True), strict=True):
        np.testing.assert_array_equal(found, np.concatenate(expected)[:NUM_IMAGES])
    assert set(labels) == {0, 1, 2}
    # All blocks differ.
    assert len({block.tobytes() for block, _ in blocks}) == 3
    assert len({block.tobytes() for _, block in blocks}) == 3


@pytest.mark.parametrize("family", ["vanilla", "cgan", "lapgan"])
def test_the_first_block_equals_the_images_of_generate(family):
    model = registry.get_family(family).build_test_model(seed=0)
    pixels, labels = bulk.draw_block(model, 0, seed=4)
    np.testing.assert_array_equal(pixels, model.generate(bulk.BLOCK, seed=4))
    assert (labels is None) == (model.num_classes is None)


def test_the_given_labels_repeat_over_all_images(cgan, tmp_path):
    bulk.sample(cgan, NUM_IMAGES, tmp_path, "npz", labels=[2, 0, 1, 1, 2])
    _, labels = images_in(tmp_path, "npz")
    np.testing.assert_array_equal(labels, np.resize([2, 0, 1, 1, 2], NUM_IMAGES))


@pytest.mark.parametrize(
    ("names", "found"),
    [(None, ["label_0", "label_1", "label_2"]), (["cat", "dog", "b,c"], ["b,c", "cat", "dog"])],
)
def test_a_training_reads_png_files_with_their_labels(names, found, cgan, tmp_path):
    cgan.class_names = names
    bulk.sample(cgan, 90, tmp_path, "png", labels=[2, 0, 1, 1])
    with pytest.warns(UserWarning, match=r"\(1: images.json\)"):
        image_data = data.load_arrays(tmp_path, "train+test", labels="labels.csv")
    assert image_data.class_names == found
    pixels, labels = bulk.draw_block(cgan, 0, labels=[2, 0, 1, 1])
    np.testing.assert_array_equal(image_data.pixels, pixels[:90])
    written = names or found
    expected = [found.index(written[label]) for label in labels[:90]]
    np.testing.assert_array_equal(image_data.labels, expected)
    cgan.class_names = None


def test_an_interrupted_run_continues_with_the_missing_blocks(gan, tmp_path, monkeypatch):
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
    # The model renders one block at a time.
    assert calls == [bulk.BLOCK] * 4
    assert bulk.sample(gan, NUM_IMAGES, tmp_path, "npz") == (NUM_IMAGES, 3, 0)


@pytest.mark.parametrize("format", bulk.FORMATS)
def test_a_failed_write_leaves_no_partial_file(format, gan, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(bulk, "encode_png", fail)
    monkeypatch.setattr(bulk.np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        bulk.sample(gan, 5, tmp_path, format)
    assert [path.name for path in tmp_path.iterdir()] == ["images.json"]


@pytest.mark.parametrize("changes", [{"seed": 1}, {"num_images": 6}, {"format": "png"}])
def test_a_folder_of_images_with_other_settings_is_refused(changes, gan, tmp_path):
    arguments = {"num_images": 5, "out": tmp_path, "format": "npz", "seed": 0}
    bulk.sample(gan, **arguments)
    before = contents(tmp_path)
    ((name, value),) = changes.items()
    with pytest.raises(ValueError, match=rf"{name}={arguments[name]}.*Received: {name}={value}"):
        bulk.sample(gan, **{**arguments, **changes})
    other = registry.get_family("vanilla").build_test_model(seed=0)
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
def test_invalid_arguments_are_refused_and_write_nothing(changes, named, gan, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=named):
        bulk.sample(gan, **{"num_images": 5, "out": out, **changes})
    assert not out.exists()


def test_an_invalid_class_is_refused_and_writes_nothing(cgan, tmp_path):
    with pytest.raises(ValueError, match="0 to 2"):
        bulk.sample(cgan, 5, tmp_path / "out", labels=[0, 3])
    assert not (tmp_path / "out").exists()


def test_a_folder_of_blocks_without_their_settings_is_refused(gan, tmp_path):
    bulk.sample(gan, 5, tmp_path / "out", "npz")
    (tmp_path / "out" / "images.json").unlink()
    for path in (tmp_path / "out", tmp_path / "out" / "block_000000.npz"):
        with pytest.raises(ValueError, match=r"a folder that is new|A folder is written here"):
            bulk.sample(gan, 5, path, "npz")


def test_a_super_resolution_model_is_refused(tmp_path):
    model = registry.get_family("srgan").build_test_model()
    with pytest.raises(ValueError, match="generates images"):
        bulk.sample(model, 5, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The command line.


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


@pytest.mark.slow
def test_the_command_generates_a_shard(sample, gan, tmp_path):
    out = tmp_path / "out"
    arguments = ["-n", NUM_IMAGES, "--seed", 3, "--format", "npz", "--out", out]
    code, output, _ = sample(*arguments, "--shards", 2, "--shard", 0)
    assert code == 0
    made = bulk.BLOCK + 5
    assert output == f"{out}: {made:,} of {NUM_IMAGES:,} images in 2 files (2 new)\n"
    assert sample(*arguments)[1].endswith("3 files (1 new)\n")
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
        (["--format", "npz", "--shards", 0], "--shards 0"),
        (["--format", "npz", "--interpolate"], "--interpolate"),
        (["--format", "gif"], "Unknown format"),
        (["--format", "npz", "--labels", "1"], "not conditioned"),
    ],
)
def test_the_command_refuses_options_that_conflict(arguments, named, sample, tmp_path):
    code, _, err = sample(*arguments, "--out", tmp_path / "out")
    (line,) = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert code == 2
    assert named in line
    assert not (tmp_path / "out").exists()
