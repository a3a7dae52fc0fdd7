"""Define optimizers and schedules that Keras lacks: those of the papers, and a faster Adam."""

import math
import re

import keras
import tensorflow as tf
from keras import ops

from ganzoo import schedules


@keras.saving.register_keras_serializable(package="ganzoo")
class Adam(keras.optimizers.Adam):
    """Keras's Adam, faster, and with betas that may be schedules.

    Each variable is updated in one pass over its memory. Keras makes about ten passes, a quarter
    of the time of a small network's step. Arguments and state are Keras's.

    A scheduled beta enters the bias correction as `1 - beta**t` with its current value, as in
    the code published with R3GAN (Huang et al., 2024, arXiv:2501.05441). The correction is exact
    for a constant beta.

    Args:
        learning_rate: float, or a schedule of the step.
        beta_1: float in [0, 1), or a schedule of the step.
        beta_2: float in [0, 1), or a schedule of the step.
        **kwargs: other `keras.optimizers.Adam` arguments.

    Raises:
        ValueError: If a beta is out of range, or is a schedule together with `amsgrad`.

    Example:
        >>> rise = keras.optimizers.schedules.PolynomialDecay(0.9, 100, 0.99)
        >>> optimizer = Adam(2e-4, beta_1=0.0, beta_2=rise)
        >>> round(float(schedules.value_at(optimizer.beta_2, 50)), 4)
        0.945

    Reference: Kingma & Ba, 2014 (arXiv:1412.6980), algorithm 1.
    """

    def __init__(
        self,
        learning_rate: schedules.Schedule = 0.001,
        beta_1: schedules.Schedule = 0.9,
        beta_2: schedules.Schedule = 0.999,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, **kwargs)
        schedules.check("beta_1", beta_1, least=0, below=1)
        schedules.check("beta_2", beta_2, least=0, below=1)
        if self.amsgrad and (callable(beta_1) or callable(beta_2)):
            raise ValueError(
                "`amsgrad` needs constant betas. Received: a schedule. Set amsgrad=False."
            )

    def update_step(self, gradient, variable, learning_rate):
        scheduled = callable(self.beta_1) or callable(self.beta_2)
        if isinstance(gradient, tf.IndexedSlices) and scheduled:
            gradient = tf.convert_to_tensor(gradient)
        if self.amsgrad or isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        step = ops.cast(self.iterations + 1, variable.dtype)
        beta_1, beta_2 = (
            ops.cast(schedules.value_at(beta, self.iterations), variable.dtype)
            for beta in (self.beta_1, self.beta_2)
        )
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=ops.power(beta_1, step),
            beta2_power=ops.power(beta_2, step),
            lr=ops.cast(learning_rate, variable.dtype),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=ops.cast(self.epsilon, variable.dtype),
            grad=ops.cast(gradient, variable.dtype),
        )

    def get_config(self):
        betas = {name: schedules.serialize(getattr(self, name)) for name in ("beta_1", "beta_2")}
        return {**super().get_config(), **betas}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        betas = {
            name: schedules.deserialize(config[name])
            for name in ("beta_1", "beta_2")
            if name in config
        }
        return super().from_config({**config, **betas}, custom_objects)


@keras.saving.register_keras_serializable(package="ganzoo")
class Muon(keras.optimizers.Muon):
    """Keras's Muon, which also orthogonalizes the updates of convolutions.

    A kernel `(height, width, inputs, outputs)` counts as a matrix with one column per output. Keras
    uses Adam for it. Vectors, such as biases, are updated by Adam here, too.

    Args:
        *args, **kwargs: `keras.optimizers.Muon` arguments.

    Reference: Jordan et al., 2024, "Muon: an optimizer for hidden layers in neural networks";
        Liu et al., 2025 (arXiv:2502.16982), section 2.2, for the scale of the updates.
    """

    def _should_use_adamw(self, variable):
        if len(variable.shape) == 4:
            return any(re.search(layer, variable.path) for layer in self.exclude_layers)
        return super()._should_use_adamw(variable)

    def zeropower_via_newtonschulz5(self, x, steps):
        matrix = ops.reshape(x, (-1, x.shape[-1]))
        return ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)

    def lr_adjust(self, x):
        if self.rms_rate is None:
            return x
        rows = math.prod(x.shape[:-1])
        return x * (self.rms_rate * math.sqrt(max(rows, x.shape[-1])))


@keras.saving.register_keras_serializable(package="ganzoo")
class MomentumRampSGD(keras.optimizers.SGD):
    """Gradient descent whose momentum rises linearly over the first steps.

    Goodfellow et al., 2014 and Denton et al., 2015 train with a momentum that rises from 0.5.

    Args:
        learning_rate: float or a learning rate schedule.
        momentum: float in (0, 1]. Momentum at step 0.
        final_momentum: float in (0, 1]. Momentum from step `ramp_steps` on.
        ramp_steps: int, at least 1. Number of steps in which the momentum rises.
        **kwargs: other `keras.optimizers.SGD` arguments, except `nesterov`.

    Raises:
        ValueError: If a value is out of range.

    Example:
        >>> optimizer = MomentumRampSGD(0.1, 0.5, final_momentum=0.7, ramp_steps=100)
        >>> round(float(optimizer.momentum_at(50)), 6)
        0.6
    """

    def __init__(
        self,
        learning_rate: schedules.Schedule = 0.1,
        momentum: float = 0.5,
        final_momentum: float = 0.7,
        ramp_steps: int = 1,
        **kwargs,
    ):
        super().__init__(learning_rate, momentum=momentum, **kwargs)
        if not (0 < momentum <= 1 and 0 < final_momentum <= 1 and ramp_steps >= 1):
            raise ValueError(
                "Momentum must be above 0 and at most 1, and rise in at least 1 step. Received: "
                f"momentum={momentum}, final_momentum={final_momentum}, ramp_steps={ramp_steps}."
            )
        if self.nesterov:
            raise ValueError(
                "Nesterov momentum is not supported. Received: nesterov=True. Set nesterov=False."
            )
        self.final_momentum = final_momentum
        self.ramp_steps = ramp_steps

    def momentum_at(self, step: int | tf.Tensor) -> tf.Tensor:
        """Return the momentum at a step, as float32."""
        progress = ops.minimum(ops.cast(step, "float32") / self.ramp_steps, 1.0)
        return self.momentum + (self.final_momentum - self.momentum) * progress

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
    """Learning rate `max(initial_learning_rate / decay_factor**step, floor)`.

    Args:
        initial_learning_rate: float. Rate at step 0.
        decay_factor: float, above 1. Ratio of the rates of two successive steps.
        floor: float. Smallest rate.

    Example:
        >>> round(float(FlooredExponentialDecay(0.1, 1.000004, floor=1e-6)(0)), 6)
        0.1

    Reference: the code published with Goodfellow et al., 2014 (arXiv:1406.2661).
    """

    def __init__(self, initial_learning_rate: float, decay_factor: float, floor: float):
        self.initial_learning_rate = initial_learning_rate
        self.decay_factor = decay_factor
        self.floor = floor

    def __call__(self, step):
        # Use the float64 logarithm. A factor close to 1 loses most of its digits in float32.
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
