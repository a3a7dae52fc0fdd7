"""Test the files and the output of commands that succeed."""

import dataclasses
import json
import pathlib
import shlex

import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import registry, training
from ganzoo.saving import loading


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    """Return a super-resolution model and its file."""
    path = tmp_path_factory.mktemp("model") / "srgan.keras"
    model = registry.get_family("srgan").build_test_model(seed=0)
    model.save(path)
    return model, path


def test_sample_writes_a_grid_of_the_images_of_generate(ganzoo_command, model_file, tmp_path):
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


def test_an_output_path_that_ends_in_a_slash_is_a_folder(ganzoo_command, model_file, tmp_path):
    for name in ("rate-0.5", "a.png"):
        code, _, _ = ganzoo_command("sample", model_file, "-n", 1, "--out", f"{tmp_path / name}/")
        assert code == 0
        assert [path.name for path in (tmp_path / name).iterdir()] == ["00000.png"]


def test_walks_between_classes_are_written_as_a_grid_or_an_animation(ganzoo_command, tmp_path):
    model = registry.get_family("cgan").build_test_model(seed=0)
    model.save(tmp_path / "cgan.keras")
    walks = ganzoo.interpolate(model, num_rows=2, labels=[0, 2], seed=4)
    common = ["sample", tmp_path / "cgan.keras", "--interpolate", "--labels", "0,2", "-n", 2]
    for name in ("walk.png", "walk.gif"):
        arguments = [*common, "--seed", 4, "--out", tmp_path / name]
        code, out, _ = ganzoo_command(*arguments)
        assert code == 0
        assert f"2 walks of {walks.shape[1]} images" in out
    grid = ganzoo.images.make_grid(walks.reshape(-1, *walks.shape[2:]), columns=walks.shape[1])
    zoom = ganzoo.images.zoom_for(grid)
    with Image.open(tmp_path / "walk.png") as image:
        np.testing.assert_array_equal(np.asarray(image)[::zoom, ::zoom], grid[..., 0])
    with Image.open(tmp_path / "walk.gif") as image:
        # The animation plays forward, then backward.
        assert image.n_frames == 2 * walks.shape[1] - 2
        first = ganzoo.images.make_grid(walks[:, 0])
        zoom = ganzoo.images.zoom_for(first)
        shown = np.asarray(image.convert("L"))[::zoom, ::zoom].astype(int)
    assert abs(shown - first[..., 0]).max() <= 2  # A GIF has only 256 colors.


def test_sample_repeats_the_given_labels_in_order(ganzoo_command, tmp_path):
    model = registry.get_family("cgan").build_test_model(seed=0)
    model.save(tmp_path / "cgan.keras")
    arguments = ["sample", tmp_path / "cgan.keras", "-n", 3, "--labels", "2,0"]
    code, _, _ = ganzoo_command(*arguments, "--out", tmp_path / "x")
    assert code == 0
    files = sorted((tmp_path / "x").iterdir())
    expected = model.generate(3, labels=[2, 0, 2], seed=0)
    for path, pixels in zip(files, expected, strict=True):
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), pixels[..., 0])


def test_sample_takes_class_names_and_writes_them_above_the_columns(ganzoo_command, tmp_path):
    model = registry.get_family("cgan").build_test_model(seed=0, class_names=["a, b", "Cat", "dog"])
    model.save(tmp_path / "cgan.keras")
    path = tmp_path / "grid.png"
    arguments = ["sample", tmp_path / "cgan.keras", "-n", 4, "--out", path]
    code, _, _ = ganzoo_command(*arguments, "--labels", 'cat,"a, b"')
    assert code == 0
    pixels = model.generate(4, labels=[1, 0, 1, 0], seed=0)
    expected = ganzoo.images.draw_grid(pixels, 2, ["Cat", "a, b"])
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), expected[..., 0])


def test_upscale_writes_the_output_of_the_model(ganzoo_command, upscaler, tmp_path):
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
    results = {"dot.png": "dot_x2.png", "strip.png": "strip_x2.png", "gray.tif": "gray_x2.tif"}
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


