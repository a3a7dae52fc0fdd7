"""List, parse, check and apply the arguments of a family's constructor and `compile`.

The command line, presets and run folders store them as two dictionaries of JSON values. A key with
a dot sets one argument of an object, such as `generator_optimizer.learning_rate`.
"""

import dataclasses
import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

import keras

from ganzoo import augment, losses, messages, regularizers
from ganzoo.base import GAN

# Constructor arguments that other parts of a recipe set.
_SET_ELSEWHERE = ("seed", "trained_on", "name", "dtype")
_GETTERS = {
    "generator_optimizer": keras.optimizers.get,
    "discriminator_optimizer": keras.optimizers.get,
    "loss": losses.get,
    "regularizer": regularizers.get,
    "augment": augment.get,
}
# Values of the arguments that may be "none", for error messages.
_EXAMPLES = {"regularizer": "r1", "augment": "ada"}


@dataclasses.dataclass(frozen=True)
class Argument:
    """Argument of a constructor or of `compile`.

    Attributes:
        name: name of the argument.
        hint: its type hint. `inspect.Parameter.empty` if it has none.
        default: its default. `inspect.Parameter.empty` if it is required.
        summary: first sentence of its description in the docstring.
    """

    name: str
    hint: object
    default: object
    summary: str


def constructor_arguments(model_class: type[GAN]) -> dict[str, Argument]:
    """Return the constructor arguments of a model class, by name.

    `seed`, `trained_on`, `name` and `dtype` are left out, because a recipe sets them elsewhere.
    """
    found = _collect(model_class, "__init__", lambda base: base.__doc__)
    return {name: found[name] for name in found if name not in _SET_ELSEWHERE}


def compile_arguments(model_class: type[GAN]) -> dict[str, Argument]:
    """Return the arguments of `compile`, by name. Those of the family come first."""
    return _collect(model_class, "compile", lambda base: base.compile.__doc__)


def parse(pairs: Iterable[str], option: str) -> dict:
    """Parse `KEY=VALUE` strings of the command line into a dictionary.

    A value is read as JSON if possible, and as text otherwise.

    Args:
        pairs: strings to parse.
        option: name of the option, for error messages.

    Raises:
        ValueError: If a string has no `=`, or a key is given twice.

    Example:
        >>> parse(["base_filters=128", "discriminator_norm=none"], "--model")
        {'base_filters': 128, 'discriminator_norm': 'none'}
    """
    parsed = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator or not key:
            raise ValueError(f"{option} needs KEY=VALUE. Received: {pair!r}.")
        if key in parsed:
            raise ValueError(f"{option} sets {key!r} twice. Remove one of them.")
        parsed[key] = _parse_value(text)
    return parsed


def to_json(values: dict) -> dict:
    """Convert arguments to JSON values with flat, dotted keys.

    Example:
        >>> to_json({"generator_optimizer": {"learning_rate": 1e-4}, "image_shape": (8, 8, 1)})
        {'generator_optimizer.learning_rate': 0.0001, 'image_shape': [8, 8, 1]}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict) and "class_name" not in value:
            flat |= {f"{key}.{name}": v for name, v in to_json(value).items()}
        elif isinstance(value, tuple):
            flat[key] = list(value)
        elif callable(value) or hasattr(value, "get_config"):
            flat[key] = keras.saving.serialize_keras_object(value)
        else:
            flat[key] = value
    return flat


def check(model_class: type[GAN], model: dict, compile: dict) -> None:
    """Check arguments against the signatures of a family.

    Args:
        model_class: class of the family.
        model: arguments of its constructor.
        compile: arguments of `compile`.

    Raises:
        ValueError: If an argument is unknown, or its value has another type.
    """
    name = model_class.__name__
    _check_all(f"argument of {name}", constructor_arguments(model_class), model, dotted=())
    known = compile_arguments(model_class)
    _check_all(f"argument of {name}.compile", known, compile, dotted=tuple(_GETTERS))


def compile_with(gan: GAN, settings: dict, decay_steps: int | None = None) -> None:
    """Compile a model with the `compile` dictionary of a recipe.

    Args:
        gan: model to compile.
        settings: JSON values, with dotted keys for arguments of optimizers, loss and
            regularizer. Missing arguments take the family's recommended values.
        decay_steps: int. Let both learning rates fall to 0 in this many steps, along a cosine.

    Raises:
        ValueError: If a value does not fit.
    """
    plain = {key: _to_object(value) for key, value in settings.items() if "." not in key}
    parts: dict[str, dict] = {}
    for key, value in settings.items():
        if "." in key:
            name, _, part = key.partition(".")
            parts.setdefault(name, {})[part] = value
    with gan.distribute_strategy.scope():  # Optimizers create variables.
        recommended = gan.recommended(**plain)
        for name, changes in parts.items():
            chosen = plain[name] if plain.get(name) is not None else recommended[name]
            plain[name] = _rebuild(name, _GETTERS[name](chosen), changes)
        if decay_steps is not None:
            arguments = {**recommended, **{k: v for k, v in plain.items() if v is not None}}
            # The discriminator is updated several times per step.
            updates = {"generator": 1, "discriminator": arguments["discriminator_steps"]}
            for player, per_step in updates.items():
                name = f"{player}_optimizer"
                chosen = keras.optimizers.get(arguments[name])
                plain[name] = _decay(chosen, decay_steps, per_step)
    gan.compile(**plain)


def _rebuild(name, value, changes):
    """Return an object with some of its constructor's arguments changed."""
    if value is None:
        raise ValueError(
            f"`{name}.{next(iter(changes))}` needs a value of `{name}`. Received: {name}='none'. "
            f"Choose one, for example with --{name} {_EXAMPLES[name]}."
        )
    config = value.get_config()
    for part in changes:
        if part not in config:
            raise ValueError(messages.unknown(f"argument of {type(value).__name__}", part, config))
    try:
        return type(value).from_config({**config, **changes})
    except TypeError as error:
        raise ValueError(f"`{name}` cannot take {changes}: {messages.first_line(error)}.") from None


