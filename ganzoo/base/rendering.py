"""Run a generator in batches, as one compiled function."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ganzoo.images import round_to_pixels
from ganzoo.layers import network_inputs


def make_renderer(network: keras.Model) -> Callable[..., np.ndarray]:
    """Return a function that runs a generator network and returns uint8 pixels.

    The function takes `(inputs, condition, batch_size)`; see `GAN.render`. It is traced at its
    first call.
    """

    # The loop is in the graph, because a call from Python costs as much as a small network.
    # AutoGraph is off: its translation takes longer than generating 64 images.
    @tf.function(reduce_retracing=True, autograph=False)
    def draw(inputs, condition, batch_size):
        count = -(-tf.shape(inputs)[0] // batch_size)

        def draw_batch(index, made):
            of_batch = slice(index * batch_size, (index + 1) * batch_size)
            part, *rest = (value[of_batch] for value in (inputs, *condition))
            images = network(network_inputs(part, rest), training=False)
            return index + 1, made.write(index, round_to_pixels(tf.cast(images, "float32")))

        shape = (None, *network.output_shape[1:])
        made = tf.TensorArray("uint8", size=count, infer_shape=False, element_shape=shape)
        # Two batches at once keep all cores busy between large operations.
        _, made = tf.while_loop(
            lambda index, _: index < count, draw_batch, (0, made), parallel_iterations=2
        )
        return made.concat()

    def render(inputs, condition, batch_size):
        inputs = tf.convert_to_tensor(inputs, "float32")
        return draw(inputs, condition, tf.constant(batch_size)).numpy()

    return render
