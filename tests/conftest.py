"""Fixtures that all tests share."""

import gc
import os

# Before TensorFlow is imported: it prints notes about CPU features.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The command line sets it, too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# Bit-exactness is promised on CPU only. Set CUDA_VISIBLE_DEVICES to test on a GPU.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# They belong to the user's own work.
os.environ.pop("TF_CONFIG", None)
os.environ.pop("GANZOO_PRESETS_URL", None)

import keras
import pytest


def pytest_collection_finish():
    """Keep modules and tests out of garbage collection, which would visit them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def known_state():
    """Start every test with the same seeds, and restore the dtype policy after it."""
    policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(7)
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """Use an empty home folder instead of the user's."""
    os.environ["GANZOO_HOME"] = str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session", autouse=True)
def vgg19_weights(tmp_path_factory):
    """Use random weights instead of ImageNet's, so that no test downloads them."""
    import tiny

    path = tiny.write_vgg19(tmp_path_factory.mktemp("vgg19") / "random.npz")
    os.environ["GANZOO_VGG19_WEIGHTS"] = str(path)
    return path


@pytest.fixture
def eager():
    """Run every `tf.function` eagerly, because tracing takes longer than the steps of a test."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def float16():
    keras.config.set_dtype_policy("mixed_float16")


@pytest.fixture
def png_folder(tmp_path):
    """Return a folder of 20 gray 8 x 8 images."""
    import tiny

    return tiny.write_folder(tmp_path / "photos", num_images=20)
