"""Define `ganzoo demo`."""

import pathlib
import tempfile
from typing import Annotated

import typer

from ganzoo.cli.app import Seed, import_tensorflow, interruptible
from ganzoo.cli.evaluate import print_evaluation
from ganzoo.cli.export import report_export
from ganzoo.cli.report import report

PRESET = "dcgan_fashion_mnist"


def demo(
    out: Annotated[
        pathlib.Path | None,
        typer.Option(help="Folder of the run. [default: a new one below runs/]"),
    ] = None,
    max_steps: Annotated[int, typer.Option(help="Steps of training.")] = 1872,
    seed: Seed = 0,
) -> None:
    """Generate images with a trained DCGAN, then train, measure and export another one.

    The second DCGAN is trained on the packaged sample of Fashion-MNIST, which takes a few minutes.

    Example: `ganzoo demo`
    """
    print("Generating clothes with a trained DCGAN.")
    import_tensorflow()
    from ganzoo import evaluation, from_preset, images, training
    from ganzoo.saving import loading

    if out is None:
        pathlib.Path("runs").mkdir(exist_ok=True)
        out = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir="runs"))
    elif not out.name:  # `--out .` has no name until it is resolved.
        out = out.resolve()
    training.require_new(out)
    recipe = training.Recipe("dcgan", "sample", epochs=1000, max_steps=max_steps, seed=seed)
    # Write it next to the run folder, because a new run folder must be empty.
    samples = out.with_name(f"{out.name}-{PRESET}.png")
    grid = images.make_grid(from_preset(PRESET).generate(64, seed=seed))
    images.write_png(samples, grid, images.zoom_for(grid))
    print(f"{samples}: 64 images\n")

    print("Training another DCGAN on 10,000 Fashion-MNIST images.")
    print("It takes a few minutes on two CPU cores. The losses should neither fall to 0 nor grow.")
    print("A real score and a fake score of 0.5 mean that the discriminator only guesses.\n")
    with interruptible():
        outcome = training.train(recipe, out)
    print("\nMeasuring the generated images:")
    print_evaluation(evaluation.evaluate(outcome.model, "sample", ["fid", "kid"], num_images=2000))
    exported = out / "exported"
    outcome.model.export(exported, card=loading.find_card(out))
    report_export(outcome.model, exported)
    report(outcome)
