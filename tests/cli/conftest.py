"""Commands in this process, and a model for them."""

import pytest

from ganzoo import cli, registry


@pytest.fixture
def ganzoo_command(capsys):
    """Runs a command in this process, as `(exit code, stdout, stderr)`."""

    def run(*arguments):
        with pytest.raises(SystemExit) as stop:
            cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "small.keras"
    registry.get_family("vanilla").build_smallest(seed=0).save(path)
    return path
