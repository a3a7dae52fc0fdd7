"""Pipelines without TensorFlow's autotuning."""

import tensorflow as tf


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Return the data set with autotuning off, unless its options set autotuning.

    Deleting the iterator of an autotuned data set may block the program for up to a minute.
    TensorFlow 2.21 wakes the tuning thread before it marks the thread as cancelled. A thread that
    checks the mark too early sleeps for its whole period. Without autotuning,
    `tf.data.AUTOTUNE` uses as many parallel calls as the machine has threads.
    """
    if dataset.options().autotune.enabled is not None:
        return dataset
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
