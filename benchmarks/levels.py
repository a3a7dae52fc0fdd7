"""How much of a LAPGAN's distance each of its levels brings.

    python benchmarks/levels.py lapgan_cifar10 --data cifar10

The Fréchet distance to training images of samples that grow from noise, and of samples that
grow from unseen real images brought down to each level but the last, of their own classes.
Both for the averaged weights and for the last ones, which are the same in a preset.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from ganzoo import data, metrics, runs

_BATCH = 250


def measure(gan, training, unseen, extractor, **arguments):
    """FID of as many samples as there are unseen images."""
    distance = metrics.FrechetDistance(extractor)
    labels = None if gan.num_classes is None else unseen.labels
    made = gan.generate(len(unseen.pixels), labels=labels, seed=0, batch_size=_BATCH, **arguments)
    for pixels, real in [(training.pixels, True), (made, False)]:
        for start in range(0, len(pixels), _BATCH):
            distance.update(pixels[start : start + _BATCH], real=real)
    return float(distance.result())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="preset, run or .keras file of a LAPGAN")
    parser.add_argument("--data", required=True, help="TFDS name, which is its extractor's too")
    arguments = parser.parse_args()
    gan = runs.find_model(arguments.model)
    extractor = metrics.get_extractor(arguments.data)
    training = data.read(arguments.data, split="train[:20000]")
    unseen = data.read(arguments.data, split="test[:4000]")
    print("| grown from | averaged | last |\n|---|---|---|")
    starts = {f"{side} pixels": level for level, side in enumerate(gan.level_sides[:-1])}
    for name, level in {"noise": None, **starts}.items():
        start = {} if level is None else {"coarse_images": unseen.pixels, "level": level}
        values = [
            measure(gan, training, unseen, extractor, use_ema=use_ema, **start)
            for use_ema in (True, False)
        ]
        print(f"| {name} | {values[0]:.2f} | {values[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
