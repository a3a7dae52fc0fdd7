"""Test the exit code and the one-line message of commands that fail."""

import pytest
import tensorflow as tf

from ganzoo import cli
from ganzoo.cli.app import name_options
from ganzoo.saving import weights

TRAIN = ["train", "vanilla", "--data", "sample", "--out", "{tmp}/run"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "See `ganzoo --help`."),
        (["--nonsense"], "nonsense"),
        (["info"], "PRESET"),
        (["info", "dcgan_imagenet"], "dcgan_imagenet"),
        (["train"], "Missing"),
        (["train", "vanilla", "--out", "{tmp}/run"], "--data"),
        (["train", "vanila", "--data", "sample", "--out", "{tmp}/run"], "Did you mean 'vanilla'"),
        (["train", "dcgan", *TRAIN[2:], "--image-size", "64x90"], "Choose 64x96 or 56x88"),
        (["train", "vanilla", "--data", "nothing", "--out", "{tmp}/run"], "'nothing'"),
        (["train", "vanilla", "--data", "{tmp}", "--out", "{tmp}/run"], "holds no images"),
        ([*TRAIN, "--epochs", "x"], "Received: 'x'. See `ganzoo train --help`."),
        ([*TRAIN, "--epochs=2.5"], "Received: '2.5'."),
        # With one step, the case ends soon even if the 0 is not refused.
        ([*TRAIN, "--epochs", "0", "--max-steps", "1"], "--epochs 0"),
        ([*TRAIN, "--max-steps", "0"], "--max-steps 0"),
        ([*TRAIN, "--batch-size", "0"], "--batch-size 0"),
        ([*TRAIN, "--image-size", "64by96"], "'64by96'"),
        ([*TRAIN, "--image-size", "0x8"], "--image-size (0, 8)"),
        ([*TRAIN, "--fit", "strech"], "Did you mean 'stretch'"),
        ([*TRAIN, "--save-every", "10x"], "'10x'"),
        ([*TRAIN, "--save-every", "0"], "'0'"),
        ([*TRAIN, "--recipe", "papers"], "--recipe 'papers'"),
        ([*TRAIN, "--class-conditional"], "--class-conditional"),
        ([*TRAIN, "--model", "hidden_unit=8"], "Did you mean 'hidden_units'"),
        ([*TRAIN, "--model", "hidden_units"], "--model needs KEY=VALUE"),
        ([*TRAIN, "--model", "hidden_units=8", "--model", "hidden_units=9"], "twice"),
        ([*TRAIN, "--model", "hidden_units=many"], "an int or None"),
        ([*TRAIN, "--compile", "ema_decay=2"], "ema_decay"),
        ([*TRAIN, "--compile", "loss=hinge", "--loss", "hinge"], "the same argument"),
        ([*TRAIN, "--scale", "2"], "--scale is an option of SRGAN"),
        ([*TRAIN, "--recipe-file", "{tmp}/none.json"], "none.json"),
        ([*TRAIN, "--distribute", "mirored"], "Did you mean 'mirrored'"),
        ([*TRAIN, "--distribute", "multi_worker"], "TF_CONFIG"),
        ([*TRAIN, "--sharding", "elements"], "Did you mean 'element'"),
        (["train", "vanilla", "--out", "{tmp}/run", "--resume"], "holds no run"),
        (["data", "fashion_mnist"], "'fashion_mnist', which is no folder"),
        (["data", "{tmp}"], "holds no images"),
        (["data", "{tmp}", "--out", "{tmp}/a.jpg"], "--out must end in .png"),
        (["sample", "{model}"], "--out"),
        (["sample", "{tmp}/none.keras", "--out", "{tmp}/a.png"], "none.keras"),
        (["sample", "dcgan_mnst", "--out", "{tmp}/a.png"], "Did you mean 'dcgan_mnist'"),
        (["sample", "{model}", "--out", "{tmp}/a.jpg"], "a.jpg"),
        (["sample", "{model}", "--out", "{tmp}/a.png", "-n", "0"], "-n 0"),
        (["sample", "{model}", "--out", "{tmp}/a.png", "--labels", "0,"], "0,"),
        (
            ["sample", "cgan_fashion_mnist", "--out", "{tmp}/a.png", "--labels", "bag,trousers"],
            "Did you mean 'Trouser'?",
        ),
        (["sample", "{model}", "--out", "{tmp}/a.png", "--labels", "1"], "VanillaGAN"),
        (["upscale", "{model}", "{model}", "--out", "{tmp}/x"], "VanillaGAN, which cannot upscale"),
        (["upscale", "{model}", "--out", "{tmp}/x"], "IMAGE"),
        (["upscale", "{model}", "{model}"], "--out"),
        (["upscale", "{model}", "{tmp}/none.png", "--out", "{tmp}/x"], "none.png"),
        (["upscale", "{model}", "{tmp}", "--out", "{tmp}/x"], "holds no images"),
        (["upscale", "{tmp}/m", "{tmp}/none.png", "--out", "{tmp}/x", "--tile", "15"], "--tile"),
        (["upscale", "{tmp}/none.keras", "{model}", "--out", "{tmp}/x"], "none.keras"),
        (["evaluate", "{model}"], "--data"),
        (["evaluate", "{tmp}/none.keras", "--data", "{tmp}"], "none.keras"),
        (["evaluate", "{model}", "--data", "{tmp}"], "holds no images"),
        (["evaluate", "{model}", "--data", "sample", "--metrics", "fdi"], "Did you mean 'fid'"),
        (["evaluate", "{model}", "--data", "sample", "--extractor", "vgg"], "--extractor 'vgg'"),
        (["evaluate", "{model}", "--data", "sample", "-n", "0"], "-n"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_wrong_input_gives_one_line_and_exit_code_2(
    arguments, named, ganzoo_command, model_file, tmp_path
):
    filled = [part.format(tmp=tmp_path, model=model_file) for part in arguments]
    code, _, err = ganzoo_command(*filled)
    lines = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert code == 2
    assert len(lines) == 1
    assert named in lines[0]
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []  # The command has written nothing.


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="nothing_such"):
        cli.main(["info", "nothing_such", "--debug"])


