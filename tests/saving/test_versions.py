"""Files of older versions load and give the same images. Newer formats are refused by name.

`golden/` holds a run and a preset of each format, which the first version with that format wrote,
and two images that this version generated from each of them. It also holds a `.keras` file of each
family. Version 0.1.0, in which families had no common base, compiled these models with unusual
arguments and trained them for two steps.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest
import tiny
from cases import others_slow

import ganzoo
from ganzoo import training
from ganzoo.saving import presets

GOLDEN = pathlib.Path(__file__).parents[1] / "golden"


def unpack(name, folder):
    shutil.unpack_archive(GOLDEN / f"{name}.zip", folder / name)
    return folder / name


def test_every_format_has_a_golden_file():
    formats = {"preset": presets.FORMAT, "run": training.RUN_FORMAT}
    wanted = {f"{kind}_{i + 1}.zip" for kind, newest in formats.items() for i in range(newest)}
    assert {path.name for path in GOLDEN.iterdir()} == {*wanted, "keras_1.zip"}


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("[pr]*")))
def test_models_of_older_versions_generate_the_same_images(name, tmp_path):
    folder = unpack(name, tmp_path)
    made = ganzoo.load(folder).generate(2, seed=0)
    # Rounding differs between processors.
    assert np.abs(made.astype(int) - np.load(folder / "images.npy")).max() <= 1


@pytest.mark.slow
def test_keras_files_of_older_versions_keep_their_training_state(tmp_path):
    folder = unpack("keras_1", tmp_path)
    expected = np.load(folder / "images.npz")
    assert {path.stem for path in folder.glob("*.keras")} == set(expected)
    for name in expected:
        gan = ganzoo.load(folder / f"{name}.keras")
        made = tiny.make_pixels(gan, 2)
        # Rounding differs between processors.
        assert np.abs(made.astype(int) - expected[name]).max() <= 1, name
        if name == "gan":
            continue  # This model was compiled with the defaults.
        assert (gan.step, gan.update, gan.ema_decay) == (2, "alternating", 0.9)
        assert (gan.regularizer.weight, gan.regularizer.every) == (0.5, 2)
        assert isinstance(gan.adversarial_loss, ganzoo.losses.Relativistic)
        gan.run_eagerly = True  # Tracing takes seconds.
        gan.fit(*tiny.make_data(gan, 4), batch_size=4, verbose=0)
        assert gan.step == 3


def test_a_recipe_of_an_older_format_is_converted_to_the_new_one(tmp_path):
    flat = {
        "family": "srgan",
        "data": "photographs",
        "image_size": 64,
        "recipe": "paper",
        "mixed_precision": False,
        "class_conditional": False,
        "loss": "hinge",
        "regularizer": "r1",
        "regularizer_weight": 0.5,
        "regularizer_every": 4,
        "scale": 2,
        "content_only": True,
        "content": None,
        "sync_batch_norm": True,
        "start_from": "srresnet_x4",
        "blend": 0.35,
    }
    (tmp_path / "config.json").write_text(json.dumps({"format": 2, "recipe": flat}))
    assert training.read_recipe(tmp_path) == training.Recipe(
        "srgan",
        "photographs",
        image_size=64,
        model={"recipe": "paper", "scale": 2},
        compile={
            "loss": "hinge",
            "regularizer": "r1",
            "regularizer.weight": 0.5,
            "regularizer.every": 4,
            "content_only": True,
            "sync_batch_norm": True,
        },
        mixed_precision=False,
        start_from="srresnet_x4",
        blend=0.35,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", others_slow(["run_1", "run_2", "run_3"], "run_1"))
def test_a_run_of_an_older_version_resumes(name, tmp_path):
    folder = unpack(name, tmp_path)
    assert ganzoo.load(folder).step == 1
    outcome = training.resume(folder, verbose=0)
    assert outcome.step == 2
    assert int(outcome.model.discriminator_optimizer.iterations) == 2
    assert json.loads((folder / "config.json").read_text())["format"] == training.RUN_FORMAT


@pytest.mark.parametrize(
    ("name", "load"),
    [("run_3", training.resume), ("run_3", ganzoo.load), ("preset_1", ganzoo.load)],
)
def test_a_newer_format_is_refused_with_its_version(name, load, tmp_path):
    folder = unpack(name, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    newer = {"format": 9, "ganzoo_version": "8.1", "versions": {"ganzoo": "8.1"}}
    (folder / "config.json").write_text(json.dumps({**config, **newer}))
    with pytest.raises(ValueError, match=r"of format 9, .* made by ganzoo '8\.1'.* newer ganzoo"):
        load(folder)
