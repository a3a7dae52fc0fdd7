"""Provide a finished run that several tests share."""

import pytest
import tiny
from short_runs import train


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    return tiny.write_folder(tmp_path_factory.mktemp("data") / "photos", num_images=20)


@pytest.fixture(scope="session")
def finished(photos, tmp_path_factory):
    """Return a run that finished without errors. Tests must not change it."""
    return train(photos, tmp_path_factory.mktemp("runs") / "finished")
