"""Whatever is given, the answer is a result or one line: tried with hundreds of odd values."""

import contextlib
import io
import itertools
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import ganzoo
from ganzoo import callbacks, cli, data, registry, runs

# The same examples in every run: what is found by chance is found by `tests/fuzz`.
quick = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# Small enough to be built at once where they are allowed.
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 9),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.lists(st.integers(-2, 9), max_size=4),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
JSON = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
)


@contextlib.contextmanager
def one_line():
    """Lets what is expected of wrong arguments pass: a `ValueError` or `TypeError` that says so."""
    try:
        yield
    except (ValueError, TypeError) as error:
        assert str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize("family", registry.families(), ids=lambda family: family.name)
def test_constructors_build_or_refuse(family):
    @quick
    @given(st.sampled_from(sorted(family.smallest)), ODD)
    def build(name, value):
        with one_line():
            family.build_smallest(**{name: value})

    build()


def test_compile_takes_or_refuses():
    gan = registry.get_family("vanilla").build_smallest()
    names = sorted(gan.recommended())

    @quick
    @given(st.sampled_from(names), ODD)
    def compile_with(name, value):
        # Keras itself looks a configuration of an optimizer up without a check.
        assume(not isinstance(value, dict))
        with one_line():
            gan.compile(**{name: value})

    compile_with()


@quick
@given(
    st.dictionaries(
        st.sampled_from(["family", "data", "epochs", "batch_size", "max_steps", "seed", "recipe"]),
        ODD,
    )
)
def test_recipes_are_made_or_refused(fields):
    with one_line():
        runs.Recipe(**{"family": "vanilla", "data": "sample", **fields})


@quick
@given(ODD)
def test_distances_of_checkpoints_are_understood_or_refused(every):
    with one_line():
        steps, seconds = callbacks.parse_every(every)
        assert (steps is None) or (seconds is None)


@settings(quick, max_examples=10)
@given(
    st.integers(1, 20),
    st.integers(1, 6),
    st.integers(0, 2**31 - 1),
    st.booleans(),
    st.integers(0, 30),
)
def test_pipelines_begin_anywhere_in_what_they_would_have_given(count, batch, seed, shuffle, start):
    """Every image comes once in a pass, whatever the numbers."""
    batch = min(batch, count)
    pixels = np.arange(count, dtype="uint8").reshape(-1, 1, 1, 1)
    image_data = data.ImageData(pixels, np.arange(count), count)

    def take(start, number):
        batches = data.pipeline(image_data, batch, True, seed, shuffle, start).take(number)
        return [labels.numpy().tolist() for _, labels in batches]

    per_pass = count // batch
    straight = take(0, start + 2 * per_pass)
    assert take(start, 2 * per_pass) == straight[start:]
    for first in (0, per_pass):
        seen = list(itertools.chain(*straight[first : first + per_pass]))
        assert len(set(seen)) == len(seen)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "preset"
    registry.get_family("vanilla").build_smallest(seed=0).save_to_preset(folder)
    return folder


def test_configurations_of_presets_are_loaded_or_refused(preset):
    path = preset / "config.json"
    whole = json.loads(path.read_text())
    outer = st.tuples(st.just(None), st.sampled_from(sorted(whole)), JSON)
    inner = st.tuples(st.just("config"), st.sampled_from([*sorted(whole["config"]), "name"]), JSON)

    @quick
    @given(outer | inner)
    def load(change):
        group, name, value = change
        config = json.loads(json.dumps(whole))
        (config[group] if group else config)[name] = value
        path.write_text(json.dumps(config))
        try:
            ganzoo.from_preset(preset)
        except ValueError as error:
            assert str(preset) in str(error)
            assert "\n" not in str(error)

    load()


COMMANDS = [command.name or command.callback.__name__ for command in cli.app.registered_commands]
OPTIONS = ["--out", "-n", "--seed", "--data", "--epochs", "--resume", "--save-every", "--json"]
WORDS = st.sampled_from(OPTIONS) | st.text(max_size=6)


@quick
@given(st.sampled_from([*COMMANDS, "", "-"]), st.lists(WORDS, max_size=4))
def test_commands_end_with_a_known_code_and_one_line(tmp_path, monkeypatch, command, words):
    if command == "demo":
        words = ["--max-steps", "none", *words]
    if "--help" in words:
        return
    monkeypatch.chdir(tmp_path)
    output, errors = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
        pytest.raises(SystemExit) as stop,
    ):
        cli.main([command, *words])
    assert stop.value.code in (0, 1, 2)
    assert "Traceback" not in errors.getvalue()
    if stop.value.code:
        assert len(errors.getvalue().strip().splitlines()) == 1
