"""What a recipe says reaches the model, and what it may not say is refused."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from trying import (
    SmallSRGAN,
    make_recipe,
    snapshot,
    train,
)

import ganzoo
from ganzoo import callbacks, evaluation, registry, runs
from ganzoo.distribution import Site
from ganzoo.runs import fitting, preparing, starting


def build(recipe):
    """The model of a recipe, as a run begins with it."""
    site = Site()
    _, arguments = preparing.open_data(recipe, site)
    return preparing.build(recipe, site, arguments)


def test_a_run_starts_from_the_weights_of_another(finished, photos):
    source = finished.model
    model = build(make_recipe(photos, seed=9, start_from=str(finished.folder)))
    tiny.assert_equal(model.weights, source.weights)
    assert int(model.generator_optimizer.iterations) == 0


def test_a_run_starts_from_the_averaged_generator_of_a_preset(finished, photos, tmp_path):
    source = finished.model
    source.save_to_preset(tmp_path / "preset")
    recipe = make_recipe(photos, seed=9, start_from=str(tmp_path / "preset"))
    model = build(recipe)
    tiny.assert_equal(model.generator.weights, source.ema_generator.weights)
    tiny.assert_equal(model.discriminator.weights, source.discriminator.weights)


def test_starting_from_other_networks_is_refused(finished, tmp_path):
    folder = tiny.write_folder(tmp_path / "larger", num_images=5, side=10)
    with pytest.raises(ValueError, match=r"VanillaGAN of \(8, 8, 1\).*\(10, 10, 1\)"):
        train(folder, tmp_path / "run", start_from=str(finished.folder))
    assert not (tmp_path / "run").exists()


def test_the_folder_of_another_run_is_refused_and_left_as_it_was(finished, photos):
    before = snapshot(finished.folder)
    with pytest.raises(ValueError, match=r"holds another run.*`ganzoo train vanilla --out .*--res"):
        train(photos, finished.folder)
    assert snapshot(finished.folder) == before


def test_a_folder_that_holds_something_else_is_refused(photos, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not an empty folder"):
        train(photos, tmp_path)
    with pytest.raises(ValueError, match="is not an empty folder"):
        train(photos, tmp_path / "notes.txt")
    assert snapshot(tmp_path) == {"notes.txt": b"mine"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"data": "fashion_minst"}, "fashion_mnist"),
        ({"family": "vanila"}, "Did you mean 'vanilla'"),
        ({"recipe": "papers"}, "recipe='papers'"),
        ({"start_from": "nowhere"}, "nowhere"),
        ({"batch_size": 21}, "fewer than one batch of 21"),
        ({"family": "cgan"}, "needs labels"),
    ],
)
def test_a_wrong_recipe_is_named_and_leaves_no_folder(photos, tmp_path, changes, named):
    with pytest.raises(ValueError, match=named):
        train(photos, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_measured_is_known_before_the_folder_is(photos, tmp_path, monkeypatch):
    def refuse(*_):
        raise ValueError("The extractor's weights cannot be fetched.")

    monkeypatch.setattr(evaluation, "open_references", refuse)
    with pytest.raises(ValueError, match="cannot be fetched"):
        train(photos, tmp_path / "run", evaluate_every=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["epochs", "batch_size", "max_steps", "image_size"])
def test_numbers_below_1_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}=0"):
        runs.Recipe(family="vanilla", data="sample", **{name: 0})


def test_what_is_no_run_cannot_be_resumed(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="holds no run"):
            runs.resume(path)
    assert not (tmp_path / "none").exists()


def test_a_model_that_is_not_there_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("no model")
    for path in ("a.txt", "none.keras", "none"):
        with pytest.raises(ValueError, match=path):
            ganzoo.load(tmp_path / path)


@pytest.mark.parametrize(("recipe", "expected"), [("default", True), ("paper", False)])
def test_half_precision_is_chosen_for_ganzoos_own_recipe(
    recipe, expected, photos, tmp_path, monkeypatch
):
    for module in (starting, preparing):
        monkeypatch.setattr(module, "multiplies_bfloat16", lambda: True)
    train(photos, tmp_path / "run", recipe=recipe, mixed_precision=None, max_steps=1)
    assert runs.read_recipe(tmp_path / "run").mixed_precision is expected


def test_the_loss_reaches_the_model(photos, tmp_path):
    model = train(photos, tmp_path / "hinge", max_steps=1, loss="hinge").model
    assert isinstance(model.adversarial_loss, ganzoo.losses.Hinge)
    with pytest.raises(ValueError, match="Unknown loss: 'hing'"):
        train(photos, tmp_path / "wrong", loss="hing")
    assert not (tmp_path / "wrong").exists()


def test_the_regularizer_reaches_the_model(photos, tmp_path):
    assert train(photos, tmp_path / "default", max_steps=1).model.regularizer.weight == 0.01
    assert (
        train(photos, tmp_path / "none", max_steps=1, regularizer="none").model.regularizer is None
    )
    with pytest.raises(ValueError, match=r"'r3'.*Known: .*r1"):
        train(photos, tmp_path / "wrong", regularizer="r3")
    assert not (tmp_path / "wrong").exists()


def test_the_regularizers_settings_reach_the_model(photos):
    recipe = make_recipe(photos, regularizer="r1", regularizer_weight=0.5, regularizer_every=4)
    model = build(recipe)
    assert (model.regularizer.weight, model.regularizer.every) == (0.5, 4)
    with pytest.raises(ValueError, match="given without its name"):
        build(make_recipe(photos, regularizer_every=4))


def test_rates_fall_by_a_cosine_over_the_steps_that_are_asked_for(photos):
    model = build(make_recipe(photos, decay_steps=8))
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        for step, rate in ((0, 1e-3), (4, 0.5e-3), (8, 0.0)):
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-9)
    with pytest.raises(ValueError, match=r"schedule of their own.*decay_steps=8"):
        build(make_recipe(photos, decay_steps=8, recipe="paper"))


def test_a_run_measures_its_images_and_keeps_the_best(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_EVALUATED_IMAGES", 64)
    recipe = runs.Recipe("vanilla", "sample", batch_size=5000, epochs=3, evaluate_every=1)
    runs.train(recipe, tmp_path / "run", verbose=0)
    epochs = json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]
    distances = [epoch["fid"] for epoch in epochs]
    best = json.loads((tmp_path / "run" / "best.json").read_text())
    assert best["result"]["value"] == pytest.approx(min(distances))
    assert ganzoo.load(tmp_path / "run" / "best.keras").step == best["step"]


def test_mixed_precision_reaches_the_model(photos, monkeypatch):
    monkeypatch.setattr(preparing, "multiplies_bfloat16", lambda: True)
    model = build(make_recipe(photos, mixed_precision=True))
    assert model.dtype_policy.name in ("mixed_bfloat16", "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"


def test_emulated_half_precision_is_warned_of(photos, monkeypatch):
    monkeypatch.setattr(preparing, "multiplies_bfloat16", lambda: False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: [])
    with pytest.warns(UserWarning, match=r"bfloat16.*--float32"):
        build(make_recipe(photos, mixed_precision=True))


def test_presets_leave_the_precision_to_the_machine():
    recipes = {name: preset.recipe for name, (_, preset) in registry.presets().items()}
    assert not [name for name, recipe in recipes.items() if "mixed_precision" in recipe]


def test_super_resolution_is_trained_in_two_phases(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.Family, "load_class", lambda family: SmallSRGAN)
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    first = {"data": str(folder), "image_size": 32, "batch_size": 4, "epochs": 1, "scale": 2}
    recipe = runs.Recipe("srgan", **first, content_only=True)
    outcome = runs.train(recipe, tmp_path / "srresnet", verbose=0)
    assert outcome.step == 2 * 16 // 4
    assert set(outcome.logs) >= {"content_loss", "psnr"}
    assert outcome.model.scale == 2
    assert (tmp_path / "srresnet" / "samples" / "epoch_001.png").is_file()
    recipe = runs.Recipe(
        "srgan", **first, content="vgg22", start_from=str(tmp_path / "srresnet"), max_steps=1
    )
    outcome = runs.train(recipe, tmp_path / "srgan", verbose=0)
    assert not outcome.model.content_only
    assert outcome.model.content == "vgg22"
    again = runs.resume(tmp_path / "srgan", max_steps=2, verbose=0)
    assert again.step == 2
    assert again.model.content == "vgg22"


def test_the_model_of_the_end_is_blended_with_that_of_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.Family, "load_class", lambda family: SmallSRGAN)
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    given = {"data": str(folder), "image_size": 32, "batch_size": 4, "scale": 2, "content": "pixel"}
    runs.train(runs.Recipe("srgan", **given, max_steps=1), tmp_path / "first", verbose=0)
    recipe = runs.Recipe(
        "srgan", **given, max_steps=2, start_from=str(tmp_path / "first"), blend=0.25
    )
    out = tmp_path / "second"
    outcome = runs.train(recipe, out, verbose=0)
    trained = ganzoo.load(callbacks.newest_whole(out / "checkpoints"))
    start = ganzoo.load(tmp_path / "first")
    for network in ("generator", "ema_generator"):
        pairs = zip(getattr(start, network).weights, getattr(trained, network).weights, strict=True)
        expected = [0.75 * np.array(a) + 0.25 * np.array(b) for a, b in pairs]
        for weight, value in zip(getattr(outcome.model, network).weights, expected, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-6, atol=1e-7)
    tiny.assert_equal(outcome.model.discriminator.weights, trained.discriminator.weights)
    tiny.assert_equal(ganzoo.load(out).weights, outcome.model.weights)
    # From a checkpoint, not from the blend.
    again = runs.resume(out, verbose=0)
    tiny.assert_equal(again.model.weights, outcome.model.weights)


def test_rates_that_fall_are_those_of_the_phase(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.Family, "load_class", lambda family: SmallSRGAN)
    folder = tiny.write_folder(tmp_path / "photos", num_images=1, side=40)
    given = {"data": str(folder), "image_size": 32, "batch_size": 4, "scale": 2, "decay_steps": 8}
    model = build(runs.Recipe("srgan", **given))
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(1e-4)
    with pytest.raises(ValueError, match=r"schedule of their own.*decay_steps=8"):
        build(runs.Recipe("srgan", **given, content_only=True))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"blend": 1.5, "start_from": "srresnet_x4"}, r"from 0 to 1. Received: blend=1.5"),
        ({"blend": 0.5}, r"--from"),
    ],
)
def test_a_blend_that_cannot_be_is_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        runs.Recipe("srgan", "photographs", **changes)


@pytest.mark.parametrize(
    "option",
    [
        {"content_only": True},
        {"content": "pixel"},
        {"scale": 2},
        {"start_from": "dcgan_mnist", "blend": 0.0},
    ],
)
def test_only_super_resolution_has_a_content_loss_and_a_scale(option, tmp_path):
    with pytest.raises(ValueError, match="'dcgan' does not restore images"):
        runs.train(runs.Recipe("dcgan", "sample", **option), tmp_path / "run")
    assert not (tmp_path / "run").exists()
