"""Train one of the classifiers that come with ganzoo, and write its weights.

    python scripts/train_classifier.py fashion_mnist

This prints the record for `ganzoo/metrics/classifiers.py`, and the accuracy on the test images for
`tests/metrics/test_features.py`.
"""

import argparse
import hashlib
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

import ganzoo
from ganzoo import data
from ganzoo.images import from_pixels
from ganzoo.metrics.classifiers import build_classifier
from ganzoo.saving import weights

ASSETS = pathlib.Path(ganzoo.__file__).parent / "assets"
EPOCHS = {"mnist": 6, "fashion_mnist": 8, "cifar10": 20}
# Largest shift of an image in pixels. Mirrored digits would be wrong; clothes may be mirrored.
SHIFT = {"mnist": 2, "fashion_mnist": 2, "cifar10": 4}
MIRRORED = {"fashion_mnist", "cifar10"}
BATCH = 128
RATE = 3e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=sorted(EPOCHS))
    parser.add_argument("--epochs", type=int, help="passes over the training images")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    name = arguments.name
    epochs = arguments.epochs or EPOCHS[name]

    keras.utils.set_random_seed(arguments.seed)
    train, test = data.load_arrays(name, "train"), data.load_arrays(name, "test")
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_classifier(train.pixels.shape[1:], train.num_classes)
    steps = epochs * (len(train.pixels) // BATCH)
    network.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(RATE / 10, steps, warmup_target=RATE,
                                                   warmup_steps=steps // 10),
            weight_decay=0.05,
        ),
        # The loss is on the logits. The features have none.
        loss=[None, keras.losses.SparseCategoricalCrossentropy(from_logits=True)],
        metrics=[None, "accuracy"],
        jit_compile=False,
    )  # fmt: skip
    started = time.time()
    network.fit(_pipeline(train, name, arguments.seed), epochs=epochs, verbose=2)
    minutes = (time.time() - started) / 60

    path = ASSETS / f"{name}_classifier.weights.h5"
    path.parent.mkdir(exist_ok=True)
    # A compiled model would save its optimizer, too.
    keras.Model(network.inputs, network.outputs).save_weights(path)
    weights.halve(path)
    accuracy = _accuracy(path, test)
    content = path.read_bytes()
    print(f"{accuracy:.4f} of {len(test.pixels)} test images, {minutes:.1f} minutes of training")
    print(f'"{name}": Classifier(')
    print(f"    image_shape={tuple(train.pixels.shape[1:])},")
    print(f"    num_classes={train.num_classes},")
    digest = hashlib.sha256(content).hexdigest()
    print(f'    weights=File("{path.name}", sha256="{digest}", size={len(content):_}),\n),')


def _pipeline(image_data, name, seed):
    """Return a dataset of the training images with random shifts and mirroring."""
    shift = SHIFT[name]
    height, width, channels = image_data.pixels.shape[1:]
    margins = [(0, 0), (shift, shift), (shift, shift), (0, 0)]
    padded = np.pad(image_data.pixels, margins, mode="reflect" if name in MIRRORED else "constant")

    def augment(pixels, label):
        pixels = tf.image.random_crop(pixels, (height, width, channels))
        return tf.image.random_flip_left_right(pixels) if name in MIRRORED else pixels, label

    dataset = tf.data.Dataset.from_tensor_slices((padded, image_data.labels))
    dataset = dataset.shuffle(len(padded), seed=seed).map(augment, num_parallel_calls=2)
    batches = dataset.batch(BATCH, drop_remainder=True)
    # The labels belong to the second output.
    return batches.map(lambda p, y: (from_pixels(p), (y, y))).prefetch(2)


def _accuracy(path, test):
    """Return the accuracy on test images of the weights in a file, in float32."""
    keras.config.set_dtype_policy("float32")
    network = build_classifier(test.pixels.shape[1:], test.num_classes)
    network.load_weights(path)
    _, logits = network.predict(np.asarray(from_pixels(test.pixels)), batch_size=250, verbose=0)
    return float(np.mean(logits.argmax(axis=1) == test.labels))


if __name__ == "__main__":
    main()
