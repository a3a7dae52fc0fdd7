"""Check which sizes of images a network can make by doubling, and find the nearest ones."""

import heapq
import itertools
from collections.abc import Callable


def check_image_shape(image_shape: tuple[int, ...]) -> None:
    """Check that the convolutional generator can make images of a shape.

    Args:
        image_shape: `(height, width, channels)`.

    Raises:
        ValueError: If the channels are not 1 to 4, or doubling from a shorter side of 4 to 7 does
            not lead to the height and width.
    """

    def fits(size):
        return min(size) >= 8 and start_size(size) is not None

    rule = "The generator doubles a shorter side of 4 to 7 pixels until it has the images' size."
    check_size(image_shape, fits, rule)


def start_size(image_shape: tuple[int, ...]) -> tuple[int, int] | None:
    """Return the height and width that become those of the images by doubling.

    The shorter one is 4 to 7.

    Args:
        image_shape: `(height, width, ...)`.

    Returns:
        `(height, width)`, or None if no start leads to these images.

    Example:
        >>> [start_size(size) for size in ((28, 28), (64, 64), (64, 96), (25, 25), (64, 90))]
        [(7, 7), (4, 4), (4, 6), None, None]
    """
    height, width = image_shape[:2]
    while min(height, width) > 7 and height % 2 == 0 and width % 2 == 0:
        height, width = height // 2, width // 2
    return (height, width) if 4 <= min(height, width) <= 7 else None


def require_start_size(image_shape: tuple[int, ...]) -> tuple[int, int]:
    """Return `start_size(image_shape)`.

    Raises:
        ValueError: If no start leads to these images.
    """
    if (size := start_size(image_shape)) is None:
        raise ValueError(
            "Doubling a shorter side of 4 to 7 pixels must lead to the images' size. Received: "
            f"image_shape={tuple(image_shape)}."
        )
    return size


def count_doublings(image_shape: tuple[int, ...]) -> int:
    """Return the number of doublings from `start_size(image_shape)` to the images."""
    return (image_shape[0] // require_start_size(image_shape)[0]).bit_length() - 1


def check_size(
    image_shape: tuple[int, ...], fits: Callable[[tuple[int, int]], bool], rule: str
) -> None:
    """Check that a network can make images of a shape.

    Args:
        image_shape: `(height, width, channels)`.
        fits: function of `(height, width)` that returns True if the network can make such images.
        rule: sentence for the error.

    Raises:
        ValueError: If the channels are not 1 to 4, or `fits` returns False. The message names the
            two nearest sizes.
    """
    if len(image_shape) != 3 or min(image_shape) < 1 or image_shape[-1] > 4:
        raise ValueError(
            "`image_shape` must be (height, width, channels) with 1 to 4 channels: gray, gray and "
            f"alpha, RGB, or RGBA. Received: image_shape={tuple(image_shape)}."
        )
    size = (image_shape[0], image_shape[1])
    if not fits(size):
        nearest = " or ".join(f"{h}x{w}" for h, w in nearest_sizes(size, fits))
        raise ValueError(
            f"{rule} Received: {size[0]}x{size[1]} (height x width). Choose {nearest}, for example "
            "with --image-size."
        )


def nearest_sizes(
    size: tuple[int, int], fits: Callable[[tuple[int, int]], bool]
) -> list[tuple[int, int]]:
    """Return the two nearest sizes `(height, width)` that fit. A square stays square.

    Example:
        >>> nearest_sizes((64, 90), lambda size: size[0] % 16 == size[1] % 16 == 0)
        [(64, 96), (64, 80)]
    """
    height, width = (range(4, max(2 * side, 33)) for side in size)
    square = size[0] == size[1]
    candidates = zip(height, height, strict=True) if square else itertools.product(height, width)
    found = filter(fits, candidates)
    return heapq.nsmallest(2, found, key=lambda s: abs(s[0] - size[0]) + abs(s[1] - size[1]))
