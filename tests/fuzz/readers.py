"""Fuzz the readers of untrusted files, guided by coverage, for a given time.

A reader must return a model or pixels, or raise a `ValueError` of one line that names the file.
Anything else is a crash, as is an input that takes more than a minute. Atheris (libFuzzer) then
prints the error, keeps the input and exits with a nonzero code.

    pip install atheris
    python tests/fuzz/readers.py keras --seconds 300
    python tests/fuzz/readers.py preset --seconds 300
    python tests/fuzz/readers.py image --seconds 300
"""

import argparse
import io
import os
import pathlib
import random
import re
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import atheris

with atheris.instrument_imports(include=["ganzoo", "PIL"]):
    import keras
    import numpy as np
    from PIL import Image

    import ganzoo
    from ganzoo import registry
    from ganzoo.images import photos

    for family in registry.families():
        family.load_class()

OUTCOMES = {"read": 0, "refused": 0}
# The mutator replaces numbers in a configuration by these values.
NUMBERS = (b"0", b"-1", b"1e9", b"99999", b"1" + b"0" * 40, b"null", b'"x"', b"[]", b"NaN", b"1.5")


def check(read, path):
    """Read a file or folder. Assert that it is read, or refused with an error of one line."""
    try:
        read(path)
    except ValueError as error:
        text = str(error)
        assert str(path) in text and "\n" not in text, text
        OUTCOMES["refused"] += 1
    else:
        OUTCOMES["read"] += 1


class KerasFile:
    """Mutate a `.keras` file as a whole."""

    def __init__(self, folder):
        self.path = folder / "model.keras"

    def seeds(self):
        registry.get_family("vanilla").build_test_model(seed=0).save(self.path)
        yield self.path.read_bytes()

    def run(self, content):
        self.path.write_bytes(content)
        check(ganzoo.load, self.path)
        keras.backend.clear_session()


class Preset:
    """Mutate one file of a preset. The first byte of the input chooses the file."""

    def __init__(self, folder):
        self.folder = folder / "preset"

    def seeds(self):
        model = registry.get_family("vanilla").build_test_model(seed=0)
        model.save_to_preset(self.folder, discriminator=False, half=True)
        self.files = [self.folder / name for name in ("config.json", "model.weights.h5")]
        self.valid = [path.read_bytes() for path in self.files]
        for index, content in enumerate(self.valid):
            yield bytes([index]) + content

    def run(self, content):
        if not content:
            return
        for index, (path, valid) in enumerate(zip(self.files, self.valid, strict=True)):
            path.write_bytes(content[1:] if content[0] % 2 == index else valid)
        check(ganzoo.from_preset, self.folder)
        keras.backend.clear_session()


class ImageFile:
    """Mutate image files of all formats that ganzoo reads."""

    def __init__(self, folder):
        self.path = folder / "image"

    def seeds(self):
        pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 4), "uint8")
        image, exif = Image.fromarray(pixels), Image.Exif()
        exif[0x0112] = 6
        for kind in ("PNG", "GIF", "WEBP", "TIFF", "AVIF", "JPEG", "BMP"):
            for mode in ("RGBA", "CMYK", "L", "P", "1", "I;16", "LA", "RGB"):
                content = io.BytesIO()
                try:
                    image.convert(mode).save(content, kind, exif=exif)
                except (OSError, ValueError, KeyError):
                    continue  # Some formats do not support all modes.
                yield content.getvalue()

    def run(self, content):
        self.path.write_bytes(content)
        check(photos.read_photo, self.path)


TARGETS = {"keras": KerasFile, "preset": Preset, "image": ImageFile}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp())
    target = TARGETS[arguments.target](folder)
    corpus = folder / "corpus"
    corpus.mkdir()
    for index, content in enumerate(target.seeds()):
        (corpus / f"{index:03d}").write_bytes(content)

    valid = [path.read_bytes() for path in sorted(corpus.iterdir())]

    def mutate(content, max_size, seed):
        """Mutate a valid file in most cases. Readers refuse a damaged header at once."""
        draw = random.Random(seed)
        if draw.random() < 0.8:
            content = draw.choice(valid)
        for _ in range(draw.choice((1, 1, 2, 4, 16))):
            numbers = list(re.finditer(rb"\d+", content[:2000]))
            if numbers and draw.random() < 0.3:
                found = draw.choice(numbers)
                content = content[: found.start()] + draw.choice(NUMBERS) + content[found.end() :]
            else:
                content = atheris.Mutate(content, max_size)
        return content[:max_size]

    def run(content):
        target.run(content)
        # libFuzzer exits without running exit handlers of Python. So print the counts regularly.
        if sum(OUTCOMES.values()) % 100 == 0:
            print(OUTCOMES, flush=True)

    options = [
        f"-max_total_time={arguments.seconds}",
        f"-seed={arguments.seed}",
        "-timeout=60",
        "-rss_limit_mb=8000",
        "-max_len=200000",
        f"-artifact_prefix={folder}/",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
