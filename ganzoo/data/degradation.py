"""Degrade photographs as cameras, messengers and web pages do: blur, resizing, noise and JPEG.

The process is that of Real-ESRGAN: two rounds of blur, resizing, noise and JPEG compression, then a
sinc filter, which causes ringing, in random order with the last compression.

Departures: the ranges of `PHOTO` are about half as wide, and every operation may be absent. A small
network that learns the paper's ranges smooths photographs that are only slightly degraded. All
kernels have 21 x 21 pixels, since this is enough for the widest. Poisson noise is approximated by
Gaussian noise of the same variance.

Reference: Wang et al., 2021 (arXiv:2107.10833), section 3 and appendix A.
"""

import dataclasses
import math

import tensorflow as tf

_RADIUS = 10  # Kernels have 2 * 10 + 1 pixels per side.
_RESIZING_METHODS = ("area", "bilinear", "bicubic")


@dataclasses.dataclass(frozen=True)
class Round:
    """Ranges of one round of blur, resizing, noise and JPEG compression.

    Attributes:
        blur_probability: float. Probability of a blur.
        blur: smallest and largest standard deviation of the kernel, in pixels.
        resizing: smallest and largest ratio of sides. Ratios below 1 are drawn in 70 % of the
            cases, those above 1 in 20 %.
        noise_probability: float. Probability of noise. Half of it is Gaussian, half Poisson.
        gaussian: smallest and largest standard deviation of Gaussian noise, in levels of 255.
        poisson: smallest and largest factor of Poisson noise whose counts are levels of 255.
        jpeg_probability: float. Probability of JPEG compression.
        jpeg: smallest and largest quality.
    """

    blur_probability: float
    blur: tuple[float, float]
    resizing: tuple[float, float]
    noise_probability: float
    gaussian: tuple[float, float]
    poisson: tuple[float, float]
    jpeg_probability: float
    jpeg: tuple[float, float]


PHOTO = (
    Round(0.8, (0.2, 2.0), (0.35, 1.5), 0.5, (1, 15), (0.05, 1.0), 0.5, (40, 95)),
    Round(0.5, (0.2, 1.2), (0.5, 1.2), 0.4, (1, 10), (0.05, 0.8), 0.85, (30, 95)),
)
_SINC_PROBABILITY = 0.4


def degrade(
    high_res: tf.Tensor, scale: int, seed: tf.Tensor, rounds: tuple[Round, ...] = PHOTO
) -> tf.Tensor:
    """Return a degraded low-resolution version of one image.

    Args:
        high_res: uint8 `(height, width, 3)`. Sides are multiples of `scale`.
        scale: int. Ratio of the sides.
        seed: int64 `(2,)`. Equal seeds give equal results.
        rounds: ranges of each round, in order.

    Returns:
        uint8 `(height / scale, width / scale, 3)`.

    Example:
        >>> degrade(np.zeros((32, 48, 3), "uint8"), 4, [0, 1]).shape
        TensorShape([8, 12, 3])
    """
    draws = _Draws(tf.cast(seed, "int64"))
    image = tf.cast(high_res, "float32")
    shape = tf.shape(high_res)[:2]
    low_res = shape // scale
    for part in rounds[:-1]:
        image = _blur_resize_and_add_noise(image, shape, part, draws)
        image = draws.maybe(part.jpeg_probability, _compress, image, part)
    image = _blur_resize_and_add_noise(image, low_res, rounds[-1], draws)

    # The last compression and the last filter are in random order.
    is_compressed_last = draws.uniform() < 0.5
    compression_seed, filter_seed = draws.next_seed(), draws.next_seed()

    def compress(image):
        draws = _Draws(compression_seed)
        return draws.maybe(rounds[-1].jpeg_probability, _compress, image, rounds[-1])

    def shrink_and_filter(image):
        draws = _Draws(filter_seed)
        image = _resize(image, low_res, draws)
        return draws.maybe(_SINC_PROBABILITY, _filter_by_sinc, image)

    image = tf.cond(
        is_compressed_last,
        lambda: compress(shrink_and_filter(image)),
        lambda: shrink_and_filter(compress(image)),
    )
    return tf.ensure_shape(_to_pixels(image), (None, None, 3))


class _Draws:
    """Random numbers that follow from a seed and from their order in the program.

    Code that may not run draws from a fork, so that it does not change later numbers.
    """

    def __init__(self, seed):
        self._seed = seed
        self._count = 0

    def next_seed(self):
        self._count += 1
        return tf.random.experimental.stateless_fold_in(self._seed, self._count)

    def fork(self):
        return _Draws(self.next_seed())

    def uniform(self, low=0.0, high=1.0):
        return tf.random.stateless_uniform((), self.next_seed(), low, high)

    def maybe(self, probability, change, image, *arguments):
        """Return the changed image with a probability, else the image."""
        is_changed, draws = self.uniform() < probability, self.fork()
        return tf.cond(is_changed, lambda: change(image, draws, *arguments), lambda: image)


