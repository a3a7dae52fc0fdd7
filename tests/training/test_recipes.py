"""The settings of a recipe reach the model, and invalid settings are refused."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from PIL import Image
from short_runs import make_recipe, snapshot, train

import ganzoo
from ganzoo import callbacks, evaluation, registry, training
from ganzoo.distribution import Cluster
from ganzoo.training import data, model, run
from ganzoo.training.length import length_of


def build(recipe):
    """Return the model of a recipe before its first step."""
    cluster = Cluster()
    _, arguments, _ = data.open_data(recipe, cluster)
    return model.build_model(recipe, cluster, arguments, length_of(recipe, steps_per_pass=10))


def test_a_run_starts_from_the_weights_of_another_run(finished, photos):
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


def test_starting_from_another_network_names_the_arguments_that_differ(tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=1, side=40)
    given = {"family": "srgan", "image_size": 32, "batch_size": 1, "compile": {"content": "pixel"}}
    sizes = {"num_blocks": 1, "filters": 4, "network": "compact"}
    recipe = make_recipe(photos, **given, model=sizes, start_from="srresnet_x4")
    with pytest.raises(ValueError, match=r"SRGAN with .*filters=64, network='srresnet'.* for a"):
        build(recipe)


def test_starting_from_a_model_without_common_layers_writes_nothing(photos, tmp_path):
    with pytest.raises(ValueError, match=r"a DCGAN of .* for a VanillaGAN"):
        train(photos, tmp_path / "run", start_from="dcgan_mnist")
    assert not (tmp_path / "run").exists()


def test_the_folder_of_another_run_is_refused_and_not_changed(finished, photos):
    before = snapshot(finished.folder)
    with pytest.raises(ValueError, match=r"holds another run.*`ganzoo train vanilla --out .*--res"):
        train(photos, finished.folder)
    assert snapshot(finished.folder) == before


def test_a_folder_of_other_files_is_refused_and_not_changed(photos, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not an empty folder"):
        train(photos, tmp_path)
    with pytest.raises(ValueError, match="A folder is written here, not a file"):
        train(photos, tmp_path / "notes.txt")
    assert snapshot(tmp_path) == {"notes.txt": b"mine"}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"data": "fashion_minst"}, "fashion_mnist"),
        ({"family": "vanila"}, "Did you mean 'vanilla'"),
        ({"model": {"recipe": "papers"}}, "recipe='papers'"),
        ({"start_from": "nowhere"}, "nowhere"),
        ({"batch_size": 21}, "fewer than one batch of 21"),
        ({"compile": {"discriminator_steps": 3}}, "multiple of 3 .*batch_size=5"),
        ({"family": "cgan"}, "two or more classes.* no labels"),
    ],
)
def test_a_wrong_recipe_is_refused_and_leaves_no_folder(photos, tmp_path, changes, named):
    with pytest.raises(ValueError, match=named):
        train(photos, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


def test_an_evaluation_that_cannot_run_is_refused_before_the_folder_is_created(
    photos, tmp_path, monkeypatch
):
    def refuse(*_, **__):
        raise ValueError("The extractor's weights cannot be fetched.")

    monkeypatch.setattr(evaluation, "open_references", refuse)
    with pytest.raises(ValueError, match="cannot be fetched"):
        train(photos, tmp_path / "run", evaluate_every=1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["epochs", "batch_size", "max_steps", "image_size"])
def test_numbers_below_1_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}=0"):
        training.Recipe(family="vanilla", data="sample", **{name: 0})


@pytest.mark.parametrize(
    ("family", "arguments", "nearest"),
    [
        ("dcgan", {"image_size": (64, 90)}, "64x96 or 56x88"),
        ("dcgan", {"model": {"image_shape": (25, 25, 1)}}, "24x24 or 28x28"),
        ("r3gan", {"image_size": 25}, "24x24 or 28x28"),
        ("cgan", {"image_size": 25}, "24x24 or 28x28"),
        ("lapgan", {"image_size": (27, 25)}, "28x24 or 24x24"),
        ("lapgan", {"image_size": (8, 12)}, "10x12 or 10x10"),
    ],
)
def test_a_size_that_the_model_cannot_make_is_refused_before_data_are_read(
    family, arguments, nearest, tmp_path
):
    recipe = training.Recipe(family, "no_such_data", **arguments)
    with pytest.raises(ValueError, match=rf"Choose {nearest}, for example with --image-size\.$"):
        training.train(recipe, tmp_path / "run")


def test_image_sizes_that_a_family_can_make_pass():
    for family, arguments in (
        ("cgan", {"image_size": 25, "model": {"recipe": "paper"}}),
        ("lapgan", {"image_size": (8, 12), "model": {"base_size": 4}}),
        ("dcgan", {"image_size": (64, 96)}),
    ):
        model.check(training.Recipe(family, "no_such_data", **arguments))


def test_super_resolution_takes_square_crops_only(photos, tmp_path):
    for changes in ({"image_size": (32, 48)}, {"fit": "pad"}, {"alpha": True}):
        with pytest.raises(ValueError, match="trained on square crops"):
            train(photos, tmp_path / "run", family="srgan", **changes)


def test_a_run_of_padded_images_is_resumed_and_evaluated_with_padded_images(tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=40)
    changes = {"image_size": [8, 12], "fit": "pad", "evaluate_every": 1}
    train(photos, tmp_path / "run", max_steps=1, **changes)
    recipe = training.read_recipe(tmp_path / "run")
    assert (recipe.image_size, recipe.fit) == ((8, 12), "pad")
    outcome = training.resume(tmp_path / "run", max_steps=2, verbose=False)
    assert outcome.model.image_shape == (8, 12, 1)
    padded = ganzoo.data.load_arrays(photos, image_size=(8, 12), fit="pad").pixels
    known = {image.tobytes() for image in padded}
    opened = evaluation.open_references(
        photos, (8, 12, 1), trained_on=ganzoo.load(tmp_path / "run").trained_on
    )
    assert {image.tobytes() for image in opened.images.pixels} <= known
    assert (padded[..., :2, :] == 255).all()


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="holds no run"):
            training.resume(path)
    assert not (tmp_path / "none").exists()


def test_an_error_for_a_missing_model_names_its_path(tmp_path):
    (tmp_path / "a.txt").write_text("no model")
    for path in ("a.txt", "none.keras", "none"):
        with pytest.raises(ValueError, match=path):
            ganzoo.load(tmp_path / path)


@pytest.mark.parametrize(("recipe", "expected"), [("default", True), ("paper", False)])
def test_only_the_default_recipe_uses_half_precision_automatically(
    recipe, expected, photos, tmp_path, monkeypatch
):
    for module in (run, model):
        monkeypatch.setattr(module, "supports_bfloat16", lambda: True)
    train(photos, tmp_path / "run", model={"recipe": recipe}, mixed_precision=None, max_steps=1)
    assert training.read_recipe(tmp_path / "run").mixed_precision is expected


def test_the_model_has_the_loss_of_the_recipe(photos, tmp_path):
    model = build(make_recipe(photos, compile={"loss": "hinge"}))
    assert isinstance(model.adversarial_loss, ganzoo.losses.Hinge)
    with pytest.raises(ValueError, match="Unknown loss: 'hing'"):
        train(photos, tmp_path / "wrong", compile={"loss": "hing"})
    assert not (tmp_path / "wrong").exists()


def test_the_model_has_the_regularizer_of_the_recipe(photos, tmp_path):
    assert build(make_recipe(photos)).regularizer.weight == 0.01
    assert build(make_recipe(photos, compile={"regularizer": "none"})).regularizer is None
    with pytest.raises(ValueError, match=r"'r3'.*Known: .*r1"):
        train(photos, tmp_path / "wrong", compile={"regularizer": "r3"})
    assert not (tmp_path / "wrong").exists()


def test_the_regularizer_has_the_settings_of_the_recipe(photos):
    settings = {"regularizer": "r1", "regularizer.weight": 0.5, "regularizer.every": 4}
    gan = build(make_recipe(photos, compile=settings))
    assert (gan.regularizer.weight, gan.regularizer.every) == (0.5, 4)
    # Without a name, the settings apply to the recommended regularizer.
    gan = build(make_recipe(photos, compile={"regularizer.every": 4}))
    assert (gan.regularizer.weight, gan.regularizer.every) == (0.01, 4)
    with pytest.raises(ValueError, match="needs a value of `regularizer`"):
        build(make_recipe(photos, compile={"regularizer": "none", "regularizer.every": 4}))


@pytest.mark.parametrize(("few", "choice"), [(21, "diffaugment"), (20, "none")])
def test_few_images_are_augmented_and_the_run_records_the_choice(
    few, choice, photos, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(model, "FEW_IMAGES", few)
    recipe = make_recipe(photos, max_steps=1, compile={"augment": "auto"})
    outcome = training.train(recipe, tmp_path / "run")
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith(f"Augmentation: {choice}, because there are ")
    assert not any("Augmentation" in line for line in others)
    assert (outcome.model.augmentation is None) == (choice == "none")
    assert training.read_recipe(tmp_path / "run").compile["augment"] == choice


@pytest.mark.parametrize(("family", "recipe"), [("vanilla", "paper"), ("srgan", "default")])
def test_papers_and_super_resolution_are_not_augmented(family, recipe):
    chosen = training.Recipe(
        family, "few", model={"recipe": recipe}, compile={"augment": "auto", "ema_decay": 0.5}
    )
    chosen, reason = model.choose_augmentation(chosen, model.check(chosen), num_images=5)
    assert (chosen.compile, reason) == ({"ema_decay": 0.5}, "")


def test_the_augmentation_has_the_settings_of_the_recipe(photos):
    settings = {"augment": "ada", "augment.target": 0.5, "augment.cutout": 1.0}
    ada = build(make_recipe(photos, compile=settings)).augmentation
    assert (ada.target, ada.cutout, ada.color) == (0.5, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"augment.target.*needs a value.*--augment ada"):
        build(make_recipe(photos, compile={"augment.target": 0.5}))
    with pytest.raises(ValueError, match=r"Unknown augmentation: 'adda'.*Did you mean 'ada'"):
        build(make_recipe(photos, compile={"augment": "adda"}))


def test_learning_rates_follow_a_cosine_over_the_given_steps(photos):
    gan = build(make_recipe(photos, decay_steps=8))
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        for step, rate in ((0, 1e-3), (4, 0.5e-3), (8, 0.0)):
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-9)
    with pytest.raises(ValueError, match=r"have a schedule.*decay_steps=8"):
        build(make_recipe(photos, decay_steps=8, model={"recipe": "paper"}))


def test_learning_rates_fall_in_the_same_steps_with_several_discriminator_updates(photos):
    gan = build(make_recipe(photos, decay_steps=8, compile={"discriminator_steps": 5}))
    gan.discriminator_optimizer.iterations.assign(4 * 5)
    assert float(gan.discriminator_optimizer.learning_rate) == pytest.approx(0.5e-3)


def test_a_run_that_is_longer_than_its_decay_is_refused(photos, tmp_path):
    with pytest.raises(ValueError, match=r"in 3 steps, but the run has 4.*--max-steps 3"):
        train(photos, tmp_path / "long", decay_steps=3, max_steps=4)
    assert not (tmp_path / "long").exists()
    train(photos, tmp_path / "run", decay_steps=2, max_steps=2)
    for longer in ({"max_steps": 3}, {"epochs": 100, "max_steps": 200}):
        with pytest.raises(ValueError, match=r"in 2 steps, so it cannot be longer.*--from .*run"):
            training.resume(tmp_path / "run", **longer, verbose=False)


@pytest.mark.slow
def test_a_run_evaluates_its_images_and_keeps_the_best_model(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_EVALUATED_IMAGES", 64)
    recipe = make_recipe("sample", batch_size=5000, epochs=2, evaluate_every=1)
    training.train(recipe, tmp_path / "run", verbose=False)
    epochs = json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]
    distances = [epoch["fid"] for epoch in epochs]
    best = json.loads((tmp_path / "run" / "best.json").read_text())
    assert best["result"]["value"] == pytest.approx(min(distances))
    assert ganzoo.load(tmp_path / "run" / "best.keras").step == best["step"]


def test_the_model_has_the_precision_of_the_recipe(photos, monkeypatch):
    monkeypatch.setattr(model, "supports_bfloat16", lambda: True)
    gan = build(make_recipe(photos, mixed_precision=True))
    assert gan.dtype_policy.name in ("mixed_bfloat16", "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"


def test_emulated_half_precision_gives_a_warning(photos, monkeypatch):
    monkeypatch.setattr(model, "supports_bfloat16", lambda: False)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda *_: [])
    with pytest.warns(UserWarning, match=r"bfloat16.*--float32"):
        build(make_recipe(photos, mixed_precision=True))


def test_recipes_of_presets_do_not_set_the_precision():
    recipes = {name: preset.recipe for name, (_, preset) in registry.presets().items()}
    assert not [name for name, recipe in recipes.items() if "mixed_precision" in recipe]


@pytest.mark.slow
def test_super_resolution_is_trained_in_two_phases(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    first = {"family": "srgan", "image_size": 32, "batch_size": 4, "epochs": 1}
    recipe = make_recipe(folder, **first, compile={"content_only": True})
    outcome = training.train(recipe, tmp_path / "srresnet", verbose=False)
    assert outcome.step == 2 * 16 // 4
    assert set(outcome.logs) >= {"content_loss", "psnr"}
    assert outcome.model.scale == 2
    assert (tmp_path / "srresnet" / "samples" / "epoch_001.png").is_file()
    second = {"compile": {"content": "vgg22"}, "start_from": str(tmp_path / "srresnet")}
    second["validation"] = str(folder)
    recipe = make_recipe(folder, **first, **second, max_steps=1)
    outcome = training.train(recipe, tmp_path / "srgan", verbose=False)
    assert set(outcome.logs) >= {"psnr", "val_psnr", "val_ssim", "val_lpips"}
    assert (tmp_path / "srgan" / "best.keras").is_file()
    assert not outcome.model.content_only
    assert outcome.model.content == "vgg22"
    again = training.resume(tmp_path / "srgan", max_steps=2, verbose=False)
    assert again.step == 2
    assert again.model.content == "vgg22"


def test_pairs_of_two_folders_are_trained_on_and_shown_beside_the_originals(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    (tmp_path / "low").mkdir()
    for path in folder.iterdir():
        with Image.open(path) as image:
            image.resize((20, 20)).save(tmp_path / "low" / path.name)
    given = {"family": "srgan", "image_size": 16, "batch_size": 4, "max_steps": 1}
    given |= {"compile": {"content_only": True}, "low_res": str(tmp_path / "low")}
    recipe = make_recipe(folder, **given, validation=str(folder))
    outcome = training.train(recipe, tmp_path / "run", verbose=False)
    assert set(outcome.logs) >= {"psnr", "val_psnr", "val_lpips"}
    (events,) = (tmp_path / "run" / "logs" / "metrics").glob("events*")
    records = tf.compat.v1.train.summary_iterator(str(events))
    tags = {value.tag for record in records for value in record.summary.value}
    assert tags >= {"comparison/000.png", "metrics/lpips", "metrics/psnr"}
    with pytest.raises(ValueError, match=r"--low-res is for super-resolution\. .*: DCGAN"):
        recipe = make_recipe("sample", family="dcgan", low_res=str(folder))
        training.train(recipe, tmp_path / "other")


def test_photographs_for_measurements_are_for_super_resolution_only(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    given = {"family": "srgan", "image_size": 32, "batch_size": 4, "max_steps": 1}
    with pytest.raises(ValueError, match=r"SRGAN without them\. Add --validation FOLDER"):
        training.train(make_recipe(folder, **given, evaluate_every=1), tmp_path / "run")
    with pytest.raises(ValueError, match="none: there is no such file or folder"):
        training.train(
            make_recipe(folder, **given, validation=str(tmp_path / "none")), tmp_path / "run"
        )
    with pytest.raises(ValueError, match=r"--validation is for super-resolution\. .*: DCGAN"):
        recipe = make_recipe("sample", family="dcgan", validation=str(folder))
        training.train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_final_model_is_a_blend_of_the_initial_and_the_trained_weights(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    given = {"family": "srgan", "image_size": 32, "batch_size": 4, "compile": {"content": "pixel"}}
    training.train(make_recipe(folder, **given, max_steps=1), tmp_path / "first", verbose=False)
    start_from = str(tmp_path / "first")
    recipe = make_recipe(folder, **given, max_steps=2, start_from=start_from, blend=0.25)
    out = tmp_path / "second"
    outcome = training.train(recipe, out, verbose=False)
    trained = ganzoo.load(callbacks.newest_whole(out / "checkpoints"))
    start = ganzoo.load(tmp_path / "first")
    for network in ("generator", "ema_generator"):
        pairs = zip(getattr(start, network).weights, getattr(trained, network).weights, strict=True)
        expected = [0.75 * np.array(a) + 0.25 * np.array(b) for a, b in pairs]
        for weight, value in zip(getattr(outcome.model, network).weights, expected, strict=True):
            np.testing.assert_allclose(weight, value, rtol=1e-6, atol=1e-7)
    tiny.assert_equal(outcome.model.discriminator.weights, trained.discriminator.weights)
    tiny.assert_equal(ganzoo.load(out).weights, outcome.model.weights)
    # A resumed run continues from the checkpoint, not from the blended weights.
    again = training.resume(out, verbose=False)
    tiny.assert_equal(again.model.weights, outcome.model.weights)


def test_decay_steps_apply_only_to_the_phase_with_constant_learning_rates(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=1, side=40)
    given = {"family": "srgan", "image_size": 32, "batch_size": 4, "decay_steps": 8}
    gan = build(make_recipe(folder, **given))
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(1e-4)
    with pytest.raises(ValueError, match=r"have a schedule.*decay_steps=8"):
        build(make_recipe(folder, **given, compile={"content_only": True}))


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"max_steps": 70}, 70),
        ({"epochs": 3}, 30),
        ({"model": {"schedule_steps": 9}, "max_steps": 70}, 9),
        ({"minutes": 1.0}, 31_240),
    ],
)
def test_schedules_end_with_the_run_unless_they_are_set_or_only_time_limits_it(changes, steps):
    networks = {"base_filters": 1, **changes.get("model", {})}
    recipe = make_recipe(
        "sample", **{"family": "r3gan", "epochs": None, **changes, "model": networks}
    )
    assert build(recipe).schedule_steps == steps


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"blend": 1.5, "start_from": "srresnet_x4"}, r"from 0 to 1. Received: blend=1.5"),
        ({"blend": 0.5}, r"--from"),
    ],
)
def test_an_invalid_blend_is_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        training.Recipe("srgan", "photographs", **changes)


def test_layers_are_frozen_only_in_the_discriminator_of_a_trained_model():
    with pytest.raises(ValueError, match=r"freeze_discriminator=2 without one.*--from"):
        training.Recipe("dcgan", "photographs", freeze_discriminator=2)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"compile": {"content_only": True}}, r"DCGAN.compile: 'content_only'"),
        ({"model": {"scale": 2}}, r"argument of DCGAN: 'scale'"),
        ({"model": {"base_filter": 2}}, "Did you mean 'base_filters'"),
        ({"model": {"base_filters": "many"}}, r"`base_filters` must be an int or None.*'many'"),
        ({"model": {"image_shape": 8}}, r"`image_shape` must be a list of 3 numbers"),
        ({"model": {"base_filters.x": 2}}, r"argument of DCGAN: 'base_filters.x'"),
        ({"compile": {"ema_decays": 0.9}}, "Did you mean 'ema_decay'"),
        ({"compile": {"ema_decay": 1.5}}, r"`ema_decay` must be .* below 1"),
        ({"compile": {"ema_decay.x": 1.5}}, "ema_decay.x"),
        ({"compile": {"update": 3}}, "`update` must be text or None"),
        ({"compile": {"update": "both"}}, "Unknown update: 'both'"),
        ({"compile": {"generator_optimizer.rate": 1.0}}, "argument of Adam: 'rate'"),
        ({"compile": {"generator_optimizer": "adem"}}, "adem"),
    ],
)
def test_a_wrong_argument_is_refused_before_any_data_are_read(wrong, named, tmp_path):
    with pytest.raises(ValueError, match=named) as caught:
        training.train(training.Recipe("dcgan", "no_such_data", **wrong), tmp_path / "run")
    assert "no_such_data" not in str(caught.value)
    assert not (tmp_path / "run").exists()
