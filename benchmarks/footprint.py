"""Measure the start time of the command line and the memory use of the main jobs.

    python benchmarks/footprint.py --rounds 3 --json footprint.json

Each row is measured in a new process, from its start to its end. Each round runs all rows in turn.
The script prints the median, minimum and maximum of the seconds, and the largest resident memory.
The images are those of the packaged sample.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import record

PRESET = "dcgan_fashion_mnist"
FIT = """
import ganzoo
gan = ganzoo.DCGAN((28, 28, 1)); gan.compile()
data = ganzoo.data.load("sample", batch_size=128)
gan.fit(data, epochs=1, verbose=0)
"""
GENERATE = f"""
import ganzoo
gan = ganzoo.from_preset("{PRESET}")
for index in range({{}}): gan.generate(1000, seed=index)
"""
EVALUATE = f"""
import ganzoo
gan = ganzoo.from_preset("{PRESET}")
ganzoo.evaluation.evaluate(gan, "sample", ["fid"], num_images={{}})
"""


def commands(folder):
    """Return the command line arguments of each process by its description."""
    ganzoo = [sys.executable, "-m", "ganzoo"]
    program = [sys.executable, "-c"]
    train = [*ganzoo, "train", "dcgan", "--data", "sample", "--max-steps", "1"]
    return {
        "ganzoo list": [*ganzoo, "list"],
        "ganzoo sample, 64 images to a PNG": [
            *[*ganzoo, "sample", PRESET],
            *["--out", str(folder / "grid.png")],
        ],
        "ganzoo train, one step": [*train, "--out", str(folder / "run")],
        "an epoch of a DCGAN, batch 128": [*program, FIT],
        "2,000 images, 1,000 a call": [*program, GENERATE.format(2)],
        "40,000 images, 1,000 a call": [*program, GENERATE.format(40)],
        "FID of 2,000 images": [*program, EVALUATE.format(2000)],
        "FID of 20,000 images": [*program, EVALUATE.format(20_000)],
    }


def run(arguments):
    """Run a process, and return its `(seconds, megabytes)`."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode()[-1000:])
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return seconds, kilobytes * 1024 / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, help="write the table here, too")
    arguments = parser.parse_args()

    measured = {}
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            for what, words in commands(pathlib.Path(folder)).items():
                measured.setdefault(what, []).append(run(words))
    rows = []
    print("| what | seconds | MB resident at most |\n|---|---|---|")
    for what, runs in measured.items():
        seconds, megabytes = zip(*runs, strict=True)
        rows.append({"what": what, "seconds": seconds, "mb": max(megabytes)})
        print(
            f"| {what} | {statistics.median(seconds):.2f} ({min(seconds):.2f} to "
            f"{max(seconds):.2f}) | {max(megabytes):,.0f} |"
        )
    if arguments.json:
        record.write(arguments.json, arguments, rows=rows)


if __name__ == "__main__":
    main()
