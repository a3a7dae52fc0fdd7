"""Measures what a training step costs with resolution, images in a step and replicas.

    python benchmarks/replicas.py --rounds 5 --json replicas.json

Replicas are virtual: logical devices of one processor, whose cores they share. So more of
them show what sharing a step costs, and never that it is faster. Steps of all cases are
timed in turns for some rounds, by the clock and by the time that the processor worked for
them, which other work on the machine lengthens less; printed are medians with the least and
the most. Out of them and the sizes of the networks comes the table of real machines, by the
formula that docs/scale.md gives: that table is modelled, not measured.
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
# Where replicas are compared.
SHARED_SIDE = 32
# Of the modelled table: batches, and what a byte and a message between machines cost.
MODELLED = (1, 2, 4, 8)
GIGABITS = (1, 10, 100)
LATENCY = 1e-4


class Stopwatch(keras.callbacks.Callback):
    """Seconds of the steps after an epoch's first, by the clock and of the processor."""

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
        # Collectives of two strategies in one process cannot be told apart.
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )


def prepare(side, batch_size, num_replicas, sync_batch_norm=False):
    """A function that times so many steps of a DCGAN, and the DCGAN."""
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
    """Rows of the measured table."""
    cases = [(side, batch_size, 1, False) for side in SIDES for batch_size in BATCHES]
    cases += [(SHARED_SIDE, BATCHES[-1], n, sync) for n in REPLICAS[1:] for sync in (False, True)]
    prepared = {case: prepare(*case) for case in cases}
    seconds = {case: [] for case in cases}
    for round_index in range(rounds + 1):
        for case, (time_steps, _) in prepared.items():
            taken = time_steps(steps if round_index else 1)
            if round_index:  # The first compiles.
                seconds[case].append(taken)
    for case, taken in seconds.items():
        by_clock, of_processor = np.transpose(taken)
        weights = prepared[case][1].trainable_variables
        yield {
            "side": case[0],
            "batch_size": case[1],
            "replicas": case[2],
            "sync_batch_norm": case[3],
            "seconds": statistics.median(by_clock),
            "least": min(by_clock),
            "most": max(by_clock),
            "processor_seconds": statistics.median(of_processor),
            "gradient_bytes": sum(4 * int(np.prod(weight.shape)) for weight in weights),
        }


def model(rows):
    """Images per second of machines such as this one, by side, number and gigabits."""
    for side in SIDES:
        alone = [row for row in rows if row["side"] == side and row["replicas"] == 1]
        sizes = [row["batch_size"] for row in alone]
        per_image, per_step = np.polyfit(sizes, [row["seconds"] for row in alone], 1)
        size = alone[0]["gradient_bytes"]
        for gigabits in GIGABITS:
            for count in MODELLED:
                # 32 images on each: the batch grows with the machines.
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
    parser.add_argument("--json", type=pathlib.Path, help="write the tables here, too")
    arguments = parser.parse_args()

    cpu = tf.config.list_physical_devices("CPU")[0]
    virtual = [tf.config.LogicalDeviceConfiguration()] * max(REPLICAS)
    tf.config.set_logical_device_configuration(cpu, virtual)
    rows = list(measure(arguments.rounds, arguments.steps))
    print("| DCGAN, a step of | ms | images/s | ms of processor |")
    print("|---|---|---|---|")
    for row in rows:
        name = describe(*(row[k] for k in ("side", "batch_size", "replicas", "sync_batch_norm")))
        spread = f"({1e3 * row['least']:.0f} to {1e3 * row['most']:.0f})"
        print(
            f"| {name} | {1e3 * row['seconds']:.0f} {spread} | "
            f"{row['batch_size'] / row['seconds']:.0f} | {1e3 * row['processor_seconds']:.0f} |"
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
