"""`ganzoo train` and `ganzoo reproduce`."""

import contextlib
import json
import pathlib
import shlex
import shutil
import signal
import sys
from typing import Annotated

import typer

from ganzoo import registry
from ganzoo.cli.common import import_tensorflow

FAMILIES = "|".join(family.name for family in registry.families())


def train(
    family: Annotated[str, typer.Argument(metavar=FAMILIES, help="What to train.")],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the run.")],
    data: Annotated[
        str | None,
        typer.Option(help="TFDS name, folder of images, or 'sample'.", metavar="NAME|DIR"),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Side to resize images to; srgan: of crops.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the data. [default: 20]")] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images in a step. [default: the recipe's]")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(help="Stop after so many steps.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    start_from: Annotated[
        str | None,
        typer.Option("--from", metavar="PRESET|RUN", help="Start with the weights of this."),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="default|paper", help="ganzoo's own or the paper's. [default: default]"
        ),
    ] = None,
    class_conditional: Annotated[
        bool | None,
        typer.Option("--class-conditional", help="With classes, where a family may have them."),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            metavar="non_saturating|relativistic|...",
            help="Adversarial loss. [default: the recipe's]",
        ),
    ] = None,
    regularizer: Annotated[
        str | None,
        typer.Option(metavar="none|r1|...", help="Gradient penalty. [default: the recipe's]"),
    ] = None,
    regularizer_weight: Annotated[
        float | None, typer.Option(help="Its weight. [default: the penalty's own]")
    ] = None,
    regularizer_every: Annotated[
        int | None, typer.Option(help="Steps from one penalty to the next. [default: 1]")
    ] = None,
    decay_steps: Annotated[
        int | None,
        typer.Option(help="Steps over which the learning rates fall to 0. [default: they stay]"),
    ] = None,
    scale: Annotated[int | None, typer.Option(help="srgan: 2 or 4. [default: 4]")] = None,
    content_only: Annotated[
        bool | None,
        typer.Option("--content-only", help="srgan: the generator alone, on the content loss."),
    ] = None,
    content: Annotated[
        str | None,
        typer.Option(metavar="pixel|pixel+vgg34|vgg22|...", help="srgan: what is compared."),
    ] = None,
    blend: Annotated[
        float | None,
        typer.Option(
            help="srgan: the trained weights' share at the end; the rest is --from's. [default: 1]"
        ),
    ] = None,
    distribute: Annotated[
        str,
        typer.Option(
            metavar="auto|mirrored|multi_worker",
            help="On all GPUs here, or on all machines of TF_CONFIG. auto: if there are several.",
        ),
    ] = "auto",
    sharding: Annotated[
        str,
        typer.Option(
            metavar="element|file",
            help="Whether several machines share each batch, or first the data.",
        ),
    ] = "element",
    sync_batch_norm: Annotated[
        bool | None,
        typer.Option("--sync-batch-norm", help="Statistics over all replicas' images."),
    ] = None,
    mixed_precision: Annotated[
        bool | None,
        typer.Option(
            "--mixed-precision/--float32",
            help="float16 on a GPU, else bfloat16. [default: where that is fast, but for a paper]",
        ),
    ] = None,
    evaluate_every: Annotated[
        int | None, typer.Option(help="Epochs between measurements (FID); best.keras is the best.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all that is random. [default: 0]")
    ] = None,
    save_every: Annotated[
        str | None,
        typer.Option(
            metavar="STEPS|MINUTESm",
            help="Save a checkpoint every 500 steps, or 10m. [default: every epoch]",
        ),
    ] = None,
):
    """Train a family on a data set into a run folder.

    The folder gets config.json, checkpoints/, logs/ (TensorBoard), samples/,
    metrics.json and model.keras. A run that was stopped, in whatever way, goes on by
    `--resume` and ends as if it had not been.

    Example: `ganzoo train dcgan --data fashion_mnist --out runs/dcgan`
    """
    if not resume and data is None:
        raise ValueError("--data is missing: give a TFDS name, a folder of images, or 'sample'.")
    import_tensorflow()
    from ganzoo import runs
    from ganzoo.distribution import Site

    options = {
        "family": family,
        "data": data,
        "image_size": image_size,
        "batch_size": batch_size,
        "start_from": start_from,
        "recipe": recipe,
        "mixed_precision": mixed_precision,
        "class_conditional": class_conditional,
        "loss": loss,
        "regularizer": regularizer,
        "regularizer_weight": regularizer_weight,
        "regularizer_every": regularizer_every,
        "decay_steps": decay_steps,
        "scale": scale,
        "content_only": content_only,
        "content": content,
        "blend": blend,
        "evaluate_every": evaluate_every,
        "sync_batch_norm": sync_batch_norm,
        "seed": seed,
    }
    lengths = {"epochs": epochs, "max_steps": max_steps}
    with interruptible():
        if resume:
            _require_same(runs.read_recipe(out), options)
            site = Site(distribute, sharding)
            outcome = runs.resume(
                out, **lengths, save_every=save_every, site=site, verbose=verbosity()
            )
        else:
            given = {k: v for k, v in {**options, **lengths}.items() if v is not None}
            recipe = runs.Recipe(**given)
            site = Site(distribute, sharding)
            outcome = runs.train(recipe, out, save_every, site, verbosity())
    if outcome.is_chief:
        report(outcome)
    else:
        print(f"Done: {outcome.step} steps. The chief writes {out}.")


