"""The command line: exit codes, one line of error, results on standard output."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import cli, registry, weights

TRAIN = ["train", "vanilla", "--data", "sample", "--out", "{tmp}/run"]
COMMANDS = [command.name or command.callback.__name__ for command in cli.app.registered_commands]


@pytest.fixture
def ganzoo_command(capsys):
    """Runs a command in this process, as `(exit code, stdout, stderr)`."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    """A super-resolution model, and its file."""
    path = tmp_path_factory.mktemp("model") / "srgan.keras"
    model = registry.get_family("srgan").build_smallest(seed=0)
    model.save(path)
    return model, path


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    registry.get_family("vanilla").build_smallest(seed=0).save(path)
    return path


def fresh(*arguments, program=None):
    """Runs a new Python process."""
    start = ["-c", program] if program else ["-m", "ganzoo"]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


# What answers at once.


@pytest.mark.parametrize(
    "program",
    [
        "import ganzoo; ganzoo.list_presets(); dir(ganzoo); ganzoo.__version__",
        "from ganzoo.cli import main; main(['list'])",
        "from ganzoo.cli import main; main(['--help'])",
        "from ganzoo.cli import main; main(['train', '--help'])",
    ],
    ids=["import", "list", "help", "train-help"],
)
def test_tensorflow_stays_unloaded(program):
    outcome = fresh(
        program=f"""
import sys
try:
    {program}
except SystemExit as stop:
    assert stop.code == 0, stop.code
loaded = sorted({{"tensorflow", "keras", "numpy"}} & set(sys.modules))
assert not loaded, loaded
"""
    )
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("chosen", [None, "0"])
def test_convolutions_are_those_of_onednn_unless_told_otherwise(chosen, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if chosen is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen)
    outcome = fresh(
        program="""
from ganzoo.cli.common import import_tensorflow

import_tensorflow()
from tensorflow.python.util import _pywrap_util_port

