"""Load a preset, generate images and export the model, in a process without a network.

python use_preset_offline.py PRESET FOLDER
"""

import pathlib
import socket
import sys


def block_network():
    def refuse(*_, **__):
        raise OSError("offline")

    socket.socket.connect = socket.getaddrinfo = refuse


def use_preset(name, folder):
    import numpy as np

    import ganzoo

    gan = ganzoo.from_preset(name)
    if gan.task == "super_resolution":
        assert gan.upscale(np.zeros((8, 9, 3), "uint8")).shape == (32, 36, 3)
    else:
        assert gan.generate(64, seed=0).shape == (64, *gan.image_shape)
    for format, path in (("savedmodel", folder / "model"), ("onnx", folder / "model.onnx")):
        gan.export(path, format=format)
        assert ganzoo.export.verify(gan, path) <= 1


if __name__ == "__main__":
    # Imports are part of the test, so the network must be blocked before them.
    block_network()
    use_preset(sys.argv[1], pathlib.Path(sys.argv[2]))
