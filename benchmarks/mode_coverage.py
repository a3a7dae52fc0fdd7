"""Count the modes of Stacked MNIST that a DCGAN covers with each adversarial loss.

    python benchmarks/mode_coverage.py --steps 3000 --json modes.json

An image has a digit in each color channel, which makes 1,000 modes. All losses train the same
networks on the same batches for the same number of steps. Losses that the literature combines with
a gradient penalty are also trained with it. R1 and R2 have the default weight of 10, and the weight
of 1 that Huang et al. (2025, arXiv:2501.05441) use here. A classifier reads the digits of 26,000
images of the averaged generator, as many as in Metz et al. (2016, arXiv:1611.02163). The script
prints the number of modes, the divergence KL(fake || real) in nats and the minutes. The last row
shows 26,000 real images.
"""

import argparse
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import record

import ganzoo
from ganzoo import data, metrics
from ganzoo.regularizers import REGULARIZERS

# Loss, gradient penalty and weight of the penalty.
CASES = [
    ("minimax", "none", None),
    ("non_saturating", "none", None),
    ("non_saturating", "r1", 1.0),
    ("non_saturating", "r1", 10.0),
    ("least_squares", "none", None),
    ("hinge", "none", None),
    ("wasserstein", "gradient_penalty", 10.0),
    ("relativistic", "none", None),
    ("relativistic", "r1_r2", 1.0),
    ("relativistic", "r1_r2", 10.0),
]
NUM_IMAGES = 26_000
CHUNK = 1000


def measure(real, draw):
    """Return the modes and the divergence of the images that `draw(count, index)` returns."""
    metric = metrics.ModeCoverage("stacked_mnist")
    metric.update_classes(real.labels, real.num_classes, real=True)
    for index in range(NUM_IMAGES // CHUNK):
        metric.update(draw(CHUNK, index), real=False)
    return metric.result().details


def train(real, loss, regularizer, weight, arguments):
    """Train a DCGAN, and return its row of the table."""
    keras.utils.set_random_seed(arguments.seed)
    gan = ganzoo.DCGAN(
        image_shape=(28, 28, 3),
        base_filters=arguments.base_filters,
        discriminator_norm=arguments.discriminator_norm,
        seed=arguments.seed,
    )
    penalty = REGULARIZERS[regularizer](weight) if weight else "none"
    gan.compile(loss=loss, regularizer=penalty)
    dataset = data.pipeline(real, batch_size=32, seed=arguments.seed).repeat()
    doctor = ganzoo.callbacks.Doctor(report=lambda finding: None)
    started = time.perf_counter()
    row = {"loss": loss, "regularizer": regularizer, "weight": weight}
    try:
        gan.fit(dataset, steps_per_epoch=arguments.steps, callbacks=[doctor], verbose=0)
    except FloatingPointError as error:
        print(error)
    row["minutes"] = (time.perf_counter() - started) / 60
    row["findings"] = [finding.failure_mode for finding in doctor.findings]
    if arguments.samples:
        arguments.samples.mkdir(parents=True, exist_ok=True)
        pixels = gan.generate(64, seed=0)
        path = arguments.samples / f"{loss}_{regularizer}_{weight}.png"
        ganzoo.images.write_png(path, ganzoo.images.make_grid(pixels))
    return {**row, **measure(real, lambda count, index: gan.generate(count, seed=index))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--base-filters", type=int, default=64)
    parser.add_argument("--discriminator-norm", help="none or batch, instead of the default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", default="mixed_bfloat16")
    parser.add_argument("--losses", help="losses to train, such as hinge,relativistic")
    parser.add_argument("--json", type=pathlib.Path, help="write the table here, too")
    parser.add_argument("--samples", type=pathlib.Path, help="folder for a sample grid of each row")
    arguments = parser.parse_args()

    keras.config.set_dtype_policy(arguments.dtype)
    real = data.load_arrays("stacked_mnist")
    rows = []
    print("| loss | penalty | modes | KL | minutes | the doctor found |\n|---|---|---|---|---|---|")
    for loss, regularizer, weight in CASES:
        if arguments.losses and loss not in arguments.losses.split(","):
            continue
        row = train(real, loss, regularizer, weight, arguments)
        rows.append(row)
        print(
            f"| {loss} | {regularizer} {weight or ''} | {row['modes']} | {row['kl']:.3f} | "
            f"{row['minutes']:.1f} | {', '.join(row['findings']) or 'nothing'} |",
            flush=True,
        )
    order = np.random.default_rng(arguments.seed).permutation(len(real.pixels))
    unseen = measure(real, lambda count, index: real.pixels[order[index * count :][:count]])
    print(f"| real images | | {unseen['modes']} | {unseen['kl']:.3f} | | |")
    if arguments.json:
        record.write(arguments.json, arguments, rows=rows, real=unseen)


if __name__ == "__main__":
    main()
