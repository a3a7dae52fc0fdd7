"""Define `ganzoo train`."""

import pathlib
import re
from typing import Annotated, Any

import typer

from ganzoo import messages, registry
from ganzoo.cli.app import import_tensorflow, interruptible
from ganzoo.cli.family_options import add_family_flags, flags_of_family
from ganzoo.cli.report import report

FAMILIES = ", ".join(family.name for family in registry.families())


def _panel(name):
    return {"rich_help_panel": name}


def train(
    family: Annotated[
        str,
        typer.Argument(
            metavar="FAMILY",
            help=f"One of {FAMILIES}. `ganzoo train FAMILY --help` lists its own arguments.",
        ),
    ],
    *,
    data: Annotated[
        str | None,
        typer.Option(
            help="TFDS name, folder of images, or 'sample'.", metavar="NAME|DIR", **_panel("Data")
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="CSV file in the folder of --data or elsewhere, with a column file, and others to "
            "condition on: text is classes, numbers are numbers. [default: class folders]",
            **_panel("Data"),
        ),
    ] = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            metavar="N|HxW",
            help="Size of all images: a side, or height x width such as 64x96. For "
            "super-resolution, side of crops.",
            **_panel("Data"),
        ),
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="crop|pad|stretch",
            help="How images of another shape come to --image-size. [default: crop]",
            **_panel("Data"),
        ),
    ] = None,
    low_res: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="For super-resolution: low-resolution images with the names of those in --data. "
            "[default: the photographs are shrunk]",
            **_panel("Data"),
        ),
    ] = None,
    degrade: Annotated[
        bool | None,
        typer.Option(
            "--degrade",
            help="For super-resolution: learn from blurred, noisy and compressed images.",
            **_panel("Data"),
        ),
    ] = None,
    alpha: Annotated[
        bool | None,
        typer.Option(
            "--alpha/--no-alpha",
            help="Train on transparency, or put images on white. [default: alpha if most images "
            "are transparent]",
            **_panel("Data"),
        ),
    ] = None,
    hold_out: Annotated[
        bool | None,
        typer.Option(
            "--hold-out/--no-hold-out",
            help="Keep one image in ten of a folder for the doctor and evaluations. [default: on "
            "from 100 images]",
            **_panel("Data"),
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Images per step. [default: the family's, or less for few images]",
            **_panel("Data"),
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="KEY=VALUE",
            help="Argument of the family's constructor, such as base_filters=128. Repeatable.",
            **_panel("Model"),
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="default|paper",
            help="ganzoo's recipe or the paper's. [default: default]",
            **_panel("Model"),
        ),
    ] = None,
    class_conditional: Annotated[
        bool | None,
        typer.Option(
            "--class-conditional",
            help="Condition on classes, for families where this is optional.",
            **_panel("Model"),
        ),
    ] = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="PRESET|RUN",
            help="Start with the weights of a trained model. Its data, resolution or channels may "
            "differ.",
            **_panel("Model"),
        ),
    ] = None,
    freeze_discriminator: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Keep the first N layers of the discriminator as --from has them.",
            **_panel("Model"),
        ),
    ] = None,
    blend: Annotated[
        float | None,
        typer.Option(
            help="Share of the trained weights in the final model. The rest is from --from. "
            "[default: 1]",
            **_panel("Model"),
        ),
    ] = None,
    compile: Annotated[
        list[str] | None,
        typer.Option(
            "--compile",
            metavar="KEY=VALUE",
            help="Argument of compile, such as ema_decay=0.999. Repeatable.",
            **_panel("Training"),
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Passes over the data. [default: 20, or more to make 5,000 steps]",
            **_panel("Training"),
        ),
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Stop after this many steps.", **_panel("Training"))
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="Stop after this training time.", **_panel("Training")),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after this many evaluations without a better one. Needs --evaluate-every.",
            **_panel("Training"),
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Adversarial loss, such as hinge. [default: the recipe's]",
            **_panel("Training"),
        ),
    ] = None,
    regularizer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Gradient penalty, such as r1, or none. [default: the recipe's]",
            **_panel("Training"),
        ),
    ] = None,
    regularizer_weight: Annotated[
        float | None,
        typer.Option(
            help="Weight of the gradient penalty. [default: the penalty's]", **_panel("Training")
        ),
    ] = None,
    regularizer_every: Annotated[
        int | None,
        typer.Option(help="Steps between gradient penalties. [default: 1]", **_panel("Training")),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            metavar="auto|none|diffaugment|ada",
            help="Augmentation, for few images. auto: diffaugment if they are few. [default: auto]",
            **_panel("Training"),
        ),
    ] = None,
    decay_steps: Annotated[
        int | None,
        typer.Option(
            help="Let the learning rates fall to 0 in this many steps. [default: constant]",
            **_panel("Training"),
        ),
    ] = None,
    mixed_precision: Annotated[
        bool | None,
        typer.Option(
            "--mixed-precision/--float32",
            help="float16 on a GPU, else bfloat16. [default: on if the CPU supports bfloat16; "
            "off with --recipe paper]",
            **_panel("Training"),
        ),
    ] = None,
    distribute: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="mirrored: all GPUs of this machine. multi_worker: all machines of TF_CONFIG. "
            "auto: all devices found.",
            **_panel("Training"),
        ),
    ] = "auto",
    sharding: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="With several machines: share each batch (element), or the data (file).",
            **_panel("Training"),
        ),
    ] = "element",
    sync_batch_norm: Annotated[
        bool | None,
        typer.Option(
            "--sync-batch-norm",
            help="Compute batch statistics over all replicas.",
            **_panel("Training"),
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Random seed. [default: 0]", **_panel("Training"))
    ] = None,
    recipe_file: Annotated[
        pathlib.Path | None,
        typer.Option(
            metavar="FILE",
            help="Recipe of another run, such as its config.json. Options replace its values.",
            **_panel("Training"),
        ),
    ] = None,
    out: Annotated[pathlib.Path, typer.Option(help="Run folder.", **_panel("Output"))],
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume the run in --out.", **_panel("Output"))
    ] = False,
    save_every: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS|MINUTESm",
            help="Save a checkpoint every 500 steps, or 10m. [default: every epoch]",
            **_panel("Output"),
        ),
    ] = None,
    evaluate_every: Annotated[
        int | None,
        typer.Option(
            help="Epochs between measurements: FID, or KID below 2,048 images. The best model "
            "becomes best.keras.",
            **_panel("Output"),
        ),
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Photographs to measure super-resolution on, every epoch or as "
            "--evaluate-every says. The model with the best LPIPS becomes best.keras.",
            **_panel("Output"),
        ),
    ] = None,
    **own,
) -> None:
    """Train a family on a data set into a run folder.

    The folder holds config.json, checkpoints/, logs/ (TensorBoard), samples/, metrics.json and
    model.keras. `--resume` continues an interrupted run. The result is bit-identical to an
    uninterrupted run.

    Example: `ganzoo train dcgan --data fashion_mnist --out runs/dcgan`
    """
    if not resume and data is None and recipe_file is None:
        raise ValueError("--data is missing. Pass a TFDS name, a folder of images, or 'sample'.")
    size = None if image_size is None else parse_image_size(image_size)
    import_tensorflow()
    from ganzoo import training
    from ganzoo.distribution import Cluster
    from ganzoo.training import arguments

    given = {
        "data": data,
        "degrade": degrade,
        "low_res": low_res,
        "image_size": size,
        "fit": fit,
        "alpha": alpha,
        "hold_out": hold_out,
        "batch_size": batch_size,
        "start_from": start_from,
        "freeze_discriminator": freeze_discriminator,
        "blend": blend,
        "decay_steps": decay_steps,
        "mixed_precision": mixed_precision,
        "class_conditional": class_conditional,
        "labels": labels,
        "evaluate_every": evaluate_every,
        "validation": validation,
        "patience": patience,
        "seed": seed,
        # `place` moves these short flags into `model` and `compile`.
        "recipe": recipe,
        "loss": loss,
        "regularizer": regularizer,
        "regularizer_weight": regularizer_weight,
        "regularizer_every": regularizer_every,
        "augment": augment,
        "sync_batch_norm": sync_batch_norm,
        **flags_of_family(family, own),
        "model": arguments.parse(model or [], "--model"),
        "compile": arguments.parse(compile or [], "--compile"),
    }
    given = {name: value for name, value in given.items() if value is not None}
    given = training.place(given, training.flags_of(family))
    lengths: dict[str, Any] = {"epochs": epochs, "max_steps": max_steps, "minutes": minutes}
    lengths = {name: value for name, value in lengths.items() if value is not None}
    with interruptible():
        if resume:
            moved = given.pop("data", None)
            if augment == "auto":  # The run has recorded the choice.
                del given["compile"]["augment"]
            _require_same(training.read_recipe(out), {"family": family, **given})
            cluster = Cluster(distribute, sharding)
            outcome = training.resume(
                out, **lengths, save_every=save_every, cluster=cluster, data=moved
            )
        else:
            # A recipe of another run has recorded its choice.
            default = {"compile": {"augment": "auto"}}
            fields = training.read_file(recipe_file) if recipe_file else default
            for name in ("model", "compile"):
                given[name] = {**fields.get(name, {}), **given[name]}
            chosen = training.Recipe(**{**fields, **given, **lengths, "family": family})
            cluster = Cluster(distribute, sharding)
            outcome = training.train(chosen, out, save_every, cluster)
    if outcome.is_chief:
        report(outcome)
    else:
        print(f"Done: {messages.count(outcome.step, 'step')}. The chief writes {out}.")


def parse_image_size(text: str) -> int | tuple[int, int]:
    """Parse an image size of the command line.

    Example:
        >>> parse_image_size("64"), parse_image_size("64x96"), parse_image_size("64x64")
        (64, (64, 96), 64)
    """
    if not (found := re.fullmatch(r"(\d+)(?:[xX](\d+))?", text)):
        raise ValueError(
            "--image-size must be a side such as 64, or height x width such as 64x96. Received: "
            f"{text!r}."
        )
    height, width = int(found[1]), int(found[2] or found[1])
    return height if height == width else (height, width)


add_family_flags(train)


def _require_same(recipe, wanted):
    """Check that options given with `--resume` are those of the run."""
    for name, value in wanted.items():
        was = getattr(recipe, name)
        changed = (
            {k: v for k, v in value.items() if was.get(k) != v} if isinstance(value, dict) else {}
        )
        if changed or (not isinstance(value, dict) and value != was):
            if changed:
                key, value = next(iter(changed.items()))
                name, was = f"--{name} {key}", was.get(key)
            raise ValueError(
                f"The run was started with {name}={was}. Received: {name}={value}. Remove the "
                "option to resume, or start another run."
            )