def test_a_file_that_is_not_a_model_gives_one_line(ganzoo_command, tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"no model")
    code, out, err = ganzoo_command(
        "sample", tmp_path / "broken.keras", "--out", tmp_path / "a.png"
    )
    assert code in (1, 2)
    assert out == ""
    assert "broken.keras" in err
    assert len(err.splitlines()) == 1


def test_a_failure_while_running_gives_one_line_and_exit_code_1(
    ganzoo_command, model_file, tmp_path
):
    (tmp_path / "file").write_text("in the way")
    code, _, err = ganzoo_command("sample", model_file, "--out", tmp_path / "file" / "a.png")
    assert code == 1
    assert err.startswith(f"ganzoo: '{tmp_path / 'file'}' cannot be read or written: ")
    assert len(err.splitlines()) == 1


def test_errors_inside_tensorflow_are_shown_without_tracebacks(ganzoo_command, monkeypatch):
    @tf.function
    def fail(cause):
        if cause == "tracing":
            raise ValueError("of a trace")
        return tf.reshape(tf.range(tf.random.uniform((), 1, 3, "int32")), (-1, 5))

    for cause, named in (("tracing", "of a trace"), ("running", "Input to reshape")):
        monkeypatch.setattr(weights, "find_description", lambda _, cause=cause: fail(cause))
        _, _, err = ganzoo_command("info", "any")
        (line,) = err.splitlines()
        assert line.startswith("ganzoo: ")
        assert named in line
        assert len(line) < 160


def test_messages_name_options_where_they_are_not_code_or_options_already():
    options = {"seed": "--seed", "loss": "--loss"}
    for text, expected in (
        (
            "`seed` must be 0. Received: seed=1, seeds=2.",
            "--seed must be 0. Received: --seed 1, seeds=2.",
        ),
        ("Use `fit(seed=1)`.", "Use `fit(seed=1)`."),
        ("--loss and --compile loss=... differ.", "--loss and --compile loss=... differ."),
    ):
        assert name_options(text, options) == expected


def test_an_interruption_gives_one_line_and_exit_code_130(ganzoo_command, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(weights, "find_description", interrupt)
    code, out, err = ganzoo_command("info", "dcgan_fashion_mnist")
    assert (code, out) == (130, "")
    assert err.startswith("ganzoo: ")
    assert len(err.splitlines()) == 1
