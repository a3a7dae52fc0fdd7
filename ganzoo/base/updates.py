"""Compute and apply gradients: float16, replicas, the order of updates, gradient norms.

`train_step.py` defines the algorithm. This module handles loss scaling, sums over replicas, and the
order of reads and writes.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from ganzoo.layers import normalizations

# Record the gradient norm once in this many steps, because it takes a large part of the time of an
# update.
_NORM_EVERY = 10
# Negligible slope that keeps `_rescale_gradient` from dividing by zero. It moves no weight, and
# is far above the smallest float32 and bfloat16.
_LEAST_SLOPE = 1e-20


def compute_gradients(tape, loss, sources, optimizer):
    """Return the gradients of a loss, scaled for float16 and for the number of replicas.

    Gradients are summed over the replicas when they are applied, so they are divided by the number
    of replicas. Under float16 the optimizer removes its loss scale again.

    Args:
        tape: `tf.GradientTape` that recorded the loss.
        loss: float32 scalar, or a vector with one loss per level.
        sources: tensors or variables, in any nested structure.
        optimizer: Keras optimizer that the gradients are for.
    """
    return tape.gradient(loss, sources, output_gradients=_scale(loss, optimizer))


def apply_gradients(network, optimizer, norm, gradients, losses) -> None:
    """Apply one optimizer step to the trainable variables of one network. A frozen one has none.

    Args:
        network: Keras model to update.
        optimizer: its optimizer.
        norm: `keras.metrics.Mean` that records the gradient norm.
        gradients: one gradient per trainable variable.
        losses: tensors that must be computed before a weight changes.
    """
    if not network.trainable_variables:
        return
    gradients = _share_overflow(wait_for(losses, gradients), optimizer)
    _record_gradient_norm(norm, gradients, optimizer)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))


def gradients_of_both(
    gan, discriminator_tape, loss_tape, fake_images, fake_logits, discriminator_loss, generator_loss
):
    """Return d(discriminator loss)/d(discriminator weights), d(generator loss)/d(fake images).

    If each logit depends on one image only and the network runs in float32 or bfloat16, one
    backward pass through the discriminator gives both: the gradient with respect to an image is
    the same up to the factor d(loss)/d(logit).
    """
    weights = gan.discriminator.trainable_variables
    by_images, by_logits = compute_gradients(
        loss_tape, generator_loss, [fake_images, fake_logits], gan.generator_optimizer
    )
    if gan.per_sample_discriminator and gan.compute_dtype != "float16":
        # A saturated loss has zero slope. The least slope keeps the factor finite.
        slopes = tf.nest.map_structure(lambda x: tf.fill(tf.shape(x), _LEAST_SLOPE), fake_logits)
        scale = _scale(discriminator_loss, gan.discriminator_optimizer)
        discriminator_gradients, *found = discriminator_tape.gradient(
            [discriminator_loss, fake_logits],
            [weights, fake_images, fake_logits],
            output_gradients=[scale, slopes],
        )
        through_logits = tf.nest.map_structure(_rescale_gradient, *found, by_logits)
    else:
        discriminator_gradients = compute_gradients(
            discriminator_tape, discriminator_loss, weights, gan.discriminator_optimizer
        )
        through_logits = discriminator_tape.gradient(fake_logits, fake_images, by_logits)
    return discriminator_gradients, tf.nest.map_structure(_add_gradients, through_logits, by_images)


def every_n_steps(now: tf.Tensor, compute: Callable, network: keras.Model) -> tf.Tensor:
    """Return `compute()` if `now` is true, else 0 without changing statistics of `network`.

    Replicas that share batch statistics must all run the network, which they cannot do in a
    branch. They compute the value at every step.

    Args:
        now: scalar bool tensor.
        compute: function without arguments that returns a float32 scalar.
        network: Keras model that `compute` runs.
    """
    layers = list(normalizations(network))
    if not any(layer.synchronized for layer in layers):
        return tf.cond(now, compute, lambda: 0.0)
    statistics = [v for layer in layers for v in layer.non_trainable_variables]
    before = [tf.identity(variable.value) for variable in statistics]
    value = compute()
    for variable, old in zip(statistics, before, strict=True):
        variable.assign(tf.where(now, variable.value, old))
    return tf.where(now, value, 0.0)


def sum_over_replicas(tensor: tf.Tensor) -> tf.Tensor:
    """Return the sum of a tensor over the replicas of this step."""
    if _num_replicas() == 1:
        return tensor
    context = tf.distribute.get_replica_context()
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tensor)


def average_over_replicas(variables: Sequence) -> None:
    """Set floating-point variables to their mean over the replicas of this step."""
    # Random states are integers and differ on purpose.
    variables = [v for v in variables if "float" in v.dtype]
    if _num_replicas() == 1 or not variables:
        return
    # Copies are on a device. The value of a variable is on none until it is used.
    own = [tf.identity(variable.value) for variable in variables]
    context = tf.distribute.get_replica_context()
    means = context.all_reduce(tf.distribute.ReduceOp.MEAN, own)
    for variable, mean in zip(variables, means, strict=True):
        variable.assign(mean)


def fold_in_replica(seed: tf.Tensor) -> tf.Tensor:
    """Return a seed that differs on every replica.

    The random functions of Keras give the same numbers to all replicas.
    """
    context = tf.distribute.get_replica_context()
    replica = context.replica_id_in_sync_group if context else 0
    return tf.random.experimental.stateless_fold_in(tf.cast(seed, "int32"), replica)


def wait_for(losses, tensors: Sequence) -> list:
    """Return the tensors with control dependencies on the losses.

    A weight must not change while anything still reads it. TensorFlow orders reads and writes
    in the graph it traces, but Grappler may drop that order and run an update before the
    penalty has read the weight.
    """
    with tf.control_dependencies(tf.nest.flatten(losses)):
        return [None if tensor is None else tf.identity(tensor) for tensor in tensors]


def _num_replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def _scale(loss, optimizer):
    """Return d(scaled loss)/d(loss), of the loss's shape."""
    scale = optimizer.scale_loss(tf.constant(1.0) / _num_replicas())
    return tf.fill(tf.shape(loss), scale)


