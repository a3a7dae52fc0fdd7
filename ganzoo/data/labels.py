"""Check the labels of images: one class id or number per image."""

from collections.abc import Sequence

import numpy as np

from ganzoo.data.arrays import map_labels


def check_labels(
    labels: np.ndarray, num_classes: int, tensors: bool = False, of_data: bool = False
) -> None:
    """Check that an array of labels holds class ids.

    Args:
        labels: array of any shape.
        num_classes: int.
        tensors: bool. Give advice for TensorFlow tensors, not for numpy arrays.
        of_data: bool. True for labels of training data, which a model can be built for.

    Raises:
        ValueError: If one is not an integer from 0 to `num_classes - 1`.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels must be integer class ids. Received: labels of dtype {labels.dtype.name}"
            f"{_advise_label_dtype(labels, tensors)}"
        )
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low >= 0 and high < num_classes:
        return
    if not of_data:
        advice = "Choose among these."
    elif low > 0 and high == num_classes:
        advice = "Number the classes from 0: `y - 1`."
    elif low < 0:
        advice = "Number the classes from 0, and leave images without a class out."
    else:
        advice = f"Build the model with `num_classes={high + 1}`, or number the classes from 0."
    raise ValueError(
        f"Labels must be class ids from 0 to {num_classes - 1}. Received: labels from {low} to "
        f"{high}. {advice}"
    )


def check_label_shape(labels: np.ndarray, count: int, num_classes: int, tensors: bool) -> None:
    """Check that there is one label for each of `count` images.

    Other arguments are those of `check_labels`.

    Raises:
        ValueError: If the shape is not `(count,)`.
    """
    if labels.shape == (count,):
        return
    advice = "Pass one integer per image."
    if labels.shape == (count, 1):
        advice = "Take the only column: `y[:, 0]`."
    elif labels.shape == (count, num_classes):
        argmax = "tf.argmax(y, axis=-1)" if tensors else "y.argmax(axis=-1)"
        advice = f"Convert one-hot labels: `{argmax}`."
    raise ValueError(
        f"Labels must be class ids of shape ({count},), one for each image. Received: labels of "
        f"shape {labels.shape}. {advice}"
    )


def cycle(labels, numbers: Sequence[int]):
    """Return the labels of some of infinitely many images, which get given labels in turn.

    Args:
        labels: list of labels, or a dict of lists of one length. None stays None.
        numbers: indices of the images.

    Returns:
        Array, or a dict of arrays.

    Example:
        >>> cycle({"age": [20, 60]}, range(1, 4))["age"].tolist()
        [60, 20, 60]
    """
    return map_labels(lambda values: np.asarray(values)[np.asarray(numbers) % len(values)], labels)


def check_numbers(numbers: np.ndarray, count: int, name: str) -> None:
    """Check that there is one finite number for each of `count` images.

    Args:
        numbers: array.
        count: int.
        name: str. Column of the labels.

    Raises:
        ValueError: If the shape is not `(count,)`, or a value is NaN, infinite or text.
    """
    problem = None
    if numbers.dtype.kind not in "iuf":
        problem = f"dtype {numbers.dtype.name}"
    elif numbers.shape != (count,):
        problem = f"shape {numbers.shape}"
    elif not np.isfinite(numbers).all():
        problem = f"{numbers[~np.isfinite(numbers)][0]}"
    if problem:
        raise ValueError(
            f"Labels {name!r} must be finite numbers of shape ({count},), one for each image. "
            f"Received: {problem}. Convert them, or leave these images out."
        )


def _advise_label_dtype(labels, tensors):
    """Return the end of a message on labels that are not integers."""
    if labels.dtype.kind in "bf":
        broken = labels[labels != np.trunc(labels)] if labels.dtype.kind == "f" else labels[:0]
        if not broken.size:
            cast = "tf.cast(y, 'int32')" if tensors else "y.astype('int32')"
            return f". Cast them: `{cast}`."
        return f", such as {broken.flat[0]:g}. Number the classes from 0."
    name = labels.flat[0] if labels.size else ""
    name = name.decode() if isinstance(name, bytes) else str(name)
    if tensors:
        numbered = "keras.layers.StringLookup(vocabulary=names, num_oov_indices=0)(y)"
    else:
        numbered = "np.unique(y, return_inverse=True)[1]"
    return f", such as {name!r}. Number the classes: `{numbered}`."
