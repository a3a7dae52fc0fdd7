"""`ganzoo demo`."""

import pathlib
import tempfile
from typing import Annotated

import typer

from ganzoo.cli.common import Seed, import_tensorflow
from ganzoo.cli.exporting import report_export
from ganzoo.cli.measuring import print_evaluation
from ganzoo.cli.training import interruptible, report, verbosity


def demo(
    out: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder of the run. [default: a new one below runs/]"),
    ] = None,
    max_steps: Annotated[int, typer.Option(help="Steps of training.")] = 1872,
    seed: Seed = 0,
):
    """Train a DCGAN on the packaged sample in a few minutes, measure it and export it.

    Example: `ganzoo demo`
    """
    print("ganzoo demo: a DCGAN learns to draw clothes, from 10,000 Fashion-MNIST images.")
    print("It takes a few minutes on two processor cores. Watch the losses stay level:")
    print("real_score and fake_score at 0.5 would mean that the discriminator only guesses.\n")
    import_tensorflow()
    from ganzoo import evaluation, runs

    if out is None:
        pathlib.Path("runs").mkdir(exist_ok=True)
        out = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir="runs"))
    recipe = runs.Recipe("dcgan", "sample", epochs=1000, max_steps=max_steps, seed=seed)
    with interruptible():
        outcome = runs.train(recipe, out, verbose=verbosity())
    print("\nMeasured beside real images, which stand on the right:")
    print_evaluation(evaluation.evaluate(outcome.model, "sample", ["fid", "kid"], num_images=2000))
    exported = out / "exported"
    outcome.model.export(exported, card=runs.find_card(out))
    report_export(outcome.model, exported)
    report(outcome)
