"""Measures what the doctor costs: training with it against training without, interleaved.

    python benchmarks/doctor_cost.py --family dcgan --rounds 7

Every round trains two equal models for 200 steps: one that nobody watches, whose steps do
not even note the norms of their gradients, and one with the doctor (an observation a
round, TensorBoard files written, held-out images at hand), in turns first. Printed is
the time of the second over that of the first, less one, over all rounds, and the time of an
observation by itself.
"""

import argparse
import os
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import ganzoo
from ganzoo import data, registry

# From one observation to the next: each `fit` counts anew.
STEPS = 200

CHOICES = [family.name for family in registry.families() if not family.restores]


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
    gans["alone"].note_norm = lambda *_: None
    batch_size = gans["alone"].recommended_batch_sizes["default"]
    sample = data.read("sample")
    dataset = data.pipeline(sample, batch_size, labels=bool(classes)).repeat()
    held_out = None if classes else sample.pixels[:256]

    def train(name):
        callbacks = [doctor] if name == "watched" else []
        started = time.perf_counter()
        gans[name].fit(dataset, steps_per_epoch=STEPS, callbacks=callbacks, verbose=0)
        return time.perf_counter() - started

    with tempfile.TemporaryDirectory() as folder:
        doctor = ganzoo.callbacks.Doctor(folder, held_out=held_out, report=lambda finding: None)
        for name in gans:
            train(name)  # Compiles.
        seconds = dict.fromkeys(gans, 0.0)
        assert len(doctor.observations) == 1
        for index in range(arguments.rounds):
            order = list(gans) if index % 2 else list(gans)[::-1]
            for name in order:
                seconds[name] += train(name)
        spent = []
        for _ in range(arguments.rounds):
            started = time.perf_counter()
            doctor.look()
            doctor.quiz()
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
