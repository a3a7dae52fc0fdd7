"""Read TensorBoard event files."""

import glob

import tensorflow as tf


def read_scalars(folder):
    """Return `{tag: {step: value}}` of all event files in a folder. Text is left out."""
    scalars = {}
    for path in glob.glob(str(folder / "events*")):
        for event in tf.compat.v1.train.summary_iterator(path):
            for value in event.summary.value:
                content = tf.make_ndarray(value.tensor)
                if content.dtype != object:
                    scalars.setdefault(value.tag, {})[event.step] = float(content)
    return scalars


def read_pictures(folder):
    """Return `{tag: {step: pixels}}` of all event files in a folder. Each step has one picture."""
    pictures = {}
    for path in glob.glob(str(folder / "events*")):
        for event in tf.compat.v1.train.summary_iterator(path):
            for value in event.summary.value:
                (*_, encoded) = tf.make_ndarray(value.tensor)
                steps = pictures.setdefault(value.tag, {})
                assert event.step not in steps
                steps[event.step] = tf.io.decode_png(encoded).numpy()
    return pictures
