"""The presets as a zoo: its page, and that each can be made again."""

import importlib.util
import os
import pathlib

import pytest
import tiny

import ganzoo
from ganzoo import evaluation, registry, runs

SCRIPTS = pathlib.Path(__file__).parent.parent / "scripts"
PRESETS = registry.presets()


def load_script(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def figures_of(name):
    return runs.find_card(name)["metrics"]


def test_the_page_is_what_the_cards_say():
    script = load_script("make_zoo_page")
    assert script.PAGE.read_text(encoding="utf-8") == script.write_page(), (
        "docs/zoo.md is not current: run `python scripts/make_zoo_page.py`."
    )


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_recipe_that_made_it(name):
    family, preset = PRESETS[name]
    recipe = runs.Recipe(family.name, **preset.recipe)
    card = runs.find_card(name)
    made = card["recipe"]
    for field, value in preset.recipe.items():
        if field != "max_steps":
            assert made[field] == value
    assert recipe.max_steps in (None, card["training"]["steps"])
    assert set(card) >= {"data", "command", "training", "metrics", "licence", "limits"}


def test_reproduce_trains_the_recipe(tmp_path, monkeypatch):
    """Down to the model: that of a run with the same seed and steps."""
    _, preset = PRESETS["dcgan_fashion_mnist"]
    short = {**preset.recipe, "max_steps": 2}
    monkeypatch.setitem(vars(preset), "recipe", short)
    made = runs.reproduce("dcgan_fashion_mnist", tmp_path / "again", data="sample", verbose=0)
    recipe = runs.Recipe("dcgan", **{**short, "data": "sample"})
    again = runs.train(recipe, tmp_path / "direct", verbose=0)
    assert made.step == 2
    tiny.assert_equal(made.model.weights, again.model.weights)
    recipes = [runs.read_recipe(tmp_path / name) for name in ("again", "direct")]
    assert recipes[0] == recipes[1]


def test_what_was_trained_on_files_asks_for_them(tmp_path):
    with pytest.raises(ValueError, match=r"BSDS500.*--data"):
        runs.reproduce("srgan_x4", tmp_path / "run")
    with pytest.raises(ValueError, match="Unknown preset: 'dcgan_imagenet'"):
        runs.reproduce("dcgan_imagenet", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_every_preset_is_named_on_the_page_of_its_family():
    for name, (family, _) in PRESETS.items():
        page = pathlib.Path(ganzoo.__file__).parent / family.name / "README.md"
        assert f"`{name}`" in page.read_text(encoding="utf-8")


def assert_same_figures(again, card):
    """To what the page of the zoo states: a hundredth, or a tenth of the standard error."""
    for figure, value in again.items():
        error = card.get(f"{figure}_standard_error", 0)
        assert value == pytest.approx(card[figure], rel=0.01, abs=0.1 * error), figure


@pytest.mark.slow
@pytest.mark.datasets
@pytest.mark.parametrize("name", [name for name in PRESETS if "extractor" in figures_of(name)])
def test_an_evaluation_gives_the_figures_of_the_card_again(name):
    card = figures_of(name)
    data = runs.find_card(name)["data"]["name"]
    measured = evaluation.evaluate(ganzoo.from_preset(name), data, ["all"], seed=card["seed"])
    assert measured.extractor == card["extractor"]
    again = load_script("make_preset").figures_of(measured)
    again = {k: v for k, v in again.items() if not k.endswith(("_error", "_real_images"))}
    assert "fid" in again
    assert_same_figures(again, card)


@pytest.mark.datasets
@pytest.mark.parametrize("name", ["srgan_x4", "srresnet_x4"])
def test_set5_is_restored_as_the_card_says(name):
    folder = os.environ["SET5_DIR"]
    mean = evaluation.evaluate_super_resolution(ganzoo.from_preset(name), folder).mean
    figures = ("psnr", "ssim", "bicubic_psnr", "bicubic_ssim")
    assert_same_figures({figure: getattr(mean, figure) for figure in figures}, figures_of(name))
