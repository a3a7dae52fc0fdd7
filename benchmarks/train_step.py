"""Compare the training speed of ganzoo with that of a plain Keras loop, for the same networks.

    python benchmarks/train_step.py --families dcgan,vanilla --json train_step.json

The baseline follows Keras's guide to custom training steps. It updates the discriminator on one
batch of fake and one of real images, then the generator on another batch of fake images. It uses
Keras's optimizers, shuffled batches of an array, and float32. It has no averaged weights, gradient
penalty or checks. Ganzoo uses the family's defaults of `compile()`.

Each round trains all settings for some steps, one after the other, so that a change of the
machine's speed affects all. The script prints images per second (median, minimum and maximum over
the rounds) and the median of the ratios to the baseline. It also prints the ratio of the fastest
rounds, which is more robust if a machine switches between two speeds. The last column is the
utilization: achieved FLOP/s, divided by those of a float32 matrix product in the same rounds. Only
convolutions and matrix products are counted, without those in conditional branches, such as a
penalty at some steps.

With `--quality STEPS`, both train for this many steps with several seeds, and the FIDs of their
last weights are compared. This shows that the speed does not reduce quality.
"""

import argparse
import os
import pathlib
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import record
import tensorflow as tf

from ganzoo import data, registry
from ganzoo.metrics import FrechetDistance

MATRIX = 2048


class Baseline(keras.Model):
    """GAN with the training step of Keras's guide."""

    def __init__(self, generator, discriminator, learning_rate, beta_1=0.5):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
        self.rates = {"learning_rate": learning_rate, "beta_1": beta_1}
        self.d_loss = keras.metrics.Mean(name="d_loss")
        self.g_loss = keras.metrics.Mean(name="g_loss")

    def compile(self, **kwargs):
        super().compile(**kwargs)
        self.d_optimizer = keras.optimizers.Adam(**self.rates)
        self.g_optimizer = keras.optimizers.Adam(**self.rates)

    @property
    def metrics(self):
        return [self.d_loss, self.g_loss]

    def make_fakes(self, real, labels):
        latents = tf.random.normal((tf.shape(real)[0], self.generator.input_shape[-1]))
        return self.generator(latents, training=True)

    def logits(self, images, labels):
        return self.discriminator(images, training=True)

    def generator_loss(self, real, fake, labels):
        logits = self.logits(fake, labels)
        return self.loss_fn(tf.ones_like(logits), logits)

    def discriminator_loss(self, real, fake, labels):
        real_logits, fake_logits = self.logits(real, labels), self.logits(fake, labels)
        return self.loss_fn(tf.ones_like(real_logits), real_logits) + self.loss_fn(
            tf.zeros_like(fake_logits), fake_logits
        )

    def train_step(self, batch):
        real, labels = batch if isinstance(batch, tuple) else (batch, None)
        fake = self.make_fakes(real, labels)
        with tf.GradientTape() as tape:
            d_loss = self.discriminator_loss(real, fake, labels)
        variables = self.discriminator.trainable_variables
        self.d_optimizer.apply_gradients(
            zip(tape.gradient(d_loss, variables), variables, strict=True)
        )
        with tf.GradientTape() as tape:
            fake = self.make_fakes(real, labels)
            g_loss = self.generator_loss(real, fake, labels)
        variables = self.generator.trainable_variables
        self.g_optimizer.apply_gradients(
            zip(tape.gradient(g_loss, variables), variables, strict=True)
        )
        self.d_loss.update_state(d_loss)
        self.g_loss.update_state(g_loss)
        return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}


class ConditionalBaseline(Baseline):
    """Baseline whose networks take labels, as in the guide's conditional GAN."""

    def make_fakes(self, real, labels):
        latents = tf.random.normal((tf.shape(real)[0], self.generator.input_shape[0][-1]))
        return self.generator([latents, labels], training=True)

    def logits(self, images, labels):
        return self.discriminator([images, labels], training=True)


class PyramidBaseline(Baseline):
    """Baseline for LAPGAN. Each level starts from the real images of the previous level."""

    def __init__(self, gan, learning_rate):
        super().__init__(gan.generator, gan.discriminator, learning_rate)
        self.sizes = gan.level_sizes

    def levels(self, real):
        return [tf.image.resize(real, size, method="area") for size in self.sizes]

    def make_fakes(self, real, labels):
        latents = tf.random.normal((tf.shape(real)[0], self.generator.input_shape[-1]))
        fakes = []
        for index, coarse in enumerate([None, *self.levels(real)[:-1]]):
            noise = self.generator.get_layer(f"level_{index}_noise")(latents)
            inputs = [noise] if coarse is None else [coarse, noise]
            fakes.append(self.generator.get_layer(f"level_{index}")(inputs, training=True))
        return fakes

    def level_logits(self, images):
        for index, level in enumerate(images):
            yield self.discriminator.get_layer(f"level_{index}")([level], training=True)

    def generator_loss(self, real, fake, labels):
        return sum(self.loss_fn(tf.ones_like(x), x) for x in self.level_logits(fake))

    def discriminator_loss(self, real, fake, labels):
        real_loss = sum(
            self.loss_fn(tf.ones_like(x), x) for x in self.level_logits(self.levels(real))
        )
        return real_loss + sum(self.loss_fn(tf.zeros_like(x), x) for x in self.level_logits(fake))


