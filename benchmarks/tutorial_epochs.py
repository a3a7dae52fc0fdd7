"""What TensorFlow's tutorial recipe for DCGANs comes to in the 50 epochs that it publishes.

    python benchmarks/tutorial_epochs.py --out tutorial

Trains `time_to_quality.Tutorial` on Fashion-MNIST, in float32, and after some epochs measures
the Fréchet distance of 10,000 images of its last weights to the training images, in the
features of `fashion_mnist`. That takes hours: the folder keeps a checkpoint of the last epoch
and the figures so far, and the same command goes on from there, with other random numbers.
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
    return epoch <= 5 or epoch % 5 == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to go on in")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    figures = arguments.out / "figures.json"

    pixels = data.read("fashion_mnist").pixels
    real = FrechetDistance(extractor="fashion_mnist")
    real.update(pixels, real=True)
    recipe = Tutorial(None, arguments.seed)
    model = recipe.model
    # Built, so that what a checkpoint holds of them is restored at once.
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
