"""A run resumes with the data that it was trained on, in any folder, and refuses others."""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tiny
from PIL import Image
from short_runs import make_recipe, snapshot, train

import ganzoo
from ganzoo import cli, evaluation, training
from ganzoo.data import folders
from ganzoo.distribution import Cluster
from ganzoo.training import data as training_data


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "animals"
    return tiny.write_folder(folder, num_images=4, classes=("10", "9", "b"))


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """Return a run of a CGAN after one step, whose data had a relative path.

    Tests must not change it.
    """
    out = tmp_path_factory.mktemp("runs") / "cgan"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        train(f"./{folder.name}", out, family="cgan", batch_size=4, max_steps=1)
    return out


CHANGES = {
    "renamed": (
        lambda data: (data / "b").rename(data / "z"),
        r"\(b: 4, \.\.\.\).*\(z: 4, \.\.\.\)",
    ),
    "removed": (lambda data: shutil.rmtree(data / "b"), r"12 images .*8 images .* in 2 classes"),
    "filled": (lambda data: shutil.copy(data / "9/000.png", data / "b/n.png"), r"\(b: 4.*\(b: 5"),
    "replaced": (
        lambda data: Image.fromarray(np.zeros((8, 8), "uint8")).save(data / "b/000.png"),
        r"\(files \w+\)\. .*\(files \w+\)",
    ),
    "gone": (lambda data: data.rename(data.with_name("elsewhere")), "Give the folder .*--data"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_run_is_not_resumed_with_other_data(change, folder, run, tmp_path):
    copy = pathlib.Path(shutil.copytree(folder, tmp_path / "data"))
    out = pathlib.Path(shutil.copytree(run, tmp_path / "run"))
    config = json.loads((out / "config.json").read_text())
    config["recipe"]["data"] = str(copy)
    (out / "config.json").write_text(json.dumps(config))
    apply, named = CHANGES[change]
    apply(copy)
    before = snapshot(out)
    with pytest.raises(ValueError, match=named) as caught:
        training.resume(out, max_steps=2, verbose=False)
    assert "\n" not in str(caught.value)
    assert snapshot(out) == before


def test_a_run_is_resumed_with_a_moved_copy_of_its_data(folder, run, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "moved")
    out = pathlib.Path(shutil.copytree(run, tmp_path / "run"))
    arguments = ["train", "cgan", "--resume", "--out", str(out), "--max-steps", "2"]
    with pytest.raises(SystemExit) as stop:
        cli.main([*arguments, "--data", str(copy)])
    assert stop.value.code == 0
    assert training.read_recipe(out).data == str(copy)
    assert ganzoo.load(out).step == 2
    shutil.rmtree(copy / "b")
    with pytest.raises(ValueError, match="was trained on 12 images"):
        training.resume(out, max_steps=3, verbose=False, data=copy)


def test_a_relative_path_is_stored_as_an_absolute_one(folder, run):
    """A run can be resumed from any folder. Nothing else of the recipe changes."""
    assert training.read_recipe(run) == make_recipe(
        folder, family="cgan", batch_size=4, max_steps=1
    )
    # A card may be published. It does not tell where the images were.
    card = ganzoo.find_card(run)
    assert card["recipe"]["data"] == f"./{folder.name}"
    assert card["class_names"] == ["9", "10", "b"]


def test_models_keep_the_fingerprint_of_their_data(folder, run, tmp_path):
    found = ganzoo.data.load_arrays(folder).fingerprint
    assert found.class_names == ["9", "10", "b"]
    for path in (run, run / "checkpoints", run / "model.keras"):
        gan = ganzoo.load(path)
        assert (gan.trained_on, gan.class_names) == (found, ["9", "10", "b"])
    gan.save_to_preset(tmp_path / "preset", card=ganzoo.find_card(run))
    assert ganzoo.from_preset(tmp_path / "preset").trained_on == found
    again = training.recipe_of(tmp_path / "preset")
    assert again.model == {**make_recipe(folder, family="cgan").model, **again.model}
    assert "trained_on" not in again.model
    assert "class_names" not in again.model
    # A pipeline of `ganzoo.data` tells `fit`. Arrays tell nothing, so the names stay.
    gan = ganzoo.load(run)
    gan.run_eagerly = True
    gan.fit(ganzoo.data.load(folder, batch_size=12, labels=True), verbose=0)
    assert gan.class_names == ["9", "10", "b"]
    gan.fit(*tiny.make_data(gan, 4), batch_size=4, verbose=0)
    assert (gan.trained_on, gan.class_names) == (None, ["9", "10", "b"])


def test_a_model_is_not_evaluated_on_other_classes(run, tmp_path):
    other = tiny.write_folder(tmp_path / "other", num_images=4, classes=("9", "11", "b"))
    with pytest.raises(ValueError, match=r"3 classes, among them '10'\. .*in their place '11'"):
        evaluation.evaluate(ganzoo.load(run), other, num_images=4, extractor=average)
    same = tiny.write_folder(tmp_path / "same", num_images=9, classes=("9", "10", "b"))
    found = evaluation.evaluate(ganzoo.load(run), same, "fid", num_images=4, extractor=average)
    assert list(found.results) == ["fid"]


def average(pixels):
    return pixels.mean(axis=(1, 2))


def test_a_run_of_an_older_version_with_another_order_of_classes_is_refused(folder, run, tmp_path):
    out = pathlib.Path(shutil.copytree(run, tmp_path / "run"))
    config = json.loads((out / "config.json").read_text())
    del config["model"]["trained_on"]
    (out / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"numbered the classes 10, 9, b\. .*order 9, 10, b"):
        training.resume(out, max_steps=2, verbose=False)


def test_loose_images_train_models_without_classes_only(tmp_path):
    folder = tiny.write_folder(tmp_path / "data", num_images=4, classes=("", "a", "b"))
    _, arguments, found = training_data.open_data(make_recipe(folder), Cluster())
    assert (found.num_images, list(arguments)) == (12, ["image_shape"])
    with pytest.warns(UserWarning, match=r"beside the class folders \(4: 000\.png"):
        _, arguments, found = training_data.open_data(make_recipe(folder, family="cgan"), Cluster())
    assert (found.num_images, arguments["num_classes"]) == (8, 2)


@pytest.mark.parametrize("classes", [("only",), ("",)])
def test_a_class_conditional_family_needs_two_classes(classes, tmp_path):
    folder = tiny.write_folder(tmp_path / "data", num_images=4, classes=classes)
    named = "one class, 'only'" if classes[0] else "no labels"
    for changes in ({"family": "cgan"}, {"family": "lapgan", "class_conditional": True}):
        with pytest.raises(ValueError, match=rf"needs images of two or more classes.*{named}"):
            train(folder, tmp_path / "run", batch_size=4, **changes)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """Return a folder of 20 images whose lower half is transparent."""
    folder = tmp_path_factory.mktemp("data") / "sprites"
    pixels = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 4), "uint8")
    pixels[:, :4, :, 3], pixels[:, 4:, :, 3] = 255, 0
    for index, image in enumerate(pixels):
        ganzoo.images.write_png(folder / f"{index:02d}.png", image)
    return folder


