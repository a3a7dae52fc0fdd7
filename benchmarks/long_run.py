"""Check that memory use and open files do not grow in hours of training.

The script trains a DCGAN on the packaged sample with all callbacks of a run: sample grids,
TensorBoard, the doctor, checkpoints, and FID after every few epochs. It records the resident memory
of the process every ten seconds, and its open files at the end of each epoch.

    python benchmarks/long_run.py --minutes 30

It exits with code 1 if memory has grown by 2 % or more since minute 5, or if the number of open
files at the end of an epoch has changed.
"""

import argparse
import json
import pathlib
import statistics
import sys
import tempfile
import threading
import time

import keras
import psutil

import ganzoo
from ganzoo import callbacks, data

LARGEST_GROWTH = 0.02
# Resident memory varies within an epoch. Compare medians over this many seconds.
WINDOW = 60


class Watch(keras.callbacks.Callback):
    """Callback that records memory and open files, and stops training after some seconds."""

    def __init__(self, seconds, every):
        super().__init__()
        self.seconds, self.every = seconds, every
        self.rows, self.files = [], []
        self._process = psutil.Process()

    def on_train_begin(self, logs=None):
        self._began = time.monotonic()
        threading.Thread(target=self._note, daemon=True).start()

    def on_train_batch_end(self, batch, logs=None):
        if time.monotonic() - self._began > self.seconds:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        # A checkpoint may be open within an epoch.
        self.files.append((time.monotonic() - self._began, self._process.num_fds()))

    def _note(self):
        while (now := time.monotonic() - self._began) < self.seconds:
            self.rows.append((now, self._process.memory_info().rss))
            time.sleep(self.every)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--settled", type=float, default=5, help="minute of the first measurement")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp())

    keras.utils.set_random_seed(0)
    gan = ganzoo.DCGAN(image_shape=(28, 28, 1), base_filters=16, seed=0)
    gan.compile()
    watch = Watch(60 * arguments.minutes, every=10)
    doctor = callbacks.Doctor(folder)
    metrics = callbacks.MetricsFile(folder / "metrics.json", 64, doctor)
    scalars = callbacks.GameScalars(folder)
    gan.fit(
        data.load("sample"),
        epochs=10**6,
        verbose=0,
        callbacks=[
            doctor,
            callbacks.Evaluate("sample", folder, every=5, num_images=1000),
            metrics,
            callbacks.SampleGrid(folder),
            scalars,
            callbacks.Checkpoint(
                folder / "checkpoints", every=100, watched=(doctor, metrics, scalars)
            ),
            watch,
        ],
    )

    settled = 60 * arguments.settled
    first = [size for when, size in watch.rows if settled <= when < settled + WINDOW]
    last = [size for when, size in watch.rows if when >= watch.seconds - WINDOW]
    growth = statistics.median(last) / statistics.median(first) - 1
    files = sorted({count for when, count in watch.files if when >= settled})
    report = {
        "minutes": arguments.minutes,
        "steps": gan.step,
        "epochs": len(metrics.epochs),
        "megabytes_each_minute": [
            round(statistics.median(s for w, s in watch.rows if m <= w / 60 < m + 1) / 1e6)
            for m in range(int(arguments.minutes))
        ],
        "growth": round(growth, 4),
        "open_files": files,
    }
    print(json.dumps(report, indent=2))
    sys.exit(growth >= LARGEST_GROWTH or len(files) > 1)


if __name__ == "__main__":
    main()
