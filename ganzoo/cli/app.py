"""Define what all commands share: the application, common options, signals and exit codes."""

import contextlib
import os
import pathlib
import signal
import sys
import warnings
from collections.abc import Iterator
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
Model = Annotated[
    str, typer.Argument(metavar="PRESET|RUN", help="Preset, run folder or .keras file.")
]
Seed = Annotated[int, typer.Option(help="Random seed.")]


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit.

    Exit codes are 0 for success, 1 for an error at run time, 2 for wrong input, 130 for Ctrl-C and
    143 for SIGTERM.

    Args:
        arguments: list of str. None uses the arguments of the process.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    warnings.showwarning = _show_warning
    try:
        # A command returns None. Typer returns the code of an early exit, and 130 for Ctrl-C.
        code = app(arguments, standalone_mode=False) or 0
        if code == 130:
            raise KeyboardInterrupt("Interrupted.")
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        # Only Typer's usage errors have this method. Their class has moved between versions.
        usage = hasattr(error, "format_message")
        text = error.format_message() if usage else str(error)
        print(f"ganzoo: {' '.join(text.split()) or type(error).__name__}", file=sys.stderr)
        code = 2 if usage or isinstance(error, ValueError) else 1
        if isinstance(error, KeyboardInterrupt):
            code = 130
        # A signal stopped training. Shells report 128 plus its number.
        elif signum := getattr(error, "signum", None):
            code = 128 + signum
    sys.exit(code)


_show_as_python_does = warnings.showwarning


def _show_warning(message, category, filename, *rest):
    """Print a warning of ganzoo as one line, and other warnings as Python does."""
    if category is UserWarning and pathlib.Path(filename).is_relative_to(_PACKAGE):
        print(f"ganzoo: {message}", file=sys.stderr)
    else:
        _show_as_python_does(message, category, filename, *rest)


@app.callback(invoke_without_command=True)
def _common(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    # `main` removes this option from the arguments, so that it works at any position.
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of errors.")] = False,
):
    if version:
        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit


def import_tensorflow() -> None:
    """Import TensorFlow without its messages about devices, which no setting turns off."""
    # Its optimizer logs failed rewrites as errors, but skips them. Real errors are exceptions.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # TensorFlow turns off the convolutions of oneDNN on CPUs without the newer parts of AVX-512 or
    # AMX, although they are faster there, too. It reads this variable when it is imported.
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


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Send progress to standard error, and exit with a one-line message on SIGTERM.

    During training, a signal stops it after the current step. See `ganzoo.callbacks.FinishStep`.
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
