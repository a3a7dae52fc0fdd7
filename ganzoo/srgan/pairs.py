"""Check the data of SRGAN: high-resolution images, or pairs with the low-resolution ones."""

import numpy as np
import tensorflow as tf

from ganzoo.data.spec import DataSpec, shape_of_rank, split


class PairSpec(DataSpec):
    """High-resolution images, or pairs `(low_res, high_res)`, of any sides that fit the scale.

    Args:
        scale: int. Ratio of high to low resolution.
        smallest: int. Smallest side of high-resolution images that the content loss takes.
    """

    def __init__(self, scale: int, smallest: int = 1):
        super().__init__((None, None, 3))
        self.scale = scale
        self.smallest = max(2 * scale, smallest)
        # The first batch shows it. TensorFlow may not know the rank of Python data.
        self._holds_pairs = False

    @property
    def num_parts(self) -> int:
        return 2 if self._holds_pairs else 1

    def check(self, data, pipeline: bool = False) -> None:
        first, second = split(data)
        self._holds_pairs = _are_images(second)
        for images in (first, second) if self._holds_pairs else (first,):
            self.check_images(images, pipeline)
        high_res, *low_res = (images.shape[:3] for images in self.images_of(data))
        self._check_sides(*high_res[1:])
        for shape in low_res:
            self._check_pairs(shape, high_res)

    def _check_sides(self, height, width):
        scale = self.scale
        if height % scale == width % scale == 0 and min(height, width) >= self.smallest:
            return
        advice = "Choose larger images or crops (--image-size)."
        if min(height, width) >= 2 * scale:
            advice = "Choose larger crops (--image-size) or another content loss (--content)."
        if min(height, width) >= self.smallest:
            cut = f"x[:, :{height - height % scale}, :{width - width % scale}]"
            advice = f"Cut them: `{cut}`, or another side of crops (--image-size)."
        raise ValueError(
            f"Sides of high-resolution images must be multiples of the scale, {scale}, and at "
            f"least {self.smallest}. Received: {(height, width)} (height, width). {advice}"
        )

    def _check_pairs(self, low_res, high_res):
        def enlarge(shape):
            return shape[0], self.scale * shape[1], self.scale * shape[2]

        if enlarge(low_res) == high_res:
            return
        received = f"{low_res[1:]} and {high_res[1:]} (height, width)"
        advice = "Give the high-resolution images alone, from which the others are made."
        if low_res[0] != high_res[0]:
            received = f"{low_res[0]} and {high_res[0]} images"
        elif enlarge(high_res) == low_res:
            advice = "Swap them."
        raise ValueError(
            f"Pairs must be `(low_res, high_res)`, the second {self.scale} times the size of "
            f"the first. Received: {received}. {advice}"
        )

    def images_of(self, data) -> tuple[np.ndarray, ...]:
        first, second = split(data)
        images = (second, first) if _are_images(second) else (first,)
        return tuple(np.asarray(part) for part in images)

    def accepts(self, *parts: tf.Tensor, bright: bool = False) -> tf.Tensor:
        *low_res, high_res = parts
        shape = shape_of_rank(4, high_res)[:3]
        accepted = self.accepts_images(high_res, bright)
        accepted &= tf.reduce_all(shape[1:] % self.scale == 0)
        accepted &= tf.reduce_all(shape[1:] >= self.smallest)
        for images in low_res:
            enlarged = shape_of_rank(4, images)[:3] * [1, self.scale, self.scale]
            accepted &= self.accepts_images(images, bright) & tf.reduce_all(enlarged == shape)
        return accepted

    def set_shapes(self, *parts: tf.Tensor) -> tuple:
        return tuple(tf.ensure_shape(images, (None, None, None, 3)) for images in parts)


def _are_images(part):
    """Return True for images. Data of lower rank are labels, which SRGAN ignores."""
    return np.ndim(part) > 2
