"""A run that all tests of runs share."""

import pytest
import tiny
from trying import train


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    return tiny.write_folder(tmp_path_factory.mktemp("data") / "photos", num_images=20)


@pytest.fixture(scope="session")
def finished(photos, tmp_path_factory):
    """A run as it is when all went well; only to be read."""
    return train(photos, tmp_path_factory.mktemp("runs") / "finished")
