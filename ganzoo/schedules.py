"""Check, evaluate and serialize hyperparameters that may change during training.

A weight, a rate, a decay or a strength is a number, a Keras `LearningRateSchedule`, or a
function of the step. A function must be registered with Keras, so that files can name it.
"""

import math
from collections.abc import Callable

import keras
from keras import ops

# A number, a `keras.optimizers.schedules.LearningRateSchedule`, or a registered function.
Schedule = float | Callable


@keras.saving.register_keras_serializable(package="ganzoo")
class Cosine(keras.optimizers.schedules.LearningRateSchedule):
    """Schedule from a first to a last value along half a cosine, then constant.

    Unlike Keras's `CosineDecay`, it may rise, and start at 0.

    Args:
        first: float. Value at step 0.
        last: float. Value from step `num_steps` on.
        num_steps: int, at least 1. Number of steps in which the value changes.

    Raises:
        ValueError: If `num_steps` is below 1.

    Example:
        >>> rise = Cosine(0.9, 0.99, num_steps=100)
        >>> [round(float(rise(step)), 3) for step in (0, 50, 100, 200)]
        [0.9, 0.945, 0.99, 0.99]
    """

    def __init__(self, first: float, last: float, num_steps: int):
        if num_steps < 1:
            raise ValueError(f"`num_steps` must be at least 1. Received: num_steps={num_steps}.")
        self.first = first
        self.last = last
        self.num_steps = num_steps

    def __call__(self, step):
        progress = ops.minimum(ops.cast(step, "float32") / self.num_steps, 1.0)
        share = 0.5 * (1.0 + ops.cos(math.pi * progress))
        return self.last + (self.first - self.last) * share

    def get_config(self):
        return {"first": self.first, "last": self.last, "num_steps": self.num_steps}


@keras.saving.register_keras_serializable(package="ganzoo")
class HalfLife(keras.optimizers.schedules.LearningRateSchedule):
    """Decay of a moving average, `0.5 ** (1 / half_life)`, for a half-life in steps.

    Args:
        half_life: float, at least 0, or a schedule. Number of steps after which a value has half
            its weight in the average. 0 means no average.

    Example:
        >>> [round(float(HalfLife(steps)(0)), 4) for steps in (0, 1, 500)]
        [0.0, 0.5, 0.9986]
    """

    def __init__(self, half_life: Schedule):
        check("half_life", half_life)
        self.half_life = half_life

    def __call__(self, step):
        half_life = ops.cast(value_at(self.half_life, step), "float32")
        return 0.5 ** (1.0 / ops.maximum(half_life, 1e-3))

    def get_config(self):
        return {"half_life": serialize(self.half_life)}

    @classmethod
    def from_config(cls, config):
        return cls(deserialize(config["half_life"]))


def check(
    name: str,
    value: Schedule,
    least: float = 0.0,
    below: float = float("inf"),
    most: float = float("inf"),
) -> None:
    """Check a hyperparameter. A schedule is checked at step 0.

    Args:
        name: str. Name of the argument, for the error message.
        value: number, schedule or function.
        least: float. Smallest valid value.
        below: float. Upper bound, which is not a valid value itself.
        most: float. Largest valid value.

    Raises:
        ValueError: If the value is out of range, or is a function that is not registered with
            Keras.

    Example:
        >>> check("weight", keras.optimizers.schedules.CosineDecay(1.0, 100))
    """
    is_schedule = isinstance(value, keras.optimizers.schedules.LearningRateSchedule)
    if callable(value) and not is_schedule and not _is_registered(value):
        raise ValueError(
            f"`{name}` must be a number, a Keras schedule, or a function that is registered with "
            f"Keras, so that it can be saved. Received: {value!r}. Decorate it with "
            "`@keras.saving.register_keras_serializable()`."
        )
    start = float(value(0)) if callable(value) else value
    if not (least <= start < below and start <= most):
        upper = "" if below == float("inf") else f" and below {below:g}"
        upper += "" if most == float("inf") else f" and at most {most:g}"
        raise ValueError(f"`{name}` must be at least {least:g}{upper}. Received: {name}={start!r}.")


def value_at(value: Schedule, step: int | keras.KerasTensor) -> float | keras.KerasTensor:
    """Return the value of a hyperparameter at a step.

    Args:
        value: number, schedule or function.
        step: int or scalar tensor.

    Example:
        >>> value_at(0.5, 10)
        0.5
    """
    return value(step) if callable(value) else value


def serialize(value: Schedule | None) -> float | dict | None:
    """Return a number or None unchanged, and a schedule as a dict for `deserialize`."""
    return keras.saving.serialize_keras_object(value) if callable(value) else value


def deserialize(config: float | dict) -> Schedule:
    """Return the value that `serialize` has converted."""
    return keras.saving.deserialize_keras_object(config) if isinstance(config, dict) else config


def _is_registered(function):
    name = keras.saving.get_registered_name(function)
    return keras.saving.get_registered_object(name) is function