def _blur_resize_and_add_noise(image, shape, part, draws):
    image = draws.maybe(part.blur_probability, _blur, image, part)
    low, high = part.resizing
    case = draws.uniform()
    ratio = tf.where(
        case < 0.7, draws.uniform(low, 1.0), tf.where(case < 0.9, draws.uniform(1.0, high), 1.0)
    )
    sides = tf.cast(tf.round(tf.cast(shape, "float32") * ratio), "int32")
    image = _resize(image, tf.maximum(sides, 1), draws)
    return draws.maybe(part.noise_probability, _add_noise, image, part)


def _blur(image, draws, part):
    """Filter with an anisotropic Gaussian kernel, or one with a sharper or flatter peak."""
    first = draws.uniform(*part.blur)
    # Half of the kernels are isotropic.
    second = tf.where(draws.uniform() < 0.5, first, draws.uniform(*part.blur))
    angle = draws.uniform(-math.pi, math.pi)
    x, y = _grid()
    along = (tf.cos(angle) * x + tf.sin(angle) * y) / first
    across = (tf.cos(angle) * y - tf.sin(angle) * x) / second
    distance = along**2 + across**2
    # Exponent 1 is the Gaussian.
    exponent = tf.where(draws.uniform() < 0.7, 1.0, draws.uniform(0.5, 2.0))
    power = tf.pow(distance, exponent)
    is_plateau = draws.uniform() < 0.15
    return _filter(image, tf.where(is_plateau, 1.0 / (1.0 + power), tf.exp(-0.5 * power)))


def _filter_by_sinc(image, draws):
    """Apply an ideal low-pass filter, whose cut-off causes ringing at edges."""
    cutoff = draws.uniform(math.pi / 2, math.pi)
    radius = tf.sqrt(tf.add(*(axis**2 for axis in _grid())))
    # The limit at the center is cutoff**2 / (4 * pi).
    safe = tf.maximum(radius, 1e-6)
    kernel = cutoff * tf.math.special.bessel_j1(cutoff * safe) / (2 * math.pi * safe)
    return _filter(image, tf.where(radius > 0, kernel, cutoff**2 / (4 * math.pi)))


def _grid():
    steps = tf.range(-_RADIUS, _RADIUS + 1, dtype="float32")
    return tf.meshgrid(steps, steps)


def _filter(image, kernel):
    """Convolve with a kernel. At the border, its weights inside the image are scaled to sum 1."""
    height, width, _ = tf.unstack(tf.shape(image))
    planes = tf.transpose(tf.concat([image, tf.ones_like(image[..., :1])], -1), (2, 0, 1))
    # Fourier transforms are ten times as fast as TensorFlow's convolution with a wide kernel.
    sides = [height + 2 * _RADIUS, width + 2 * _RADIUS]
    spectra = tf.signal.rfft2d(planes, sides) * tf.signal.rfft2d(kernel, sides)
    filtered = tf.signal.irfft2d(spectra, sides)
    filtered = filtered[:, _RADIUS : _RADIUS + height, _RADIUS : _RADIUS + width]
    return tf.transpose(filtered[:3] / filtered[3], (1, 2, 0))


def _resize(image, sides, draws):
    """Resize with a random method. Like OpenCV's, the methods do not smooth before they shrink."""
    methods = [
        lambda name=name: tf.image.resize(image[None], sides, name)[0] for name in _RESIZING_METHODS
    ]
    choice = tf.cast(draws.uniform(0.0, len(methods)), "int32")
    resized = tf.switch_case(choice, methods)
    return tf.clip_by_value(resized, 0.0, 255.0)  # Bicubic interpolation overshoots.


def _add_noise(image, draws, part):
    # Gray noise is equal in all channels.
    channels = tf.where(draws.uniform() < 0.4, 1, 3)
    shape = tf.concat([tf.shape(image)[:2], [channels]], 0)
    noise = tf.random.stateless_normal(shape, draws.next_seed())
    # The standard deviation of Poisson noise is the root of the brightness.
    gaussian = draws.uniform(*part.gaussian)
    poisson = draws.uniform(*part.poisson) * tf.sqrt(tf.reduce_mean(image, -1, keepdims=True))
    deviation = tf.where(draws.uniform() < 0.5, gaussian, poisson)
    return tf.clip_by_value(image + deviation * noise, 0.0, 255.0)


def _compress(image, draws, part):
    low, high = part.jpeg
    quality = tf.cast(draws.uniform(low, high + 1), "int32")
    return tf.cast(tf.image.adjust_jpeg_quality(_to_pixels(image), quality), "float32")


def _to_pixels(image):
    return tf.cast(tf.round(tf.clip_by_value(image, 0.0, 255.0)), "uint8")
