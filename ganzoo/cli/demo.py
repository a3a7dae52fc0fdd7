"""`ganzoo demo`."""

import pathlib
import tempfile
from typing import Annotated

import typer

from ganzoo.cli.common import Seed, import_tensorflow
from ganzoo.cli.exporting import report_export
from ganzoo.cli.measuring import print_evaluation
from ganzoo.cli.training import interruptible, report, verbosity

PRESET = "dcgan_fashion_mnist"


def demo(
    out: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder of the run. [default: a new one below runs/]"),
    ] = None,
    max_steps: Annotated[int, typer.Option(help="Steps of training.")] = 1872,
    seed: Seed = 0,
):
    """Draw with a trained DCGAN; train another in a few minutes, measure and export it.

    The other learns from the packaged sample.

    Example: `ganzoo demo`
    """
    print("ganzoo demo: first, clothes that a trained DCGAN draws.")
    import_tensorflow()
    from ganzoo import evaluation, from_preset, images, runs

    if out is None:
        pathlib.Path("runs").mkdir(exist_ok=True)
        out = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir="runs"))
    elif not out.name:  # The working folder.
        out = out.resolve()
    runs.require_new(out)
    recipe = runs.Recipe("dcgan", "sample", epochs=1000, max_steps=max_steps, seed=seed)
    # Beside it, since the folder of a new run must be empty.
    drawn = out.with_name(f"{out.name}-{PRESET}.png")
    grid = images.make_grid(from_preset(PRESET).generate(64, seed=seed))
    images.write_png(drawn, grid, images.zoom_for(grid))
    print(f"{drawn}: 64 images\n")

    print("Now another learns to draw them, from 10,000 Fashion-MNIST images.")
    print("It takes a few minutes on two processor cores. Watch the losses stay level:")
    print("real_score and fake_score at 0.5 would mean that the discriminator only guesses.\n")
    with interruptible():
        outcome = runs.train(recipe, out, verbose=verbosity())
    print("\nMeasured beside real images, which stand on the right:")
    print_evaluation(evaluation.evaluate(outcome.model, "sample", ["fid", "kid"], num_images=2000))
    exported = out / "exported"
    outcome.model.export(exported, card=runs.find_card(out))
    report_export(outcome.model, exported)
    report(outcome)
