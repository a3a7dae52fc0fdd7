"""Define the recipe of a run, which determines its result."""

import dataclasses
import pathlib

from ganzoo import registry
from ganzoo.checks import check_image_size, check_positive, check_seed
from ganzoo.data.formats import check_fit
from ganzoo.saving import untrusted
from ganzoo.training import arguments

# Format of the recipe in run folders and cards. 2 added the progress of an epoch to
# checkpoints, 3 the dictionaries `model` and `compile`.
RUN_FORMAT = 3
# Targets of the short command-line flags that all families share. Older formats of the recipe have
# these names, with underscores, as separate fields.
SHARED_FLAGS = {
    "recipe": "model.recipe",
    "loss": "compile.loss",
    "regularizer": "compile.regularizer",
    "regularizer-weight": "compile.regularizer.weight",
    "regularizer-every": "compile.regularizer.every",
    "augment": "compile.augment",
    "sync-batch-norm": "compile.sync_batch_norm",
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that determines the result of a run.

    Attributes:
        family: name of a registered family.
        data: name or folder. See `ganzoo.data.load`.
        model: arguments of the family's constructor, such as `{"base_filters": 128}`. The
            data determine `image_shape`, `num_classes`, `class_names` and `conditions`.
        compile: arguments of `compile`, such as `{"ema_decay": 0.999}`. A key with a dot sets an
            argument of an object: `{"generator_optimizer.learning_rate": 1e-4}`. Objects and
            schedules are stored as Keras serializes them. `{"augment": "auto"}` augments images if
            they are few. The run records the choice.
        image_size: int, `(height, width)` or None. See `ganzoo.data.load`. For super-resolution,
            the side of the crops. None takes 96.
        fit: str. How images come to their size. See `ganzoo.data.load`.
        alpha: bool or None. Train on transparency. See `ganzoo.data.load`.
        hold_out: bool. Do not train on the split `"test"` of a folder. It serves measurements.
        epochs: int or None. Passes over the data. None takes 20, or more if these are fewer than
            5,000 steps. With `max_steps`, `minutes` or `decay_steps`, these are the limit.
        batch_size: int or None. Images per step. None takes the family's recommendation, or less
            for folders of few images, so that a pass has at least two steps.
        max_steps: int or None. Largest number of steps. Training may end earlier, after `epochs`.
        minutes: float or None. Training ends after this time, at the end of a step. A resumed run
            counts the time of all its parts.
        patience: int or None. Training ends after this many evaluations in a row without a better
            value. It needs `evaluate_every`.
        decay_steps: int or None. Both learning rates fall to 0 in this many steps, along a cosine.
            The run cannot be longer. None does not change the rates.
        mixed_precision: bool or None. Compute in half precision inside the networks: float16 on a
            GPU, bfloat16 elsewhere. None uses it if the CPU supports bfloat16, except for paper
            recipes, because some of them diverge in half precision.
        class_conditional: bool. Condition on classes, for families where they are optional.
        labels: str or None. CSV file with the labels of a folder, whose columns the model is
            conditioned on. See `ganzoo.data.load`. None takes the class folders.
        evaluate_every: int or None. Epochs between evaluations of the generated images. The best
            generator is kept. None evaluates nothing, except with `validation`.
        validation: str or None. Folder of photographs that a super-resolution model is measured
            on, at every epoch if `evaluate_every` is None. The model with the best LPIPS is kept.
        degrade: bool. Train super-resolution on degraded low-resolution images. See
            `ganzoo.data.degradation`.
        low_res: str or None. Folder with a low-resolution image of the same name for each
            photograph. None shrinks the photographs.
        seed: int. Seed of the weights, the latents and the order of images.
        start_from: str or None. Preset or run that training starts from. Layers that match take its
            weights.
        freeze_discriminator: int or None. Layers of the discriminator, from the images on, that
            are not trained. It needs `start_from`. See `ganzoo.training.transfer.freeze_first`.
        blend: float or None. Weight, from 0 to 1, of the trained generator in the final model. The
            rest comes from `start_from`. None keeps the trained generator.

    Raises:
        ValueError: If a number is out of range.

    Example:
        >>> Recipe("dcgan", "sample", compile={"generator_optimizer": {"learning_rate": 1e-4}})
        ... # doctest: +ELLIPSIS
        Recipe(family='dcgan', ... compile={'generator_optimizer.learning_rate': 0.0001}, ...)
    """

    family: str
    data: str
    model: dict = dataclasses.field(default_factory=dict)
    compile: dict = dataclasses.field(default_factory=dict)
    image_size: int | tuple[int, int] | None = None
    fit: str = "crop"
    alpha: bool | None = None
    hold_out: bool = True
    epochs: int | None = None
    batch_size: int | None = None
    max_steps: int | None = None
    minutes: float | None = None
    patience: int | None = None
    decay_steps: int | None = None
    mixed_precision: bool | None = None
    class_conditional: bool = False
    labels: str | None = None
    evaluate_every: int | None = None
    validation: str | None = None
    degrade: bool = False
    low_res: str | None = None
    seed: int = 0
    start_from: str | None = None
    freeze_discriminator: int | None = None
    blend: float | None = None

    def __post_init__(self):
        for name in ("model", "compile"):
            # A frozen dataclass allows no plain assignment.
            object.__setattr__(self, name, arguments.to_json(getattr(self, name)))
        whole = "epochs", "batch_size", "max_steps", "evaluate_every", "decay_steps", "patience"
        whole = (*whole, "freeze_discriminator")
        given = {name: getattr(self, name) for name in whole}
        check_positive(**{name: value for name, value in given.items() if value is not None})
        if self.image_size is not None:
            height, width = check_image_size(self.image_size)
            size = height if height == width else (height, width)
            object.__setattr__(self, "image_size", size)
        check_fit(self.fit)
        check_seed(self.seed)
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"`minutes` must be above 0. Received: minutes={self.minutes}.")
        if self.validation is not None and self.evaluate_every is None:
            object.__setattr__(self, "evaluate_every", 1)
        if self.patience is not None and self.evaluate_every is None:
            raise ValueError(
                "`patience` counts evaluations. Received: patience without `evaluate_every`. Add "
                "it, such as --evaluate-every 1."
            )
        if self.blend is not None and not 0 <= self.blend <= 1:
            raise ValueError(f"`blend` must be from 0 to 1. Received: blend={self.blend}.")
        if self.blend is not None and not self.start_from:
            raise ValueError(
                f"`blend` needs a starting model. Received: blend={self.blend} without one. Add "
                "one, such as --from srresnet_x4."
            )
        if self.freeze_discriminator is not None and not self.start_from:
            raise ValueError(
                "`freeze_discriminator` keeps layers of a trained model. Received: "
                f"freeze_discriminator={self.freeze_discriminator} without one. Add one, such as "
                "--from runs/first."
            )

    @property
    def is_of_paper(self) -> bool:
        """True if the model uses the networks and training of its paper."""
        return self.model.get("recipe") == "paper"


def flags_of(family: str) -> dict[str, str]:
    """Return the targets of a family's short command-line flags, by flag."""
    own = registry.get_family(family).flags
    return {**SHARED_FLAGS, **{name: flag.target for name, flag in own.items()}}


def place(fields: dict, targets: dict[str, str]) -> dict:
    """Move short flags of a recipe into `model` and `compile`.

    Args:
        fields: values by name, with underscores.
        targets: targets of the flags, as `flags_of` returns them.

    Returns:
        Fields of a `Recipe`.

    Raises:
        ValueError: If a flag and a dictionary set the same argument.

    Example:
        >>> place({"data": "sample", "regularizer_weight": 0.5}, SHARED_FLAGS)
        {'data': 'sample', 'model': {}, 'compile': {'regularizer.weight': 0.5}}
    """
    placed = {
        **fields,
        "model": dict(fields.get("model", {})),
        "compile": dict(fields.get("compile", {})),
    }
    for flag, target in targets.items():
        value = placed.pop(flag.replace("-", "_"), None)
        where, _, key = target.partition(".")
        if value is None:
            continue
        if key in placed[where]:
            raise ValueError(
                f"--{flag} and --{where} {key}=... set the same argument. Remove one of them."
            )
        placed[where][key] = value
    return placed


def from_fields(fields: dict) -> Recipe:
    """Return a recipe from the fields of a run folder or card, of any format.

    Raises:
        ValueError: If they are not a recipe.
    """
    fields = dict(fields)
    targets = dict(SHARED_FLAGS)
    for family in registry.families():
        targets |= flags_of(family.name)
    if "compile" not in fields:
        # Formats 1 and 2 hold the flags of all families, including those that were not set.
        for name in (flag.replace("-", "_") for flag in targets):
            if fields.get(name) in (None, False, "default"):
                fields.pop(name, None)
    try:
        return Recipe(**place(fields, targets))
    except TypeError as error:
        raise ValueError(f"not a recipe: {error}") from None


def read_file(path: pathlib.Path | str) -> dict:
    """Read the fields of a recipe from a file.

    Args:
        path: JSON file, such as a run's config.json, or the recipe alone.

    Raises:
        ValueError: If the file holds no recipe.
    """
    content = untrusted.read_config(pathlib.Path(path))
    with untrusted.refusing(path):
        return dataclasses.asdict(from_fields(content.get("recipe", content)))
