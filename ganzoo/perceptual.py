"""AlexNet with ImageNet weights, and LPIPS, the perceptual distance that is built on it."""

import keras
import numpy as np
from keras import layers, ops

from ganzoo.images import has_alpha
from ganzoo.registry import File
from ganzoo.saving import weights

# Smallest side in pixels that AlexNet's last feature map needs.
SMALLEST_SIDE = 31
# Side that smaller images are enlarged to.
_ENLARGED_SIDE = 64
# Kernels in HWIO order and biases of AlexNet's convolutions, and the weights of LPIPS v0.1. All
# are float16. `LICENSE.alexnet` beside the file names their authors.
ALEXNET = File(
    "alexnet_lpips.npz",
    sha256="6ea41ee857dcfe25fbc534f2dba31d8c7b236346591eb09c85a7268667c5ed94",
    size=4_945_478,
)
# Filters and kernel sizes of the convolutions.
_CONVOLUTIONS = ((64, 11), (192, 5), (384, 3), (256, 3), (256, 3))
# Mean and standard deviation of ImageNet's channels in [-1, 1].
_MEAN = np.array([-0.030, -0.088, -0.188])
_STD = np.array([0.458, 0.448, 0.450])


def build_alexnet() -> keras.Model:
    """Build the convolutions of AlexNet, with random weights, about 2.5 million.

    Returns:
        Keras model that takes RGB images in [-1, 1] of any size from `SMALLEST_SIDE` pixels on.
        It returns the five feature maps after each ReLU, with 64, 192, 384, 256 and 256 channels.

    Reference: Krizhevsky, 2014 (arXiv:1404.5997), footnote 1: AlexNet in one column.
    """
    images = keras.Input((None, None, 3), name="images")
    x = imagenet_normalization()(images)
    x = layers.ZeroPadding2D(2, name="pad")(x)
    features = []
    for index, (filters, size) in enumerate(_CONVOLUTIONS):
        if index in (1, 2):
            x = layers.MaxPooling2D(3, strides=2, name=f"pool_{index}")(x)
        strides, padding = (1, "same") if index else (4, "valid")
        x = layers.Conv2D(filters, size, strides, padding, name=f"conv_{index}")(x)
        x = layers.ReLU(name=f"relu_{index}")(x)
        features.append(x)
    return keras.Model(images, features, name="alexnet")


def imagenet_normalization() -> keras.Layer:
    """Return a layer that gives RGB images in [-1, 1] the mean and deviation of ImageNet's.

    The networks of torchvision take such images.
    """
    return layers.Rescaling((1 / _STD).tolist(), (-_MEAN / _STD).tolist(), name="normalize")


def load_alexnet() -> keras.Model:
    """Return `build_alexnet()` with ImageNet weights, frozen. The weights come with ganzoo."""
    network = build_alexnet()
    arrays = _read_arrays()
    for index in range(len(_CONVOLUTIONS)):
        kernel, bias = arrays[f"conv{index}_kernel"], arrays[f"conv{index}_bias"]
        network.get_layer(f"conv_{index}").set_weights([kernel, bias])
    network.trainable = False
    return network


class LPIPS:
    """Learned perceptual distance of images (LPIPS v0.1 with AlexNet).

    It compares features of AlexNet. Each feature vector is divided by its norm. The squared
    differences are weighted by channel, averaged over the image, and summed over five layers.
    The weights fit judgments of people, who were asked which of two distorted images is nearer to
    the original.

    Gradients are defined everywhere. The network has the dtype policy of the time when it is built.

    Reference: Zhang et al., 2018 (arXiv:1801.03924), equation 1.
    """

    def __init__(self):
        self.network = load_alexnet()
        arrays = _read_arrays()
        self._weights = [
            arrays[f"lpips{index}"].astype("float32") for index in range(len(_CONVOLUTIONS))
        ]

    def __call__(
        self, images_a: keras.KerasTensor, images_b: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the distance of each pair of images.

        Args:
            images_a: float `(batch, height, width, 3)` in [-1, 1].
            images_b: float tensor of the same shape.

        Returns:
            float32 tensor `(batch,)`, at least 0; 0 for equal images.

        Raises:
            ValueError: If a side is below `SMALLEST_SIDE`.
        """
        sides = [side for side in images_a.shape[1:3] if side is not None]
        if any(side < SMALLEST_SIDE for side in sides):
            raise ValueError(
                f"LPIPS needs images with sides of at least {SMALLEST_SIDE} pixels. Received: "
                f"shape {tuple(images_a.shape)}. Use larger images."
            )
        distance = 0.0
        for weight, *maps in zip(
            self._weights, self.network(images_a), self.network(images_b), strict=True
        ):
            a, b = (_normalize(ops.cast(features, "float32")) for features in maps)
            distance += ops.mean(ops.sum(weight * ops.square(a - b), axis=-1), axis=(1, 2))
        return distance


class EnlargedLPIPS:
    """LPIPS of images of any size, gray or RGB, with alpha or without.

    Images with a side below 64 pixels are enlarged by bilinear interpolation, because AlexNet's
    first convolution has a stride of 4. Gray images become RGB by repetition, and images with alpha
    are put on white. Gradients are defined everywhere.
    """

    def __init__(self):
        self._distance = LPIPS()

    def __call__(
        self, images_a: keras.KerasTensor, images_b: keras.KerasTensor
    ) -> keras.KerasTensor:
        """Return the distance of each pair of images.

        Args:
            images_a: float `(batch, height, width, channels)` in [-1, 1].
            images_b: float tensor of the same shape.

        Returns:
            float32 tensor `(batch,)`, at least 0.
        """
        return self._distance(_enlarge(images_a), _enlarge(images_b))


def _enlarge(images):
    """Return images `(batch, height, width, channels)` as RGB with sides of at least 64 pixels."""
    if has_alpha(tuple(images.shape)):
        # Colors are premultiplied, so white is only added.
        images = images[..., :-1] + 1.0 - images[..., -1:]
    if images.shape[-1] == 1:
        images = ops.repeat(images, 3, axis=-1)
    height, width = images.shape[1:3]
    scale = max(1.0, _ENLARGED_SIDE / min(height, width))
    if scale == 1.0:
        return images
    return ops.image.resize(images, (round(height * scale), round(width * scale)))


def _normalize(features):
    """Divide each feature vector by its norm. A vector of zeros stays zero."""
    squares = ops.sum(ops.square(features), axis=-1, keepdims=True)
    # The square root has no gradient at zero.
    return features / (ops.sqrt(ops.maximum(squares, 1e-20)))


def _read_arrays():
    with np.load(weights.find_asset(ALEXNET), allow_pickle=False) as arrays:
        return dict(arrays)
