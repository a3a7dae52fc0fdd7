"""Install the wheel into fresh environments. These tests need a package index."""

import pathlib
import shutil
import subprocess
import sys
import venv

import pytest

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # Setuptools leaves a build folder, which must not be in the source tree.
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ganzoo", folder / "ganzoo", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, folder]
    subprocess.run(command, check=True, timeout=600)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "versions",
    [
        pytest.param([], id="newest"),
        pytest.param(
            ["tensorflow==2.18.*", "keras==3.12.*"],
            id="oldest",
            marks=pytest.mark.skipif(
                sys.version_info >= (3, 13), reason="TensorFlow 2.18 is for Python up to 3.12"
            ),
        ),
    ],
)
def test_the_wheel_works_in_a_fresh_environment(wheel, versions, tmp_path):
    venv.create(tmp_path / "fresh", with_pip=True)
    python = tmp_path / "fresh" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    install = [python, "-m", "pip", "install", "--quiet", f"{wheel}[onnx]", *versions]
    # Not in the source tree, whose metadata pip would take for an installed ganzoo.
    subprocess.run(install, check=True, timeout=1200, cwd=tmp_path)
    # Isolated, so that the source tree is not imported.
    program = [python, "-I", ROOT / "tests" / "use_installed.py", tmp_path / "runs"]
    subprocess.run(program, check=True, timeout=600, cwd=tmp_path)
