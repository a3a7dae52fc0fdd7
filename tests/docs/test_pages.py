"""Code on the pages names what exists: functions of ganzoo, commands and their options."""

import ast
import pathlib
import pkgutil
import re
import shlex

import pytest
import typer

from ganzoo.cli import app

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/guides/*.md")),
    *sorted(ROOT.glob("docs/learn/*.md")),
    *sorted(ROOT.glob("ganzoo/*/README.md")),
]


def blocks(page, language):
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def dotted_name(node):
    """Return the name that attributes form, such as `ganzoo.data.load`, or None."""
    if isinstance(node, ast.Attribute):
        before = dotted_name(node.value)
        return before and f"{before}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_programs_parse_and_name_what_exists(page):
    for program in blocks(page, "python"):
        names = {dotted_name(node) for node in ast.walk(ast.parse(program))}
        for name in sorted(filter(None, names)):
            if name.startswith("ganzoo."):
                assert pkgutil.resolve_name(name) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_have_the_options_that_they_are_given(page):
    commands = typer.main.get_command(app).commands
    for script in blocks(page, "sh"):
        for line in script.replace("\\\n", " ").splitlines():
            if not line.startswith("ganzoo "):
                continue
            words = shlex.split(line, comments=True)
            known = {
                option
                for parameter in commands[words[1]].params
                for option in (*parameter.opts, *parameter.secondary_opts)
            }
            for word in words[2:]:
                if re.match(r"--?[a-z]", word):
                    assert word.partition("=")[0] in {*known, "--help", "--debug"}, line
