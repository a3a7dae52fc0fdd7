"""A run learns the labels of a CSV file, and everything after it takes them."""

import shutil

import numpy as np
import pytest
import tiny
from short_runs import make_recipe, train

import ganzoo
from ganzoo import callbacks, cli, evaluation, training
from ganzoo.distribution import Cluster
from ganzoo.metrics import Embedding
from ganzoo.training import data as training_data

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tiny.write_folder(tmp_path_factory.mktemp("data") / "people", num_images=24)
    rows = [f"{index:03d}.png,{index},{'wm'[index % 2]}" for index in range(24)]
    (folder / "labels.csv").write_text("\n".join(["file,age,gender", *rows]))
    one = [f"{index:03d}.png,{'wm'[index % 2]}" for index in range(24)]
    (folder / "one.csv").write_text("\n".join(["file,gender", *one]))
    return folder


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """Return a run of a CGAN after one step. Tests must not change it."""
    out = tmp_path_factory.mktemp("runs") / "cgan"
    train(folder, out, family="cgan", labels="labels.csv", batch_size=4, max_steps=1)
    return out


def average(pixels):
    """Extract features: means of rows and columns."""
    means = [pixels.mean(axis=axis).reshape(len(pixels), -1) for axis in (1, 2)]
    return Embedding(np.concatenate(means, axis=1).astype("float32"), pixels=pixels)


average.name = "average"


def test_the_model_has_the_conditions_of_the_file(folder, run, tmp_path):
    gan = ganzoo.load(run)
    assert gan.conditions == ganzoo.data.load_arrays(folder, labels="labels.csv").conditions
    assert gan.trained_on.columns == ["age", "gender"]
    card = ganzoo.find_card(run)
    assert card["recipe"]["labels"] == "labels.csv"
    assert [one["name"] for one in card["conditions"]] == ["age", "gender"]
    gan.save_to_preset(tmp_path / "preset", card=card)
    recipe = training.recipe_of(tmp_path / "preset")
    assert recipe.labels == "labels.csv"
    assert "conditions" not in recipe.model


def test_a_moved_run_finds_the_file_in_its_folder_and_refuses_other_labels(folder, run, tmp_path):
    out, copy = (shutil.copytree(a, tmp_path / b) for a, b in ((run, "run"), (folder, "copy")))
    outcome = training.resume(out, max_steps=2, verbose=False, data=copy)
    assert outcome.step == 2
    text = (copy / "labels.csv").read_text()
    (copy / "labels.csv").write_text(text.replace("003.png,3,", "003.png,4,"))
    with pytest.raises(ValueError, match=r"with age, gender \(files \w+ labels \w+\)"):
        training.resume(out, max_steps=3, verbose=False, data=copy)


def test_it_is_evaluated_with_the_labels_of_the_file(folder, run, tmp_path):
    gan = ganzoo.load(run)
    arguments = {"metrics": "fid", "num_images": 20, "extractor": average}
    result = evaluation.evaluate(gan, folder, labels="labels.csv", **arguments)
    assert np.isfinite(float(result.results["fid"]))
    # The file has the usual name.
    assert evaluation.evaluate(gan, folder, **arguments).results == result.results
    bare = tiny.write_folder(tmp_path / "bare", num_images=24)
    with pytest.raises(ValueError, match=r"none of them\. Give their file, such as --labels"):
        evaluation.evaluate(gan, bare, **arguments)
    with pytest.raises(ValueError, match="needs labels 'age', 'gender'"):
        evaluation.evaluate(gan, folder, labels="one.csv", **arguments)


