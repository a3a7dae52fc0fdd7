"""Who may import whom."""

import ast
import pathlib
import sys

import pytest

import ganzoo
from ganzoo import registry

PACKAGE = pathlib.Path(ganzoo.__file__).parent
FAMILIES = tuple(family.name for family in registry.families())

# From the ground up; a module imports from rows above its own and from its own folder. The
# modules of one row know nothing of each other, but for pairs that are named below.
ROWS = [
    ("registry", "version", "files"),
    ("downloads",),
    ("weights",),
    ("images", "photos"),
    ("layers",),
    ("losses", "regularizers", "optimizers"),
    ("metrics",),
    ("distribution",),
    ("data",),
    ("batches", "export", "untrusted"),
    ("steps", "inversion", "preset_folders"),
    ("training",),
    ("gan",),
    FAMILIES,
    ("evaluation", "interpolation", "bulk"),
    ("callbacks",),
    ("runs",),
    ("__init__",),
    ("cli", "__main__"),
]
WITHIN_A_ROW = {("__main__", "cli")}
# What a row above a module's own is nevertheless none of its business.
NEVER = {family: {"data", "export", "metrics"} for family in FAMILIES}
# A family is one import line in the package's `__init__`, and one that registers it.
PYTHON_ONLY = {
    "registry",
    "version",
    "files",
    "downloads",
    "weights",
    "__init__",
    "cli",
    "__main__",
}
HEAVY = {"tensorflow", "keras", "numpy", "tensorflow_datasets"}
WITHOUT_TENSORFLOW = {"images", "layers", "losses", "regularizers"}


def row_of(name):
    return next(index for index, row in enumerate(ROWS) if name in row)


def unit_of(path):
    """A module of the package, or the folder that it stands in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def imports(path, at_the_top_only=False):
    """Dotted names of all that a file imports, inside functions, too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if at_the_top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: relative import"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"


def own_imports(path):
    """The units of ganzoo that a file imports."""
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "ganzoo" and len(parts) > 1:
            known = any(parts[1] in row for row in ROWS) or (PACKAGE / parts[1]).exists()
            # `from ganzoo import something_public` comes from `__init__`.
            yield parts[1] if known or (PACKAGE / f"{parts[1]}.py").exists() else "__init__"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_module_has_a_row_in_the_map(path):
    assert any(unit_of(path) in row for row in ROWS), f"{name_of(path)} is not on the map"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_module_imports_only_from_its_folder_and_from_rows_above(path):
    unit = unit_of(path)
    if unit == "__init__":
        return  # It gathers public names from everywhere but the command line.
    for imported in own_imports(path):
        if imported == unit or (unit, imported) in WITHIN_A_ROW:
            continue
        assert row_of(imported) < row_of(unit), f"{name_of(path)} imports ganzoo.{imported}"
        assert imported not in NEVER.get(unit, ()), f"{name_of(path)} imports ganzoo.{imported}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_no_module_imports_a_private_name(path):
    for name in imports(path):
        if name.startswith("ganzoo."):
            private = [p for p in name.split(".") if p.startswith("_") and not p.endswith("__")]
            assert not private, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_networks_and_layers_import_no_tensorflow(path):
    unit = unit_of(path)
    of_a_family = unit in FAMILIES and path.stem in ("networks", "layers")
    if of_a_family or unit in WITHOUT_TENSORFLOW:
        used = [name for name in imports(path) if name.split(".")[0] == "tensorflow"]
        assert not used, f"{name_of(path)} imports {used}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_what_listing_needs_imports_nothing_heavy(path):
    unit = unit_of(path)
    registers = unit in FAMILIES and path.stem in ("__init__", "presets")
    if registers or unit in PYTHON_ONLY:
        heavy = [n for n in imports(path, at_the_top_only=True) if n.split(".")[0] in HEAVY]
        assert not heavy, f"{name_of(path)} imports {heavy}"


def test_all_third_party_imports_are_dependencies():
    declared = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8").lower()
    distributions = {
        "PIL": "pillow",
        "ai_edge_litert": "ai-edge-litert",
        "tensorflow_datasets": "tensorflow-datasets",
    }
    used = {name.split(".")[0] for path in sources() for name in imports(path)}
    for name in sorted(used - set(sys.stdlib_module_names) - {"ganzoo"}):
        assert f'"{distributions.get(name, name).lower()}' in declared, name


def test_every_family_has_one_line_in_the_package():
    lines = (PACKAGE / "__init__.py").read_text(encoding="utf-8").splitlines()
    for family in registry.families():
        mentions = [line for line in lines if family.name in line.replace(",", " ").split()]
        assert len(mentions) == 1, mentions
        assert mentions[0].startswith(f"from ganzoo import {family.name}")


def test_every_family_folder_is_registered_and_has_its_modules():
    registered = {family.name for family in registry.families()}
    folders = {path.name for path in PACKAGE.iterdir() if path.name in FAMILIES}
    assert folders == registered
    for name in folders:
        present = {path.name for path in (PACKAGE / name).iterdir()}
        assert present >= {"__init__.py", "networks.py", "model.py", "presets.py"}
