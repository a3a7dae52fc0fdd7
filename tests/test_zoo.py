"""Presets agree with their cards and pages, and can be reproduced."""

import dataclasses
import hashlib
import importlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from unittest import mock

import numpy as np
import pytest
import tiny
from cases import others_slow
from PIL import Image

import ganzoo
from ganzoo import evaluation, images, registry, training
from ganzoo.saving import loading, weights

ROOT = pathlib.Path(__file__).parent.parent
PRESETS = registry.presets()


def load_script(name):
    with mock.patch.object(sys, "path", [str(ROOT / "scripts"), *sys.path]):
        return importlib.import_module(name)


def figures_of(name):
    return loading.find_card(name)["metrics"]


GENERATING = [name for name in PRESETS if "extractor" in figures_of(name)]


def test_the_page_of_the_zoo_is_generated_from_the_current_cards():
    script = load_script("make_zoo_page")
    assert script.PAGE.read_text(encoding="utf-8") == script.write_page(), (
        "docs/zoo.md is not current: run `python scripts/make_zoo_page.py`."
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_recipe_and_score_of_its_card(name):
    family, preset = PRESETS[name]
    recipe = training.Recipe(family.name, **preset.recipe)
    card = loading.find_card(name)
    # The precision depends on the machine. The number of epochs has no effect if steps are given.
    ignored = {"mixed_precision": None, "epochs": 1, "max_steps": 1}
    made = training.recipe.from_fields(card["recipe"])
    assert dataclasses.replace(recipe, **ignored) == dataclasses.replace(made, **ignored)
    assert recipe.max_steps in (None, card["training"]["steps"])
    command = load_script("make_preset").command_of(card["recipe"])
    # The folder of photographs differs between machines.
    assert options(command) == options(card["command"].replace("./photos", "photographs"))
    assert set(card) >= {"data", "command", "training", "metrics", "licence", "limits"}
    score = preset.scores[0]
    figures = card["metrics"]
    expected = (
        ("fid", figures["extractor"], figures["fid"], figures["images"])
        if name in GENERATING
        else ("Set5 PSNR", None, figures["psnr"], 5)
    )
    assert (score.metric, score.extractor, score.value, score.num_images) == expected


def options(command):
    """Return the options of a command except the folder of the run."""
    words = shlex.split(command.partition(" --out ")[0])
    return sorted(" ".join(words).split(" --"))


@pytest.mark.parametrize("name", GENERATING)
def test_the_page_of_the_family_shows_the_figures_of_the_card(name):
    family, _ = PRESETS[name]
    page = pathlib.Path(ganzoo.__file__).parent / family.name / "README.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    rows = " ".join(line for line in lines if line.startswith(f"| `{name}`"))
    numbers = re.findall(r"\d+\.?\d*", rows)
    card = figures_of(name)
    shown = {figure: card[figure] for figure in ("fid", "precision", "recall")}
    if "label_accuracy" in card:
        shown["label_accuracy"] = 100 * card["label_accuracy"]
    for figure, value in shown.items():
        rounded = (f"{value:.{len(text.partition('.')[2])}f}" == text for text in numbers)
        assert any(rounded), f"{name}: {figure} is {value}"


SAMPLED = ["vanilla_mnist", "dcgan_mnist", "cgan_mnist"]


@pytest.mark.parametrize("name", others_slow(GENERATING, *SAMPLED))
def test_the_stored_samples_are_images_of_the_preset(name):
    """The pixels may differ slightly, because rounding differs between processors."""
    gan = ganzoo.from_preset(name)
    drawn = images.make_grid(gan.preview(64, seed=0)["generated"], columns=gan.num_classes)
    assert_near(read_picture(name, "samples"), drawn)
    neighbours = read_picture(name, "neighbours")
    assert neighbours.std() > 10
    # With classes, the labels of this picture were random.
    if gan.num_classes is None:
        column = images.make_grid(gan.generate(10, seed=0), columns=1)
        assert_near(neighbours[:, : column.shape[1]], column)


def read_picture(name, picture):
    with Image.open(weights.find_preset(name) / f"{picture}.png") as image:
        return np.asarray(image).reshape(*image.size[::-1], -1)


def assert_near(pixels, others):
    assert pixels.shape == others.shape
    assert np.abs(pixels.astype(int) - others).max() <= 2


def test_the_weights_of_all_presets_take_at_most_60_megabytes():
    assert sum(preset.weights.size for _, preset in PRESETS.values()) <= 60e6


def test_a_wheel_contains_the_presets(tmp_path):
    """Other tests use the source tree, so they do not detect files that a wheel lacks."""
    shutil.copytree(
        ROOT / "ganzoo", tmp_path / "ganzoo", ignore=shutil.ignore_patterns("__pycache__")
    )
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    build = "import setuptools.build_meta as b; b.build_wheel('made')"
    (tmp_path / "made").mkdir()
    subprocess.run(
        [sys.executable, "-c", build], cwd=tmp_path, check=True, capture_output=True, timeout=300
    )
    (wheel,) = (tmp_path / "made").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name, (_, preset) in PRESETS.items():
            content = archive.read(f"ganzoo/presets/{name}/{preset.weights.name}")
            assert hashlib.sha256(content).hexdigest() == preset.weights.sha256
            for other in ("config.json", "card.json", "samples.png"):
                assert archive.read(f"ganzoo/presets/{name}/{other}")
        names = archive.namelist()
        assert any(name.startswith("ganzoo/assets/") for name in names)
        assert "ganzoo/py.typed" in names
    assert wheel.name.startswith("keras_ganzoo-")


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_loads_and_exports_in_a_new_process_without_a_network(name, tmp_path):
    program = ROOT / "tests" / "use_preset_offline.py"
    subprocess.run([sys.executable, program, name, tmp_path], check=True, timeout=600)


@pytest.mark.slow
def test_reproduce_trains_the_recipe_of_the_preset(tmp_path, monkeypatch):
    """The model equals that of a direct run with the same seed and steps."""
    _, preset = PRESETS["dcgan_fashion_mnist"]
    short = {**preset.recipe, "max_steps": 2}
    monkeypatch.setitem(vars(preset), "recipe", short)
    made = training.reproduce("dcgan_fashion_mnist", tmp_path / "again", data="sample", verbose=0)
    recipe = training.Recipe("dcgan", model=preset.config, **{**short, "data": "sample"})
    again = training.train(recipe, tmp_path / "direct", verbose=0)
    assert made.step == 2
    tiny.assert_equal(made.model.weights, again.model.weights)
    recipes = [training.read_recipe(tmp_path / name) for name in ("again", "direct")]
    assert recipes[0] == recipes[1]


@pytest.mark.slow
def test_reproduce_trains_a_model_of_the_size_of_the_preset(tmp_path, monkeypatch):
    """The width of this preset is not the default width."""
    _, preset = PRESETS["vanilla_fashion_mnist"]
    monkeypatch.setitem(vars(preset), "config", {**preset.config, "hidden_units": 24})
    monkeypatch.setitem(vars(preset), "recipe", {**preset.recipe, "max_steps": 1})
    again = training.reproduce("vanilla_fashion_mnist", tmp_path / "run", "sample", verbose=0)
    assert again.model.hidden_units == 24
    assert (again.model.regularizer.weight, again.model.regularizer.every) == (0.1, 8)


def test_reproduce_asks_for_data_that_ganzoo_cannot_download(tmp_path):
    with pytest.raises(ValueError, match=r"BSDS500.*--data"):
        training.reproduce("srgan_x4", tmp_path / "run")
    with pytest.raises(ValueError, match="Unknown preset: 'dcgan_imagenet'"):
        training.reproduce("dcgan_imagenet", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_every_preset_is_named_on_the_page_of_its_family():
    for name, (family, _) in PRESETS.items():
        page = pathlib.Path(ganzoo.__file__).parent / family.name / "README.md"
        assert f"`{name}`" in page.read_text(encoding="utf-8")


def assert_same_figures(again, card):
    """Assert that figures agree within 1 % or a tenth of the standard error, as the page says."""
    for figure, value in again.items():
        error = card.get(f"{figure}_standard_error", 0)
        assert value == pytest.approx(card[figure], rel=0.01, abs=0.1 * error), figure


@pytest.mark.slow
@pytest.mark.datasets
@pytest.mark.parametrize("name", GENERATING)
def test_an_evaluation_reproduces_the_figures_of_the_card(name):
    card = figures_of(name)
    data = loading.find_card(name)["data"]["name"]
    measured = evaluation.evaluate(ganzoo.from_preset(name), data, ["all"], seed=card["seed"])
    assert measured.extractor == card["extractor"]
    again = load_script("measure_preset").figures_of(measured)
    again = {k: v for k, v in again.items() if not k.endswith(("_error", "_real_images"))}
    assert "fid" in again
    assert_same_figures(again, card)


@pytest.mark.datasets
@pytest.mark.parametrize("name", ["srgan_x4", "srresnet_compact_x4", "srresnet_x4"])
def test_scores_on_set5_agree_with_the_card(name):
    folder = os.environ["SET5_DIR"]
    mean = evaluation.evaluate_super_resolution(ganzoo.from_preset(name), folder).mean
    # A tolerance of 1 % would exceed the difference between the two presets.
    for figure, most in (("psnr", 0.02), ("ssim", 2e-4), ("lpips", 1e-3), ("niqe", 0.02)):
        for kind in (figure, f"bicubic_{figure}"):
            assert getattr(mean, kind) == pytest.approx(figures_of(name)[kind], abs=most), kind
