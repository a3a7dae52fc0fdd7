"""Compares the speed of training between settings, interleaved in one process.

    python benchmarks/train_speed.py --family dcgan --rounds 5 --steps 20

Every round trains each setting for some steps, one after the other, so that a
machine whose speed drifts is unfair to none. Printed are images per second (median
over rounds, with the least and the most) and the ratio to the first setting, round
by round. Nothing is asserted: speed is reported, not tested.
"""

import argparse
import os
import platform
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import ganzoo
from ganzoo import registry

SETTINGS = {
    "float32, simultaneous": ("float32", {"update": "simultaneous"}),
    "float32, alternating": ("float32", {"update": "alternating"}),
    "bfloat16, simultaneous": ("mixed_bfloat16", {"update": "simultaneous"}),
    "bfloat16, alternating": ("mixed_bfloat16", {"update": "alternating"}),
    "float32, simultaneous, XLA": ("float32", {"update": "simultaneous", "jit_compile": True}),
}


def build(family, dtype, compile_arguments):
    classes = {"num_classes": 10} if family.classes == "always" else {}
    model = family.load_class()(image_shape=(28, 28, 1), **classes, dtype=dtype)
    model.compile(**compile_arguments)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="dcgan", choices=[f.name for f in registry.families()])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()

    family = registry.get_family(arguments.family)
    models = {name: build(family, *setting) for name, setting in SETTINGS.items()}
    batch_size = family.load_class().recommended_batch_sizes["default"]
    dataset = ganzoo.data.load(
        "sample", batch_size=batch_size, labels=family.classes == "always"
    ).repeat()

    speeds = {name: [] for name in models}
    for round_index in range(arguments.rounds + 1):
        for name, model in models.items():
            started = time.perf_counter()
            model.fit(dataset, steps_per_epoch=arguments.steps, verbose=0)
            seconds = time.perf_counter() - started
            if round_index > 0:  # The first round compiles.
                speeds[name].append(arguments.steps * batch_size / seconds)

    print(
        f"{family.name}, batch {batch_size}, {arguments.rounds} rounds of {arguments.steps} steps; "
        f"{os.cpu_count()} cores {platform.machine()}, TensorFlow {tf.version.VERSION}, "
        f"Keras {keras.version()}"
    )
    first = speeds[next(iter(speeds))]
    for name, values in speeds.items():
        ratio = statistics.median(np.array(values) / np.array(first))
        print(
            f"{name:28s} {statistics.median(values):7.0f} images/s "
            f"({min(values):.0f} to {max(values):.0f}), ratio {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