class UpscalingBaseline(Baseline):
    """Baseline for SRGAN: mean squared error of pixels plus weighted adversarial loss."""

    def __init__(self, gan, learning_rate):
        super().__init__(gan.generator, gan.discriminator, learning_rate)
        self.scale = gan.scale

    def make_fakes(self, real, labels):
        side = real.shape[1] // self.scale
        low = tf.image.resize(real, (side, side), method="bicubic", antialias=True)
        return self.generator(low, training=True)

    def generator_loss(self, real, fake, labels):
        adversarial = super().generator_loss(real, fake, labels)
        return tf.reduce_mean(tf.square(real - fake)) + 1e-3 * adversarial


DTYPES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
# Turn XLA off by default. On a GPU, "auto" would turn it on in all columns.
ADDITIONS = {"": {}, "+xla": {"jit_compile": True}, "+10steps": {"steps_per_execution": 10}}
# `(dtype, arguments of compile)` by name, such as "bfloat16+xla".
SETTINGS = {
    precision + addition: (dtype, {"jit_compile": False, **arguments})
    for precision, dtype in DTYPES.items()
    for addition, arguments in ADDITIONS.items()
}


def build(family, dtype, seed=None):
    """Build a model of a family for the benchmark's images."""
    shape = {} if family.task == "super_resolution" else {"image_shape": (28, 28, 1)}
    classes = {"num_classes": 10} if family.classes == "always" else {}
    keras.utils.set_random_seed(seed or 0)
    return family.load_class()(**shape, **classes, dtype=dtype, seed=seed)


def build_ours(family, setting, seed=None):
    """Build and compile a model with a setting."""
    dtype, arguments = SETTINGS[setting]
    gan = build(family, dtype, seed)
    gan.compile(**arguments)
    return gan


def build_baseline(family, seed=None):
    """Build a model of ganzoo and a baseline that trains its networks."""
    gan = build(family, "float32", seed)
    # Both models train with the family's recommended learning rate.
    rate = float(gan.recommended()["generator_optimizer"].learning_rate)
    if family.name == "lapgan":
        model = PyramidBaseline(gan, rate)
    elif family.task == "super_resolution":
        model = UpscalingBaseline(gan, rate)
    elif family.classes == "always":
        model = ConditionalBaseline(gan.generator, gan.discriminator, rate)
    else:
        model = Baseline(gan.generator, gan.discriminator, rate)
    # With "auto", Keras decides about XLA. It does not use it on a CPU.
    model.compile(jit_compile="auto")
    return gan, model


def read_images(family):
    """Load the packaged sample of Fashion-MNIST. For upscaling, return noise of a typical size."""
    if family.task != "super_resolution":
        return data.load_arrays("sample")
    pixels = np.random.default_rng(0).integers(0, 256, (256, 96, 96, 3), "uint8")
    return data.ImageData(pixels)


def pipelines(family, image_data, batch_size):
    """Return the baseline's dataset of a float array, and that of `ganzoo.data`."""
    has_labels = family.classes == "always"
    images = image_data.pixels.astype("float32") / 127.5 - 1.0
    arrays = (images, image_data.labels.astype("int32")) if has_labels else images
    guide = tf.data.Dataset.from_tensor_slices(arrays).shuffle(len(images))
    guide = guide.batch(batch_size, drop_remainder=True)
    return guide.repeat(), data.pipeline(image_data, batch_size, labels=has_labels).repeat()


def count_operations(gan, dataset):
    """Return the floating-point operations of a step, in convolutions and matrix products."""
    step = tf.function(gan.train_step).get_concrete_function(dataset.element_spec)
    options = tf.compat.v1.profiler.ProfileOptionBuilder(
        tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    )
    options.with_empty_output().with_node_names(start_name_regexes=[".*"])
    options.select(["float_ops"])
    options = options.build()
    options["account_type_regexes"] = [".*"]
    profile = tf.compat.v1.profiler.profile(step.graph, cmd="op", options=options)
    found, kinds = 0, [profile]
    while kinds:  # Each kind of operation is a child of the previous kind.
        kind = kinds.pop()
        kinds += kind.children
        found += kind.float_ops if kind.name.startswith(("Conv2D", "MatMul")) else 0
    return found


