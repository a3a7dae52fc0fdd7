"""Measure the DCGAN recipe of TensorFlow's tutorial over its 50 epochs.

    python benchmarks/tutorial_epochs.py --out tutorial

The script trains `time_to_quality.Tutorial` on Fashion-MNIST in float32. After some epochs it
measures the FID of 10,000 images of the last weights, with the extractor `fashion_mnist`. This
takes hours. The folder keeps a checkpoint of the last epoch and the results so far. The same
command resumes from there, with other random numbers.
"""

import argparse
import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import record
import tensorflow as tf
from time_to_quality import Tutorial, shuffled

from ganzoo import data
from ganzoo.metrics import FrechetDistance


def measured_after(epoch):
    """Return True if the FID is measured after this epoch."""
    return epoch <= 5 or epoch % 5 == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, help="folder to start or resume in"
    )
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures = arguments.out / "figures.json"

    pixels = data.load_arrays("fashion_mnist").pixels
    real = FrechetDistance(extractor="fashion_mnist")
    real.update(pixels, real=True)
    recipe = Tutorial(None, arguments.seed)
    model = recipe.model
    # Build the optimizers, so that the checkpoint restores their variables at once.
    model.g_optimizer.build(model.generator.trainable_variables)
    model.d_optimizer.build(model.discriminator.trainable_variables)
    done, minutes = tf.Variable(0), tf.Variable(0.0)
    checkpoint = tf.train.Checkpoint(model=model, done=done, minutes=minutes)
    manager = tf.train.CheckpointManager(checkpoint, str(arguments.out), max_to_keep=1)
    measured = []
    if manager.restore_or_initialize():
        earlier = json.loads(figures.read_text())["measured"]
        measured = [row for row in earlier if row["epoch"] <= int(done)]
    dataset = shuffled(pixels, recipe.batch_size, arguments.seed + int(done))
    while done < arguments.epochs:
        started = time.perf_counter()
        logs = model.fit(dataset, verbose=0, shuffle=False).history
        minutes.assign_add((time.perf_counter() - started) / 60)
        done.assign_add(1)
        if measured_after(int(done)):
            metric = FrechetDistance(extractor="fashion_mnist")
            metric.merge(real)
            metric.update(recipe.generate(10_000), real=False)
            row = {
                "epoch": int(done),
                "minutes": round(float(minutes), 2),
                "fid": round(float(metric.result()), 3),
                **{name: round(values[-1], 4) for name, values in logs.items()},
            }
            print(row, flush=True)
            measured.append(row)
            record.write(figures, arguments, data="fashion_mnist", measured=measured)
        manager.save()


if __name__ == "__main__":
    main()
