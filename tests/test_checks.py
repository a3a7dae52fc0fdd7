"""Counts, seeds and lists of names have the same rules in Python and on the command line."""

import numpy as np
import pytest

import ganzoo
from ganzoo import callbacks, cli, data, evaluation, registry, sampling, training
from ganzoo.images import photos, upscaling


@pytest.fixture(scope="module")
def gan():
    return registry.get_family("vanilla").build_test_model()


# Functions that take a count or a seed, by the name of the argument.
TAKING = [
    ("num_images", lambda gan, value: gan.generate(value)),
    ("batch_size", lambda gan, value: gan.generate(2, batch_size=value)),
    ("seed", lambda gan, value: gan.generate(2, seed=value)),
    ("num_steps", lambda gan, value: gan.invert(_pixels(gan), num_steps=value)),
    ("seed", lambda gan, value: gan.invert(_pixels(gan), seed=value)),
    ("seed", lambda gan, value: registry.get_family("vanilla").build_test_model(seed=value)),
    ("num_rows", lambda gan, value: ganzoo.interpolate(gan, num_rows=value)),
    ("num_steps", lambda gan, value: ganzoo.interpolate(gan, num_steps=value)),
    ("seed", lambda gan, value: ganzoo.interpolate(gan, seed=value)),
    ("num_images", lambda gan, value: sampling.sample(gan, value, "unwritten")),
    ("shards", lambda gan, value: sampling.sample(gan, 1, "unwritten", shards=value)),
    ("seed", lambda gan, value: sampling.sample(gan, 1, "unwritten", seed=value)),
    ("image_size", lambda gan, value: data.load("sample", image_size=value)),
    ("batch_size", lambda gan, value: data.load("sample", batch_size=value)),
    ("seed", lambda gan, value: data.load("sample", seed=value)),
    ("crop_size", lambda gan, value: data.load_crops("unread", crop_size=value)),
    ("crops_per_image", lambda gan, value: data.load_crops("unread", crops_per_image=value)),
    ("num_images", lambda gan, value: evaluation.evaluate(gan, "unread", num_images=value)),
    ("seed", lambda gan, value: evaluation.evaluate(gan, "unread", seed=value)),
    ("every", lambda gan, value: callbacks.Evaluate("unread", "unwritten", every=value)),
    ("every", lambda gan, value: callbacks.SampleGrid("unwritten", every=value)),
    ("every", lambda gan, value: callbacks.GameScalars("unwritten", every=value)),
    ("num_images", lambda gan, value: callbacks.Doctor(num_images=value)),
    ("epochs", lambda gan, value: training.Recipe("vanilla", "sample", epochs=value)),
    ("max_steps", lambda gan, value: training.Recipe("vanilla", "sample", max_steps=value)),
    ("seed", lambda gan, value: training.Recipe("vanilla", "sample", seed=value)),
]


def _pixels(gan):
    return np.zeros((1, *gan.image_shape), "uint8")


@pytest.mark.parametrize("value", [-1, 2.5, "3", 2**32, True])
def test_a_wrong_count_or_seed_gives_one_line_with_its_name(value, gan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, call in TAKING:
        if value == 2**32 and name != "seed":
            continue  # A count may be as large.
        with pytest.raises(ValueError, match=rf"^`{name}` must be an integer .*\.$") as caught:
            call(gan, value)
        assert f"Received: {name}={value!r}." in str(caught.value)
        assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_numpy_integers_and_the_largest_seed_are_taken(gan):
    expected = gan.generate(2, seed=3)
    np.testing.assert_array_equal(gan.generate(np.int64(2), seed=np.uint8(3)), expected)
    assert gan.generate(1, seed=2**32 - 1).shape == (1, *gan.image_shape)
    assert type(training.Recipe("vanilla", "sample", seed=2**32 - 1).seed) is int


@pytest.mark.parametrize(
    "arguments",
    [
        ["sample", "vanilla_mnist", "--out", "a.png", "-n", "-1"],
        ["sample", "vanilla_mnist", "--out", "a.png", "-n", "2.5"],
        ["sample", "vanilla_mnist", "--out", "a.png", "--seed", "-1"],
        ["train", "vanilla", "--data", "sample", "--out", "a", "--seed", "-1"],
        ["train", "vanilla", "--data", "sample", "--out", "a", "--batch-size", "1.5"],
        ["train", "vanilla", "--data", "sample", "--out", "a", "--image-size", "0"],
        ["evaluate", "vanilla_mnist", "--data", "sample", "--seed", "-1"],
    ],
    ids=lambda arguments: " ".join(arguments[:1] + arguments[-2:]),
)
def test_a_wrong_count_or_seed_ends_a_command_with_code_2(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganzoo: ")
    assert arguments[-1] in line
    assert list(tmp_path.iterdir()) == []


def test_one_name_is_a_list_of_one(gan, tmp_path):
    """Python would take the letters of a name for names."""
    evaluation.check_metrics("fid")
    with pytest.raises(ValueError, match="Unknown metric: 'fdi'"):
        evaluation.evaluate(gan, "unread", metrics="fdi")
    (tmp_path / "a.png").touch()
    assert photos.find_photos(str(tmp_path / "a.png")) == [tmp_path / "a.png"]
    assert [target.name for _, target in upscaling.name_results("a.png", tmp_path, 2)] == [
        "a_x2.png"
    ]
    doctor = callbacks.Doctor()
    assert callbacks.Checkpoint(tmp_path, watched=doctor).watched == [doctor]