def test_transparent_images_are_trained_sampled_and_evaluated_with_alpha(sprites, tmp_path):
    run = tmp_path / "run"
    assert train(sprites, run, max_steps=1).model.image_shape == (8, 8, 4)
    gan = training.resume(run, max_steps=2, verbose=False).model
    with Image.open(run / "samples" / "real.png") as shown:
        assert shown.mode == "RGBA"
    metrics = ["fid", "copies"]
    found = evaluation.evaluate(gan, sprites, metrics, num_images=4, extractor=average)
    assert found.copies.shape[1:] == (8, 8, 4)
    assert "Transparent images are compared on white." in found.protocol


def test_a_run_on_white_is_resumed_on_white(sprites, tmp_path):
    """Recipes of older versions do not say it: all images were put on white."""
    run = tmp_path / "run"
    train(sprites, run, max_steps=1, alpha=False)
    config = json.loads((run / "config.json").read_text())
    del config["recipe"]["alpha"]
    (run / "config.json").write_text(json.dumps(config))
    assert training.resume(run, max_steps=2, verbose=False).model.image_shape == (8, 8, 3)
    opened = evaluation.open_references(sprites, (8, 8, 3), average)
    assert (opened.images.pixels[:, 4:] == 255).all()


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Return a folder of 150 images, of which about 15 are held out."""
    return tiny.write_folder(tmp_path_factory.mktemp("data") / "many", num_images=150)


def test_held_out_images_are_for_the_doctor_and_for_evaluations(many, tmp_path, capsys):
    recipe = make_recipe(many, batch_size=20, max_steps=1)
    gan = training.train(recipe, tmp_path / "run").model
    training_part, held_out = (ganzoo.data.load_arrays(many, split) for split in ("train", "test"))
    count = len(held_out.pixels)
    assert f"Held out: {count} of 150 images, for the doctor" in capsys.readouterr().err
    assert gan.trained_on == training_part.fingerprint
    real = training_data.open_real_images(
        recipe, Cluster(), training_data.open_data(recipe, Cluster())[0], gan
    )
    np.testing.assert_array_equal(real.held_out, held_out.pixels)
    opened = evaluation.open_references(many, gan.image_shape, average, trained_on=gan.trained_on)
    np.testing.assert_array_equal(opened.images.pixels, training_part.pixels)
    assert (opened.unseen, len(opened.held_out)) == (True, count)


def test_a_run_may_train_on_all_images_as_older_versions_did(many, tmp_path, capsys):
    run = tmp_path / "run"
    recipe = make_recipe(many, batch_size=20, max_steps=1, hold_out=False)
    gan = training.train(recipe, run).model
    assert "Held out: no images, because of --no-hold-out" in capsys.readouterr().err
    assert gan.trained_on.num_images == 150
    config = json.loads((run / "config.json").read_text())
    del config["recipe"]["hold_out"]
    (run / "config.json").write_text(json.dumps(config))
    gan = training.resume(run, max_steps=2, verbose=False).model
    assert gan.trained_on.num_images == 150
    opened = evaluation.open_references(many, gan.image_shape, average, trained_on=gan.trained_on)
    assert (opened.unseen, len(opened.held_out), len(opened.training)) == (False, 15, 135)


def test_images_that_are_added_to_the_held_out_part_do_not_change_the_data(many, tmp_path):
    copy = pathlib.Path(shutil.copytree(many, tmp_path / "data"))
    train(copy, tmp_path / "run", batch_size=20, max_steps=1)
    (held_out, *_) = folders.find_images(copy, split="test").files
    shutil.copy(held_out, copy / "again.png")
    assert training.resume(tmp_path / "run", max_steps=2, verbose=False).step == 2
    (trained, *_) = folders.find_images(copy).files
    shutil.copy(trained, copy / "more.png")
    with pytest.raises(ValueError, match="was trained on"):
        training.resume(tmp_path / "run", max_steps=3, verbose=False)
