"""Make the figures of docs/learn from real trainings on points.

    python scripts/make_learn_pictures.py            # all, three minutes on two cores
    python scripts/make_learn_pictures.py collapse   # one

A point is an image of one pixel: `(1, 1, 1)` on a line, `(1, 1, 2)` in a plane.
"""

import pathlib
import sys
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from keras import layers
from keras.optimizers import SGD, Adam

import ganzoo
from ganzoo.regularizers import R1

FOLDER = pathlib.Path(__file__).parents[1] / "docs" / "learn"
REAL, FAKE, LINE = "#00796b", "#e65100", "#3949ab"
AXIS = np.linspace(-1, 1, 401)


def perceptron(num_inputs, num_outputs, units=64, activation="tanh"):
    """Return the layers of a small network on points."""
    return [
        keras.Input(num_inputs),
        layers.Flatten(),
        layers.Dense(units, activation=activation),
        layers.Dense(units, activation=activation),
        layers.Dense(num_outputs),
    ]


def build_gan(dimensions, generator=None, latents=2, units=64, activation="tanh"):
    """Build a GAN on points. Without a generator, a perceptron is built."""
    keras.utils.set_random_seed(0)
    point = layers.Reshape((1, 1, dimensions))
    default = [*perceptron((latents,), dimensions, units, activation), point]
    discriminator = perceptron((1, 1, dimensions), 1, units, activation)
    return ganzoo.GAN(
        keras.Sequential(generator or default), keras.Sequential(discriminator), seed=0
    )


def gaussian_generator(mean, deviation):
    """Return the layers of a generator that makes points of a normal distribution."""
    return [
        keras.Input((1,)),
        layers.Rescaling(deviation, offset=mean),
        # A generator needs a weight. This one does not train.
        layers.Dense(1, kernel_initializer="ones", trainable=False),
        layers.Reshape((1, 1, 1)),
    ]


def points(array):
    """Return points as images."""
    array = np.asarray(array, "float32")
    return np.clip(array, -1, 1).reshape(len(array), 1, 1, -1)


def train(gan, data, steps, batch_size=256):
    """Train for some steps on random batches of the data."""
    dataset = tf.data.Dataset.from_tensor_slices(data).shuffle(len(data), seed=0).repeat()
    gan.fit(dataset.batch(batch_size), steps_per_epoch=steps, verbose=0)


def discriminate(gan, positions=AXIS):
    """Return D at positions on the line."""
    return np.asarray(keras.ops.sigmoid(gan.discriminator(points(positions)))).ravel()


def draw_fakes(gan, count=4000):
    """Return points of the generator's last weights."""
    latents = gan.sample_latents(count, seed=(1, 0))
    return np.asarray(gan.generator(latents, training=False)).reshape(count, -1)


def normal(x, mean, deviation):
    """Return the density of a normal distribution."""
    return np.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * np.sqrt(2 * np.pi))


def save(figure, name):
    """Write a figure."""
    figure.tight_layout()
    figure.savefig(FOLDER / f"{name}.png", dpi=110)
    plt.close(figure)


def optimal():
    """Train a discriminator against a fixed generator, and compare it with p / (p + q)."""
    rng = np.random.default_rng(0)
    gan = build_gan(1, gaussian_generator(0.25, 0.25))
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 1000)
    gan.compile(SGD(0.0), Adam(schedule), loss="minimax", regularizer="none")
    data = points(rng.normal(-0.3, 0.15, 50_000))
    p, q = normal(AXIS, -0.3, 0.15), normal(AXIS, 0.25, 0.25)
    best = p / (p + q)
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharex=True)
    done = 0
    for axis, steps in zip(axes, (10, 100, 1000), strict=True):
        train(gan, data, steps - done)
        done = steps
        found = discriminate(gan)
        axis.fill_between(AXIS, p / 4, color=REAL, alpha=0.2, label="p: real")
        axis.fill_between(AXIS, q / 4, color=FAKE, alpha=0.2, label="q: fake")
        axis.plot(AXIS, best, "--", color="black", label="p / (p + q)")
        axis.plot(AXIS, found, color=LINE, label="D, trained")
        axis.set(title=f"after {steps:,} steps", xlabel="x", ylim=(0, 1.05))
        error = np.average(np.abs(found - best), weights=p + q)
        print(f"optimal: {steps} steps, mean error {error:.3f}")
    axes[0].legend(fontsize=8, loc="upper right")
    save(figure, "optimal")