def _share_overflow(gradients, optimizer):
    """Return the gradients, infinite on all replicas if a scaled loss overflowed on one.

    Keras asks only the first replica whether to skip a step, before gradients are summed.
    """
    if _num_replicas() == 1 or not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return gradients
    overflows = sum_over_replicas(1.0 - tf.cast(optimizer.check_finite(gradients), "float32"))
    mark = tf.where(overflows > 0, np.inf, 0.0)
    return [g if g is None else g + tf.cast(mark, g.dtype) for g in gradients]


def _record_gradient_norm(norm, gradients, optimizer):
    """Add the norm of all gradients to a running mean, every `_NORM_EVERY` steps."""
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)

    def record():
        value = tf.linalg.global_norm(gradients) / _scale(0.0, optimizer)
        # Overflows are expected while the loss scale adapts. Keras skips their steps.
        counts = tf.math.is_finite(value) if scaled else tf.constant(True)
        norm.update_state(tf.where(counts, value, 0.0), sample_weight=tf.cast(counts, "float32"))
        return True

    tf.cond(tf.equal(optimizer.iterations % _NORM_EVERY, 0), record, lambda: False)


def _rescale_gradient(by_images, by_logits, wanted_by_logits):
    """Rescale d(D loss)/d(image) to d(G loss)/d(image).

    Valid only if each logit depends on one image.
    """
    factors = wanted_by_logits / by_logits
    return by_images * tf.reshape(factors, [-1] + [1] * (by_images.shape.rank - 1))


def _add_gradients(first, second):
    """Return the sum of two gradients. The second is None if the loss reads logits alone."""
    return first if second is None else first + second
