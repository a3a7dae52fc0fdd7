"""Fit the model of photographs that NIQE compares with.

    python scripts/fit_niqe.py FOLDER

This prints the record for `ganzoo/metrics/naturalness.py`.
"""

import argparse
import pathlib

import numpy as np

import ganzoo
from ganzoo.images import photos
from ganzoo.metrics.naturalness import PHOTOGRAPHS, fit_gaussian, measure_blocks
from ganzoo.saving.downloads import digest

ASSETS = pathlib.Path(ganzoo.__file__).parent / "assets"
# A block is used if it is at least this sharp, relative to the sharpest one of its image.
SHARP = 0.75


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="photographs without blur, noise and compression artifacts")
    arguments = parser.parse_args()
    files = photos.find_photos([arguments.folder])
    chosen = []
    for path in files:
        statistics, sharpness = measure_blocks(photos.read_photo(path).pixels)
        chosen.append(statistics[sharpness > SHARP * sharpness.max()])
    chosen = np.concatenate(chosen)
    mean, covariance = fit_gaussian(chosen)
    path = ASSETS / PHOTOGRAPHS.name
    np.savez(path, mean=mean, covariance=covariance)
    print(f"{len(files)} photographs, {len(chosen)} blocks")
    print(f'File("{path.name}", sha256="{digest(path)}", size={path.stat().st_size:_})')


if __name__ == "__main__":
    main()
