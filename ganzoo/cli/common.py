"""What all commands share: the application, its options, how it ends."""

import os
import pathlib
import sys
import warnings
from typing import Annotated

import rich.console
import typer

from ganzoo.version import __version__

app = typer.Typer(
    name="ganzoo",
    help="The GAN model zoo for Keras 3 on TensorFlow.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_PACKAGE = pathlib.Path(__file__).parent.parent
out_console = rich.console.Console(soft_wrap=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[str, typer.Argument(metavar="PRESET|RUN", help="A preset, run or .keras file.")]
Seed = Annotated[int, typer.Option(help="Seed of all that is random.")]


def main(arguments=None):
    """Runs the command line and exits.

    Codes: 0 done, 1 failed while running, 2 wrong input, 130 stopped by Ctrl-C, 143 by
    SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    warnings.showwarning = _show_warning
    try:
        # A command returns nothing; an early exit comes back as its code, Ctrl-C as 130.
        code = app(arguments, standalone_mode=False) or 0
        if code == 130:
            raise KeyboardInterrupt("Interrupted.")
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        # What Typer raises at wrong usage; the class has moved between its versions.
        usage = hasattr(error, "format_message")
        text = error.format_message() if usage else str(error)
        print(f"ganzoo: {' '.join(text.split()) or type(error).__name__}", file=sys.stderr)
        code = 2 if usage or isinstance(error, ValueError) else 1
        if isinstance(error, KeyboardInterrupt):
            code = 130
        # Training that a signal stopped: what shells make of it.
        elif signum := getattr(error, "signum", None):
            code = 128 + signum
    sys.exit(code)


_show_as_python_does = warnings.showwarning


def _show_warning(message, category, filename, *rest):
    """What ganzoo warns of is one line; warnings of others stay what they are."""
    if category is UserWarning and pathlib.Path(filename).is_relative_to(_PACKAGE):
        print(f"ganzoo: {message}", file=sys.stderr)
    else:
        _show_as_python_does(message, category, filename, *rest)


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


def import_tensorflow():
    """Imports TensorFlow without the notes on devices that it prints whatever is set."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow leaves oneDNN's convolutions off on processors without the later parts of AVX-512
    # or AMX, though they are the faster ones there, too; it reads this when it is imported.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
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