def vanishing():
    """Train a discriminator on separate data, and measure the gradient that a fake point gets."""
    gan = build_gan(1, gaussian_generator(0.5, 0.08))
    gan.compile(SGD(0.0), Adam(5e-3), loss="minimax", regularizer="none")
    data = points(np.random.default_rng(0).normal(-0.5, 0.08, 20_000))
    losses = {
        "minimax": (ganzoo.losses.get("minimax"), FAKE),
        "non-saturating": (ganzoo.losses.get("non_saturating"), REAL),
    }
    fakes = tf.constant(points(draw_fakes(gan, 500)))
    steps, norms = [*range(0, 100, 5), *range(100, 601, 25)], {name: [] for name in losses}
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    done = 0
    for step in steps:
        if step > done:
            train(gan, data, step - done)
            done = step
        for name, (loss, _) in losses.items():
            with tf.GradientTape() as tape:
                tape.watch(fakes)
                logits = gan.discriminator(fakes)
                value = loss.generator(logits, logits)
            # The loss is a mean, so this is the gradient of one point.
            gradient = len(fakes) * tape.gradient(value, fakes)
            norms[name].append(float(tf.reduce_mean(tf.abs(gradient))))
        if step in (10, 50, 600):
            left.plot(AXIS, discriminate(gan), color=LINE, alpha=0.3 + step / 1000, label=step)
    left.hist(draw_fakes(gan, 4000).ravel(), 20, density=True, color=FAKE, alpha=0.15)
    left.hist(data.ravel(), 20, density=True, color=REAL, alpha=0.15)
    left.set(
        title="D after 10, 50 and 600 steps", xlabel="x (left: real, right: fake)", ylim=(0, 1.05)
    )
    left.legend(fontsize=8, title="steps")
    for name, (_, color) in losses.items():
        right.semilogy(steps, norms[name], color=color, label=name)
        print(f"vanishing: {name}, {norms[name][2]:.3g} at step 10, {norms[name][-1]:.3g} at 600")
    right.set(title="gradient that a fake point gets", xlabel="steps of the discriminator")
    right.legend(fontsize=8)
    save(figure, "vanishing")


def line():
    """Train both networks on a mixture of two normal distributions on the line."""
    rng = np.random.default_rng(0)
    centers = np.where(rng.uniform(size=50_000) < 0.35, -0.5, 0.4)
    data = points(centers + 0.12 * rng.normal(size=50_000))
    p = 0.35 * normal(AXIS, -0.5, 0.12) + 0.65 * normal(AXIS, 0.4, 0.12)
    gan = build_gan(1, latents=4, units=128, activation="relu")
    rates = {"learning_rate": keras.optimizers.schedules.CosineDecay(1e-3, 4000), "beta_1": 0.5}
    gan.compile(Adam(**rates), Adam(**rates), regularizer=R1(3e-4))
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), sharey=True)
    done = 0
    for axis, steps in zip(axes, (1, 200, 1000, 4000), strict=True):
        train(gan, data, steps - done)
        done = steps
        fakes = draw_fakes(gan, 20_000).ravel()
        axis.plot(AXIS, p / 2, color=REAL, label="p / 2: real")
        axis.hist(
            fakes,
            60,
            range=(-1, 1),
            weights=np.full(len(fakes), 15 / len(fakes)),
            color=FAKE,
            alpha=0.5,
            label="q / 2: fake",
        )
        axis.plot(AXIS, discriminate(gan), color=LINE, label="D")
        axis.axhline(0.5, color="gray", linewidth=0.5)
        axis.set(title=f"after {steps:,} step{'s' * (steps > 1)}", xlabel="x", ylim=(0, 1.5))
        real, fake = (discriminate(gan, some[:4000]).mean() for some in (data, fakes))
        share = np.mean(fakes < -0.05)
        print(
            f"line: {steps} steps, D {real:.2f} on real, {fake:.2f} on fake, left share {share:.2f}"
        )
    axes[0].legend(fontsize=8)
    save(figure, "line")


