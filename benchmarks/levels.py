"""Measure the contribution of each level of a LAPGAN to its FID.

    python benchmarks/levels.py lapgan_cifar10 --data cifar10

The script prints the FID of samples that grow from noise, and of samples that grow from unseen real
images of the same classes, downsampled to each level except the last. It does so for three
generators: with averaged weights, with the last weights (the same in a preset), and with averaged
weights whose batch statistics come from real coarse images, as in training.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from ganzoo import data, metrics
from ganzoo.saving import loading

_BATCH = 250


def distance_of(pixels, extractor, real):
    """Return a `FrechetDistance` that is updated with these images."""
    distance = metrics.FrechetDistance(extractor)
    for start in range(0, len(pixels), _BATCH):
        distance.update(pixels[start : start + _BATCH], real=real)
    return distance


def measure(gan, training, unseen, extractor, **arguments):
    """Return the FID of as many samples as there are unseen images.

    `training` is a `FrechetDistance` of the training images.
    """
    labels = None if gan.num_classes is None else unseen.labels
    made = gan.generate(len(unseen.pixels), labels=labels, seed=0, batch_size=_BATCH, **arguments)
    distance = distance_of(made, extractor, real=False)
    distance.merge(training)
    return float(distance.result())


def take_statistics_of_real(gan, dataset, num_batches=100):
    """Give the last generator the averaged weights, and batch statistics of real coarse images."""
    gan.generator.set_weights(gan.ema_generator.get_weights())
    for index, batch in enumerate(dataset.take(num_batches)):
        real_images, condition = gan.unpack(batch)
        latents = gan.sample_latents(len(real_images[0]), (0, index))
        gan.synthesize(latents, condition, training=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="preset, run or .keras file of a LAPGAN")
    parser.add_argument("--data", required=True, help="TFDS name, also the name of the extractor")
    arguments = parser.parse_args()
    gan = loading.find_model(arguments.model)
    extractor = metrics.get_extractor(arguments.data)
    training = data.load_arrays(arguments.data, split="train[:20000]")
    unseen = data.load_arrays(arguments.data, split="test[:4000]")
    seen = distance_of(training.pixels, extractor, real=True)
    starts = {"noise": {}}
    for level, (height, width) in enumerate(gan.level_sizes[:-1]):
        starts[f"{height}x{width} pixels"] = {"coarse_images": unseen.pixels, "level": level}

    def row(name, use_ema):
        values = [
            measure(gan, seen, unseen, extractor, use_ema=use_ema, **start)
            for start in starts.values()
        ]
        print(f"| {name} | " + " | ".join(f"{value:.2f}" for value in values) + " |", flush=True)

    print("| weights | " + " | ".join(f"from {name}" for name in starts) + " |")
    print("|---" * (1 + len(starts)) + "|")
    row("averaged", use_ema=True)
    row("last", use_ema=False)
    labels = gan.num_classes is not None
    take_statistics_of_real(gan, data.pipeline(training, 32, labels=labels, seed=0))
    row("averaged, statistics of real coarse images", use_ema=False)


if __name__ == "__main__":
    main()
