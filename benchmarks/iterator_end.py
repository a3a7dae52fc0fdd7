"""Measure how long the deletion of tf.data iterators takes, with and without autotuning.

    python benchmarks/iterator_end.py --seconds 10 --iterators 20

Each of several iterators of one pipeline yields three batches and lives for some seconds. Then
they are deleted one by one.
"""

import argparse
import time

import tensorflow as tf

from ganzoo.data.tuning import untuned


def measure(dataset, num_iterators, seconds):
    """Return the seconds that each deletion took."""
    iterators = [iter(dataset) for _ in range(num_iterators)]
    for iterator in iterators:
        for _ in range(3):
            next(iterator)
    time.sleep(seconds)
    took = []
    while iterators:
        began = time.perf_counter()
        iterators.pop()
        took.append(time.perf_counter() - began)
    return took


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="lifetime of the iterators")
    parser.add_argument("--iterators", type=int, default=20, help="iterators of each kind")
    arguments = parser.parse_args()
    plain = tf.data.Dataset.range(10**6).map(lambda i: i + 1, num_parallel_calls=tf.data.AUTOTUNE)
    tuned = plain.batch(4).prefetch(tf.data.AUTOTUNE)
    for name, dataset in (("tuned", tuned), ("not tuned", untuned(tuned))):
        took = measure(dataset, arguments.iterators, arguments.seconds)
        held_up = sum(seconds > 0.1 for seconds in took)
        print(f"{name}: {held_up} of {len(took)} took above 0.1 s, the longest {max(took):.1f} s")


if __name__ == "__main__":
    main()
