"""Write the page of all commands from the command line itself. A hook of MkDocs."""

import pathlib
import sys

import typer
from mkdocs.structure.files import File

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
from ganzoo.cli import app


def on_files(files, config):
    """Add the page."""
    commands = typer.main.get_command(app).commands
    parts = [
        "# Commands",
        "[The command line](../command_line.md) has examples. `ganzoo COMMAND --help` prints this.",
        *(describe(name, command) for name, command in commands.items()),
    ]
    files.append(File.generated(config, "reference/commands.md", content="\n\n".join(parts) + "\n"))
    return files


def describe(name, command):
    """Return the section of a command: what it does, and its arguments and options."""
    rows = [
        row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)
    ]
    table = ["| option | meaning |", "|---|---|", *rows]
    return "\n\n".join([f"## ganzoo {name}", command.help.strip(), "\n".join(table)])


def row(parameter):
    """Return the row of an argument or an option."""
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        names = [parameter.metavar or parameter.name.upper()]
    value = parameter.metavar if parameter.param_type_name == "option" else None
    name = ", ".join(f"`{name} {value}`" if value else f"`{name}`" for name in names)
    meaning = " ".join((parameter.help or "").split())
    if isinstance(parameter.default, (int, float, str)) and not isinstance(parameter.default, bool):
        meaning += f" Default: {parameter.default}."
    name, meaning = (text.replace("|", "\\|") for text in (name, meaning))
    return f"| {name} | {meaning} |"
