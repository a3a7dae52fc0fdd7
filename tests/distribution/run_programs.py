"""Run the programs of modules on four logical devices. Print a report of each.

python run_programs.py MODULE ...
"""

import gc
import importlib
import inspect
import json
import os
import pathlib
import sys
import tempfile
import traceback

import tensorflow as tf

NUM_DEVICES = 4


def run(program):
    """Return the end of a program's traceback, or an empty string."""
    import keras

    with tempfile.TemporaryDirectory() as folder:
        takes_folder = "folder" in inspect.signature(program).parameters
        try:
            program(**{"folder": pathlib.Path(folder)} if takes_folder else {})
            return ""
        except BaseException:
            return traceback.format_exc()[-3000:]
        finally:
            keras.config.set_dtype_policy("float32")


def main():
    (cpu,) = tf.config.list_physical_devices("CPU")
    devices = [tf.config.LogicalDeviceConfiguration()] * NUM_DEVICES
    tf.config.set_logical_device_configuration(cpu, devices)
    # Deleting an iterator that Keras makes of an array blocks; see ganzoo.data.tuning. Without
    # the garbage collector, no iterator is deleted.
    gc.disable()
    reports = {}
    for name in sys.argv[1:]:
        programs = importlib.import_module(name).PROGRAMS
        reports |= {claim: run(program) for claim, program in programs.items()}
    print("REPORTS" + json.dumps(reports), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