print(_pywrap_util_port.IsMklEnabled())
"""
    )
    assert outcome.stdout.strip() == str(chosen is None), outcome.stderr


def test_the_module_runs_as_a_program():
    outcome = fresh("--version")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, ganzoo.__version__)


def test_a_wrong_command_in_a_process_of_its_own_is_one_line():
    outcome = fresh("trian")
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("ganzoo: ")
    assert "trian" in line


def test_the_entry_point_is_installed():
    from importlib.metadata import entry_points

    (point,) = [p for p in entry_points(group="console_scripts") if p.name == "ganzoo"]
    assert point.load() is cli.main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, ganzoo_command):
    code, out, err = ganzoo_command(command, "--help")
    assert (code, err) == (0, "")
    assert f"ganzoo {command}" in out
    assert "Example" in out


def test_help_and_no_arguments_list_every_command(ganzoo_command):
    for arguments in (["--help"], []):
        code, out, _ = ganzoo_command(*arguments)
        assert code == 0
        assert all(command in out for command in COMMANDS)


def test_list_names_every_preset_and_family(ganzoo_command):
    code, out, _ = ganzoo_command("list")
    assert code == 0
    assert all(family.name in out for family in registry.families())
    assert all(name in out for name in ganzoo.list_presets())


def test_list_as_json(ganzoo_command):
    code, out, _ = ganzoo_command("list", "--json")
    assert code == 0
    assert [row["preset"] for row in json.loads(out)] == ganzoo.list_presets()


# Wrong usage and input: code 2, and one line that says what is wrong.


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonsense"], "nonsense"),
        (["--nonsense"], "nonsense"),
        (["info"], "PRESET"),
        (["info", "dcgan_imagenet"], "dcgan_imagenet"),
        (["train"], "Missing"),
        (["train", "vanilla", "--out", "{tmp}/run"], "--data"),
        (["train", "vanila", "--data", "sample", "--out", "{tmp}/run"], "Did you mean 'vanilla'"),
        (["train", "vanilla", "--data", "nothing", "--out", "{tmp}/run"], "'nothing'"),
        (["train", "vanilla", "--data", "{tmp}", "--out", "{tmp}/run"], "holds no images"),
        ([*TRAIN, "--epochs", "x"], "--epochs"),
        # Ends soon where the 0 is not refused.
        ([*TRAIN, "--epochs", "0", "--max-steps", "1"], "epochs=0"),
        ([*TRAIN, "--max-steps", "0"], "max_steps=0"),
        ([*TRAIN, "--batch-size", "0"], "batch_size=0"),
        ([*TRAIN, "--save-every", "10x"], "'10x'"),
        ([*TRAIN, "--save-every", "0"], "'0'"),
        ([*TRAIN, "--recipe", "papers"], "recipe='papers'"),
        ([*TRAIN, "--class-conditional"], "--class-conditional"),
        ([*TRAIN, "--distribute", "mirored"], "Did you mean 'mirrored'"),
        ([*TRAIN, "--distribute", "multi_worker"], "TF_CONFIG"),
        ([*TRAIN, "--sharding", "elements"], "Did you mean 'element'"),
        (["train", "vanilla", "--out", "{tmp}/run", "--resume"], "holds no run"),
        (["sample", "{model}"], "--out"),
        (["sample", "{tmp}/none.keras", "--out", "{tmp}/a.png"], "none.keras"),
        (["sample", "dcgan_imagenet", "--out", "{tmp}/a.png"], "dcgan_imagenet"),
        (["sample", "{model}", "--out", "{tmp}/a.jpg"], "a.jpg"),
        (["sample", "{model}", "--out", "{tmp}/a.png", "-n", "0"], "num_images=0"),
        (["sample", "{model}", "--out", "{tmp}/a.png", "--labels", "0,x"], "0,x"),
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
        (["evaluate", "{model}", "--data", "sample", "--extractor", "vgg"], "extractor='vgg'"),
        (["evaluate", "{model}", "--data", "sample", "-n", "0"], "-n"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else "",
)
def test_wrong_input_is_one_line_and_code_2(arguments, named, ganzoo_command, model_file, tmp_path):
    filled = [part.format(tmp=tmp_path, model=model_file) for part in arguments]
    code, _, err = ganzoo_command(*filled)
    lines = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert code == 2
    assert len(lines) == 1
    assert named in lines[0]
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []  # Nothing was written.


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError, match="nothing_such"):
        cli.main(["info", "nothing_such", "--debug"])


def test_a_file_that_is_no_model_is_one_line(ganzoo_command, tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"no model")
    code, out, err = ganzoo_command(
        "sample", tmp_path / "broken.keras", "--out", tmp_path / "a.png"
    )
    assert code in (1, 2)
    assert out == ""
    assert "broken.keras" in err
    assert len(err.splitlines()) == 1


def test_what_fails_while_running_is_one_line_and_code_1(ganzoo_command, model_file, tmp_path):
    (tmp_path / "file").write_text("in the way")
    code, _, err = ganzoo_command("sample", model_file, "--out", tmp_path / "file" / "a.png")
    assert code == 1
    assert err.startswith("ganzoo: ")
    assert len(err.splitlines()) == 1


def test_an_interruption_is_one_line_and_code_130(ganzoo_command, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(weights, "find_preset", interrupt)
    code, out, err = ganzoo_command("info", "dcgan_fashion_mnist")
    assert (code, out) == (130, "")
    assert err.startswith("ganzoo: ")
    assert len(err.splitlines()) == 1


# What works.


def test_sample_writes_the_grid_of_generate(ganzoo_command, model_file, tmp_path):
    path = tmp_path / "grid.png"
    code, out, err = ganzoo_command("sample", model_file, "-n", 3, "--seed", 5, "--out", path)
    assert (code, err) == (0, "")
    assert str(path) in out
    pixels = ganzoo.load(model_file).generate(3, seed=5)
    grid = ganzoo.images.make_grid(pixels)
    zoom = ganzoo.images.zoom_for(grid)
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image)[::zoom, ::zoom], grid[..., 0])


def test_sample_writes_single_images_into_a_folder(ganzoo_command, model_file, tmp_path):
    code, _, _ = ganzoo_command("sample", model_file, "-n", 3, "--seed", 5, "--out", tmp_path / "x")
    assert code == 0
    files = sorted((tmp_path / "x").iterdir())
    assert [path.name for path in files] == ["00000.png", "00001.png", "00002.png"]
    for path, pixels in zip(files, ganzoo.load(model_file).generate(3, seed=5), strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels[..., 0])


def test_labels_are_taken_in_turn(ganzoo_command, tmp_path):
    model = registry.get_family("cgan").build_smallest(seed=0)
    model.save(tmp_path / "cgan.keras")
    arguments = ["sample", tmp_path / "cgan.keras", "-n", 3, "--labels", "2,0"]
    code, _, _ = ganzoo_command(*arguments, "--out", tmp_path / "x")
    assert code == 0
    files = sorted((tmp_path / "x").iterdir())
    expected = model.generate(3, labels=[2, 0, 2], seed=0)
    for path, pixels in zip(files, expected, strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels[..., 0])


def test_upscale_writes_what_the_model_makes(ganzoo_command, upscaler, tmp_path):
    model, path = upscaler
    generator = np.random.default_rng(0)
    shapes = {"dot.png": (1, 1, 3), "strip.png": (7, 300, 3), "gray.tif": (40, 20), "a.jpg": (9, 8)}
    for name, shape in shapes.items():
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(generator.integers(0, 256, shape, "uint8")).save(tmp_path / "in" / name)
    images = [tmp_path / "in", tmp_path / "in" / "dot.png"]
    arguments = ["upscale", path, *images, "--out", tmp_path / "out", "--tile", 16]
    code, out, err = ganzoo_command(*arguments)
    assert code == 0
    assert out == f"{tmp_path / 'out'}: 4 images\n"
    assert [line.split(" -> ")[0] for line in err.splitlines()] == [
        str(tmp_path / "in" / name) for name in sorted(shapes)
    ]
    results = {"dot.png": "dot_x2.png", "strip.png": "strip_x2.png", "gray.tif": "gray_x2.png"}
    for name, result in results.items():
        with Image.open(tmp_path / "in" / name) as image:
            pixels = np.asarray(image)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        with Image.open(tmp_path / "out" / result) as image:
            written = np.asarray(image)
        expected = model.upscale(pixels, tile=16)
        np.testing.assert_array_equal(written.reshape(expected.shape), expected)
    with Image.open(tmp_path / "out" / "a_x2.jpg") as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "L", (16, 18))


def test_upscale_goes_on_after_a_bad_file_and_ends_with_code_1(ganzoo_command, upscaler, tmp_path):
    folder = tiny.write_folder(tmp_path / "in", num_images=2)
    (folder / "000a.png").write_bytes((folder / "000.png").read_bytes()[:50])
    code, out, err = ganzoo_command("upscale", upscaler[1], folder, "--out", tmp_path / "out")
    assert code == 1
    assert "2 images" in out
    (line,) = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert line.startswith(f"ganzoo: {folder / '000a.png'}: cannot be read")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["000_x2.png", "001_x2.png"]


def test_upscale_overwrites_no_result_and_no_source(ganzoo_command, upscaler, tmp_path):
    for name in ("a/p.png", "b/p.png", "b/p_x2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (3, 4)).save(tmp_path / name)
    for images, named in ((["a", "b/p.png"], "would both become"), (["b"], "upscaled itself")):
        paths = [tmp_path / image for image in images]
        code, out, err = ganzoo_command("upscale", upscaler[1], *paths, "--out", tmp_path / "b")
        assert (code, out) == (2, "")
        assert err.startswith("ganzoo: ")
        assert named in err
    assert len(list((tmp_path / "b").iterdir())) == 2


def test_evaluate_prints_a_row_for_each_image_and_the_record_as_json(ganzoo_command, tmp_path):
    model = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    model.save(tmp_path / "srgan.keras")
    photos = tiny.write_folder(tmp_path / "photos", num_images=2, side=24)
    result = ganzoo.evaluation.evaluate_super_resolution(model, photos)
    arguments = ["evaluate", tmp_path / "srgan.keras", "--data", photos]

    code, out, err = ganzoo_command(*arguments, "--json")
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(result.to_dict()))
    assert err.split() == ["000.png", "001.png"]

    code, out, _ = ganzoo_command(*arguments)
    assert code == 0
    heading, *rows, _, protocol = out.splitlines()
    assert heading.split() == ["image", "PSNR", "bicubic", "SSIM", "bicubic"]
    for row, score in zip(rows, (*result.images, result.mean), strict=True):
        decibels = [f"{score.psnr:.2f}", f"{score.bicubic_psnr:.2f}"]
        similarities = [f"{score.ssim:.4f}", f"{score.bicubic_ssim:.4f}"]
        assert row.split() == [score.name, *decibels, *similarities]
    assert protocol == result.protocol


def test_export_writes_a_model_and_compares_it(ganzoo_command, model_file, tmp_path):
    path = tmp_path / "model.onnx"
    code, out, _ = ganzoo_command("export", model_file, "--out", path)
    assert code == 0
    assert f"{path}: onnx, " in out
    assert "Largest difference from Keras on random inputs: 0 of 255 levels" in out
    before = path.read_bytes()
    code, _, err = ganzoo_command("export", model_file, "--out", path)
    assert code == 2
    assert "--overwrite" in err
    assert path.read_bytes() == before
    code, out, _ = ganzoo_command("export", model_file, "--out", path, "--half", "--overwrite")
    assert code == 0
    assert len(path.read_bytes()) < len(before)


def test_an_export_that_differs_is_kept_and_ends_with_code_1(
    ganzoo_command, model_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(ganzoo.export, "verify", lambda *_: 17)
    code, _, err = ganzoo_command("export", model_file, "--out", tmp_path / "model")
    assert code == 1
    assert "differs by 17 levels" in err
    assert (tmp_path / "model" / "saved_model.pb").is_file()


def test_info_prints_the_card(ganzoo_command, tmp_path):
    model = registry.get_family("vanilla").build_smallest()
    model.save_to_preset(tmp_path / "mine", card={"limits": "draws [small] things"})
    code, out, _ = ganzoo_command("info", tmp_path / "mine")
    assert code == 0
    assert "draws [small] things" in out
    assert "vanilla" in out


def test_train_and_resume_leave_a_run_and_say_what_comes_next(ganzoo_command, tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=10)
    out = tmp_path / "run"
    arguments = ["train", "vanilla", "--out", out]
    new = ["--data", photos, "--batch-size", 5, "--epochs", 1]
    code, printed, progress = ganzoo_command(*arguments, *new)
    assert code == 0
    assert "Done: 2 steps" in printed
    assert f"ganzoo sample {out}" in printed
    assert "generator_loss" in progress
    assert "generator_loss" not in printed

    code, _, err = ganzoo_command(*arguments, *new)
    assert code == 2
    assert "--resume" in err
    code, _, err = ganzoo_command("train", "dcgan", "--out", out, "--resume")
    assert code == 2
    assert "family=vanilla" in err
    code, printed, _ = ganzoo_command(*arguments, "--resume", "--epochs", 2)
    assert code == 0
    assert "Done: 4 steps" in printed
    assert int(ganzoo.load(out).generator_optimizer.iterations) == 4


def test_evaluate_measures_a_generator_beside_real_images(ganzoo_command, tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_HOME", str(tmp_path / "home"))
    arguments = ["evaluate", "dcgan_fashion_mnist", "--data", "sample", "-n", "300"]
    code, out, _ = ganzoo_command(*arguments, "--metrics", "fid,precision_recall")
    assert code == 0
    heading, *rows, _, protocol = out.splitlines()
    assert heading.split() == ["metric", "generated", "+-", "real", "images"]
    assert [row.split()[0] for row in rows] == ["fid", "precision", "recall", "density", "coverage"]
    assert "300 images (seed 0), features of fashion_mnist" in protocol

    code, out, _ = ganzoo_command(*arguments, "--metrics", "fid", "--json")
    assert code == 0
    record = json.loads(out)
    fid, floor = (record[kind]["fid"]["value"] for kind in ("results", "floors"))
    assert 0 < floor < fid
    assert record["results"]["fid"]["extractor"] == "fashion_mnist"


@pytest.mark.slow
def test_the_demo_draws_trains_measures_and_exports(ganzoo_command, tmp_path):
    code, out, _ = ganzoo_command("demo", "--out", tmp_path / "demo", "--max-steps", 20)
    assert code == 0
    with Image.open(tmp_path / "demo-dcgan_fashion_mnist.png") as image:
        assert np.asarray(image).std() > 50
    assert (tmp_path / "demo" / "exported" / "saved_model.pb").is_file()
    assert "fid" in out
    assert f"ganzoo sample {tmp_path / 'demo'}" in out
