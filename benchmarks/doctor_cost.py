"""Measure the cost of the doctor: training with it and without it, interleaved.

    python benchmarks/doctor_cost.py --family dcgan --rounds 7

Each round trains two equal models for 200 steps. One has no doctor and records no gradient norms.
The other has a doctor that observes once per round, with held-out images, and writes TensorBoard
files. The order alternates. The output is the relative difference of the total times, and the
time of one observation.
"""

import argparse
import os
import statistics
import tempfile
import time
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import ganzoo
from ganzoo import data, registry
from ganzoo.base import updates

# One observation per call of `fit`.
STEPS = 200

CHOICES = [family.name for family in registry.families() if family.task == "generation"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", default="dcgan", choices=CHOICES)
    parser.add_argument("--rounds", type=int, default=12)
    arguments = parser.parse_args()

    family = registry.get_family(arguments.family)
    classes = {"num_classes": 10} if family.classes == "always" else {}
    gans = {}
    for name in ("watched", "alone"):
        gans[name] = family.load_class()(image_shape=(28, 28, 1), **classes, seed=0)
        gans[name].compile()
    batch_size = gans["alone"].recommended_batch_sizes["default"]
    sample = data.load_arrays("sample")
    dataset = data.pipeline(sample, batch_size, labels=bool(classes)).repeat()
    held_out = None if classes else sample.pixels[:256]

    def train(name):
        callbacks = [doctor] if name == "watched" else []
        started = time.perf_counter()
        gans[name].fit(dataset, steps_per_epoch=STEPS, callbacks=callbacks, verbose=0)
        return time.perf_counter() - started

    with tempfile.TemporaryDirectory() as folder:
        doctor = ganzoo.callbacks.Doctor(folder, held_out=held_out, report=lambda finding: None)
        # The first call traces the training step.
        train("watched")
        with mock.patch.object(updates, "_record_gradient_norm", lambda *_: None):
            train("alone")
        seconds = dict.fromkeys(gans, 0.0)
        assert len(doctor.observations) == 1
        for index in range(arguments.rounds):
            order = list(gans) if index % 2 else list(gans)[::-1]
            for name in order:
                seconds[name] += train(name)
        spent = []
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            doctor.sample_statistics()
            doctor.held_out_auc()
            spent.append(time.perf_counter() - started)
    between = doctor.every * seconds["alone"] / (STEPS * arguments.rounds)
    share = statistics.median(spent) / between
    print(
        f"{arguments.family}: {seconds['watched'] / seconds['alone'] - 1:+.1%}; an observation "
        f"takes {1000 * statistics.median(spent):.0f} ms, {share:.1%} of the {between:.1f} s "
        "between two"
    )


if __name__ == "__main__":
    main()
