"""Give `ganzoo train` the options of families: short flags, and the arguments that help lists."""

import inspect
from typing import Annotated

import rich.markup
import typer

from ganzoo import registry
from ganzoo.cli.app import Command, import_tensorflow, make_table, print_table


class TrainCommand(Command):
    """Command whose `--help` lists the arguments of a given family, too."""

    def parse_args(self, ctx, args):
        names = {family.name for family in registry.families()}
        ctx.meta["family"] = next((arg for arg in args if arg in names), None)
        return super().parse_args(ctx, args)

    def format_help(self, ctx, formatter):
        super().format_help(ctx, formatter)
        if ctx.meta.get("family"):
            _print_arguments(ctx.meta["family"])


def add_family_flags(function):
    """Add the short flags of all families to the signature that Typer reads."""
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    for family in registry.families():
        for name, flag in family.flags.items():
            option = typer.Option(
                f"--{name}",
                metavar=flag.metavar,
                help=flag.help,
                rich_help_panel=family.class_name,
            )
            hint = Annotated[flag.kind | None, option]
            attribute = name.replace("-", "_")
            function.__annotations__[attribute] = hint
            parameters.append(
                inspect.Parameter(
                    attribute, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint
                )
            )
    function.__signature__ = signature.replace(parameters=parameters)


def flags_of_family(family: str, flags: dict) -> dict:
    """Return the given flags of a family.

    Args:
        family: str. Name of the family.
        flags: values by the name of the flag, None for flags that are not given.

    Raises:
        ValueError: If a flag of another family is given.
    """
    known = registry.get_family(family).flags
    given = {name: value for name, value in flags.items() if value is not None}
    for name in given:
        flag = name.replace("_", "-")
        if flag not in known:
            others = [f.class_name for f in registry.families() if flag in f.flags]
            raise ValueError(f"--{flag} is an option of {', '.join(others)}. Remove it.")
    return given


def _print_arguments(family):
    """Print the arguments of a family's constructor and `compile`, from their docstrings."""
    import_tensorflow()
    from ganzoo.base import GAN
    from ganzoo.training import arguments

    model_class = registry.get_family(family).load_class()
    # `compile` takes the recommended value for None.
    recommended = inspect.signature(GAN.compile).parameters
    recommended = {name for name, parameter in recommended.items() if parameter.default is None}
    for option, found in (
        ("--model", arguments.constructor_arguments(model_class)),
        ("--compile", arguments.compile_arguments(model_class)),
    ):
        table = make_table(f"{option} KEY=VALUE", "default", "")
        for argument in found.values():
            required = argument.default is inspect.Parameter.empty
            default = "from the data" if required else str(argument.default)
            if argument.name in recommended:
                default = "recommended"
            # The docstrings mark names of Python with backticks.
            text = argument.summary.replace("`", "")
            table.add_row(argument.name, default, rich.markup.escape(text))
        print()
        print_table(table)