def measure(family, settings, rounds, seconds):
    """Yield the rows of the table for one family."""
    batch_size = family.load_class().recommended_batch_sizes["default"]
    guide, own = pipelines(family, read_images(family), batch_size)
    models = {"guide": (build_baseline(family)[1], guide)}
    for name in settings:
        models[name] = (build_ours(family, name), own)
    operations = {name: count_operations(*model) for name, model in models.items()}
    matrices = tf.random.normal((2, MATRIX, MATRIX))
    steps = {name: 5 * model.steps_per_execution for name, (model, _) in models.items()}
    speeds = {name: [] for name in models}
    peaks = []
    for round_index in range(rounds + 2):
        started = time.perf_counter()
        tf.linalg.matmul(*tf.unstack(matrices)).numpy()
        peaks.append(2 * MATRIX**3 / (time.perf_counter() - started))
        for name, (model, dataset) in models.items():
            started = time.perf_counter()
            model.fit(dataset, steps_per_epoch=steps[name], verbose=0, shuffle=False)
            taken = time.perf_counter() - started
            if round_index == 1:  # The first round compiles. The second measures a step.
                calls = max(2, round(5 * seconds / taken))
                steps[name] = calls * model.steps_per_execution
            elif round_index > 1:
                speeds[name].append(steps[name] * batch_size / taken)
    peak = statistics.median(peaks[2:])
    for name, values in speeds.items():
        ratios = np.array(values) / np.array(speeds["guide"])
        speed = statistics.median(values)
        yield {
            "family": family.name,
            "batch_size": batch_size,
            "setting": name,
            "images_per_second": speed,
            "least": min(values),
            "most": max(values),
            "ratio": statistics.median(ratios),
            "ratio_of_fastest": max(values) / max(speeds["guide"]),
            "ratios": ratios.tolist(),
            "gflop_per_image": operations[name] / batch_size / 1e9,
            "of_matrix_rate": operations[name] / batch_size * speed / peak,
            "matrix_gflops": peak / 1e9,
        }


def measure_quality(family, num_steps, seeds):
    """Yield the FIDs after the same number of steps, with the last and the averaged weights."""
    batch_size = family.load_class().recommended_batch_sizes["default"]
    image_data = read_images(family)
    guide, own = pipelines(family, image_data, batch_size)
    for seed in range(seeds):
        gan, model = build_baseline(family, seed)
        model.fit(guide, steps_per_epoch=num_steps, verbose=0, shuffle=False)
        found = {"guide": distance(image_data, gan, use_ema=False)}
        for name in ("float32", "bfloat16"):
            gan = build_ours(family, name, seed)
            gan.fit(own, steps_per_epoch=num_steps, verbose=0)
            found[name] = distance(image_data, gan, use_ema=False)
            found[f"{name}, averaged"] = distance(image_data, gan, use_ema=True)
        yield {"family": family.name, "seed": seed, "steps": num_steps, **found}


def distance(image_data, gan, use_ema):
    """Return the FID of 5,000 images with the extractor `fashion_mnist`."""
    metric = FrechetDistance(extractor="fashion_mnist")
    metric.update(image_data.pixels, real=True)
    labels = None if gan.num_classes is None else np.arange(5000) % gan.num_classes
    metric.update(gan.generate(5000, labels, seed=0, use_ema=use_ema), real=False)
    return float(metric.result())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=",".join(f.name for f in registry.families()))
    parser.add_argument(
        "--settings", default="float32,bfloat16", help=f"some of {', '.join(SETTINGS)}"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds of training per round")
    parser.add_argument("--quality", type=int, metavar="STEPS")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", type=pathlib.Path, help="write the table here, too")
    arguments = parser.parse_args()

    settings = arguments.settings.split(",")
    if unknown := [name for name in settings if name not in SETTINGS]:
        parser.error(f"unknown settings {unknown}. Known: {', '.join(SETTINGS)}")
    families = [registry.get_family(name) for name in arguments.families.split(",")]
    rows = []
    if arguments.quality:
        for family in families:
            for row in measure_quality(family, arguments.quality, arguments.seeds):
                rows.append(row)
                shown = (f"{k} {v:.2f}" if isinstance(v, float) else str(v) for k, v in row.items())
                print(" | ".join(shown), flush=True)
    else:
        print("| family | setting | images/s | ratio | of the fastest | of the rate of matrices |")
        print("|---|---|---|---|---|---|")
        for family in families:
            for row in measure(family, settings, arguments.rounds, arguments.seconds):
                rows.append(row)
                print(
                    f"| {row['family']} | {row['setting']} | {row['images_per_second']:,.0f} "
                    f"({row['least']:,.0f} to {row['most']:,.0f}) | {row['ratio']:.2f} | "
                    f"{row['ratio_of_fastest']:.2f} | {row['of_matrix_rate']:.2f} |",
                    flush=True,
                )
    if arguments.json:
        record.write(arguments.json, arguments, rows=rows)


if __name__ == "__main__":
    main()
