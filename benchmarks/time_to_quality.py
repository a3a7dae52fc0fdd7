"""Measure the quality on Fashion-MNIST after some minutes of training.

    python benchmarks/time_to_quality.py dcgan --minutes 10 --json time_to_quality.json

Three models train in turns of some seconds, so that a change of the machine's speed affects all:

- ganzoo: `DCGAN` or `VanillaGAN` with the defaults of `compile()`, in mixed bfloat16. The averaged
  weights are measured.
- guide: the same networks in the training step of Keras's guide (`train_step.Baseline`), in
  float32.
- copied: the networks and training that people copy, written from scratch. For the DCGAN this is
  TensorFlow's tutorial: batches of 256, Adam with a rate of 1e-4, dropout in the discriminator, one
  batch of fake images for both networks. For the vanilla GAN it is Keras-GAN: batches of 32, Adam
  with a rate of 2e-4. Here one update of the discriminator uses real and fake images. There it has
  one update for each.

The clock of a model stops while another one trains or is measured. At each mark, the script prints
the FID of 10,000 images to the training images with the extractor `fashion_mnist`. At the end it
prints the first mark at which each model was at least as good as the copied recipe at its last
mark. If the data set is not on disk, the packaged sample is used.
"""

import argparse
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import record
import tensorflow as tf
from keras import layers
from train_step import Baseline

from ganzoo import data, registry
from ganzoo.images import to_pixels
from ganzoo.metrics import FrechetDistance

MARKS = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 45, 60)
# Seconds per turn.
TURN = 10.0
SHAPE = (28, 28, 1)


class Ganzoo:
    """Model of ganzoo with its defaults, measured with averaged weights."""

    def __init__(self, family, seed):
        keras.utils.set_random_seed(seed)
        self.batch_size = family.recommended_batch_sizes["default"]
        self.model = family(SHAPE, dtype="mixed_bfloat16", seed=seed)
        self.model.compile()

    def generate(self, count):
        return self.model.generate(count, seed=0)


class Guide:
    """Networks of ganzoo in the training step of Keras's guide."""

    def __init__(self, family, seed):
        keras.utils.set_random_seed(seed)
        self.batch_size = family.recommended_batch_sizes["default"]
        self.gan = family(SHAPE, seed=seed)
        rate = float(self.gan.recommended()["generator_optimizer"].learning_rate)
        self.model = Baseline(self.gan.generator, self.gan.discriminator, learning_rate=rate)
        self.model.compile()

    def generate(self, count):
        return self.gan.generate(count, seed=0, use_ema=False)


class Simultaneous(Baseline):
    """Baseline whose networks are both updated from one batch of fake images."""

    def train_step(self, real):
        with tf.GradientTape(persistent=True) as tape:
            fake = self.make_fakes(real, None)
            real_logits, fake_logits = self.logits(real, None), self.logits(fake, None)
            g_loss = self.loss_fn(tf.ones_like(fake_logits), fake_logits)
            d_loss = self.loss_fn(tf.ones_like(real_logits), real_logits)
            d_loss += self.loss_fn(tf.zeros_like(fake_logits), fake_logits)
        moves = [
            (self.g_optimizer, g_loss, self.generator.trainable_variables),
            (self.d_optimizer, d_loss, self.discriminator.trainable_variables),
        ]
        gradients = [tape.gradient(loss, variables) for _, loss, variables in moves]
        for (optimizer, _, variables), gradient in zip(moves, gradients, strict=True):
            optimizer.apply_gradients(zip(gradient, variables, strict=True))
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


class Copied:
    """Recipe with its own networks, from `build`, and the model class `step`."""

    beta_1, step = 0.9, Baseline

    def __init__(self, family, seed):
        keras.utils.set_random_seed(seed)
        self.model = self.step(*self.build(), learning_rate=self.rate, beta_1=self.beta_1)
        self.model.compile()

    def generate(self, count):
        latents = tf.random.stateless_normal((count, 100), (0, 0))
        return to_pixels(self.model.generator.predict(latents, batch_size=64, verbose=0))


class Tutorial(Copied):
    """Recipe of TensorFlow's tutorial "Deep Convolutional Generative Adversarial Network"."""

    batch_size, rate, step = 256, 1e-4, Simultaneous

    def build(self):
        up = {"strides": 2, "padding": "same", "use_bias": False}
        generator = keras.Sequential(
            [
                keras.Input((100,)),
                layers.Dense(7 * 7 * 256, use_bias=False),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                layers.Reshape((7, 7, 256)),
                layers.Conv2DTranspose(128, 5, padding="same", use_bias=False),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                layers.Conv2DTranspose(64, 5, **up),
                layers.BatchNormalization(),
                layers.LeakyReLU(),
                layers.Conv2DTranspose(1, 5, activation="tanh", **up),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input(SHAPE),
                layers.Conv2D(64, 5, strides=2, padding="same"),
                layers.LeakyReLU(),
                layers.Dropout(0.3),
                layers.Conv2D(128, 5, strides=2, padding="same"),
                layers.LeakyReLU(),
                layers.Dropout(0.3),
                layers.Flatten(),
                layers.Dense(1),
            ]
        )
        return generator, discriminator


