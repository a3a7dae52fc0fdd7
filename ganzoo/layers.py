"""Keras building blocks that more than one family uses."""

import contextlib

import keras
from keras import ops


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


@keras.saving.register_keras_serializable(package="ganzoo")
class Maxout(keras.layers.Layer):
    """Dense units that each take the largest of several linear pieces.

    Args:
        units: int. Outputs.
        pieces: int. Linear functions of the input that each output chooses from.
        kernel_initializer: initializer of all pieces.

    Input shape: `(batch, features)`. Output shape: `(batch, units)`.

    Reference: Goodfellow et al., 2013 (arXiv:1302.4389), section 2.
    """

    def __init__(self, units, pieces, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pieces = pieces
        self.dense = keras.layers.Dense(
            units * pieces, kernel_initializer=kernel_initializer, dtype=self.dtype_policy
        )

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, inputs):
        pieces = ops.reshape(self.dense(inputs), (-1, self.units, self.pieces))
        return ops.max(pieces, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "kernel_initializer": keras.initializers.serialize(self.dense.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="ganzoo")
class OneHot(keras.layers.Layer):
    """Class ids as vectors with a 1 at the class and 0 elsewhere.

    Args:
        num_classes: int. Length of a vector.

    Input shape: int `(batch,)`. Output shape: `(batch, num_classes)`.
    """

    def __init__(self, num_classes, **kwargs):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def call(self, labels):
        return ops.one_hot(labels, self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}