@pytest.mark.parametrize("name", ["labels.csv", "other.csv"])
def test_a_callback_evaluates_with_the_labels_of_the_file(name, folder, run, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    (copy / "labels.csv").rename(copy / name)
    gan = ganzoo.load(run)
    given = {} if name == "labels.csv" else {"labels": name}
    evaluate = callbacks.Evaluate(
        copy, tmp_path / "best", "fid", num_images=20, extractor=average, **given
    )
    batches = ganzoo.data.load(copy, labels=name, batch_size=4).take(1)
    history = gan.fit(batches, callbacks=[evaluate], verbose=0)
    best = ganzoo.load(tmp_path / "best" / "best.keras")
    arguments = {"metrics": "fid", "num_images": 20, "extractor": average, "labels": name}
    again = evaluation.evaluate(best, copy, **arguments)
    assert history.history["fid"] == [pytest.approx(float(again.results["fid"]), rel=1e-4)]


def test_one_column_of_text_is_for_every_family_with_classes(folder):
    recipe = make_recipe(folder, family="lapgan", labels="one.csv", batch_size=4)
    dataset, arguments, found = training_data.open_data(recipe, Cluster())
    assert arguments == {"image_shape": (8, 8, 1), "num_classes": 2, "class_names": ["m", "w"]}
    assert (found.class_names, found.class_counts, found.columns) == (
        ["m", "w"],
        [12, 12],
        ["gender"],
    )
    _, labels = next(iter(dataset()))
    assert labels.dtype == "int32"


@pytest.mark.parametrize(
    ("family", "problem"),
    [
        ("lapgan", r"LAPGAN needs one column of classes. Received: 'labels.csv' with numbers"),
        ("dcgan", r"DCGAN is not conditioned on labels. Remove --labels"),
    ],
)
def test_a_family_without_such_conditions_refuses_the_file(family, problem, folder, tmp_path):
    with pytest.raises(ValueError, match=problem):
        train(folder, tmp_path / "run", family=family, labels="labels.csv")
    assert not (tmp_path / "run").exists()


def test_a_file_elsewhere_is_stored_with_its_whole_path(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(folder / "labels.csv", tmp_path / "mine.csv")
    recipe = make_recipe(folder, family="cgan", labels="mine.csv", batch_size=4, max_steps=1)
    training.train(recipe, tmp_path / "run", verbose=False)
    assert training.read_recipe(tmp_path / "run").labels == str(tmp_path / "mine.csv")
    assert ganzoo.find_card(tmp_path / "run")["recipe"]["labels"] == "mine.csv"


def test_the_command_line_takes_labels_by_column(run, tmp_path, capsys):
    def command(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(argument) for argument in arguments])
        return stop.value.code

    out = tmp_path / "grid.png"
    asked = ["--labels", "age=2,age=9,gender=m,gender=w", "-n", 5]
    assert command("sample", run, *asked, "--out", out) == 0
    gan = ganzoo.load(run)
    labels = {"age": [2, 2, 9, 9, 2], "gender": ["m", "w", "m", "w", "m"]}
    captions = ["age 2, m", "age 2, w", "age 9, m", "age 9, w"]
    grid = ganzoo.images.draw_grid(gan.generate(5, labels, seed=0), 4, captions)
    ganzoo.images.write_png(tmp_path / "expected.png", grid)
    assert out.read_bytes() == (tmp_path / "expected.png").read_bytes()
    # Without labels, the columns are those of the previews.
    assert command("sample", run, "-n", 12, "--out", out) == 0
    _, labels = gan.balanced_labels(12)
    grid = ganzoo.images.draw_grid(gan.generate(12, labels, seed=0), 6, gan.preview_captions)
    ganzoo.images.write_png(tmp_path / "expected.png", grid)
    assert out.read_bytes() == (tmp_path / "expected.png").read_bytes()
    capsys.readouterr()
    for wrong, problem in (
        ("age=2,m", "values of columns, such as age=42"),
        ("agee=2", "Did you mean 'age'"),
        ("age=old", "'age' must be a number. Received: 'old'"),
    ):
        assert command("sample", run, "--labels", wrong, "--out", tmp_path / "x.png") == 2
        assert problem in capsys.readouterr().err
    gan.save_to_preset(tmp_path / "preset")
    assert command("info", tmp_path / "preset") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "age: number from 0 to 23" in printed
    assert "gender: m, w" in printed
