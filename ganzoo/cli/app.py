"""Define what all commands share: the application, common options, signals and exit codes."""

import contextlib
import functools
import os
import pathlib
import re
import signal
import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from typing import Annotated

import rich.console
import rich.progress
import rich.table
import typer
import typer.core

from ganzoo.messages import hide_native_messages
from ganzoo.version import __version__


class _FlagsWithoutType:
    """Mixin for commands whose help shows no type for flags, because they take no value."""

    def get_params(self, ctx):
        parameters = super().get_params(ctx)
        for parameter in parameters:
            if getattr(parameter, "is_flag", False):
                parameter.metavar = ""
        return parameters


class Command(_FlagsWithoutType, typer.core.TyperCommand):
    """Command whose errors name options instead of Python arguments."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except Exception as error:
            if len(error.args) == 1 and isinstance(error.args[0], str):
                # Flags take no value, and arguments have no name.
                options = {
                    parameter.name: max(parameter.opts, key=len)
                    for parameter in self.params
                    if parameter.opts[0].startswith("-") and not parameter.is_flag
                }
                error.args = (name_options(error.args[0], options),)
            raise


class _Group(_FlagsWithoutType, typer.core.TyperGroup):
    """All commands."""


app = typer.Typer(
    name="ganzoo",
    cls=_Group,
    help="The GAN model zoo for Keras 3 on TensorFlow.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_PACKAGE = pathlib.Path(__file__).parent.parent
_console = rich.console.Console(soft_wrap=True, highlight=False)

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
    # Names of files may have bytes that are no text.
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        _refuse_empty(arguments)
        # A command returns None. Typer returns the code of an early exit, and 130 for Ctrl-C.
        code = app(arguments, standalone_mode=False) or 0
        if code == 130:
            raise KeyboardInterrupt("Interrupted.")
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            raise
        # Only Typer's usage errors have this method. Their class has moved between versions.
        usage = hasattr(error, "format_message")
        text = _explain_usage(error, arguments) if usage else _explain(error)
        print(f"ganzoo: {' '.join(text.split()) or type(error).__name__}", file=sys.stderr)
        code = 2 if usage or isinstance(error, ValueError) else 1
        if isinstance(error, KeyboardInterrupt):
            code = 130
        # A signal stopped training. Shells report 128 plus its number.
        elif signum := getattr(error, "signum", None):
            code = 128 + signum
    sys.exit(code)


def _refuse_empty(arguments):
    """Refuse empty arguments. They come from shell variables that are not set."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option, separator, value = argument.partition("=")
        is_option = separator and option.startswith("--")
        if not (value if is_option else argument).strip():
            name = option if is_option else before
            raise ValueError(
                f"{name if name.startswith('-') else 'An argument'} is empty. Give a value. If it "
                "comes from a shell variable, set the variable."
            )


def name_options(text: str, options: dict[str, str]) -> str:
    """Replace Python arguments in a message by options of the command line.

    Args:
        text: str. The message.
        options: dict of options by the name of their argument.

    Example:
        >>> text = "`seed` must be at least 0. Received: seed=-1."
        >>> name_options(text, {"seed": "--seed"})
        '--seed must be at least 0. Received: --seed -1.'
    """
    # Some messages name both, such as "`image_size=64` (--image-size 64)".
    text = re.sub(r"`[\w=]+` \((--?[a-z][^)]*)\)", r"\1", text)
    text = re.sub(r"`(\w+)`", lambda found: options.get(found[1], found[0]), text)
    # Other code in backticks is Python's, and `--compile loss=hinge` is an option already.
    pattern = r"`[^`]*`|--[\w-]+ \w+=|\b(\w+)=(?=\S)"
    return re.sub(
        pattern,
        lambda found: f"{options[found[1]]} " if found[1] in options else found[0],
        text,
    )


def _explain(error):
    """Return the message of an error in one line."""
    if isinstance(error, OSError) and error.filename is not None:
        path = os.fsdecode(error.filename)
        return (
            f"{path!r} cannot be read or written: {error.strerror}. Check the path, its "
            "permissions and the free space."
        )
    lines = str(error).splitlines()
    if lines and lines[0] == "in user code:":
        return lines[-1]  # The lines before are a traceback.
    if type(error).__module__.startswith("tensorflow."):
        # A traceback of the operation stands before the cause, and the graph's node after it.
        skipped = ("Graph execution error", "Detected at node", "<stack traces", " ")
        return next((line for line in lines if line and not line.startswith(skipped)), "")
    return str(error)


def _explain_usage(error, arguments):
    """Return the message of a usage error, with the value received and where to find help."""
    text = _end_sentence(error.format_message())
    value = _find_value(getattr(getattr(error, "param", None), "opts", ()), arguments)
    if value is not None and repr(value) not in text:
        text += f" Received: {value!r}."
    context = getattr(error, "ctx", None)
    command = f" {context.info_name}" if context is not None and context.parent else ""
    return f"{text} See `ganzoo{command} --help`."


def _end_sentence(text):
    return text if text.endswith((".", "?")) else f"{text}."


def _find_value(options, arguments):
    """Return the text that follows one of some options, as in `-n 5` or `--seed=5`, or None."""
    for option in options:
        for argument, value in zip(arguments, [*arguments[1:], None], strict=True):
            if argument == option:
                return value
            if argument.startswith(f"{option}="):
                return argument.partition("=")[2]
    return None


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
    with hide_native_messages():
        import tensorflow as tf

        tf.config.list_physical_devices()
    # A command cannot avoid what these messages warn of, such as tracing a function again.
    tf.get_logger().setLevel("ERROR")


def make_table(*columns: str, numbers: Collection[str] = ()) -> rich.table.Table:
    """Return a table without borders. Print it with `print_table`.

    Args:
        *columns: str. Headings.
        numbers: headings of the columns that are aligned to the right.
    """
    table = rich.table.Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    return table


def print_table(table: rich.table.Table) -> None:
    """Print a table without spaces at the ends of its lines."""
    with _console.capture() as captured:
        _console.print(table)
    print("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


@contextlib.contextmanager
def progress_bar(description: str, total: float | None) -> Iterator[Callable[..., None]]:
    """Show a progress bar in a terminal. Yield the `update` of its task.

    Args:
        description: str. Text before the bar.
        total: number that `update(completed=...)` reaches. None if it is not known yet.
    """
    console = rich.console.Console(stderr=True)
    with rich.progress.Progress(console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield functools.partial(progress.update, task)


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