def collapse():
    """Train on a ring of 25 clusters, without a penalty and with one."""
    angles = 2 * np.pi * np.arange(25) / 25
    clusters = 0.8 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rng = np.random.default_rng(0)
    data = points(clusters[rng.integers(0, 25, 50_000)] + 0.03 * rng.normal(size=(50_000, 2)))
    moments = (100, 400, 1000, 2000)
    figure, axes = plt.subplots(2, 4, figsize=(10, 5.8), sharex=True, sharey=True)
    for row, (name, penalty) in zip(
        axes, {"no penalty": "none", "R1 penalty": "r1"}.items(), strict=True
    ):
        gan = build_gan(2, latents=64, units=128, activation="relu")
        rates = {"learning_rate": 1e-3, "beta_1": 0.5}
        gan.compile(Adam(**rates), Adam(**rates), regularizer=penalty)
        done = 0
        for axis, steps in zip(row, moments, strict=True):
            train(gan, data, steps - done)
            done = steps
            fakes = draw_fakes(gan, 5000)
            axis.scatter(*data[:1000].reshape(-1, 2).T, s=2, color=REAL, alpha=0.4)
            axis.scatter(*fakes[:1000].T, s=2, color=FAKE)
            distances = np.linalg.norm(fakes[:, None] - clusters, axis=-1)
            near = distances.min(axis=1) < 0.09
            counts = np.bincount(distances.argmin(axis=1)[near], minlength=25)
            modes = np.count_nonzero(counts >= 20)
            axis.set(
                title=f"{name}, step {steps:,}\n{modes} of 25", xlim=(-1.1, 1.1), ylim=(-1.1, 1.1)
            )
            axis.set_aspect("equal")
            print(f"collapse: {name}, {steps} steps, {modes} of 25 clusters")
    save(figure, "collapse")


class Positions(keras.callbacks.Callback):
    """Note the position of the point and the slope of the discriminator at each step."""

    def __init__(self):
        super().__init__()
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        place = self.model.generator.get_layer("place").bias
        slope = self.model.discriminator.get_layer("slope").kernel
        self.rows.append((float(place[0]), float(slope[0, 0])))


def oscillation():
    """Let a point move towards 0 against a linear discriminator."""
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharex=True, sharey=True)
    cases = {
        "simultaneous": {"update": "simultaneous", "regularizer": "none"},
        "alternating": {"update": "alternating", "regularizer": "none"},
        "alternating, R1": {"update": "alternating", "regularizer": R1(0.5)},
    }
    for axis, (name, arguments) in zip(axes, cases.items(), strict=True):
        generator = keras.Sequential(
            [
                keras.Input((1,)),
                layers.Rescaling(0.0),  # The point does not depend on the latents.
                layers.Dense(1, bias_initializer=keras.initializers.Constant(0.5), name="place"),
                layers.Reshape((1, 1, 1)),
            ]
        )
        discriminator = keras.Sequential(
            [
                keras.Input((1, 1, 1)),
                layers.Flatten(),
                layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="slope"),
            ]
        )
        gan = ganzoo.GAN(generator, discriminator, seed=0)
        gan.compile(SGD(0.1), SGD(0.1), loss="wasserstein", **arguments)
        positions = Positions()
        gan.fit(
            np.zeros((16 * 250, 1, 1, 1), "float32"),
            batch_size=16,
            callbacks=[positions],
            verbose=0,
        )
        x, y = np.array([(0.5, 0.0), *positions.rows]).T
        axis.plot(x, y, color=LINE, linewidth=1)
        axis.plot(x[0], y[0], "o", color=FAKE, label="start")
        axis.plot(0, 0, "*", color=REAL, markersize=10, label="equilibrium")
        axis.set(title=name, xlabel="place of the fake point")
        axis.set_aspect("equal")
        print(f"oscillation: {name}, distance 0.5 at first, {np.hypot(x[-1], y[-1]):.3f} at last")
    axes[0].set(ylabel="slope of D", xlim=(-2, 2), ylim=(-2, 2))
    axes[0].legend(fontsize=8)
    save(figure, "oscillation")


FIGURES = {f.__name__: f for f in (optimal, vanishing, line, collapse, oscillation)}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:] or FIGURES:
        start = time.monotonic()
        FIGURES[name]()
        print(f"{name}: {time.monotonic() - start:.0f} s")