class Perceptrons(Copied):
    """Recipe of `gan.py` in Keras-GAN."""

    batch_size, rate, beta_1 = 32, 2e-4, 0.5

    def build(self):
        hidden = [
            layer
            for units in (256, 512, 1024)
            for layer in (
                layers.Dense(units),
                layers.LeakyReLU(0.2),
                layers.BatchNormalization(momentum=0.8),
            )
        ]
        image = [layers.Dense(28 * 28, activation="tanh"), layers.Reshape(SHAPE)]
        generator = keras.Sequential([keras.Input((100,)), *hidden, *image])
        discriminator = keras.Sequential(
            [
                keras.Input(SHAPE),
                layers.Flatten(),
                layers.Dense(512),
                layers.LeakyReLU(0.2),
                layers.Dense(256),
                layers.LeakyReLU(0.2),
                layers.Dense(1),
            ]
        )
        return generator, discriminator


COPIED = {"dcgan": Tutorial, "vanilla": Perceptrons}


def shuffled(pixels, batch_size, seed):
    """Return batches of shuffled float images, as these recipes use them."""
    images = pixels.astype("float32") / 127.5 - 1.0
    dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images), seed=seed)
    return dataset.batch(batch_size, drop_remainder=True)


class Contender:
    """One of the three models, with its clock and its measurements."""

    def __init__(self, name, maker, family, image_data, seed):
        self.name = name
        started = time.perf_counter()
        self.maker = maker(family, seed)
        if isinstance(self.maker, Ganzoo):
            dataset = data.pipeline(image_data, self.maker.batch_size, seed=seed)
        else:
            dataset = shuffled(image_data.pixels, self.maker.batch_size, seed)
        self.dataset = dataset.repeat()
        self.num_steps = 0
        self.seconds = time.perf_counter() - started
        self.measured = []

    def train(self, until):
        """Train for a turn, at most until `until` on its clock. Return True if it is reached."""
        steps = 2
        if self.num_steps:
            turn = min(TURN, until - self.seconds)
            steps = max(1, round(turn / self.seconds_per_step))
        started = time.perf_counter()
        self.maker.model.fit(self.dataset, steps_per_epoch=steps, verbose=0, shuffle=False)
        seconds = time.perf_counter() - started
        self.seconds_per_step = seconds / steps
        self.seconds += seconds
        self.num_steps += steps
        return self.seconds >= until

    def measure(self, metric):
        """Measure the FID, and record it with the time and the steps."""
        metric.update(self.maker.generate(10_000), real=False)
        self.measured.append((self.seconds / 60, self.num_steps, float(metric.result())))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=sorted(COPIED))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=pathlib.Path, help="write the results here, too")
    arguments = parser.parse_args()

    try:
        source, image_data = "fashion_mnist", data.load_arrays("fashion_mnist")
    except ValueError:
        source, image_data = "sample", data.load_arrays("sample")
    real = FrechetDistance(extractor="fashion_mnist")
    real.update(image_data.pixels, real=True)

    makers = {"ganzoo": Ganzoo, "guide": Guide, "copied": COPIED[arguments.family]}
    family = registry.get_family(arguments.family).load_class()
    contenders = [Contender(*item, family, image_data, arguments.seed) for item in makers.items()]
    print(f"Fréchet distance to {len(image_data.pixels)} images of {source} after some minutes")
    print("| minutes | " + " | ".join(makers) + " |\n|" + "---|" * (1 + len(makers)))
    for mark in [mark for mark in MARKS if mark <= arguments.minutes]:
        waiting = contenders
        while waiting:
            waiting = [contender for contender in waiting if not contender.train(mark * 60)]
        for contender in contenders:
            metric = FrechetDistance(extractor="fashion_mnist")
            metric.merge(real)
            contender.measure(metric)
        row = (f"{contender.measured[-1][-1]:.2f}" for contender in contenders)
        print(f"| {mark:g} | " + " | ".join(row) + " |", flush=True)

    last = contenders[-1].measured[-1][-1]
    print(f"\nAs good as the copied recipe at last ({last:.2f}), after minutes:")
    for contender in contenders:
        when = next((m for m, _, distance in contender.measured if distance <= last), None)
        reached = f"{when:.2f}" if when else "not reached"
        print(f"  {contender.name}: {reached}, {contender.num_steps} steps in all")
    if arguments.json:
        measured = {
            contender.name: [
                dict(zip(("minutes", "steps", "fid"), row, strict=True))
                for row in contender.measured
            ]
            for contender in contenders
        }
        record.write(arguments.json, arguments, data=source, measured=measured)


if __name__ == "__main__":
    main()
