"""Compare the speed of image generation in ganzoo and in each export format.

    python benchmarks/inference.py --models dcgan_fashion_mnist,srgan_x4 --json inference.json

Models are presets or names of families. For each model and batch size, the script loads and runs
everything once, and then measures in turns for some rounds: `generate` (or `upscale`), the averaged
network as a compiled function, SavedModel, onnxruntime and LiteRT. All run on the CPU with their
default number of threads, except LiteRT, which uses all cores. The script prints images per second
(median over the rounds), the ratio to the network alone, the size of the file and its loading time.
"""

import argparse
import functools
import os
import pathlib
import statistics
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import record
import tensorflow as tf

import ganzoo
from ganzoo import export, registry
from ganzoo.images import from_pixels

SUFFIXES = {"savedmodel": "", "onnx": ".onnx", "litert": ".tflite"}
WAYS = ("generate", "upscale", *SUFFIXES)
BATCHES = (1, 64)
SIDES = (128, 512)
# Batches per call of `generate`, which draws the latents of all batches at once.
BULK = 16
# Shortest duration of one measurement, in seconds.
MIN_SECONDS = 0.5


def open_model(name):
    """Load a preset, or build an untrained model of a family for images of 28 x 28 pixels."""
    if name in ganzoo.list_presets():
        return ganzoo.from_preset(name)
    family = registry.get_family(name)
    classes = {"num_classes": 10} if family.classes == "always" else {}
    return family.load_class()(image_shape=(28, 28, 1), **classes)


def cases(gan):
    """Yield `(description, num_images, inputs)` of each case."""
    rng = np.random.default_rng(0)
    if gan.task == "super_resolution":
        for side in SIDES:
            yield (
                f"{side} x {side}",
                1,
                {"images": rng.integers(0, 256, (1, side, side, 3), "uint8")},
            )
        return
    for count in BATCHES:
        latents = rng.standard_normal((count, *gan.latent_shape)).astype("float32")
        labels = (np.arange(count) % (gan.num_classes or 1)).astype("int32")
        yield (
            f"batch {count}",
            count,
            {"latents": latents, **({"labels": labels} if gan.num_classes else {})},
        )


def own(gan, inputs):
    """Return the functions of ganzoo and of the network alone, by name."""
    network = gan.ema_generator
    bare = tf.function(lambda inputs: network(inputs, training=False))
    if gan.task == "super_resolution":
        image = inputs["images"][0]
        return {
            "upscale": lambda: gan.upscale(image),
            "network": functools.partial(bare, from_pixels(inputs["images"])),
        }
    tensors = [tf.constant(value) for value in inputs.values()]
    count = len(tensors[0])
    labels = np.tile(inputs["labels"], BULK) if "labels" in inputs else None
    return {
        "generate": lambda: gan.generate(BULK * count, labels, seed=0, batch_size=count),
        "network": functools.partial(bare, tensors if labels is not None else tensors[0]),
    }


def seconds_of(function):
    """Return the seconds of one call, averaged over at least `MIN_SECONDS`."""
    calls, started = 0, time.perf_counter()
    while True:
        function()
        calls += 1
        passed = time.perf_counter() - started
        if passed > MIN_SECONDS:
            return passed / calls


def measure(name, rounds, folder, ways):
    """Yield the rows of the table for one model.

    `ways` are the columns to measure.
    """
    gan = open_model(name)
    files = {}
    for format, suffix in SUFFIXES.items():
        if format not in ways:
            continue
        path = folder / f"{name}{suffix}"
        gan.export(path, format)
        started = time.perf_counter()
        run = export.FORMATS[format].load(path)
        every = path.rglob("*") if path.is_dir() else [path]
        size = sum(part.stat().st_size for part in every if part.is_file()) / 1e6
        files[format] = {"run": run, "load_s": time.perf_counter() - started, "mb": size}
    for what, count, inputs in cases(gan):
        timed = own(gan, inputs)
        timed.update({f: functools.partial(file["run"], **inputs) for f, file in files.items()})
        timed = {way: timed[way] for way in timed if way in ways or way == "network"}
        seconds = {way: [] for way in timed}
        for round_index in range(rounds + 1):
            for way, function in timed.items():
                taken = seconds_of(function) / (BULK if way == "generate" else 1)
                if round_index:  # The first round compiles.
                    seconds[way].append(taken)
        for way, taken in seconds.items():
            ratios = [bare / own for bare, own in zip(seconds["network"], taken, strict=True)]
            yield {
                "model": name,
                "case": what,
                "way": way,
                "images_per_second": count / statistics.median(taken),
                "of_the_network": statistics.median(ratios),
                "mb": files[way]["mb"] if way in files else None,
                "load_s": files[way]["load_s"] if way in files else None,
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="vanilla," + ",".join(ganzoo.list_presets()))
    parser.add_argument("--by", default=",".join(WAYS), help="columns in addition to the network")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="write the table here, too")
    arguments = parser.parse_args()

    rows = []
    print("| model | case | by | images/s | of the network | MB | load, s |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.models.split(","):
            for row in measure(
                name, arguments.rounds, pathlib.Path(folder), arguments.by.split(",")
            ):
                rows.append(row)
                rest = [f"{row[key]:.1f}" if row[key] else "" for key in ("mb", "load_s")]
                print(
                    f"| {row['model']} | {row['case']} | {row['way']} | "
                    f"{row['images_per_second']:.3g} | {row['of_the_network']:.2f} | "
                    f"{' | '.join(rest)} |",
                    flush=True,
                )
    if arguments.json:
        record.write(arguments.json, arguments, rows=rows)


if __name__ == "__main__":
    main()
