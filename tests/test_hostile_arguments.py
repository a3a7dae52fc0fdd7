"""Every function returns a result or raises an error of one line, for hundreds of odd values."""

import contextlib
import io
import itertools
import json

import numpy as np
import pytest
from cases import others_slow
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import ganzoo
from ganzoo import callbacks, cli, data, registry, training

# All runs try the same examples. `tests/fuzz` searches with random ones.
quick = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
# All integers are small, so that a model of a valid size is built quickly.
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
    """Accept a `ValueError` or `TypeError` whose message is one line."""
    try:
        yield
    except (ValueError, TypeError) as error:
        assert str(error)
        assert "\n" not in str(error)


@pytest.mark.parametrize("family", others_slow(registry.families(), "vanilla", "lapgan"))
def test_constructors_build_a_model_or_raise_an_error_of_one_line(family):
    @quick
    @given(st.sampled_from(sorted(family.test_config)), ODD)
    def build(name, value):
        with one_line():
            family.build_test_model(**{name: value})

    build()


def test_compile_accepts_a_value_or_raises_an_error_of_one_line():
    gan = registry.get_family("vanilla").build_test_model()
    names = sorted(gan.recommended())

    @quick
    @given(st.sampled_from(names), ODD)
    def compile_with(name, value):
        # Keras does not check the configuration of an optimizer that is given as a dict.
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
def test_recipes_accept_fields_or_raise_an_error_of_one_line(fields):
    with one_line():
        training.Recipe(**{"family": "vanilla", "data": "sample", **fields})


@quick
@given(ODD)
def test_intervals_of_checkpoints_are_parsed_or_raise_an_error_of_one_line(every):
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
def test_pipelines_can_start_at_any_batch(count, batch, seed, shuffle, start):
    """Each pass has every image at most once, for all sizes and seeds."""
    batch = min(batch, count)
    pixels = np.arange(count, dtype="uint8").reshape(-1, 1, 1, 1)
    image_data = data.ImageData(pixels, np.arange(count), count)

    def take(start, number):
        batches = data.pipeline(image_data, batch, True, seed, shuffle, start).take(number)
        return [labels.numpy().tolist() for _, labels in batches]

    per_pass = count // batch
    from_start = take(0, start + 2 * per_pass)
    assert take(start, 2 * per_pass) == from_start[start:]
    for first in (0, per_pass):
        seen = list(itertools.chain(*from_start[first : first + per_pass]))
        assert len(set(seen)) == len(seen)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "preset"
    registry.get_family("vanilla").build_test_model(seed=0).save_to_preset(folder)
    return folder


def test_configurations_of_presets_load_or_raise_an_error_of_one_line(preset):
    path = preset / "config.json"
    valid = json.loads(path.read_text())
    outer = st.tuples(st.just(None), st.sampled_from(sorted(valid)), JSON)
    inner = st.tuples(st.just("config"), st.sampled_from([*sorted(valid["config"]), "name"]), JSON)

    @quick
    @given(outer | inner)
    def load(change):
        group, name, value = change
        config = json.loads(json.dumps(valid))
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
def test_commands_exit_with_a_documented_code_and_at_most_one_line(
    tmp_path, monkeypatch, command, words
):
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
