"""Provide a temporary folder of TFDS data sets."""

import pytest


@pytest.fixture
def tfds_folder(tmp_path):
    """Return a folder in which TFDS finds data sets during a test."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.utils import file_utils

    tfds.core.add_data_dir(tmp_path)
    yield tmp_path
    file_utils.clear_registered_data_dirs()
