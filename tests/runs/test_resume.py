"""A real `ganzoo train`, killed without warning at random moments and gone on with."""

import functools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
import tiny
from trying import assert_same_run

# The paper's recipe has dropout, and optimizers that change with the steps.
TRAIN = ["train", "vanilla", "--recipe", "paper", "--batch-size", "4"]
STEPS_PER_EPOCH = 30


def start(out, photos, *options):
    """A process that trains, with a checkpoint every 7 steps."""
    arguments = [*TRAIN, "--data", photos, "--out", out, "--save-every", "7", *options]
    return subprocess.Popen(
        [sys.executable, "-m", "ganzoo", *map(str, arguments)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-3000:]


def wait_until(process, condition):
    began = time.monotonic()
    while process.poll() is None and not condition():
        if time.monotonic() - began > 600:
            process.kill()
            raise TimeoutError("What was waited for did not come.")
        time.sleep(0.01)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    return tiny.write_folder(folder, num_images=4 * STEPS_PER_EPOCH, side=6)


def kill_and_go_on(out, photos, epochs, moments):
    """Trains with a kill at each moment, a function of the process; how many were killed."""
    num_killed = 0
    for moment in moments:
        again = ["--resume"] if out.exists() else []
        process = start(out, photos, "--epochs", epochs, *again)
        moment(process)
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=600)
        assert process.returncode in (0, -signal.SIGKILL), output[-3000:]
        num_killed += process.returncode != 0
    finish(start(out, photos, "--epochs", epochs, "--resume"))
    return num_killed


def in_training(out, seconds):
    """A moment so long after training has begun."""

    def wait(process):
        began = time.time()
        written = out / "config.json"
        wait_until(process, lambda: written.exists() and written.stat().st_mtime > began)
        wait_until(process, lambda: time.time() > written.stat().st_mtime + seconds)

    return wait


def after_a_step(out, step, seconds):
    """A moment so long after a checkpoint of that step or a later one is there."""

    def wait(process):
        newest = out / "checkpoints" / "newest.json"

        def reached():
            name = json.loads(newest.read_text())["name"] if newest.exists() else "step_0"
            return int(pathlib.Path(name).stem.partition("_")[2]) >= step

        wait_until(process, reached)
        time.sleep(seconds)

    return wait


def in_a_checkpoint(out):
    """A moment at which a checkpoint is half-written."""

    def wait(process):
        partials = functools.partial((out / "checkpoints").glob, ".*.step_*")
        before = set(partials())  # Of another process, which was killed here, too.
        wait_until(process, lambda: set(partials()) - before)

    return wait


def test_a_run_that_was_killed_ends_as_if_it_had_not_been(photos, tmp_path):
    straight = start(tmp_path / "straight", photos, "--epochs", 3)
    out = tmp_path / "run"
    chance = random.Random(0)
    moments = [after_a_step(out, chance.randint(7, 40), chance.random() / 20), in_a_checkpoint(out)]
    assert kill_and_go_on(out, photos, 3, moments) == 2
    finish(straight)
    assert_same_run(out, tmp_path / "straight")
    assert not list(out.rglob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_a_real_process_leaves_its_code_and_the_command_to_go_on(
    number, photos, tmp_path
):
    out = tmp_path / "run"
    process = start(out, photos, "--epochs", 30)
    wait_until(process, lambda: (out / "checkpoints" / "newest.json").exists())
    process.send_signal(number)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 128 + number, output[-3000:]
    last = output.strip().splitlines()[-1]
    assert last.startswith("ganzoo: Stopped at step ")
    assert f"ganzoo train vanilla --out {out} --resume" in last


@pytest.mark.slow
def test_a_run_that_was_killed_many_times_ends_as_if_it_had_not_been(photos, tmp_path):
    straight = start(tmp_path / "straight", photos, "--epochs", 30)
    out = tmp_path / "run"
    draw = random.Random(1)
    moments = [in_training(out, draw.uniform(1, 6)) for _ in range(9)]
    moments += [in_a_checkpoint(out) for _ in range(4)]
    draw.shuffle(moments)
    assert kill_and_go_on(out, photos, 30, moments) >= 10
    finish(straight)
    assert_same_run(out, tmp_path / "straight")
