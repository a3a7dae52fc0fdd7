"""All examples in docstrings run and print what they show."""

import doctest
import importlib
import pathlib
import pkgutil

import keras
import numpy as np
import pytest
from keras import ops

import ganzoo


def module_names():
    found = pkgutil.walk_packages(ganzoo.__path__, prefix="ganzoo.")
    names = [module.name for module in found if not module.name.endswith("__main__")]
    return ["ganzoo", *names]


def examples():
    """Yield every docstring with an example, as a doctest."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in module_names():
        module = importlib.import_module(name)
        yield from (test for test in finder.find(module, name) if test.examples)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_the_example_prints_what_it_shows(example, tmp_path, monkeypatch, capsys):
    # Examples may use these names without an import.
    example.globs.update(
        ganzoo=ganzoo, keras=keras, np=np, ops=ops, pathlib=pathlib, tmp_path=tmp_path
    )
    monkeypatch.chdir(tmp_path)
    messages = []
    runner = doctest.DocTestRunner(
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.REPORT_NDIFF
    )
    runner.run(example, out=messages.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(messages)


def test_every_public_name_of_the_package_exists_and_has_a_docstring():
    for name in ganzoo.__all__:
        thing = getattr(ganzoo, name)
        assert name == "__version__" or thing.__doc__, name
    assert set(ganzoo.__all__) <= set(dir(ganzoo))


def test_an_unknown_name_of_the_package_is_an_attribute_error():
    with pytest.raises(AttributeError, match="StyleGAN"):
        _ = ganzoo.StyleGAN
