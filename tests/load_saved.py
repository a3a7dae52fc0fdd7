"""Load saved models in a process that has imported no module of a family.

    python load_saved.py FOLDER (ganzoo.load | keras.saving.load_model)

The folder holds `NAME.keras` files, and `NAME.npz` with the state and three images of each.
"""

import pathlib
import sys

import ganzoo

assert "tensorflow" not in sys.modules

import numpy as np  # noqa: E402
import tiny  # noqa: E402
from keras.saving import load_model  # noqa: E402


def load(path, loader):
    if loader == "ganzoo.load":
        return ganzoo.load(path)
    getattr(ganzoo, path.stem)  # Keras finds a class once its family was used.
    return load_model(path)


def check(path, loader):
    """Compare a loaded model with the one that was saved, bit for bit."""
    model = load(path, loader)
    expected = np.load(path.with_suffix(".npz"))
    optimizers = [model.generator_optimizer, model.discriminator_optimizer]
    state = [v for holder in [model, *optimizers] for v in holder.variables]
    assert len(state) == len(expected.files) - 1, path
    for index, variable in enumerate(state):
        assert np.array_equal(variable.numpy(), expected[f"arr_{index}"]), variable.path
    assert np.array_equal(tiny.make_pixels(model, 3), expected["images"])
    compiled = model.get_compile_config()
    assert compiled["discriminator_steps"] == 2, compiled
    assert type(model.adversarial_loss).__name__ == "Hinge"
    assert type(model.regularizer).__name__ == "R1"


if __name__ == "__main__":
    for saved in sorted(pathlib.Path(sys.argv[1]).glob("*.keras")):
        check(saved, sys.argv[2])
        print(saved.stem)
