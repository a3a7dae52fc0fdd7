"""What older versions of ganzoo wrote is read; what newer ones may write is refused by name.

`golden/` holds one run and one preset of each format, as the first version with that format
wrote them, with two images that they gave.
"""

import json
import pathlib
import shutil

import numpy as np
import pytest

import ganzoo
from ganzoo import preset_folders, runs

GOLDEN = pathlib.Path(__file__).parent / "golden"


def unpack(name, folder):
    shutil.unpack_archive(GOLDEN / f"{name}.zip", folder / name)
    return folder / name


def test_there_is_a_golden_one_of_every_format():
    formats = {"preset": preset_folders.FORMAT, "run": runs.RUN_FORMAT}
    wanted = {f"{kind}_{i + 1}.zip" for kind, newest in formats.items() for i in range(newest)}
    assert {path.name for path in GOLDEN.iterdir()} == wanted


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.iterdir()))
def test_what_an_older_version_wrote_gives_the_images_that_it_gave(name, tmp_path):
    folder = unpack(name, tmp_path)
    made = ganzoo.load(folder).generate(2, seed=0)
    # Other processors round otherwise.
    assert np.abs(made.astype(int) - np.load(folder / "images.npy")).max() <= 1


@pytest.mark.parametrize("name", ["run_1", "run_2"])
def test_a_run_of_an_older_version_goes_on(name, tmp_path):
    folder = unpack(name, tmp_path)
    assert ganzoo.load(folder).step == 1
    outcome = runs.resume(folder, verbose=0)
    assert outcome.step == 2
    assert int(outcome.model.discriminator_optimizer.iterations) == 2
    assert json.loads((folder / "config.json").read_text())["format"] == runs.RUN_FORMAT


@pytest.mark.parametrize(
    ("name", "load"), [("run_2", runs.resume), ("run_2", ganzoo.load), ("preset_1", ganzoo.load)]
)
def test_a_newer_format_is_refused_by_name(name, load, tmp_path):
    folder = unpack(name, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    newer = {"format": 9, "ganzoo_version": "8.1", "versions": {"ganzoo": "8.1"}}
    (folder / "config.json").write_text(json.dumps({**config, **newer}))
    with pytest.raises(ValueError, match=r"of format 9, .* made by ganzoo '8\.1'.* newer ganzoo"):
        load(folder)
