"""Test help, lists, and new processes, which must import only the packages they need."""

import json
import os
import pathlib
import subprocess
import sys

import pytest
import starting_programs
from cases import others_slow

import ganzoo
from ganzoo import cli, registry

COMMANDS = [command.name or command.callback.__name__ for command in cli.app.registered_commands]
PROGRAMS = pathlib.Path(__file__).parent / "starting_programs.py"


def run_python(*arguments):
    """Run Python in a new process with TensorFlow's default log level, and return the outcome."""
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, *arguments],
        env={**env, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("program", starting_programs.WITHOUT_TENSORFLOW)
def test_import_list_and_help_do_not_import_tensorflow(program):
    outcome = run_python(PROGRAMS, program)
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.slow
@pytest.mark.parametrize("chosen", others_slow([None, "0"], None))
def test_onednn_is_enabled_unless_the_user_disables_it(chosen, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if chosen is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", chosen)
    outcome = run_python(PROGRAMS, "onednn")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, chosen or "1"), outcome.stderr
    # Neither TensorFlow's start nor its warnings about retracing reach a user.
    assert outcome.stderr == ""


def test_python_m_ganzoo_runs_the_command_line():
    outcome = run_python("-m", "ganzoo", "--version")
    assert (outcome.returncode, outcome.stdout.strip()) == (0, ganzoo.__version__)


def test_an_unknown_command_in_a_new_process_gives_one_line():
    outcome = run_python("-m", "ganzoo", "trian")
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
    assert "<bool>" not in out  # Flags take no value.


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
    assert all(len(line) <= 80 and line == line.rstrip() for line in out.splitlines())


def test_list_prints_json(ganzoo_command):
    code, out, _ = ganzoo_command("list", "--json")
    assert code == 0
    assert [row["preset"] for row in json.loads(out)] == ganzoo.list_presets()
