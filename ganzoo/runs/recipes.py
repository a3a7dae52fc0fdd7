"""What decides how a run turns out, and where it is written down."""

import dataclasses
import json
import pathlib
import shlex
import textwrap

import keras
import tensorflow as tf

from ganzoo import untrusted
from ganzoo.files import write_json
from ganzoo.layers import check_recipe
from ganzoo.version import __version__

# Of run folders; 2 brought the progress of an epoch into checkpoints.
RUN_FORMAT = 2


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that decides how a run turns out.

    Attributes:
        family: str. A registered family.
        data: str. What `ganzoo.data.load` takes.
        image_size: int or None. As in `ganzoo.data.load`; the side of crops for a family
            that is trained on them, 96 where it is None.
        epochs: int. Passes over the data.
        batch_size: int or None. Images in a step; None takes the model's recommended.
        max_steps: int or None. Training ends here if the epochs have not ended before.
        recipe: `"default"` or the `"paper"`'s.
        mixed_precision: bool or None. Half precision inside the networks: float16 on a
            GPU, bfloat16 elsewhere. None means with ganzoo's own recipe, where the
            processor multiplies bfloat16 matrices: training there is quicker, by up to twice
            as much (docs/speed.md). Papers trained in float32, and not all their recipes bear less.
        class_conditional: bool. Whether a family that can do with classes or without
            them gets them.
        loss: str or None. As `compile` takes it; None takes the model's recommended.
        regularizer: str or None. Likewise.
        regularizer_weight: float or None. Of the regularizer, which must be named then;
            None takes its own.
        regularizer_every: int or None. Likewise: steps from one penalty to the next.
        decay_steps: int or None. Steps over which both players' rates fall to 0 by a
            cosine; None leaves them as the model's recommended ones.
        scale: int or None. Of super-resolution; None takes 4.
        content_only: bool. Whether a family with a content loss trains on it alone.
        content: str or None. Its content loss; None takes the model's recommended.
        evaluate_every: int or None. Epochs from one measurement of the images to the next,
            which keep the best generator; None measures none.
        sync_batch_norm: bool. Whether batch normalization takes its statistics over all
            replicas; nothing on one device.
        seed: int. Seed of weights, latents and order.
        start_from: str or None. Preset or run whose weights training starts with.
        blend: float or None. Of a family that restores images: the share, from 0 to 1, that
            the trained generator has in the model of the end, weight by weight; the rest is
            `start_from`'s. None keeps the trained one as it is.
    """

    family: str
    data: str
    image_size: int | None = None
    epochs: int = 20
    batch_size: int | None = None
    max_steps: int | None = None
    recipe: str = "default"
    mixed_precision: bool | None = None
    class_conditional: bool = False
    loss: str | None = None
    regularizer: str | None = None
    regularizer_weight: float | None = None
    regularizer_every: int | None = None
    decay_steps: int | None = None
    scale: int | None = None
    content_only: bool = False
    content: str | None = None
    evaluate_every: int | None = None
    sync_batch_norm: bool = False
    seed: int = 0
    start_from: str | None = None
    blend: float | None = None

    def __post_init__(self):
        check_recipe(self.recipe)
        whole = "image_size", "epochs", "batch_size", "max_steps", "evaluate_every", "decay_steps"
        for name in whole:
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}.")
        if self.blend is not None and not 0 <= self.blend <= 1:
            raise ValueError(f"`blend` must be from 0 to 1. Received: blend={self.blend}.")
        if self.blend is not None and not self.start_from:
            raise ValueError(
                "`blend` is with the model that training starts from. Received: "
                f"blend={self.blend} and no such model. Name one, such as --from srresnet_x4."
            )


def resuming(recipe, out):
    """The command that goes on with a run."""
    return f"ganzoo train {recipe.family} --out {shlex.quote(str(out))} --resume"


def is_run(folder):
    """Whether a folder is a run's."""
    try:
        return "recipe" in untrusted.read_config(pathlib.Path(folder) / "config.json")
    except ValueError:
        return False


def read_recipe(folder):
    """The `Recipe` of a run folder; a `ValueError` if it is none."""
    folder = pathlib.Path(folder)
    if not is_run(folder):
        raise ValueError(f"{str(folder)!r} holds no run to go on with. Start it without --resume.")
    config = untrusted.read_config(folder / "config.json")
    if (found := config.get("format", 1)) not in range(1, RUN_FORMAT + 1):
        raise ValueError(
            f"{str(folder)!r} is a run of format {found!r}, and ganzoo {__version__} knows those "
            f"up to {RUN_FORMAT}: it was made by ganzoo {config['versions']['ganzoo']!r}. Install "
            "a newer ganzoo."
        )
    with untrusted.refusing(folder / "config.json"):
        return Recipe(**config["recipe"])


def write_config(out, recipe, model, site):
    """Writes the run's whole configuration, for people, programs and TensorBoard."""
    config = {
        "format": RUN_FORMAT,
        "recipe": dataclasses.asdict(recipe),
        "model": model.get_config(),
        "compile": model.get_compile_config(),
        "site": site.describe(),
        "versions": {
            "ganzoo": __version__,
            "keras": keras.version(),
            "tensorflow": tf.version.VERSION,
        },
    }
    write_json(out / "config.json", config)
    with tf.summary.create_file_writer(str(out / "logs" / "config")).as_default():
        # Markdown shows four-space-indented lines as they are.
        tf.summary.text("config", textwrap.indent(json.dumps(config, indent=2), "    "), step=0)
