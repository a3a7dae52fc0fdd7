"""The command line: parsing, calling, printing.

TensorFlow is imported inside the commands that need it, so that listing and
`--help` answer at once.
"""

import contextlib
import functools
import json
import os
import pathlib
import signal
import sys
import tempfile
from typing import Annotated

import rich.console
import rich.markup
import rich.progress
import rich.table
import typer

from ganzoo import registry, weights
from ganzoo.version import __version__

app = typer.Typer(
    name="ganzoo",
    help="The GAN model zoo for Keras 3 on TensorFlow.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
out_console = rich.console.Console(soft_wrap=True, highlight=False)

FAMILIES = "|".join(family.name for family in registry.families())
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[str, typer.Argument(metavar="PRESET|RUN", help="A preset, run or .keras file.")]
Seed = Annotated[int, typer.Option(help="Seed of all that is random.")]


def main(arguments=None):
    """Runs the command line and exits: 0 done, 1 failed while running, 2 wrong input."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        # A command returns nothing; an early exit comes back as its code, Ctrl-C as 130.
        code = app(arguments, standalone_mode=False) or 0
        if code == 130:
            raise KeyboardInterrupt("interrupted")
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        # What Typer raises at wrong usage; the class has moved between its versions.
        usage = hasattr(error, "format_message")
        text = error.format_message() if usage else str(error)
        print(f"ganzoo: {' '.join(text.split()) or type(error).__name__}", file=sys.stderr)
        code = 2 if usage or isinstance(error, ValueError) else 1
    sys.exit(code)


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    # Taken out of the arguments by `main`, so that it may stand anywhere.
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")] = False,
):
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


@app.command("list")
def list_presets(as_json: Json = False):
    """List the presets, and the families that can be trained.

    Example: `ganzoo list`
    """
    rows = [
        {
            "preset": name,
            "family": family.name,
            "data": preset.recipe["data"],
            "score": _headline(preset),
        }
        for name, (family, preset) in registry.presets().items()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    table = rich.table.Table("preset", "family", "data", "score", box=None)
    for row in rows:
        table.add_row(*(str(value or "not measured yet") for value in row.values()))
    out_console.print(table)
    names = ", ".join(family.name for family in registry.families())
    print(f"\nFamilies to train: {names}. Try: ganzoo info {rows[0]['preset'] if rows else 'NAME'}")


@app.command()
def info(preset: Annotated[str, typer.Argument(metavar="PRESET")]):
    """Print the model card of a preset.

    Example: `ganzoo info dcgan_fashion_mnist`
    """
    folder = weights.find_preset(preset)
    config = json.loads((folder / "config.json").read_text())
    card = json.loads((folder / "card.json").read_text())
    table = rich.table.Table(show_header=False, box=None)
    for key, value in {**config, **card}.items():
        shown = value if isinstance(value, str) else json.dumps(value)
        table.add_row(f"[bold]{key}[/bold]", rich.markup.escape(shown))
    table.add_row("[bold]samples[/bold]", str(folder / "samples.png"))
    out_console.print(table)


@app.command()
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
    scale: Annotated[int | None, typer.Option(help="srgan: 2 or 4. [default: 4]")] = None,
    content_only: Annotated[
        bool | None,
        typer.Option("--content-only", help="srgan: the generator alone, on the content loss."),
    ] = None,
    content: Annotated[
        str | None,
        typer.Option(metavar="pixel|vgg22|vgg34|vgg54", help="srgan: what is compared."),
    ] = None,
    mixed_precision: Annotated[
        bool | None,
        typer.Option(
            "--mixed-precision/--float32",
            help="float16 on a GPU, else bfloat16. [default: where that is fast, but for a paper]",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all that is random. [default: 0]")
    ] = None,
):
    """Train a family on a data set into a run folder.

    The folder gets config.json, checkpoints/, logs/ (TensorBoard), samples/,
    metrics.json and model.keras.

    Example: `ganzoo train dcgan --data fashion_mnist --out runs/dcgan`
    """
    if not resume and data is None:
        raise ValueError("--data is missing: give a TFDS name, a folder of images, or 'sample'.")
    _import_tensorflow()
    from ganzoo import runs

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
        "scale": scale,
        "content_only": content_only,
        "content": content,
        "seed": seed,
    }
    lengths = {"epochs": epochs, "max_steps": max_steps}
    with _training():
        if resume:
            _require_same(runs.read_recipe(out), options)
            outcome = runs.resume(out, **lengths, verbose=_verbosity())
        else:
            given = {k: v for k, v in {**options, **lengths}.items() if v is not None}
            outcome = runs.train(runs.Recipe(**given), out, verbose=_verbosity())
    _report(outcome)


@app.command()
def sample(
    model: Model,
    out: Annotated[
        pathlib.Path,
        typer.Option(help="PNG file for a grid, a folder/ for single PNGs, or a .gif or .webp."),
    ],
    num_images: Annotated[int, typer.Option("-n", help="Number of images, or of walks.")] = 64,
    labels: Annotated[
        str | None, typer.Option(help="Class ids, such as 0,1,2, taken in turn.")
    ] = None,
    interpolate: Annotated[
        bool,
        typer.Option("--interpolate", help="Walk between latents; with --labels, between classes."),
    ] = False,
    seed: Seed = 0,
):
    """Make images with a trained model.

    With `--interpolate` a .png shows a walk in every row, a .gif or .webp moves.

    Example: `ganzoo sample dcgan_fashion_mnist -n 64 --seed 0 --out grid.png`
    """
    kind = "folder" if out.is_dir() or not out.suffix else out.suffix.lower()
    allowed = (".png", ".gif", ".webp") if interpolate else (".png", "folder")
    if kind not in allowed:
        raise ValueError(
            f"--out must be {' or '.join(allowed)} here. Received: {str(out)!r}. Animations need "
            "--interpolate, and folders go without it."
        )
    classes = _parse_labels(labels)
    _import_tensorflow()
    import numpy as np

    from ganzoo import images, runs
    from ganzoo.interpolation import interpolate as interpolate_between

    gan = runs.find_model(model)
    if interpolate:
        walks = interpolate_between(gan, num_rows=num_images, labels=classes, seed=seed)
        num_rows, num_steps = walks.shape[:2]
        if kind == ".png":
            grid = images.make_grid(walks.reshape(-1, *walks.shape[2:]), columns=num_steps)
            images.write_png(out, grid, images.zoom_for(grid))
        else:
            frames = np.stack([images.make_grid(step) for step in walks.swapaxes(0, 1)])
            images.write_animation(out, frames, images.zoom_for(frames[0]))
        print(f"{out}: {num_rows} walks of {num_steps} images")
        return
    in_turn = classes and [classes[index % len(classes)] for index in range(num_images)]
    pixels = gan.generate(num_images, labels=in_turn, seed=seed)
    if kind == ".png":
        # A column for each class that was asked for.
        columns = len(classes) if classes and len(classes) > 1 else None
        grid = images.make_grid(pixels, columns)
        images.write_png(out, grid, images.zoom_for(grid))
    else:
        for index, image in enumerate(pixels):
            images.write_png(out / f"{index:05d}.png", image)
    print(f"{out}: {num_images} images")


@app.command()
def upscale(
    model: Model,
    images: Annotated[
        list[pathlib.Path], typer.Argument(metavar="IMAGE", help="Image files, or folders of them.")
    ],
    out: Annotated[pathlib.Path, typer.Option(help="Folder of the larger images.")],
    tile: Annotated[
        int | None,
        typer.Option(
            min=16, help="Side of the tiles that are upscaled one by one, in pixels. [default: 192]"
        ),
    ] = None,
):
    """Make images larger with a super-resolution model.

    A photo.jpg becomes OUT/photo_x4.jpg. PNG, JPEG and WebP stay what they are, other
    kinds become PNG; of an animation, the first image is taken.

    Example: `ganzoo upscale runs/srgan photo.jpg holidays/ --out large`
    """
    from ganzoo import photos

    sources = photos.find_photos(images)
    _import_tensorflow()
    from ganzoo import runs

    gan = runs.find_model(model)
    if not hasattr(gan, "upscale"):
        raise ValueError(
            f"{model!r} is a {type(gan).__name__}, which cannot upscale. Give a super-resolution "
            "model, such as a run of `ganzoo train srgan`."
        )
    results = photos.name_results(sources, out, gan.scale)
    upscale_pixels = functools.partial(gan.upscale, tile=tile)
    num_failed = 0
    for source, target in _with_progress(results):
        try:
            photos.upscale_file(source, target, upscale_pixels, gan.scale)
        except (ValueError, OSError) as error:
            print(f"ganzoo: {error}", file=sys.stderr)
            num_failed += 1
    print(f"{out}: {len(results) - num_failed} images")
    if num_failed:
        raise typer.Exit(1)


@app.command()
def export(
    model: Model,
    out: Annotated[pathlib.Path, typer.Option(help="File; of a SavedModel, folder.")],
    format: Annotated[
        str | None,
        typer.Option(
            metavar="savedmodel|onnx|litert",
            help="[default: by the ending of --out: .onnx, .tflite, or else savedmodel]",
        ),
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights as float16.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an exported model.")
    ] = False,
):
    """Write a model for use without ganzoo, and compare it with Keras.

    The averaged generator, from latents (and labels) to uint8 images.

    Example: `ganzoo export dcgan_fashion_mnist --out dcgan.onnx`
    """
    _import_tensorflow()
    from ganzoo import runs

    gan = runs.find_model(model)
    gan.export(out, format, half, overwrite, card=runs.find_card(model))
    _report_export(gan, out, format, half)


def _report_export(gan, out, format=None, half=False):
    """Says what was written, and compares it with Keras."""
    from ganzoo import export

    files = [path for path in [out, *out.rglob("*")] if path.is_file()]
    size = sum(path.stat().st_size for path in files) / 1e6
    print(f"{out}: {export.find_format(out, format)}, {size:.1f} MB")
    difference = export.verify(gan, out, format, half)
    print(f"Largest difference from Keras on random inputs: {difference} of 255 levels")
    if difference > export.LARGEST_DIFFERENCE:
        raise RuntimeError(
            f"{str(out)!r} does not do what the model does. It differs by {difference} levels; up "
            f"to {export.LARGEST_DIFFERENCE} is rounding. It was left there to be looked at."
        )


@app.command()
def evaluate(
    model: Model,
    data: Annotated[
        str, typer.Option(metavar="NAME|DIR", help="Real images; for srgan a folder of them.")
    ],
    metrics: Annotated[
        str | None,
        typer.Option(metavar="fid,kid,...|all", help="[default: fid,kid,precision_recall]"),
    ] = None,
    num_images: Annotated[int, typer.Option("-n", min=1, help="Images to make.")] = 10_000,
    extractor: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What embeds images. [default: that of the data]"),
    ] = None,
    neighbours: Annotated[
        pathlib.Path | None,
        typer.Option(help="PNG to write: images, and the training images nearest to each."),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
):
    """Measure the images of a model; of a super-resolution model, beside bicubic.

    Example: `ganzoo evaluate dcgan_fashion_mnist --data fashion_mnist --metrics fid,kid`
    """
    _import_tensorflow()
    from ganzoo import evaluation, images, runs

    gan = runs.find_model(model)
    if hasattr(gan, "upscale"):
        _refuse_for_upscaling(metrics, extractor, neighbours)
        result = evaluation.evaluate_super_resolution(
            gan, data, report=lambda score: print(score.name, file=sys.stderr)
        )
        print_result = _print_restoration
    else:
        names = metrics.split(",") if metrics else list(evaluation.DEFAULT_METRICS)
        if neighbours:
            names.append("neighbours")
        with rich.progress.Progress(console=rich.console.Console(stderr=True)) as progress:
            task = progress.add_task("Images", total=num_images)
            result = evaluation.evaluate(
                gan,
                data,
                names,
                num_images,
                extractor,
                seed,
                report=lambda done: progress.update(task, completed=done),
            )
        print_result = _print_evaluation
        if neighbours:
            grid = images.make_grid(result.neighbours, columns=evaluation.NEIGHBOUR_COLUMNS)
            images.write_png(neighbours, grid, images.zoom_for(grid))
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    else:
        print_result(result)


def _refuse_for_upscaling(metrics, extractor, neighbours):
    if metrics or extractor or neighbours:
        raise ValueError(
            "Super-resolution models are measured by PSNR and SSIM. Leave --metrics, --extractor "
            "and --neighbours out."
        )


def _print_restoration(result):
    table = rich.table.Table("image", box=None)
    for column in ("PSNR", "bicubic", "SSIM", "bicubic"):
        table.add_column(column, justify="right")
    for score in (*result.images, result.mean):
        decibels = (f"{value:.2f}" for value in (score.psnr, score.bicubic_psnr))
        similarities = (f"{value:.4f}" for value in (score.ssim, score.bicubic_ssim))
        table.add_row(rich.markup.escape(score.name), *decibels, *similarities)
    out_console.print(table)
    print(f"\n{result.protocol}")


def _print_evaluation(result):
    table = rich.table.Table("metric", box=None)
    for column in ("generated", "+-", "real images"):
        table.add_column(column, justify="right")
    for row in result.rows():
        table.add_row(*("" if cell is None else cell for cell in row))
    out_console.print(table)
    print(f"\n{result.protocol}")


@app.command()
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
    _import_tensorflow()
    from ganzoo import evaluation, runs

    if out is None:
        pathlib.Path("runs").mkdir(exist_ok=True)
        out = pathlib.Path(tempfile.mkdtemp(prefix="demo-", dir="runs"))
    recipe = runs.Recipe("dcgan", "sample", epochs=1000, max_steps=max_steps, seed=seed)
    with _training():
        outcome = runs.train(recipe, out, verbose=_verbosity())
    print("\nMeasured beside real images, which stand on the right:")
    _print_evaluation(evaluation.evaluate(outcome.model, "sample", ["fid", "kid"], num_images=2000))
    exported = out / "exported"
    outcome.model.export(exported, card=runs.find_card(out))
    _report_export(outcome.model, exported)
    _report(outcome)


def _report(outcome):
    """Says where everything is, and what to type next."""
    folder = outcome.folder
    grids = sorted((folder / "samples").glob("epoch_*.png"))
    speed = outcome.logs.get("images_per_second")
    print(f"\nDone: {outcome.step} steps" + (f", {speed:.0f} images/s." if speed else "."))
    table = rich.table.Table(show_header=False, box=None)
    table.add_row("samples", str(grids[-1]) if grids else "none")
    table.add_row("real images", str(folder / "samples" / "real.png"))
    table.add_row("model", str(folder / "model.keras"))
    table.add_row("logs", str(folder / "logs"))
    out_console.print(table)
    print("\nNext:")
    print(f"  tensorboard --logdir {folder / 'logs'}")
    if hasattr(outcome.model, "upscale"):
        print(f"  ganzoo upscale {folder} photo.jpg --out upscaled")
        return
    print(f"  ganzoo sample {folder} -n 64 --seed 1 --out grid.png")
    print(f'  python -c "import ganzoo; print(ganzoo.load({str(folder)!r}).generate(4).shape)"')


def _headline(preset):
    if not preset.scores:
        return None
    score = preset.scores[0]
    details = [score.extractor, f"{score.num_images} images"]
    return f"{score.metric} {score.value:g} ({', '.join(filter(None, details))})"


def _require_same(recipe, wanted):
    for name, value in wanted.items():
        was = getattr(recipe, name)
        if value not in (None, was):
            raise ValueError(
                f"The run was started with {name}={was}. Received: {name}={value}. Leave it out "
                "to go on, or start another run."
            )


def _parse_labels(labels):
    """`"0,1,2"` as a list of class ids; None without labels."""
    if labels is None:
        return None
    try:
        return [int(label) for label in labels.split(",")]
    except ValueError:
        raise ValueError(
            f"--labels must be class ids such as 0,1,2. Received: {labels!r}."
        ) from None


def _verbosity():
    """A progress bar for a person, a line for each epoch in a file."""
    return 1 if sys.stderr.isatty() else 2


def _with_progress(results):
    """Goes through pairs of files with a bar for a person, a line for each in a file."""
    if sys.stderr.isatty():
        console = rich.console.Console(stderr=True)
        yield from rich.progress.track(results, "Upscaling", console=console)
        return
    for source, target in results:
        print(f"{source} -> {target}", file=sys.stderr)
        yield source, target


@contextlib.contextmanager
def _training():
    """Progress goes to standard error; SIGTERM (`timeout`, a batch system) is like Ctrl-C."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _import_tensorflow():
    """Imports TensorFlow without the notes on devices that it prints whatever is set."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    standard_error = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(standard_error, 2)
            os.close(standard_error)