def _decay(optimizer, decay_steps, updates_per_step):
    config = optimizer.get_config()
    if not isinstance(config["learning_rate"], float):
        raise ValueError(
            "The learning rates of this recipe have a schedule. Received: "
            f"decay_steps={decay_steps}. Remove --decay-steps."
        )
    schedule = keras.optimizers.schedules.CosineDecay(
        config["learning_rate"], decay_steps * updates_per_step
    )
    return type(optimizer).from_config({**config, "learning_rate": schedule})


def _collect(model_class, method, docstring_of: Callable) -> dict[str, Argument]:
    """Return the named parameters of a method, and of the methods it extends."""
    found: dict[str, Argument] = {}
    for base in model_class.__mro__:
        if method not in vars(base) or not issubclass(base, GAN):
            continue
        function = vars(base)[method]
        signature = inspect.signature(function)
        hints = typing.get_type_hints(function)
        texts = _argument_texts(docstring_of(base) or "")
        named = [
            parameter
            for parameter in signature.parameters.values()
            if parameter.name != "self"
            and parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        ]
        for parameter in named:
            found.setdefault(
                parameter.name,
                Argument(
                    parameter.name,
                    hints.get(parameter.name, parameter.annotation),
                    parameter.default,
                    texts.get(parameter.name, ""),
                ),
            )
        if method == "__init__" and base is not GAN and named:
            # A family builds its networks itself, so its constructor does not take those of the
            # base class.
            break
    return found


def _argument_texts(docstring):
    """Return the first sentence of each entry in the `Args` section of a docstring."""
    section = re.search(r"^( *)Args:\n(.*?)(?=\n\1?\S|\n\s*\n|\Z)", docstring, re.M | re.S)
    if not section:
        return {}
    indent = " " * (len(section[1]) + 4)
    entries = re.split(rf"^{indent}(?=\S)", section[2], flags=re.M)
    texts = {}
    for entry in entries:
        name, separator, text = entry.partition(":")
        if separator:
            text = " ".join(text.split())
            # The type and its range also end with a period.
            texts[name.strip("*")] = re.split(r"(?<=\.)\s", text)
    return {name: _summary(sentences) for name, sentences in texts.items()}


def _summary(sentences):
    """Return the first sentence, and the next one if the first only gives the type."""
    short = len(sentences) > 1 and len(sentences[0].split()) < 6
    return " ".join(sentences[: 2 if short else 1])


def _parse_value(text):
    if text in ("True", "False", "None"):
        return {"True": True, "False": False, "None": None}[text]
    try:
        return json.loads(text)
    except ValueError:
        return text


def _to_object(value):
    """Deserialize an object, and return any other value unchanged."""
    is_serialized = isinstance(value, dict) and "class_name" in value
    return keras.saving.deserialize_keras_object(value) if is_serialized else value


def _check_all(kind, known, given, dotted):
    for key, value in given.items():
        name, dot, _ = key.partition(".")
        if name not in known or (dot and name not in dotted):
            raise ValueError(messages.unknown(kind, key, known))
        argument = known[name]
        if not dot and not _fits(value, argument.hint):
            raise ValueError(
                f"`{name}` must be {_describe(argument.hint)}. Received: {name}={value!r}."
            )


def _fits(value, hint) -> bool:
    """Return True if a value, from JSON or Python, matches a type hint."""
    if hint in (inspect.Parameter.empty, typing.Any):
        return True
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    if hint in (None, type(None)):
        return value is None
    if hint is bool:
        return isinstance(value, bool)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    if hint is tuple or typing.get_origin(hint) is tuple:
        sizes = typing.get_args(hint)
        return isinstance(value, (tuple, list)) and len(value) in (len(sizes), len(sizes) or 0)
    if isinstance(value, dict):
        return "class_name" in value and hint not in (str, dict)
    if typing.get_origin(hint) is Callable or hint is Callable:
        return callable(value)
    return isinstance(value, typing.get_origin(hint) or hint)


def _describe(hint) -> str:
    """Return a type hint in words, such as "an int or None"."""
    words = {int: "an int", float: "a number", bool: "True or False", str: "text"}
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = [_describe(option) for option in typing.get_args(hint)]
        return " or ".join(dict.fromkeys(options))
    if hint in words:
        return words[hint]
    if hint in (None, type(None)):
        return "None"
    if typing.get_origin(hint) is tuple:
        return f"a list of {len(typing.get_args(hint))} numbers"
    if typing.get_origin(hint) is Callable or hint is Callable:
        return "a schedule"
    return f"a {getattr(hint, '__name__', hint)}"
