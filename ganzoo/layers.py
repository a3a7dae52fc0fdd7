"""Keras building blocks that more than one family uses."""

import contextlib

import keras


@contextlib.contextmanager
def dtype_policy(policy):
    """Builds what is inside under a dtype policy; None keeps the global one.

    Saved models need it: they are rebuilt with the policy they were made with,
    whatever the global one is by then.
    """
    before = keras.config.dtype_policy()
    if policy is not None:
        keras.config.set_dtype_policy(keras.dtype_policies.get(policy))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def check_recipe(recipe):
    """Raises a `ValueError` unless the recipe is one that every family has."""
    if recipe not in ("default", "paper"):
        raise ValueError(
            "`recipe` must be 'default', ganzoo's own, or 'paper', the introducing paper's. "
            f"Received: recipe={recipe!r}."
        )
