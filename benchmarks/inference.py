"""Compares how fast a model draws images: in ganzoo, and in each format it is exported to.

    python benchmarks/inference.py --models dcgan_fashion_mnist,srgan_x4 --json inference.json

For each model, a preset or a family's name, and each batch, everything is loaded, run once,
and then timed in turns for some rounds: `generate` (or `upscale`), the bare averaged network
as a compiled function, SavedModel, onnxruntime and LiteRT, all on the processor with the
threads they take by themselves (LiteRT with all). Printed are images per second (median over
rounds), the ratio to the bare network, the size of the file and the seconds it takes to load.
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
# Batches in one call of `generate`, which draws latents once for them all.
BULK = 16
# Seconds that one measurement lasts at least.
LEAST = 0.5


def open_model(name):
    """A preset, or a family's untrained model for images of 28 x 28."""
    if name in ganzoo.list_presets():
        return ganzoo.from_preset(name)
    family = registry.get_family(name)
    classes = {"num_classes": 10} if family.classes == "always" else {}
    return family.load_class()(image_shape=(28, 28, 1), **classes)


def cases(gan):
    """`(what, images, inputs)` of what is timed."""
    rng = np.random.default_rng(0)
    if hasattr(gan, "upscale"):
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
    """What a user of ganzoo calls, and the network it cannot be faster than."""
    network = gan.ema_generator
    bare = tf.function(lambda inputs: network(inputs, training=False))
    if hasattr(gan, "upscale"):
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
    """Seconds of one call, over as many as last long enough."""
    calls, started = 0, time.perf_counter()
    while True:
        function()
        calls += 1
        passed = time.perf_counter() - started
        if passed > LEAST:
            return passed / calls


def measure(name, rounds, folder, ways):
    """Rows of the table for one model; `ways` are the columns that are wanted."""
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
                if round_index:  # The first traces and plans.
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
    parser.add_argument("--by", default=",".join(WAYS), help="what is timed beside the network")
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
