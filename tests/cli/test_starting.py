"""What answers at once: help, lists, and a new process that imports no more than it needs."""

import json
import os
import subprocess
import sys

import pytest

import ganzoo
from ganzoo import cli, registry

COMMANDS = [command.name or command.callback.__name__ for command in cli.app.registered_commands]


def fresh(*arguments, program=None):
    """Runs a new Python process."""
    start = ["-c", program] if program else ["-m", "ganzoo"]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(
    "program",
    [
        "import ganzoo; ganzoo.list_presets(); dir(ganzoo); ganzoo.__version__",
        "from ganzoo.cli import main; main(['list'])",
        "from ganzoo.cli import main; main(['--help'])",
        "from ganzoo.cli import main; main(['train', '--help'])",
    ],
    ids=["import", "list", "help", "train-help"],
)
def test_tensorflow_stays_unloaded(program):
    outcome = fresh(
        program=f"""
import sys
try:
    {program}
except SystemExit as stop:
    assert stop.code == 0, stop.code
loaded = sorted({{"tensorflow", "keras", "numpy"}} & set(sys.modules))
assert not loaded, loaded
"""
    )
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("chosen", [None, "0"])
def test_convolutions_are_those_of_onednn_unless_told_otherwise(chosen, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if chosen is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen)
    outcome = fresh(
        program="""
import os
import platform

from ganzoo.cli.common import import_tensorflow

import_tensorflow()
print(os.environ["TF_ENABLE_ONEDNN_OPTS"])
if platform.machine() == "x86_64":  # Others have no oneDNN in their package.
    from tensorflow.python.util import _pywrap_util_port

    # It was there before TensorFlow was imported.
    assert _pywrap_util_port.IsMklEnabled() == (os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1")
"""
    )
    assert (outcome.returncode, outcome.stdout.strip()) == (0, chosen or "1"), outcome.stderr


def test_the_module_runs_as_a_program():
    outcome = fresh("--version")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, ganzoo.__version__)


def test_a_wrong_command_in_a_process_of_its_own_is_one_line():
    outcome = fresh("trian")
    assert outcome.returncode == 2
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("ganzoo: ")
    assert "trian" in line


def test_the_entry_point_is_installed():
    from importlib.metadata import entry_points

    (point,) = [p for p in entry_points(group="console_scripts") if p.name == "ganzoo"]
    assert point.load() is cli.main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command, ganzoo_command):
    code, out, err = ganzoo_command(command, "--help")
    assert (code, err) == (0, "")
    assert f"ganzoo {command}" in out
    assert "Example" in out


def test_help_and_no_arguments_list_every_command(ganzoo_command):
    for arguments in (["--help"], []):
        code, out, _ = ganzoo_command(*arguments)
        assert code == 0
        assert all(command in out for command in COMMANDS)


def test_list_names_every_preset_and_family(ganzoo_command):
    code, out, _ = ganzoo_command("list")
    assert code == 0
    assert all(family.name in out for family in registry.families())
    assert all(name in out for name in ganzoo.list_presets())


def test_list_as_json(ganzoo_command):
    code, out, _ = ganzoo_command("list", "--json")
    assert code == 0
    assert [row["preset"] for row in json.loads(out)] == ganzoo.list_presets()
