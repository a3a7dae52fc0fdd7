"""Check the networks, arguments and losses of a `GAN`."""

from collections.abc import Iterable

import keras
import tensorflow as tf

from ganzoo import schedules
from ganzoo.messages import unknown

UPDATES = ("simultaneous", "alternating")
# What to do instead of using an argument of `keras.Model.compile`.
_USE_EVALUATE = (
    "Measure images with `ganzoo.evaluation.evaluate`, and during training with "
    "`ganzoo.callbacks.Evaluate`."
)
_INSTEAD_OF = {
    "optimizer": "Each network has its own: `generator_optimizer` and `discriminator_optimizer`.",
    "metrics": _USE_EVALUATE,
    "weighted_metrics": _USE_EVALUATE,
    "loss_weights": "The weight of a gradient penalty is an argument of `regularizer`.",
    "auto_scale_loss": "Each optimizer scales its loss under float16. Remove it.",
}
# Appended to errors about weights and losses that are NaN or infinite.
DIVERGENCE_ADVICE = (
    "Lower the learning rates (--compile generator_optimizer.learning_rate=1e-4 --compile "
    "discriminator_optimizer.learning_rate=1e-4), or train in float32 (--float32)."
)


def check_networks(generator, discriminator) -> None:
    """Check that two networks are built functional models whose shapes match.

    Raises:
        ValueError: If they are not.
    """
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        # Keras cannot tell the shapes of other models, and cannot clone them.
        if not (isinstance(network, keras.Model) and network.built):
            raise ValueError(
                f"`{name}` must be a built Keras model. Received: {network!r}. "
                "Give it a `keras.Input`."
            )
        if not hasattr(network, "output_shape"):
            raise ValueError(
                f"`{name}` must be a functional or `Sequential` Keras model. Received: "
                f"{network!r}. Wrap it: `keras.Model(inputs, network(inputs))`."
            )
    made = tuple(generator.output_shape)
    shape = discriminator.input_shape
    # The first input is the image. A condition comes after it.
    taken = tuple(shape[0] if isinstance(shape, list) else shape)
    if len(made) != 4 or made[1:] != taken[1:]:
        raise ValueError(
            "The discriminator must take the images `(batch, height, width, channels)` that the "
            f"generator makes. Received: a generator of {made} and a discriminator for {taken}."
        )


def check_compile(chosen: dict) -> None:
    """Check the arguments of `GAN.compile`.

    Raises:
        ValueError: If a value has the wrong type or is out of range.
    """
    steps = chosen["discriminator_steps"]
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(
            "`discriminator_steps` must be an integer of at least 1. Received: "
            f"discriminator_steps={steps!r}."
        )
    schedules.check("ema_decay", chosen["ema_decay"], least=0, below=1)
    if chosen["update"] not in UPDATES:
        raise ValueError(unknown("update", chosen["update"], UPDATES))


def refuse_keras_arguments(arguments: dict, known: Iterable[str]) -> None:
    """Refuse arguments of `keras.Model.compile` that a GAN does not take, and unknown ones.

    Args:
        arguments: values of the other arguments by name. None stands for a default.
        known: names of the arguments that `compile` takes.

    Raises:
        ValueError: If there is one.
    """
    for name, value in arguments.items():
        if name not in _INSTEAD_OF:
            raise ValueError(unknown("argument of compile", name, known))
        if value is not None:
            raise ValueError(
                f"A GAN does not take `{name}`. Received: {name}={value!r}. {_INSTEAD_OF[name]}"
            )


def check_augmentation(augmentation, image_shape: tuple) -> None:
    """Check that images of a shape can be augmented.

    Raises:
        ValueError: If they have more than four channels.
    """
    if augmentation is not None and image_shape[-1] not in (1, 2, 3, 4):
        raise ValueError(
            "`augment` needs images of 1 to 4 channels: gray or colors, with or without alpha. "
            f"Received: images of shape {image_shape}. Remove it."
        )


def check_scope(strategy, *networks: keras.Model) -> None:
    """Check that networks were built in the scope of a strategy, and no other one is open.

    Raises:
        ValueError: If one was not.
    """
    if tf.distribute.has_strategy() and tf.distribute.get_strategy() is not strategy:
        raise ValueError(
            "A model trains with the strategy that it was built in. Received: the open scope of "
            "another strategy. Use one `tf.distribute` strategy for all."
        )
    for network in networks:
        if not all(_is_created_in(strategy, variable) for variable in network.weights):
            raise ValueError(
                "Both networks and the GAN must be built in the scope of the same strategy. "
                f"Received: {network.name!r}, which was built outside of it. Build all of them "
                "inside `with strategy.scope():`."
            )


def require_in_scope(strategy, optimizer) -> None:
    """Check that an optimizer was created in the scope of a strategy.

    Raises:
        ValueError: If it was not.
    """
    # The first variable counts the updates.
    if not _is_created_in(strategy, optimizer.variables[0]):
        raise ValueError(
            "Under a strategy an optimizer must be created where the model is. Received: "
            f"{type(optimizer).__name__} from outside of the strategy's scope. Create it inside "
            "`with strategy.scope():`, or pass its name."
        )


def _is_created_in(strategy, variable):
    return strategy.extended.variable_created_in_scope(variable.value)


def refuse_weights(arguments: dict) -> None:
    """Refuse `sample_weight` and `class_weight`.

    Raises:
        ValueError: If one of them is given.
    """
    for name in ("sample_weight", "class_weight"):
        if arguments.get(name) is not None:
            raise ValueError(
                f"`{name}` is not supported for GANs. Remove it, or repeat images in the data."
            )


def refuse_callbacks(callbacks) -> None:
    """Refuse callbacks of Keras that cannot work with two optimizers.

    Raises:
        ValueError: If there is one.
    """
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    if any(isinstance(callback, keras.callbacks.SwapEMAWeights) for callback in given):
        raise ValueError(
            "`SwapEMAWeights` is not supported for GANs. Remove it: a GAN evaluates, samples and "
            "exports its own moving average, with `ema_decay` in `compile`."
        )
