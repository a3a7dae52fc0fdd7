"""Data sets as TFDS keeps them, in folders of a test's own."""

import pytest


@pytest.fixture
def tfds_folder(tmp_path):
    """A folder in which TFDS finds data sets while a test lasts."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.utils import file_utils

    tfds.core.add_data_dir(tmp_path)
    yield tmp_path
    file_utils.clear_registered_data_dirs()
