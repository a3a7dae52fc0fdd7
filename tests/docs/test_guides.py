"""Run the commands and programs of the guides, and check the outputs that the site shows."""

import pathlib
import re
import shlex
import subprocess
import sys

import guides
import numpy as np
import pytest
from PIL import Image

from ganzoo import cli

ROOT = pathlib.Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "guides"
PROGRAMS = sorted(GUIDES.glob("*.py"))


def blocks(page, language):
    """Return the code blocks of a page."""
    text = (GUIDES / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.slow
def test_the_guide_on_own_images_runs(tmp_path, monkeypatch, capsys):
    """A folder becomes a model in each format. The images are smaller than the guide's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 50, 3), "uint8")
    for index, pixels in enumerate(noise):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    for line in "".join(blocks("your-images.md", "sh")).splitlines():
        program, *arguments = shlex.split(line)
        assert program == "ganzoo"
        line = shlex.join(arguments).replace("--image-size 64", "--image-size 16")
        steps = "3" if "--resume" in line else "2"
        line = re.sub(r"--minutes \d+", f"--max-steps {steps}", line)
        line = line.replace("-n 100", "-n 3")
        if line.startswith("train") and "--resume" not in line:
            line += " --batch-size 4"
        if line.startswith("evaluate"):
            line += " -n 20"
        with pytest.raises(SystemExit) as stop:
            cli.main(shlex.split(line))
        assert stop.value.code == 0, (line, capsys.readouterr().err)
    assert {"sheet.png", "grid.png", "copies.png", "photos.onnx", "photos_model", "new_images"} <= {
        path.name for path in tmp_path.iterdir()
    }
    names = {}
    for program in blocks("your-images.md", "python"):
        exec(program.replace("64, 64", "16, 16").replace("image_size=64", "image_size=16"), names)
    assert names["images"].shape == (4, 16, 16, 3)
    assert names["images"].dtype == np.uint8
    assert len(names["gan"].generate(1)) == 1


def run_lines(page, change, capsys):
    """Run all commands of a page, each changed by a function to take less time."""
    for line in "".join(blocks(page, "sh")).splitlines():
        program, *arguments = shlex.split(change(line))
        assert program == "ganzoo"
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 0, (line, capsys.readouterr().err)


@pytest.mark.slow
def test_the_guide_on_editing_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fast = " --steps 2 --starts 1"
    run_lines("editing.md", lambda line: line + fast * (" edit " in line), capsys)
    for folder in ("edited", "walk", "moved", "moved_pca"):
        names = sorted(path.name for path in (tmp_path / folder).iterdir())
        assert names == ["00000_edit.gif", "00000_edit.png"]
    names = {}
    for program in blocks("editing.md", "python"):
        exec(program.replace('"pullover")', '"pullover", num_steps=2)'), names)
    assert len(names["moved"].columns) == 8
    with Image.open("strip.png") as image:
        assert image.width > 4 * 28


@pytest.mark.slow
@pytest.mark.datasets
def test_the_guide_on_training_data_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # With so few images the network learns little, but more than chance.
    run_lines("training-data.md", lambda line: line.replace("-n 5000", "-n 100"), capsys)
    output = capsys.readouterr().out
    assert "cas" in output
    assert "gan_test" in output
    names = {}
    for program in blocks("training-data.md", "python"):
        exec(program, names)
    assert names["accuracy"] > 0.5


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_stored_outputs_of_a_guide_belong_to_its_code(path):
    """`make guides` stores them again after a change."""
    code = [cell.digest for cell in guides.read(path) if cell.is_code]
    assert [row["code"] for row in guides.recorded(path)["cells"]] == code
    pictures = {row["picture"] for row in guides.recorded(path)["cells"] if "picture" in row}
    assert pictures == {file.name for file in guides.OUTPUTS.glob(f"{path.stem}-*.png")}


@pytest.mark.slow
@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_guide_runs(path):
    """Each has its own process, because one of them changes the devices of TensorFlow."""
    command = [sys.executable, ROOT / "scripts" / "guides.py", "--check", path.stem]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
