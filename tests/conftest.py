"""Fixtures that all tests share."""

import os

# Before TensorFlow is imported, or its notes on CPU features stand between the tests.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# As the command line does.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# What is promised to the bit is promised of processors; set it to see a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Of the user's own work, which no test is part of.
os.environ.pop("TF_CONFIG", None)
os.environ.pop("GANZOO_PRESETS_URL", None)

from unittest import mock

import keras
import pytest
import tensorflow as tf

from ganzoo.data.tuning import untuned


@pytest.fixture(autouse=True)
def known_state():
    """Every test starts with the same seeds, and leaves the dtype policy as it was."""
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(7)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session", autouse=True)
def iterators_that_end_at_once():
    """Those that Keras makes of arrays, too, or tests wait for the ones of others."""
    begin = tf.data.Dataset.__iter__
    with mock.patch.object(tf.data.Dataset, "__iter__", lambda dataset: begin(untuned(dataset))):
        yield


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """What ganzoo keeps for its user is not looked at, and nothing is added to it."""
    os.environ["GANZOO_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session", autouse=True)
def vgg19_weights(tmp_path_factory):
    """Random weights in the place of ImageNet's: nothing is downloaded for a test."""
    import tiny

    path = tiny.write_vgg19(tmp_path_factory.mktemp("vgg19") / "random.npz")
    os.environ["GANZOO_VGG19_WEIGHTS"] = str(path)
    return path


@pytest.fixture
def float16():
    keras.config.set_dtype_policy("mixed_float16")


@pytest.fixture
def png_folder(tmp_path):
    """A folder of 20 gray 8 x 8 images."""
    import tiny

    return tiny.write_folder(tmp_path / "photos", num_images=20)
