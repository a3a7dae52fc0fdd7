"""Measures how long iterators of tf.data hold up what deletes them, tuned while they run or not.

    python benchmarks/iterator_end.py --seconds 10 --iterators 20

As many iterators of one pipeline give three batches each, live on for so many seconds, and are
deleted one after the other.
"""

import argparse
import time

import tensorflow as tf

from ganzoo.data.tuning import untuned


def measure(dataset, num_iterators, seconds):
    """Seconds that each deletion took."""
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
    parser.add_argument("--seconds", type=float, default=10.0, help="that iterators live")
    parser.add_argument("--iterators", type=int, default=20, help="of each kind")
    arguments = parser.parse_args()
    plain = tf.data.Dataset.range(10**6).map(lambda i: i + 1, num_parallel_calls=tf.data.AUTOTUNE)
    tuned = plain.batch(4).prefetch(tf.data.AUTOTUNE)
    for name, dataset in (("tuned", tuned), ("not tuned", untuned(tuned))):
        took = measure(dataset, arguments.iterators, arguments.seconds)
        held_up = sum(seconds > 0.1 for seconds in took)
        print(f"{name}: {held_up} of {len(took)} took above 0.1 s, the longest {max(took):.1f} s")


if __name__ == "__main__":
    main()
