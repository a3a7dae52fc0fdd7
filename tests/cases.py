"""Mark most cases of a costly test as slow."""

import pytest


def others_slow(cases, *default):
    """Return the cases of `parametrize`, of which only some run by default.

    `make test-slow` runs the others. A case is identified by its name, or by its text.

    Args:
        cases: values of one parameter: families, functions, words or numbers.
        *default: names of the cases that run by default.
    """
    names = [str(getattr(case, "name", getattr(case, "__name__", case))) for case in cases]
    assert set(map(str, default)) <= set(names), f"Unknown among {names}: {default}"
    return [
        pytest.param(case, id=name, marks=[] if name in map(str, default) else pytest.mark.slow)
        for case, name in zip(cases, names, strict=True)
    ]
