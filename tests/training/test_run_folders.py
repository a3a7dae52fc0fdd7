"""A run folder holds the files, models and images that the documentation promises."""

import dataclasses
import json

import pytest
import tiny
from PIL import Image
from short_runs import epoch_rows, make_recipe, train

import ganzoo
from ganzoo import callbacks, training


def test_a_run_folder_holds_the_documented_files(finished):
    out = finished.folder
    assert {path.name for path in out.iterdir()} == {
        "config.json",
        "checkpoints",
        "logs",
        "samples",
        "metrics.json",
        "model.keras",
    }
    assert [path.name for path in callbacks.checkpoints(out / "checkpoints")] == [
        "step_00000004.keras",
        "step_00000008.keras",
    ]
    assert {path.name for path in (out / "samples").iterdir()} == {
        "epoch_001.png",
        "epoch_002.png",
        "real.png",
    }
    assert list((out / "logs").rglob("events.out.tfevents.*"))
    assert finished.step == 8


def test_the_configuration_records_recipe_model_and_versions(finished, photos):
    config = json.loads((finished.folder / "config.json").read_text())
    assert config["recipe"] == dataclasses.asdict(make_recipe(photos))
    assert config["model"]["image_shape"] == [8, 8, 1]
    assert config["compile"]["loss"]["class_name"] == "NonSaturating"
    assert set(config["versions"]) >= {"ganzoo", "keras", "tensorflow"}
    assert training.read_recipe(finished.folder) == make_recipe(photos)


def test_metrics_have_a_row_for_every_epoch(finished):
    found = epoch_rows(finished.folder)
    assert [(row["epoch"], row["step"]) for row in found] == [(1, 4), (2, 8)]
    names = {"generator_loss", "discriminator_loss", "real_score", "fake_score", "seconds"}
    for row in found:
        assert set(row) >= names
        assert 0 <= row["fake_score"] <= 1
    assert finished.logs == found[-1]


def test_image_grids_show_real_and_generated_images(finished):
    with Image.open(finished.folder / "samples" / "real.png") as image:
        assert image.mode == "L"
        assert image.width >= 300  # Small images are enlarged.
    with (
        Image.open(finished.folder / "samples" / "epoch_001.png") as first,
        Image.open(finished.folder / "samples" / "epoch_002.png") as second,
    ):
        assert first.size == second.size
        assert first.tobytes() != second.tobytes()


def test_the_model_of_a_run_is_loaded_from_its_folder_or_file(finished):
    for path in (finished.folder, finished.folder / "model.keras", str(finished.folder)):
        model = ganzoo.load(path)
        tiny.assert_equal(model.weights, finished.model.weights)
        assert int(model.discriminator_optimizer.iterations) == 8


@pytest.mark.slow
def test_the_same_recipe_trains_the_same_model_bit_for_bit(finished, photos, tmp_path):
    again = train(photos, tmp_path / "again")
    tiny.assert_equal(again.model.weights, finished.model.weights)


@pytest.mark.slow
def test_another_seed_trains_another_model(finished, photos, tmp_path):
    other = train(photos, tmp_path / "other", seed=4, epochs=1, max_steps=1)
    assert tiny.differ(other.model.generator.weights, finished.model.generator.weights)


def test_the_default_batch_size_depends_on_family_recipe_and_number_of_images(
    photos, tmp_path, capsys
):
    recipe = make_recipe(photos, batch_size=None, max_steps=1)
    training.train(recipe, tmp_path / "run")
    assert training.read_recipe(tmp_path / "run").batch_size == 8
    assert "Batch size: 8 instead of 64, because there are 20 training images." in (
        capsys.readouterr().err
    )
    with pytest.raises(ValueError, match="fewer than one batch of 100"):
        train(photos, tmp_path / "paper", batch_size=None, model={"recipe": "paper"})


@pytest.mark.parametrize(
    ("sizes", "batch_size", "problem"),
    [
        ([(8, 8), (8, 9)], 2, "2 different sizes, from 8 x 8 to 9 x 8"),
        ([(9, 9)], 2, "Choose 8x8 or 10x10"),
        ([(8, 8)], 4, "holds 2 images, fewer than one batch of 4"),
    ],
)
def test_a_folder_that_is_not_suited_is_refused_before_images_are_decoded(
    sizes, batch_size, problem, tmp_path, monkeypatch
):
    (tmp_path / "few").mkdir()
    for index in range(2):
        image = Image.new("RGB", sizes[index % len(sizes)])
        image.save(tmp_path / "few" / f"{index}.png")
    monkeypatch.delattr("ganzoo.images.photos.read_photo")
    settings = {"family": "dcgan", "batch_size": batch_size}
    with pytest.raises(ValueError, match=problem):
        train(tmp_path / "few", tmp_path / "run", **settings)


def test_a_class_conditional_family_gets_the_labels_of_the_folder(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=4, classes=("a", "b"))
    outcome = train(folder, tmp_path / "run", family="cgan", batch_size=4, epochs=1)
    assert outcome.model.num_classes == 2
    assert outcome.step == 2
    assert int(ganzoo.load(tmp_path / "run").generator_optimizer.iterations) == 2
