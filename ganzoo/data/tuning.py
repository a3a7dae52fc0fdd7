"""Pipelines that are not tuned while they run."""

import tensorflow as tf


def untuned(dataset):
    """A data set whose iterators end as soon as they are not needed any more.

    Deleting the iterator of one that is tuned holds the program up, at times by a minute:
    TensorFlow (2.21) wakes the thread that tunes before it marks it as cancelled, and a thread
    that looks for the mark too early sleeps through its whole period. Not tuned, as many calls
    run in parallel as the machine has threads. A user's own choice stays.
    """
    if dataset.options().autotune.enabled is not None:
        return dataset
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)