@pytest.mark.slow
def test_upscale_takes_any_factor_and_a_strength(ganzoo_command, tmp_path):
    model = registry.get_family("srgan").build_test_model(seed=0)
    model.save_to_preset(tmp_path / "soft")
    model = registry.get_family("srgan").build_test_model(
        seed=1, soft_preset=str(tmp_path / "soft")
    )
    model.save(tmp_path / "srgan.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), "uint8")
    Image.fromarray(pixels).save(tmp_path / "a.png")
    arguments = ["upscale", tmp_path / "srgan.keras", tmp_path / "a.png", "--out", tmp_path / "x"]
    code, *_ = ganzoo_command(*arguments, "--outscale", 2.5, "--strength", 0.5)
    assert code == 0
    with Image.open(tmp_path / "x" / "a_x2.5.png") as image:
        expected = model.upscale(pixels, outscale=2.5, strength=0.5)
        np.testing.assert_array_equal(np.asarray(image), expected)
    for wrong in (["--outscale", "0"], ["--strength", "2"]):
        code, _, err = ganzoo_command(*arguments, *wrong)
        assert code == 2
        assert " ".join(wrong) in err


def test_upscale_takes_videos_beside_images(ganzoo_command, upscaler, tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 16, 8, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.full((8, 16, 3), 90, "uint8"), "rgb24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    Image.new("L", (3, 4)).save(tmp_path / "b.png")
    (tmp_path / "c.mp4").write_text("not a video")
    paths = [tmp_path / name for name in ("a.mkv", "b.png", "c.mp4")]
    code, out, err = ganzoo_command("upscale", upscaler[1], *paths, "--out", tmp_path / "out")
    assert code == 1
    assert out == f"{tmp_path / 'out'}: 1 image and 1 video\n"
    (line,) = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert line.startswith(f"ganzoo: {tmp_path / 'c.mp4'}: cannot be read")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a_x2.mkv", "b_x2.png"]
    with av.open(str(tmp_path / "out" / "a_x2.mkv")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (32, 16)


def test_a_full_disk_is_one_line_and_nothing_is_half_written(
    ganzoo_command, upscaler, tmp_path, monkeypatch
):
    folder = tiny.write_folder(tmp_path / "in", num_images=1)

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", refuse)
    code, _, err = ganzoo_command("upscale", upscaler[1], folder, "--out", tmp_path / "out")
    assert code == 1
    (line,) = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    target = tmp_path / "out" / "000_x2.png"
    assert line.startswith(f"ganzoo: {target}: cannot be written (No space left on device)")
    assert not list((tmp_path / "out").iterdir())


def test_upscale_replaces_results_only_with_overwrite(ganzoo_command, upscaler, tmp_path):
    folder = tiny.write_folder(tmp_path / "in", num_images=2)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "000_x2.png").write_text("mine")
    arguments = ["upscale", upscaler[1], folder, "--out", tmp_path / "out"]
    code, out, err = ganzoo_command(*arguments)
    assert code == 1
    assert "1 image" in out
    (line,) = [line for line in err.splitlines() if line.startswith("ganzoo: ")]
    assert line == (
        f"ganzoo: {tmp_path / 'out' / '000_x2.png'}: exists. Remove it, or pass --overwrite."
    )
    assert (tmp_path / "out" / "000_x2.png").read_text() == "mine"
    code, *_ = ganzoo_command(*arguments, "--overwrite")
    assert code == 0
    assert (tmp_path / "out" / "000_x2.png").read_bytes()[:4] == b"\x89PNG"


def test_upscale_continues_after_a_bad_file_and_exits_with_code_1(
    ganzoo_command, upscaler, tmp_path
):
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


@pytest.mark.slow
def test_evaluate_prints_a_row_for_each_image_and_the_record_as_json(ganzoo_command, tmp_path):
    model = ganzoo.SRGAN(scale=2, num_blocks=1, filters=2, seed=0)
    model.save(tmp_path / "srgan.keras")
    photos = tiny.write_folder(tmp_path / "photos", num_images=2, side=32)
    result = ganzoo.evaluation.evaluate_super_resolution(model, photos)
    arguments = ["evaluate", tmp_path / "srgan.keras", "--data", photos]

    code, out, err = ganzoo_command(*arguments, "--json")
    assert code == 0
    assert json.loads(out) == json.loads(json.dumps(result.to_dict()))
    assert err.split() == ["000.png", "001.png"]

    code, out, _ = ganzoo_command(*arguments)
    assert code == 0
    rows, protocol = (part.splitlines() for part in out.split("\n\n"))
    assert rows.pop(0).split() == ["image", "by", "PSNR", "SSIM", "LPIPS", "NIQE"]
    for score in (*result.images, result.mean):
        # The images are too small for NIQE.
        figures = [f"{score.psnr:.2f}", f"{score.ssim:.4f}", f"{score.lpips:.4f}"]
        assert rows.pop(0).split() == [score.name, "model", *figures]
        figures = [f"{score.bicubic_psnr:.2f}", f"{score.bicubic_ssim:.4f}"]
        assert rows.pop(0).split() == ["bicubic", *figures, f"{score.bicubic_lpips:.4f}"]
    assert rows == []
    assert " ".join(protocol) == result.protocol


def test_other_output_does_not_mix_with_the_json_record(ganzoo_command, tmp_path, monkeypatch):
    model = registry.get_family("srgan").build_test_model(seed=0)

    def load_and_print(_):
        print("Downloading data from a server")
        return model

    monkeypatch.setattr(loading, "find_model", load_and_print)
    photos = tiny.write_folder(tmp_path / "photos", num_images=1, side=24)
    code, out, err = ganzoo_command("evaluate", "any", "--data", photos, "--json")
    assert code == 0
    assert json.loads(out)["mean"]
    assert "Downloading" in err


def test_export_writes_a_model_and_compares_it_with_keras(ganzoo_command, model_file, tmp_path):
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


def test_an_export_that_differs_from_keras_is_kept_and_exits_with_code_1(
    ganzoo_command, model_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(ganzoo.export, "verify", lambda *_: 17)
    code, _, err = ganzoo_command("export", model_file, "--out", tmp_path / "model")
    assert code == 1
    assert "differs by 17 levels" in err
    assert (tmp_path / "model" / "saved_model.pb").is_file()


def test_info_prints_the_card(ganzoo_command, tmp_path):
    model = registry.get_family("vanilla").build_test_model()
    model.save_to_preset(tmp_path / "mine", card={"limits": "draws [small] things"})
    code, out, _ = ganzoo_command("info", tmp_path / "mine")
    assert code == 0
    assert "draws [small] things" in out
    assert "vanilla" in out
    assert "samples.png" in out
    code, out, _ = ganzoo_command("info", "srgan_x4")
    card = loading.find_card("srgan_x4")
    lines = [line.split() for line in out.splitlines()]
    assert ["psnr", f"{card['metrics']['psnr']}", f"{card['metrics']['bicubic_psnr']}"] in lines
    # Commands are not wrapped, so that they can be copied.
    assert ["Train", *card["command"].split()] in lines
    _, out, _ = ganzoo_command("info", "cgan_fashion_mnist")
    assert "T-shirt/top, Trouser, Pullover" in " ".join(out.split())
    # A preset folder of another user may have no samples and no card.
    (tmp_path / "mine" / "samples.png").unlink()
    (tmp_path / "mine" / "card.json").unlink()
    code, out, _ = ganzoo_command("info", tmp_path / "mine")
    assert code == 0
    assert "samples.png" not in out
    for content in ("[1, 2]", "{", '"text"'):
        (tmp_path / "mine" / "card.json").write_text(content)
        code, _, err = ganzoo_command("info", tmp_path / "mine")
        assert code == 2
        assert "card.json" in err


def test_every_option_of_train_reaches_the_recipe(ganzoo_command, monkeypatch):
    run = {
        "image_size": 32,
        "fit": "pad",
        "alpha": True,
        "hold_out": True,
        "degrade": True,
        "low_res": "some/small",
        "batch_size": 7,
        "epochs": 3,
        "max_steps": 11,
        "minutes": 2.5,
        "patience": 4,
        "start_from": "some/run",
        "freeze_discriminator": 2,
        "mixed_precision": True,
        "class_conditional": True,
        "labels": "labels.csv",
        "decay_steps": 500,
        "blend": 0.5,
        "evaluate_every": 2,
        "validation": "some/photos",
        "seed": 9,
    }
    short = {
        "recipe": ("paper", "model", "recipe"),
        "loss": ("hinge", "compile", "loss"),
        "regularizer": ("r1", "compile", "regularizer"),
        "regularizer_weight": (0.25, "compile", "regularizer.weight"),
        "regularizer_every": (4, "compile", "regularizer.every"),
        "augment": ("none", "compile", "augment"),
        "sync_batch_norm": (True, "compile", "sync_batch_norm"),
        "scale": (2, "model", "scale"),
        "content_only": (True, "compile", "content_only"),
        "content": ("vgg22", "compile", "content"),
    }
    model = {"num_blocks": 3}
    compile = {"ema_decay": 0.9, "generator_optimizer.learning_rate": 1e-4}
    for value, where, key in short.values():
        {"model": model, "compile": compile}[where][key] = value
    expected = training.Recipe("srgan", "photographs", model, compile, **run)
    fields = {field.name for field in dataclasses.fields(training.Recipe)}
    # This test must set every field.
    assert set(run) == fields - {"family", "data", "model", "compile"}
    given = {**run, **{name: value for name, (value, _, _) in short.items()}}
    received = []

    def record(recipe, out, save_every, cluster):
        received.extend([recipe, out, save_every])
        raise ValueError("seen")

    monkeypatch.setattr(training, "train", record)
    flags = {"start_from": "from"}
    words = ["train", "srgan", "--data", "photographs", "--out", "there", "--save-every", "5m"]
    words += ["--model", "num_blocks=3", "--compile", "ema_decay=0.9"]
    words += ["--compile", "generator_optimizer.learning_rate=1e-4"]
    for name, value in given.items():
        flag = "--" + flags.get(name, name).replace("_", "-")
        words += [flag] if value is True else [flag, value]
    code, _, err = ganzoo_command(*words)
    assert (code, err) == (2, "ganzoo: seen\n")
    assert received == [expected, pathlib.Path("there"), "5m"]


def test_options_replace_values_of_a_recipe_file(ganzoo_command, monkeypatch, tmp_path):
    written = training.Recipe(
        "dcgan",
        "photographs",
        model={"base_filters": 8, "latent_dim": 5},
        compile={"ema_decay": 0.9, "regularizer": "r1"},
        epochs=3,
    )
    # The configuration of a run, or the recipe alone.
    (tmp_path / "config.json").write_text(
        json.dumps({"format": 3, "recipe": dataclasses.asdict(written)})
    )
    (tmp_path / "recipe.json").write_text(json.dumps(dataclasses.asdict(written)))
    seen = []

    def note(recipe, *_):
        seen.append(recipe)
        raise ValueError("seen")

    monkeypatch.setattr(training, "train", note)
    options = ["--seed", 4, "--model", "latent_dim=6", "--compile", "ema_decay=0.5"]
    for name in ("config.json", "recipe.json"):
        file = ["--recipe-file", tmp_path / name]
        code, _, err = ganzoo_command("train", "dcgan", *file, *options, "--out", "there")
        assert (code, err) == (2, "ganzoo: seen\n")
    expected = dataclasses.replace(
        written,
        model={"base_filters": 8, "latent_dim": 6},
        compile={"ema_decay": 0.5, "regularizer": "r1"},
        seed=4,
    )
    assert seen == [expected, expected]


def test_train_and_resume_write_a_run_and_print_the_next_commands(ganzoo_command, tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=10)
    out = tmp_path / "run"
    arguments = ["train", "vanilla", "--out", out]
    new = ["--data", photos, "--batch-size", 5, "--epochs", 1, "--compile", "run_eagerly=true"]
    code, printed, progress = ganzoo_command(*arguments, *new)
    assert code == 0
    assert "Done: 2 steps" in printed
    assert f"ganzoo sample {out}" in printed
    assert "generator" in progress and "1/1" in progress
    assert progress.startswith("Augmentation: diffaugment, because there are fewer than 20,000 ")
    assert "generator_loss" not in printed

    code, _, err = ganzoo_command(*arguments, *new)
    assert code == 2
    assert "--resume" in err
    code, _, err = ganzoo_command("train", "dcgan", "--out", out, "--resume")
    assert code == 2
    assert "family=vanilla" in err
    code, _, err = ganzoo_command(*arguments, "--resume", "--augment", "ada")
    assert code == 2
    assert "started with --compile augment=diffaugment" in err
    resume = ["--resume", "--epochs", 2, "--augment", "auto"]
    code, printed, _ = ganzoo_command(*arguments, *resume)
    assert code == 0
    assert "Done: 4 steps" in printed
    assert int(ganzoo.load(out).generator_optimizer.iterations) == 4


def test_evaluate_prints_scores_of_generated_and_of_real_images(ganzoo_command, tmp_path):
    # Of the sample, thousands of images would be compared.
    photos = tiny.write_folder(tmp_path / "photos", num_images=200, side=28)
    arguments = ["evaluate", "vanilla_fashion_mnist", "--data", photos, "-n", "100"]
    arguments += ["--extractor", "fashion_mnist"]
    code, out, _ = ganzoo_command(*arguments, "--metrics", "fid,precision_recall")
    assert code == 0
    heading, *rows, _, generated, compared, _ = out.splitlines()
    assert heading.split() == ["metric", "generated", "+-", "real", "images", "better"]
    assert [row.split()[-1] for row in rows] == ["lower", *4 * ["higher"]]
    assert [row.split()[0] for row in rows] == ["fid", "precision", "recall", "density", "coverage"]
    assert generated == "Generated: 100 images (seed 0)."
    assert compared.endswith("by features of fashion_mnist.")

    code, out, _ = ganzoo_command(*arguments, "--metrics", "fid", "--json")
    assert code == 0
    record = json.loads(out)
    fid, floor = (record[kind]["fid"]["value"] for kind in ("results", "floors"))
    assert 0 < floor < fid
    assert record["results"]["fid"]["extractor"] == "fashion_mnist"


def test_reproduce_prints_the_command_that_measures_the_published_score(
    ganzoo_command, tmp_path, monkeypatch
):
    _, preset = registry.get_preset("vanilla_mnist")
    monkeypatch.setitem(vars(preset), "recipe", {**preset.recipe, "max_steps": 1})
    out = tmp_path / "again [and] again"
    code, printed, _ = ganzoo_command(
        "reproduce", "vanilla_mnist", "--out", out, "--data", "sample"
    )
    assert code == 0
    # The published score was measured on this data set, which the run need not have used.
    assert f"ganzoo evaluate '{out}' --data mnist" in printed
    assert f"fid is {preset.scores[0].value:g}" in printed
    # The printed commands are quoted for a shell.
    assert f"{out / 'model.keras'}" in printed
    following = printed[printed.index("Next:") :].splitlines()
    commands = [shlex.split(line) for line in following if line.startswith("  ")]
    named = [word for command in commands for word in command if str(out) in word]
    assert named[:2] == [str(out / "logs"), str(out)]
    assert f'ganzoo.load("{out}")' in named[2]


def test_a_demo_that_cannot_train_writes_nothing(ganzoo_command, tmp_path, monkeypatch):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    monkeypatch.chdir(tmp_path / "full")
    for wrong, named in (
        (["--out", "."], "not an empty folder"),
        (["--out", "new", "--max-steps", "0"], "--max-steps 0"),
    ):
        code, _, err = ganzoo_command("demo", *wrong)
        assert code == 2
        assert named in err
    assert [path.name for path in tmp_path.rglob("*")] == ["full", "mine.txt"]


@pytest.mark.slow
def test_the_demo_samples_trains_evaluates_and_exports(ganzoo_command, tmp_path):
    code, out, _ = ganzoo_command("demo", "--out", tmp_path / "demo", "--max-steps", 20)
    assert code == 0
    with Image.open(tmp_path / "demo-dcgan_fashion_mnist.png") as image:
        assert np.asarray(image).std() > 50
    assert (tmp_path / "demo" / "exported" / "saved_model.pb").is_file()
    assert "fid" in out
    assert f"ganzoo sample {tmp_path / 'demo'}" in out


def test_data_describes_a_folder_in_80_columns(ganzoo_command, tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=30, classes=("cats", "dogs"))
    for index in range(12):
        Image.new("L", (8, 9 + index)).save(folder / "cats" / f"{'long_name_' * 8}{index}.png")
        copied = folder / "dogs" / f"{index:03d}.png"
        copied.with_name(f"copy_{index}.png").write_bytes(copied.read_bytes())
    (folder / "dogs" / "broken.png").write_bytes(b"")
    code, out, err = ganzoo_command("data", folder, "--out", tmp_path / "sheet.png")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    commands = lines.index("Train with")
    # Paths are never broken.
    assert max(len(line) for line in lines[1:commands]) <= 80
    assert lines[0] == f"{folder}: 85 images"
    text = " ".join(out.replace("\\\n", "").split())
    for shown in (
        "Classes: 2 42 cats 43 dogs",
        "Duplicates, with the same pixels: 24 images in 12 groups",
        "dogs/broken.png: empty, or not an image",
        "... and 4 more (--json lists all)",
        f"ganzoo train cgan --data {shlex.quote(str(folder))} --image-size 8",
    ):
        assert shown in text
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert min(sheet.size) > 700
    code, out, _ = ganzoo_command("data", folder, "--json")
    assert code == 0
    assert json.loads(out)["class_counts"] == {"cats": 42, "dogs": 43}


def test_the_command_that_data_prints_can_be_run(ganzoo_command, tmp_path, monkeypatch):
    folder = tiny.write_folder(tmp_path / "my photos", num_images=4)
    monkeypatch.chdir(tmp_path)
    _, out, _ = ganzoo_command("data", "my photos")
    command = out.partition("Train with")[2].partition("  - ")[0]
    received = []
    monkeypatch.setattr(training, "train", lambda recipe, *_: received.append(recipe) or 1 / 0)
    words = shlex.split(command.replace("\\\n", " "))
    with pytest.raises(ZeroDivisionError):
        ganzoo_command(*words[1:], "--debug")
    (recipe,) = received
    assert (recipe.family, recipe.image_size, recipe.batch_size) == ("dcgan", 8, 2)
    assert recipe.data == f"./{folder.name}"