def reproduce(
    preset: Annotated[str, typer.Argument(metavar="PRESET")],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the run.")],
    data: Annotated[
        str | None,
        typer.Option(help="Other data; for srgan, a folder of photographs.", metavar="NAME|DIR"),
    ] = None,
):
    """Train a preset again by the recipe that made it.

    A run that was stopped goes on by `ganzoo train FAMILY --out RUN --resume`.

    Example: `ganzoo reproduce dcgan_fashion_mnist --out runs/again`
    """
    family, record = registry.get_preset(preset)
    import_tensorflow()
    from ganzoo import runs

    with interruptible():
        outcome = runs.reproduce(preset, out, data, verbose=verbosity())
    report(outcome)
    for score in record.scores:
        print(f"\nThe preset's {score.metric} is {score.value:g}. This run's:")
        # Photographs of a benchmark lie where their owner put them.
        on = "FOLDER_OF_SET5" if family.restores else record.recipe["data"]
        print(f"  ganzoo evaluate {shlex.quote(str(out))} --data {on}")


def report(outcome):
    """Says where everything is, and what to type next."""
    folder = outcome.folder
    grids = sorted((folder / "samples").glob("epoch_*.png"))
    speed = outcome.logs.get("images_per_second")
    print(f"\nDone: {outcome.step} steps" + (f", {speed:.0f} images/s." if speed else "."))
    places = {
        "samples": grids[-1] if grids else "none",
        "real images": folder / "samples" / "real.png",
        "model": folder / "model.keras",
        "logs": folder / "logs",
    }
    for name, place in places.items():
        print(f"  {name:<12} {place}")  # No table: it would break a long path.
    print("\nNext:")
    activate = pathlib.Path(sys.prefix, "bin", "activate")
    # Called by its path, as `make demo` does.
    if activate.is_file() and not shutil.which("ganzoo"):
        print(f"  . {shlex.quote(str(activate))}")
    run = shlex.quote(str(folder))
    print(f"  tensorboard --logdir {shlex.quote(str(folder / 'logs'))}")
    if hasattr(outcome.model, "upscale"):
        print(f"  ganzoo upscale {run} photo.jpg --out upscaled")
        return
    print(f"  ganzoo sample {run} -n 64 --seed 1 --out grid.png")
    path = json.dumps(str(folder), ensure_ascii=False)
    code = f"import ganzoo; print(ganzoo.load({path}).generate(4).shape)"
    print(f"  python -c {shlex.quote(code)}")


def _require_same(recipe, wanted):
    for name, value in wanted.items():
        was = getattr(recipe, name)
        if value not in (None, was):
            raise ValueError(
                f"The run was started with {name}={was}. Received: {name}={value}. Leave it out "
                "to go on, or start another run."
            )


def verbosity():
    """A progress bar for a person, a line for each epoch in a file."""
    return 1 if sys.stderr.isatty() else 2


@contextlib.contextmanager
def interruptible():
    """Progress goes to standard error; SIGTERM (`timeout`, a batch system) ends in one line.

    While training lasts, signals end it after a step: see `ganzoo.callbacks.FinishStep`.
    """

    def terminate(signum, _):
        print("ganzoo: Terminated.", file=sys.stderr)
        sys.exit(128 + signum)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
