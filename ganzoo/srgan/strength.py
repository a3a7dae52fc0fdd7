"""Interpolate the weights of two generators, to choose how much detail upscaling invents."""

import keras
import numpy as np
import tensorflow as tf


class Blends:
    """Copies of generators, with the weights of a generator, of another one, or between them.

    The copies are kept, because a network is traced at its first use.

    Reference: Wang et al., 2018 (arXiv:1809.00219), section 3.4.
    """

    def __init__(self):
        self._copies = {}
        self._deep_renderers = {}

    def take(
        self, network: keras.Model, soft_weights: list[np.ndarray] | None, strength: float
    ) -> keras.Model:
        """Return a float32 copy of a generator with interpolated weights.

        Args:
            network: generator.
            soft_weights: weights of strength 0, in the order of the generator's. None with
                strength 1.
            strength: float from 0 to 1. 1 has the generator's own weights.
        """
        if network not in self._copies:
            self._copies[network] = copy_in_float32(network)
        weights = network.get_weights()
        # The weights of the generator may have changed. Copying them takes some milliseconds.
        if soft_weights is not None and strength < 1:
            weights = [
                (1 - strength) * soft + strength * own
                for soft, own in zip(soft_weights, weights, strict=True)
            ]
        self._copies[network].set_weights(weights)
        return self._copies[network]

    def render_deep(self, network: keras.Model, pixels: np.ndarray) -> np.ndarray:
        """Run a generator on one image with 16 bits.

        Args:
            network: generator in float32. Lower precisions have fewer levels than the pixels.
            pixels: uint16 `(height, width, 3)`.

        Returns:
            uint16 `(scale * height, scale * width, 3)`.
        """
        if network not in self._deep_renderers:

            @tf.function(reduce_retracing=True, autograph=False)
            def draw(levels):
                images = network(levels / 32767.5 - 1.0, training=False)
                levels = tf.round((tf.cast(images, "float32") + 1.0) * 32767.5)
                return tf.cast(tf.clip_by_value(levels, 0, 65535), "uint16")

            self._deep_renderers[network] = draw
        levels = tf.constant(pixels[None], "float32")
        return self._deep_renderers[network](levels)[0].numpy()


def copy_in_float32(network: keras.Model) -> keras.Model:
    """Return a copy of a network whose layers compute in float32, with the same weights."""

    def clone(layer):
        # Operations of `keras.ops` are not layers, and have no dtype policy.
        dtype = {"dtype": "float32"} if isinstance(layer, keras.Layer) else {}
        return type(layer).from_config({**layer.get_config(), **dtype})

    copy = keras.models.clone_model(network, clone_function=clone, recursive=True)
    copy.trainable = False
    copy.set_weights(network.get_weights())
    return copy
