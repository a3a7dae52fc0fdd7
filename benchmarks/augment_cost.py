"""Measure the cost of augmentation: training steps with it and without it, interleaved.

    python benchmarks/augment_cost.py --family dcgan --shape 32 32 3 --rounds 8

In each round, equal models train in turn for some steps on one batch of noise: without
augmentation, with DiffAugment, and with ADA at probability 0.5. The output is the median over the
rounds of the ratios to the model without augmentation, of the time and of the processor time. Other
programs disturb the processor time less.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from ganzoo import registry
from ganzoo.augment import ADA

CHOICES = [family.name for family in registry.families() if family.task == "generation"]
AUGMENTATIONS = {"none": "none", "diffaugment": "diffaugment", "ada": ADA(probability=0.5)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="dcgan", choices=CHOICES)
    parser.add_argument("--shape", type=int, nargs=3, default=(32, 32, 3))
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    arguments = parser.parse_args()

    family = registry.get_family(arguments.family)
    classes = {"num_classes": 10} if family.classes == "always" else {}
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (arguments.batch_size, *arguments.shape), "uint8")
    labels = rng.integers(0, 10, arguments.batch_size).astype("int32")
    batch = tf.constant(pixels), *([tf.constant(labels)] if classes else [])
    steps = {}
    for name, augmentation in AUGMENTATIONS.items():
        gan = family.load_class()(image_shape=tuple(arguments.shape), **classes, seed=0)
        gan.compile(augment=augmentation)
        steps[name] = tf.function(gan.train_step)
        for _ in range(3):  # The first call traces the step.
            steps[name](batch)

    seconds, processor = ({name: [] for name in steps} for _ in range(2))
    for index in range(arguments.rounds):
        for name in list(steps) if index % 2 else list(steps)[::-1]:
            started = time.perf_counter(), time.process_time()
            for _ in range(arguments.steps):
                logs = steps[name](batch)
            float(logs["generator_loss"])
            seconds[name].append((time.perf_counter() - started[0]) / arguments.steps)
            processor[name].append((time.process_time() - started[1]) / arguments.steps)
    for name in steps:
        ratios = [
            statistics.median(a / b for a, b in zip(times[name], times["none"], strict=True))
            for times in (seconds, processor)
        ]
        print(
            f"{arguments.family}, {name}: {1000 * statistics.median(seconds[name]):.0f} ms a step, "
            f"{ratios[0]:.2f} x the time and {ratios[1]:.2f} x the processor time of none"
        )


if __name__ == "__main__":
    main()
