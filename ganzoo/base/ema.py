"""Compute the exponential moving average of the generator's weights."""

import re

import keras
import tensorflow as tf

from ganzoo import schedules
from ganzoo.base import freezing, updates
from ganzoo.layers import normalizations
from ganzoo.messages import first_line


def copy_generator(generator: keras.Model) -> keras.Model:
    """Return a generator for the average, with other variables of the same values.

    Raises:
        ValueError: If a layer cannot be copied.
    """
    try:
        copied = keras.models.clone_model(generator)
    # A layer's `from_config` may raise anything.
    except Exception as error:
        layer = _find_uncopied(generator) or generator
        raise ValueError(
            "A GAN keeps a moving average of the generator, which needs a copy of every layer. "
            f"Received: layer {layer.name!r}, a {type(layer).__name__}, which cannot be copied. "
            f"{_advice(layer, error)}"
        ) from None
    copied.set_weights(generator.get_weights())
    return copied


def _find_uncopied(network):
    """Return the innermost layer that cannot be copied, or None."""
    found = None
    for layer in network._flatten_layers(include_self=False):
        try:
            type(layer).from_config(layer.get_config())
        except Exception:
            found = layer
    return found


def _advice(layer, error):
    if isinstance(layer, keras.layers.Lambda):
        return "Replace it with functions of `keras.ops`, or with a layer class."
    unknown = re.search("Could not locate function '([^']+)'", str(error))
    if unknown or getattr(getattr(layer, "activation", None), "__name__", "") == "<lambda>":
        return (
            f"It uses {f'the function {unknown[1]!r}' if unknown else 'a lambda'}. Write a named "
            "function, and decorate it with `@keras.saving.register_keras_serializable()`."
        )
    if not isinstance(layer, keras.Model):
        return (
            "Its class needs a `get_config` that returns the arguments of its constructor, which "
            "must take `**kwargs` and pass them to `keras.layers.Layer`."
        )
    return f"Received from Keras: {first_line(error)}"


def update_ema(gan, condition) -> None:
    """Update the averaged generator with the weights of the generator.

    A constant decay is limited to `(1 + step) / (10 + step)`, so that the first, untrained
    weights have little effect in a short run. A schedule is not limited.

    Args:
        gan: a compiled `GAN`.
        condition: condition of the last batch, for `recalibrate_ema_batch_norm`.
    """
    recalibrated = gan.recalibrate_ema_batch_norm(condition)
    pairs = list(zip(gan.ema_generator.weights, gan.generator.weights, strict=True))
    networks = gan.generator, gan.discriminator
    statistics = [v for network in networks for v in freezing.statistics(network)]
    if recalibrated is not None:
        layers = list(normalizations(gan.ema_generator))
        own = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
        statistics += own
        recalibrated_ids = {id(variable) for variable in own}
        pairs = [(a, weight) for a, weight in pairs if id(a) not in recalibrated_ids]
    if not gan.sync_batch_norm:
        updates.average_over_replicas(statistics)
    step = tf.cast(gan.generator_optimizer.iterations, "float32")
    if callable(gan.ema_decay):
        decay = schedules.value_at(gan.ema_decay, step)
    else:
        decay = tf.minimum(gan.ema_decay, (1.0 + step) / (10.0 + step))
    moves = [(1.0 - tf.cast(decay, a.dtype)) * (weight - a) for a, weight in pairs]
    moves = updates.wait_for(recalibrated or [], moves)
    for (average, _), move in zip(pairs, moves, strict=True):
        average.assign(average + move)
