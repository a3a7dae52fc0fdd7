"""Optimizers that Keras does not have: those of the papers, and a faster Adam."""

import math

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="ganzoo")
class Adam(keras.optimizers.Adam):
    """Keras's Adam, with each variable updated in one pass over its memory.

    Keras makes about ten passes, a quarter of the time of a small network's step. Sparse
    gradients and `amsgrad` are left to it. Arguments and state are Keras's.

    Reference: Kingma & Ba, 2014 (arXiv:1412.6980), algorithm 1.
    """

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=ops.power(ops.cast(self.beta_1, variable.dtype), step),
            beta2_power=ops.power(ops.cast(self.beta_2, variable.dtype), step),
            lr=ops.cast(learning_rate, variable.dtype),
            beta1=ops.cast(self.beta_1, variable.dtype),
            beta2=ops.cast(self.beta_2, variable.dtype),
            epsilon=ops.cast(self.epsilon, variable.dtype),
            grad=ops.cast(gradient, variable.dtype),
        )


@keras.saving.register_keras_serializable(package="ganzoo")
class MomentumRampSGD(keras.optimizers.SGD):
    """Gradient descent whose momentum rises linearly over the first steps.

    The 2014 and 2015 papers train with momentum that goes from 0.5 to 0.7.

    Args:
        learning_rate: float or a learning rate schedule.
        momentum: float in (0, 1]. Momentum at step 0.
        final_momentum: float in (0, 1]. Momentum from step `ramp_steps` on.
        ramp_steps: int, at least 1. Steps of the rise.
        **kwargs: what else `keras.optimizers.SGD` takes, but for `nesterov`.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> optimizer = MomentumRampSGD(0.1, 0.5, final_momentum=0.7, ramp_steps=100)
        >>> round(float(optimizer.momentum_at(50)), 6)
        0.6
    """

    def __init__(self, learning_rate=0.1, momentum=0.5, final_momentum=0.7, ramp_steps=1, **kwargs):
        super().__init__(learning_rate, momentum=momentum, **kwargs)
        if not (0 < momentum <= 1 and 0 < final_momentum <= 1 and ramp_steps >= 1):
            raise ValueError(
                "Momentum must be above 0 and at most 1, and rise in at least 1 step. Received: "
                f"momentum={momentum}, final_momentum={final_momentum}, ramp_steps={ramp_steps}."
            )
        if self.nesterov:
            raise ValueError("The momentum is not Nesterov's. Received: nesterov=True.")
        self.final_momentum = final_momentum
        self.ramp_steps = ramp_steps

    def momentum_at(self, step):
        """The momentum of a step, as float32."""
        done = ops.minimum(ops.cast(step, "float32") / self.ramp_steps, 1.0)
        return self.momentum + (self.final_momentum - self.momentum) * done

    def update_step(self, gradient, variable, learning_rate):
        velocity = self.momentums[self._get_variable_index(variable)]
        momentum = ops.cast(self.momentum_at(self.iterations), variable.dtype)
        step = ops.cast(learning_rate, variable.dtype) * ops.cast(gradient, variable.dtype)
        self.assign(velocity, momentum * velocity - step)
        self.assign_add(variable, velocity)

    def get_config(self):
        return {
            **super().get_config(),
            "final_momentum": self.final_momentum,
            "ramp_steps": self.ramp_steps,
        }


@keras.saving.register_keras_serializable(package="ganzoo")
class FlooredExponentialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`max(initial / decay_factor**step, floor)`.

    Reference: the code published with Goodfellow et al., 2014 (arXiv:1406.2661).

    Example:
        >>> round(float(FlooredExponentialDecay(0.1, 1.000004, floor=1e-6)(0)), 6)
        0.1
    """

    def __init__(self, initial_learning_rate, decay_factor, floor):
        self.initial_learning_rate = initial_learning_rate
        self.decay_factor = decay_factor
        self.floor = floor

    def __call__(self, step):
        # The logarithm in float64: a factor next to 1 loses most of its digits in float32.
        decayed = self.initial_learning_rate * ops.exp(
            -ops.cast(step, "float32") * math.log(self.decay_factor)
        )
        return ops.maximum(decayed, self.floor)

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_factor": self.decay_factor,
            "floor": self.floor,
        }
