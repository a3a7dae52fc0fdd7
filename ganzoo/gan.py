"""`GAN`: a generator, a discriminator, and what is done with them."""

import random
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from ganzoo import batches, export, images, inversion, preset_folders, registry
from ganzoo.training import LOGS, TwoPlayerModel

LATENT_DISTRIBUTIONS = ("normal", "uniform")


@keras.saving.register_keras_serializable(package="ganzoo")
class GAN(TwoPlayerModel):
    """Two-player training of any generator and discriminator whose shapes match.

    The families derive from it; it is of use by itself. Calling the model runs
    the generator. A third network, `ema_generator`, holds the exponential moving
    average of the generator's weights: `generate` and exports use it.

    Args:
        generator: built functional or `Sequential` Keras model from latents `(batch, ...)`
            to images `(batch, height, width, channels)` in [-1, 1].
        discriminator: the same from such images to logits `(batch, ...)`,
            with no sigmoid at the end.
        latent_distribution: `"normal"` (standard) or `"uniform"` in [-1, 1).
        seed: int. Seed of the latents drawn in training; None draws one.
        **kwargs: `name` and `dtype`, as for every Keras model.

    Input shape: latents `(batch, ...)`, as the generator takes them.
    Output shape: images `(batch, height, width, channels)`, in [-1, 1].

    Raises:
        ValueError: If the discriminator does not take what the generator makes.

    Example:
        >>> generator = keras.Sequential([
        ...     keras.Input((2,)),
        ...     keras.layers.Dense(16, activation="tanh"),
        ...     keras.layers.Reshape((4, 4, 1)),
        ... ])
        >>> discriminator = keras.Sequential([
        ...     keras.Input((4, 4, 1)), keras.layers.Flatten(), keras.layers.Dense(1),
        ... ])
        >>> gan = ganzoo.GAN(generator, discriminator)
        >>> gan.compile(loss="hinge", regularizer="r1")
        >>> history = gan.fit(np.zeros((8, 4, 4, 1), "uint8"), verbose=0)
        >>> gan.generate(3, seed=0).shape
        (3, 4, 4, 1)

    Reference: Goodfellow et al., 2014 (arXiv:1406.2661), algorithm 1.
    """

    # Images in a step by recipe, where the trainer does not say.
    recommended_batch_sizes: ClassVar = {"default": 64, "paper": 128}

    def __init__(self, generator, discriminator, latent_distribution="normal", seed=None, **kwargs):
        super().__init__(**kwargs)
        _check_networks(generator, discriminator)
        if latent_distribution not in LATENT_DISTRIBUTIONS:
            raise ValueError(
                registry.unknown("latent distribution", latent_distribution, LATENT_DISTRIBUTIONS)
            )
        self.generator = generator
        self.discriminator = discriminator
        self.ema_generator = keras.models.clone_model(generator)
        self.ema_generator.trainable = False
        self.ema_generator.set_weights(generator.get_weights())
        self.latent_distribution = latent_distribution
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.real_examples = None
        self._renderers = {}
        self._trackers = [keras.metrics.Mean(name=name) for name in LOGS]
        # All weights exist: without this Keras refuses to save them or load them.
        self.built = True

    @property
    def image_shape(self):
        """`(height, width, channels)` of the images."""
        return tuple(self.generator.output_shape[1:])

    @property
    def latent_shape(self):
        """Shape of the latents of one image."""
        return tuple(_first(self.generator.input_shape)[1:])

    def call(self, latents, training=False):
        return self.generator(latents, training=training)

    def sample_latents(self, num_latents, seed=None):
        """Latents `(num_latents, ...)` of the model's distribution, float32.

        Args:
            num_latents: int or scalar tensor.
            seed: two int32; None takes the next of the model's own.
        """
        shape = (num_latents, *self.latent_shape)
        seed = self.next_seed() if seed is None else seed
        if self.latent_distribution == "uniform":
            return tf.random.stateless_uniform(shape, seed, minval=-1.0, maxval=1.0)
        return tf.random.stateless_normal(shape, seed)

    # Sampling

    def generate(self, num_images, labels=None, seed=None, batch_size=64, use_ema=True):
        """Makes new images.

        Args:
            num_images: int, at least 1.
            labels: class ids, for families that are conditioned on them.
            seed: int. The same seed gives the same images, whatever the batch size;
                None draws one.
            batch_size: int, at least 1. Images in one pass of the network.
            use_ema: bool. With the averaged weights, or with the last ones.

        Returns:
            uint8 numpy array `(num_images, height, width, channels)`.

        Raises:
            ValueError: If a number is below 1, or labels are given to a family without
                classes.
        """
        latents, condition = self.prepare_inputs(num_images, labels, seed, batch_size)
        network = self.ema_generator if use_ema else self.generator
        return self.render(network, latents, condition, batch_size)

    def decode(self, latents, labels=None, batch_size=64, use_ema=True):
        """Makes the images of given latents, such as `invert` finds.

        Args:
            latents: float `(num_images, ...)`, as the generator takes them.
            labels: class ids, one or one for each image, for families with classes;
                None draws them.
            batch_size: int, at least 1. Images in one pass of the network.
            use_ema: bool. With the averaged weights, or with the last ones.

        Returns:
            uint8 numpy array `(num_images, height, width, channels)`.

        Raises:
            ValueError: If the latents or labels do not fit the model, or `batch_size` is below 1.
        """
        batches.check_positive(batch_size=batch_size)
        latents = tf.constant(np.asarray(latents, "float32"))
        if latents.shape[1:] != self.latent_shape:
            raise ValueError(
                f"Latents must have shape (num_images, {', '.join(map(str, self.latent_shape))}). "
                f"Received: latents of shape {tuple(latents.shape)}."
            )
        condition = self.prepare_condition(len(latents), labels, seed=0)
        network = self.ema_generator if use_ema else self.generator
        return self.render(network, latents, condition, batch_size)

    def render(self, network, latents, condition, batch_size=64):
        """Pixels that a network makes of latents and their condition, batch by batch."""
        latents = tf.convert_to_tensor(latents, "float32")
        if network not in self._renderers:
            # The loop is in the graph: each call from Python costs as much as a small network.
            # Written out, since to have it translated takes longer than to draw 64 images.
            @tf.function(reduce_retracing=True, autograph=False)
            def draw(latents, condition, batch_size):
                count = -(-tf.shape(latents)[0] // batch_size)

                def draw_batch(index, made):
                    of_batch = slice(index * batch_size, (index + 1) * batch_size)
                    part, *rest = (value[of_batch] for value in (latents, *condition))
                    pixels = _pixels_of(network, self.join(part, rest))
                    return index + 1, made.write(index, pixels)

                made = tf.TensorArray(
                    "uint8", size=count, infer_shape=False, element_shape=(None, *self.image_shape)
                )
                # Two batches at once keep all cores busy between large operations.
                _, made = tf.while_loop(
                    lambda index, _: index < count, draw_batch, (0, made), parallel_iterations=2
                )
                return made.concat()

            self._renderers[network] = draw
        return self._renderers[network](latents, condition, tf.constant(batch_size)).numpy()

    def invert(self, targets, labels=None, num_steps=200, num_starts=4, seed=0):
        """Searches latents from which the averaged generator makes given images.

        With a conditional family, `decode(latents, other_labels)` then shows the same
        item under another label.

        Args:
            targets: images `(num_images, height, width, channels)`: uint8 pixels, or
                floats in [-1, 1].
            labels: class ids of the images, for families with classes.
            num_steps: int, at least 1. Steps of gradient descent.
            num_starts: int, at least 1. Drawn starts for each image; the best end is kept.
            seed: int. Seed of the starts.

        Returns:
            `(latents, errors)`: float32 `(num_images, ...)`, and each image's mean
            squared error, in units of the [-1, 1] range.

        Raises:
            ValueError: If the images or labels do not fit the model, or a number is below 1.
        """
        batches.check_positive(num_steps=num_steps, num_starts=num_starts)
        targets = np.asarray(targets)
        batches.check_batch(targets, labels, self.image_shape, self.num_classes)
        if targets.dtype == np.uint8:
            targets = images.from_pixels(targets)
        return inversion.invert(
            lambda latents, condition: tf.cast(
                self.ema_generator(self.join(latents, condition)), "float32"
            ),
            targets,
            self.sample_latents(len(targets) * num_starts, seed=(seed, 0)),
            self.prepare_condition(len(targets), labels, seed),
            num_steps=num_steps,
            num_starts=num_starts,
        )

    def prepare_inputs(self, num_images, labels, seed, batch_size):
        """The arguments of `generate`, checked, as `(latents, condition)` of all images."""
        batches.check_positive(num_images=num_images, batch_size=batch_size)
        if seed is None:
            seed = random.randrange(2**31)
        condition = self.prepare_condition(num_images, labels, seed)
        return self.sample_latents(num_images, seed=(seed, 0)), condition

    def prepare_condition(self, num_images, labels, seed):
        """What `generate` gives the generator beside latents: labels, or nothing."""
        if self.num_classes is None and labels is None:
            return ()
        if self.num_classes is None:
            raise ValueError(
                f"This {type(self).__name__} is not conditioned on classes. Received: "
                f"{np.size(labels)} labels. Leave them out, or use a conditional model."
            )
        if labels is None:
            labels = np.random.default_rng(seed).integers(self.num_classes, size=num_images)
        labels = np.asarray(labels)
        if labels.ndim == 0:
            labels = np.full(num_images, labels)
        if labels.shape != (num_images,):
            raise ValueError(
                f"`labels` must be one class id, or one for each of the {num_images} images. "
                f"Received: labels of shape {labels.shape}."
            )
        batches.check_labels(labels, self.num_classes)
        return (tf.constant(labels, "int32"),)

    def preview(self, num_images, seed):
        """Pictures for watching training, as `{name: pixels}`; the same latents each time.

        With classes, their number of images is rounded up so that every row of a grid
        with a column for each class is full.
        """
        num_images, labels = self.arrange(num_images)
        return {"generated": self.generate(num_images, labels=labels, seed=seed)}

    def arrange(self, num_images):
        """`(num_images, labels)` that fill a preview's rows, labels None without classes."""
        if self.num_classes is None:
            return num_images, None
        num_images = -(-num_images // self.num_classes) * self.num_classes
        return num_images, np.arange(num_images) % self.num_classes

    # Saving

    def get_common_config(self):
        """The part of `get_config` that every family shares."""
        return {**keras.Model.get_config(self), "seed": self.seed}

    def get_config(self):
        return {
            **self.get_common_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "latent_distribution": self.latent_distribution,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for name in ("generator", "discriminator"):
            if name in config:
                config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)

    def _seed_states(self):
        return [v for v in self.non_trainable_variables if v.name == "seed_generator_state"]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        # Keras keeps no seed state, and a resumed run would draw its first latents again.
        for index, state in enumerate(self._seed_states()):
            store[f"seed_{index}"] = keras.ops.convert_to_numpy(state)
        store["steps"] = np.int64(self._taken.steps.value.numpy())

    def load_own_variables(self, store):
        names = list(store.keys())
        ours = [n for n in names if n == "steps" or n.startswith("seed_")]
        super().load_own_variables({n: store[n] for n in names if n not in ours})
        if "steps" in ours:  # Older versions did not count them.
            self._taken.steps.assign(np.asarray(store["steps"]))
        for index, state in enumerate(self._seed_states()):
            state.assign(np.asarray(store[f"seed_{index}"]))

    # Presets

    @classmethod
    def from_preset(cls, preset):
        """A trained model by name or from a preset's folder, not compiled.

        Args:
            preset: a name in `ganzoo.list_presets()`, or a folder that
                `save_to_preset` wrote; one of a preset's name is written `"./name"`.

        Raises:
            ValueError: If there is no such preset, its files are damaged, or it is of
                another family than the class it is called on.

        Example:
            >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
            >>> gan.save_to_preset(tmp_path / "mine")
            >>> type(ganzoo.from_preset(tmp_path / "mine")).__name__
            'DCGAN'
        """
        return preset_folders.read(preset, cls, without_family=GAN)

    def save_to_preset(self, folder, card=None, discriminator=True, half=False):
        """Writes the model as a preset: config, weights, card and samples.

        The generator is the averaged one. Optimizer state is left out; `save` keeps all.

        Args:
            folder: path that does not exist yet, or is empty.
            card: dict. What the model card says: data, recipe, metrics, licence, limits.
            discriminator: bool. Whether to keep the discriminator, too. Without it a
                training that starts from the preset starts with a new one.
            half: bool. Whether to write float16 weights: half the size, 11 bits of
                precision. They are float32 again once loaded.

        Raises:
            ValueError: If the folder holds something.
        """
        preset_folders.write(self, folder, card or {}, discriminator, half, without_family=GAN)

    # Use elsewhere

    def export(self, path, format=None, half=False, overwrite=False, card=None):
        """Writes the averaged generator for use without ganzoo.

        It takes `latents` `(num_images, ...)` float32 and, with classes, `labels`
        `(num_images,)` int32, and gives `images`, uint8 `(num_images, height, width,
        channels)`; a super-resolution model takes uint8 `images` of any size and gives
        `upscaled`. A SavedModel draws latents itself, too: its signature `sample` takes
        `num_images` and a `seed`, int32, and gives what `generate` gives for the seed
        (labels drawn otherwise, and returned), `sample_classes` takes `labels` and
        `seed`.

        Args:
            path: file, or folder for a SavedModel. Written whole or not at all.
            format: `"savedmodel"`, `"onnx"` or `"litert"`. None goes by the path:
                `.onnx`, `.tflite`, or else a SavedModel.
            half: bool. Whether weights are stored as float16: half the size, 11 bits of
                precision. They are computed with as float32.
            overwrite: bool. Whether to replace an exported model at `path`.
            card: dict. What is to be known of the model, such as its licence: written
                into ONNX files, and beside a SavedModel.

        Raises:
            ValueError: If `path` exists, the format is unknown, or a package that ONNX
                needs is not installed.

        Example:
            >>> gan = ganzoo.DCGAN(image_shape=(8, 8, 1), base_filters=2)
            >>> gan.export(tmp_path / "dcgan.onnx")
            >>> ganzoo.export.verify(gan, tmp_path / "dcgan.onnx") <= 1
            True
        """
        export.export(self, path, format, half, overwrite, card)


def _pixels_of(network, inputs):
    return images.round_to_pixels(tf.cast(network(inputs, training=False), "float32"))


def _check_networks(generator, discriminator):
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        # Of other models Keras does not tell the shapes, and cannot make a second one.
        if not (isinstance(network, keras.Model) and network.built):
            raise ValueError(
                f"`{name}` must be a built Keras model. Received: {network!r}. "
                "Give it a `keras.Input`."
            )
        if not hasattr(network, "output_shape"):
            raise ValueError(
                f"`{name}` must be a functional or `Sequential` Keras model. Received: "
                f"{network!r}. Wrap it: `keras.Model(inputs, network(inputs))`."
            )
    made = tuple(generator.output_shape)
    taken = tuple(_first(discriminator.input_shape))
    if len(made) != 4 or made[1:] != taken[1:]:
        raise ValueError(
            "The discriminator must take the images `(batch, height, width, channels)` that the "
            f"generator makes. Received: a generator of {made} and a discriminator for {taken}."
        )


def _first(shape):
    """The shape of a network's first input; what it is conditioned on comes after."""
    return shape[0] if isinstance(shape, list) else shape
