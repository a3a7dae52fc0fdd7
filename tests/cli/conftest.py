"""Provide a fixture that runs commands in this process, and a model file for them."""

import pytest

from ganzoo import cli, registry


@pytest.fixture
def ganzoo_command(capsys):
    """Return a function that runs a command in this process.

    The function returns `(exit code, stdout, stderr)`.
    """

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    registry.get_family("vanilla").build_test_model(seed=0).save(path)
    return path
