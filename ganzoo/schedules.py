"""Check, evaluate and serialize hyperparameters that may change during training.

A weight, a rate, a decay or a strength is a number, a Keras `LearningRateSchedule`, or a
function of the step. A function must be registered with Keras, so that files can name it.
"""

from collections.abc import Callable

import keras

# A number, a `keras.optimizers.schedules.LearningRateSchedule`, or a registered function.
Schedule = float | Callable


def check(name: str, value: Schedule, least: float = 0.0, below: float = float("inf")) -> None:
    """Check a hyperparameter. A schedule is checked at step 0.

    Args:
        name: str. Name of the argument, for the error message.
        value: number, schedule or function.
        least: float. Smallest valid value.
        below: float. Upper bound, which is not a valid value itself.

    Raises:
        ValueError: If the value is not in `[least, below)`, or is a function that is not
            registered with Keras.

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
    if not least <= start < below:
        upper = "" if below == float("inf") else f" and below {below:g}"
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


def serialize(value: Schedule) -> float | dict:
    """Return a number unchanged, and a schedule as a dict for `deserialize`."""
    return keras.saving.serialize_keras_object(value) if callable(value) else value


def deserialize(config: float | dict) -> Schedule:
    """Return the value that `serialize` has converted."""
    return keras.saving.deserialize_keras_object(config) if isinstance(config, dict) else config


def _is_registered(function):
    name = keras.saving.get_registered_name(function)
    return keras.saving.get_registered_object(name) is function
