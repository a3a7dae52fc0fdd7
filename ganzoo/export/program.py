"""Define the exported program: the averaged generator as a function from its inputs to pixels."""

from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

from ganzoo.images import from_pixels, round_to_pixels
from ganzoo.layers import dtype_policy, network_inputs


class Program(tf.Module):
    """Generator that needs neither ganzoo nor Keras once it is traced.

    It computes in float32, whatever the precision of training, and rounds images to uint8 pixels.

    Args:
        gan: a `GAN`.
        half: bool. Store the weights as float16, which halves their size.

    Attributes:
        signature: list of named `tf.TensorSpec`: `latents` `(num_images, ...)` float32 and, with
            classes, `labels` `(num_images,)` int32, or an input for each of several conditions. For
            a super-resolution model `images` `(num_images, height, width, 3)` uint8.
        output: str. Name of the output, uint8 pixels.
        serve: `tf.function` with this signature, which returns `{output: pixels}`.
        task: str or None. `task` of the model.
        half: bool.
        layer_names: set of the names of the generator's layers.
        draw_latents: function of the scalar tensors `num_images` and `seed`. It returns the latents
            that `GAN.generate` draws for the seed.
    """

    def __init__(self, gan, half=False):
        super().__init__(name="generator")
        network = float32_network(gan, half)
        self.weights = [
            tf.Variable(tf.cast(v, "float16") if half and v.dtype == "float32" else v.value)
            for v in network.non_trainable_variables
        ]
        # Closures, because a network that is an attribute would be exported as well.
        self.draw_latents = lambda num_images, seed: gan.sample_latents(
            num_images, seed=tf.stack([seed, 0])
        )
        self._run = lambda inputs: network.stateless_call(
            [], [_widened(weight) for weight in self.weights], inputs, training=False
        )[0]
        self.half = half
        self.layer_names = {layer.name for layer in network._flatten_layers(include_self=False)}
        self.task = gan.task
        self.conditions = gan.conditions
        self.signature, self.output = gan.export_signature
        self.serve = tf.function(
            lambda *inputs: {self.output: self(*inputs)}, input_signature=self.signature
        )

    def __call__(self, *inputs):
        """Return pixels for inputs in the order of the signature."""
        images = self._run(scaled_inputs(inputs))
        return round_to_pixels(tf.cast(images, "float32"))


def float32_network(gan, half: bool = False) -> keras.Model:
    """Return a float32 copy of the averaged generator.

    Args:
        gan: a `GAN`.
        half: bool. Round the weights to float16 precision.

    Raises:
        ValueError: If a weight is too large for float16.
    """

    def clone(layer):
        config = layer.get_config()
        # Operations of `keras.ops` and some custom layers do not take a dtype.
        if "dtype" in config:
            config["dtype"] = "float32"
        return type(layer).from_config(config)

    with dtype_policy("float32"):
        network = keras.models.clone_model(gan.ema_generator, clone_function=clone, recursive=True)
    network.trainable = False
    values = gan.ema_generator.get_weights()
    if half:
        if any(np.abs(value).max(initial=0) > np.finfo("float16").max for value in values):
            raise ValueError("A weight is too large for float16. Export without `half` (--half).")
        values = [value.astype("float16").astype(value.dtype) for value in values]
    network.set_weights(values)
    return network


def scaled_inputs(inputs: Iterable):
    """Return the input of the network for the inputs of a program: pixels become images."""
    first, *labels = inputs
    if first.dtype == "uint8":
        first = from_pixels(first)
    return network_inputs(first, labels)


def _widened(weight):
    return tf.cast(weight, "float32") if weight.dtype == tf.float16 else weight
