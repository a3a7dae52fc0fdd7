"""Compute the exponential moving average of the generator's weights."""

import tensorflow as tf

from ganzoo import schedules
from ganzoo.base import freezing, updates
from ganzoo.layers import normalizations


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
