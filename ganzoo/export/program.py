"""What is exported: the averaged generator as a function from its inputs to pixels."""

import keras
import numpy as np
import tensorflow as tf

from ganzoo.images import from_pixels, round_to_pixels


class Program(tf.Module):
    """A generator that needs nothing of ganzoo or Keras once it is traced.

    It rounds its images to uint8 pixels, and computes in float32, whatever the precision
    the model is trained in.

    Args:
        gan: a `GAN`.
        half: bool. Whether weights are stored as float16, in half the space.

    Attributes:
        signature: list of named `tf.TensorSpec`: `latents` `(num_images, ...)` float32
            and, with classes, `labels` `(num_images,)` int32; of a super-resolution
            model `images` `(num_images, height, width, 3)` uint8.
        output: str. Name of the pixels that come out, uint8.
        serve: `tf.function` of the signature, which returns `{output: pixels}`.
        restores: bool. Whether it is of a super-resolution model.
        half: bool.
        draw_latents: function of `num_images` and a `seed`, scalar tensors: the latents
            that `GAN.generate` draws.
    """

    def __init__(self, gan, half=False):
        super().__init__(name="generator")
        network = float32_network(gan, half)
        self.weights = [
            tf.Variable(tf.cast(v, "float16") if half and v.dtype == "float32" else v.value)
            for v in network.non_trainable_variables
        ]
        # Closures: a network that is an attribute of a module is exported with it.
        self.draw_latents = lambda num_images, seed: gan.sample_latents(
            num_images, seed=tf.stack([seed, 0])
        )
        self._run = lambda inputs: network.stateless_call(
            [], [_widened(weight) for weight in self.weights], inputs, training=False
        )[0]
        self.half = half
        self.restores = hasattr(gan, "upscale")
        self.num_classes = gan.num_classes
        if self.restores:
            self.signature = [tf.TensorSpec((None, None, None, 3), "uint8", name="images")]
        else:
            self.signature = [tf.TensorSpec((None, *gan.latent_shape), "float32", name="latents")]
        if gan.num_classes:
            self.signature.append(tf.TensorSpec((None,), "int32", name="labels"))
        self.output = "upscaled" if self.restores else "images"
        self.serve = tf.function(
            lambda *inputs: {self.output: self(*inputs)}, input_signature=self.signature
        )

    def __call__(self, *inputs):
        """Pixels of the inputs, which come in the order of the signature."""
        images = self._run(network_inputs(inputs))
        return round_to_pixels(tf.cast(images, "float32"))


def float32_network(gan, half=False):
    """A float32 copy of the averaged generator; with `half`, its weights rounded to float16.

    Raises:
        ValueError: If a weight is too large for float16.
    """

    def clone(layer):
        # Beside layers there are operations of `keras.ops`, which have no precision of their own.
        own = {"dtype": "float32"} if isinstance(layer, keras.Layer) else {}
        return type(layer).from_config({**layer.get_config(), **own})

    network = keras.models.clone_model(gan.ema_generator, clone_function=clone, recursive=True)
    network.trainable = False
    values = gan.ema_generator.get_weights()
    if half:
        if any(np.abs(value).max(initial=0) > np.finfo("float16").max for value in values):
            raise ValueError("A weight is too large for float16. Export without `half`.")
        values = [value.astype("float16").astype(value.dtype) for value in values]
    network.set_weights(values)
    return network


def network_inputs(inputs):
    """What a network takes for the inputs of a program."""
    first, *labels = inputs
    if first.dtype == "uint8":
        first = from_pixels(first)
    return [first, *labels] if labels else first


def _widened(weight):
    return tf.cast(weight, "float32") if weight.dtype == tf.float16 else weight
