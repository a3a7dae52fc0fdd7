"""Measure the time of a training step against resolution, batch size and number of replicas.

    python benchmarks/replicas.py --rounds 5 --json replicas.json

Replicas are virtual: logical devices that share the cores of one processor. They show the
overhead of sharing a step, and cannot show a gain. The cases take turns for some rounds. The table
gives medians, minima and maxima of wall-clock time, and medians of CPU time, which depends less on
other load of the machine.

A second table predicts the speed of several machines from the first, with the formula in
docs/scale.md. It is modelled, not measured.
"""

import argparse
import os
import pathlib
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import record
import tensorflow as tf

import ganzoo
from ganzoo.distribution import share_batches

SIDES = (16, 32, 64)
BATCHES = (8, 32)
REPLICAS = (1, 2, 4)
# Side at which numbers of replicas are compared.
SHARED_SIDE = 32
# The modelled table: numbers of machines, bandwidths between them, and seconds per message.
MODELLED = (1, 2, 4, 8)
GIGABITS = (1, 10, 100)
LATENCY = 1e-4


class Stopwatch(keras.callbacks.Callback):
    """Measure the wall-clock and CPU seconds of all steps of an epoch except the first."""

    def on_train_batch_end(self, batch, logs=None):
        now = np.array([time.perf_counter(), time.process_time()])
        if batch == 0:
            self.started = now
        self.seconds = now - self.started


def open_strategy(num_replicas):
    if num_replicas == 1:
        return tf.distribute.get_strategy()
    return tf.distribute.MirroredStrategy(
        [f"CPU:{index}" for index in range(num_replicas)],
        # The collectives of two strategies in one process would be mistaken for each other.
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def prepare(side, batch_size, num_replicas, sync_batch_norm=False):
    """Return a function that times a number of steps of a DCGAN, and the DCGAN."""
    strategy = open_strategy(num_replicas)
    with strategy.scope():
        gan = ganzoo.DCGAN(image_shape=(side, side, 3), dtype="float32")
        gan.compile(sync_batch_norm=sync_batch_norm)
    pixels = np.random.default_rng(0).integers(0, 256, (batch_size, side, side, 3), "uint8")
    dataset = tf.data.Dataset.from_tensors(pixels).map(ganzoo.images.from_pixels)
    dataset = share_batches(strategy, dataset) if num_replicas > 1 else dataset.repeat()

    def time_steps(steps):
        watch = Stopwatch()
        gan.fit(dataset, steps_per_epoch=steps + 1, verbose=0, callbacks=[watch])
        return watch.seconds / steps

    return time_steps, gan


def describe(side, batch_size, num_replicas, sync_batch_norm):
    replicas = "1 replica" if num_replicas == 1 else f"{num_replicas} replicas"
    synchronized = ", synchronized" if sync_batch_norm else ""
    return f"{side} x {side}, {batch_size} images, {replicas}{synchronized}"


def measure(rounds, steps):
    """Yield the rows of the measured table."""
    cases = [(side, batch_size, 1, False) for side in SIDES for batch_size in BATCHES]
    cases += [(SHARED_SIDE, BATCHES[-1], n, sync) for n in REPLICAS[1:] for sync in (False, True)]
    prepared = {case: prepare(*case) for case in cases}
    seconds = {case: [] for case in cases}
    for round_index in range(rounds + 1):
        for case, (time_steps, _) in prepared.items():
            taken = time_steps(steps if round_index else 1)
            if round_index:  # The first round compiles.
                seconds[case].append(taken)
    for case, taken in seconds.items():
        wall, cpu = np.transpose(taken)
        weights = prepared[case][1].trainable_variables
        yield {
            "side": case[0],
            "batch_size": case[1],
            "replicas": case[2],
            "sync_batch_norm": case[3],
            "seconds": statistics.median(wall),
            "min_seconds": min(wall),
            "max_seconds": max(wall),
            "cpu_seconds": statistics.median(cpu),
            "gradient_bytes": sum(4 * int(np.prod(weight.shape)) for weight in weights),
        }


def model(rows):
    """Yield the predicted speed of several machines like this one."""
    for side in SIDES:
        alone = [row for row in rows if row["side"] == side and row["replicas"] == 1]
        sizes = [row["batch_size"] for row in alone]
        per_image, per_step = np.polyfit(sizes, [row["seconds"] for row in alone], 1)
        size = alone[0]["gradient_bytes"]
        for gigabits in GIGABITS:
            for count in MODELLED:
                # Every machine has 32 images: the batch grows with their number.
                compute = per_step + per_image * BATCHES[-1]
                passes = 2 * (count - 1) / count
                exchange = passes * 8 * size / (gigabits * 1e9) + 2 * (count - 1) * LATENCY
                yield {
                    "side": side,
                    "machines": count,
                    "gigabits": gigabits,
                    "seconds_per_step": per_step,
                    "seconds_per_image": per_image,
                    "gradient_bytes": size,
                    "images_per_second": count * BATCHES[-1] / (compute + exchange),
                }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="also write the tables to this file")
    arguments = parser.parse_args()

    cpu = tf.config.list_physical_devices("CPU")[0]
    virtual = [tf.config.LogicalDeviceConfiguration()] * max(REPLICAS)
    tf.config.set_logical_device_configuration(cpu, virtual)
    rows = list(measure(arguments.rounds, arguments.steps))
    print("| step of a DCGAN | ms (min to max) | images/s | CPU ms |")
    print("|---|---|---|---|")
    for row in rows:
        name = describe(*(row[k] for k in ("side", "batch_size", "replicas", "sync_batch_norm")))
        spread = f"({1e3 * row['min_seconds']:.0f} to {1e3 * row['max_seconds']:.0f})"
        print(
            f"| {name} | {1e3 * row['seconds']:.0f} {spread} | "
            f"{row['batch_size'] / row['seconds']:.0f} | {1e3 * row['cpu_seconds']:.0f} |"
        )
    modelled = list(model(rows))
    print("\nModelled, 32 images on each machine:\n")
    print("| side | gradients, MB | Gbit/s | " + " | ".join(f"on {n}" for n in MODELLED), "|")
    print("|---" * (3 + len(MODELLED)) + "|")
    for start in range(0, len(modelled), len(MODELLED)):
        group = modelled[start : start + len(MODELLED)]
        first = group[0]
        speeds = " | ".join(f"{row['images_per_second']:.0f}" for row in group)
        print(
            f"| {first['side']} | {first['gradient_bytes'] / 1e6:.1f} | {first['gigabits']} | "
            f"{speeds} |"
        )
    if arguments.json:
        record.write(arguments.json, arguments, measured=rows, modelled=modelled)


if __name__ == "__main__":
    main()
