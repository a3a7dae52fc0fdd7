"""Run a program that `test_starting.py` needs in a new process.

python starting_programs.py PROGRAM
"""

import os
import platform
import sys


def import_ganzoo():
    import ganzoo

    ganzoo.list_presets()
    dir(ganzoo)
    assert ganzoo.__version__


def run_command(*arguments):
    from ganzoo.cli import main

    main([*arguments])


def list_presets():
    run_command("list")


def show_help():
    run_command("--help")


def show_help_of_train():
    run_command("train", "--help")


WITHOUT_TENSORFLOW = {
    "import": import_ganzoo,
    "list": list_presets,
    "help": show_help,
    "train-help": show_help_of_train,
}


def check_imports(program):
    """Check that a program succeeds without importing TensorFlow, Keras or NumPy."""
    try:
        program()
    except SystemExit as stop:
        assert stop.code == 0, stop.code
    loaded = sorted({"tensorflow", "keras", "numpy"} & set(sys.modules))
    assert not loaded, loaded


def check_onednn():
    """Print the variable that enables oneDNN, and check that TensorFlow obeys it."""
    from ganzoo.cli.app import import_tensorflow

    import_tensorflow()
    import tensorflow as tf

    square = tf.function(lambda x: x * x)
    for size in range(1, 8):
        square(tf.zeros(size))  # TensorFlow warns of the fifth new trace.
    print(os.environ["TF_ENABLE_ONEDNN_OPTS"])
    # The packages for other processors have no oneDNN.
    if platform.machine() == "x86_64":
        from tensorflow.python.util import _pywrap_util_port

        # TensorFlow obeys the variable only if it was set before the import.
        assert _pywrap_util_port.IsMklEnabled() == (os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1")


if __name__ == "__main__":
    if sys.argv[1] == "onednn":
        check_onednn()
    else:
        check_imports(WITHOUT_TENSORFLOW[sys.argv[1]])
