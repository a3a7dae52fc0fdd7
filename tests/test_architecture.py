"""Each module imports only from its own folder and from lower layers."""

import ast
import pathlib
import sys

import pytest

import ganzoo
from ganzoo import registry

PACKAGE = pathlib.Path(ganzoo.__file__).parent
FAMILIES = tuple(family.name for family in registry.families())

# The lowest layer comes first. A module imports only from its own unit and from earlier rows. A
# unit is a module or a folder. The modules of `saving` and `training` are separate units, because
# they belong to different rows.
ROWS = [
    ("checks", "class_names", "fingerprint", "messages", "version"),
    ("registry", "saving.files"),
    ("saving.downloads", "saving.model_card", "saving.untrusted"),
    ("saving.hub",),
    ("saving.weights",),
    ("conditions", "images", "schedules", "sizes", "transforms"),
    ("augment", "layers", "losses", "regularizers", "optimizers"),
    ("perceptual",),
    ("metrics",),
    ("distribution",),
    ("data",),
    ("export", "saving.presets"),
    ("base",),
    FAMILIES,
    ("evaluation", "sampling"),
    ("callbacks",),
    ("training.arguments", "training.transfer"),
    ("training.recipe",),
    ("training.run_folder",),
    ("saving.loading",),
    ("training.data", "training.length"),
    ("training.model",),
    ("training.run",),
    ("training", "saving"),
    ("__init__",),
    ("cli", "__main__"),
]
WITHIN_A_ROW = {("__main__", "cli")}
# A family may not import these units, although their rows come earlier.
NEVER = {family: {"export", "metrics"} for family in FAMILIES}
# These units, like the registration of families, do not import the packages in `HEAVY` at the top.
PYTHON_ONLY = {
    "checks",
    "class_names",
    "fingerprint",
    "messages",
    "registry",
    "version",
    "saving.files",
    "saving.downloads",
    "saving.hub",
    "saving.model_card",
    "saving.weights",
    "saving.untrusted",
    "__init__",
    "cli",
    "__main__",
}
HEAVY = {"tensorflow", "keras", "numpy", "tensorflow_datasets"}
WITHOUT_TENSORFLOW = {
    "augment",
    "conditions",
    "images",
    "layers",
    "losses",
    "perceptual",
    "regularizers",
    "schedules",
    "sizes",
    "transforms",
}
UNITS = {unit for row in ROWS for unit in row}


def row_of(name):
    return next(index for index, row in enumerate(ROWS) if name in row)


def unit_of(path):
    """Return the unit on the map that a file belongs to."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return unit_named(".".join(part for part in parts if part != "__init__") or "__init__")


def unit_named(dotted):
    """Return the unit of a dotted name in the package: the longest prefix that is a unit."""
    parts = dotted.split(".")
    names = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((name for name in names if name in UNITS), names[-1])


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def imports(path, at_the_top_only=False):
    """Yield the dotted names that a file imports, including imports inside functions."""
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
    """Yield the units of ganzoo that a file imports."""
    for name in imports(path):
        package, _, inside = name.partition(".")
        if package == "ganzoo" and inside:
            top = inside.split(".")[0]
            exists = (PACKAGE / top).exists() or (PACKAGE / f"{top}.py").exists()
            # `from ganzoo import something_public` comes from `__init__`.
            yield unit_named(inside) if exists else "__init__"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_module_has_a_row_in_the_map(path):
    assert unit_of(path) in UNITS, f"{name_of(path)} is not on the map"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_a_module_imports_only_from_its_folder_and_from_earlier_rows(path):
    unit = unit_of(path)
    if unit == "__init__":
        return  # It collects the public names of all units except the command line.
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
def test_modules_for_listing_import_nothing_heavy(path):
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
        "pillow_heif": "pillow-heif",
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
