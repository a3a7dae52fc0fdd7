"""A `ganzoo train` process that is killed at random times resumes with the same result."""

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
from short_runs import assert_same_run

# The paper recipe has dropout, and optimizers whose settings change with the step.
TRAIN = ["train", "vanilla", "--recipe", "paper", "--batch-size", "4", "--model", "hidden_units=16"]
STEPS_PER_EPOCH = 30


def start(out, photos, *options):
    """Start a process that trains and writes a checkpoint every 7 steps."""
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
            raise TimeoutError("The condition was not met within 600 seconds.")
        time.sleep(0.01)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "photos"
    return tiny.write_folder(folder, num_images=4 * STEPS_PER_EPOCH, side=6)


def kill_and_resume(out, photos, epochs, moments):
    """Train, kill the process at each moment and resume. Return the number of killed processes.

    A moment is a function that takes the process, waits and returns.
    """
    num_killed = 0
    for moment in moments:
        resume = ["--resume"] if out.exists() else []
        process = start(out, photos, "--epochs", epochs, *resume)
        moment(process)
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=600)
        assert process.returncode in (0, -signal.SIGKILL), output[-3000:]
        num_killed += process.returncode != 0
    finish(start(out, photos, "--epochs", epochs, "--resume"))
    return num_killed


def during_training(out, seconds):
    """Return a moment that many seconds after training began."""

    def wait(process):
        began = time.time()
        written = out / "config.json"
        wait_until(process, lambda: written.exists() and written.stat().st_mtime > began)
        wait_until(process, lambda: time.time() > written.stat().st_mtime + seconds)

    return wait


def after_a_step(out, step, seconds):
    """Return a moment that many seconds after a checkpoint of that step or a later one."""

    def wait(process):
        newest = out / "checkpoints" / "newest.json"

        def reached():
            name = json.loads(newest.read_text())["name"] if newest.exists() else "step_0"
            return int(pathlib.Path(name).stem.partition("_")[2]) >= step

        wait_until(process, reached)
        time.sleep(seconds)

    return wait


def during_a_checkpoint(out):
    """Return a moment at which a checkpoint is partly written."""

    def wait(process):
        partials = functools.partial((out / "checkpoints").glob, ".*.step_*")
        # A process that was killed before may have left partial files.
        before = set(partials())
        wait_until(process, lambda: set(partials()) - before)

    return wait


@pytest.mark.slow
def test_a_killed_run_resumes_and_ends_like_an_uninterrupted_run(photos, tmp_path):
    uninterrupted = start(tmp_path / "uninterrupted", photos, "--epochs", 3)
    out = tmp_path / "run"
    draw = random.Random(0)
    moments = [after_a_step(out, draw.randint(7, 40), draw.random() / 20), during_a_checkpoint(out)]
    assert kill_and_resume(out, photos, 3, moments) == 2
    finish(uninterrupted)
    assert_same_run(out, tmp_path / "uninterrupted")
    assert not list(out.rglob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_with_its_code_and_the_command_to_resume(
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
def test_a_run_that_is_killed_many_times_ends_like_an_uninterrupted_run(photos, tmp_path):
    uninterrupted = start(tmp_path / "uninterrupted", photos, "--epochs", 30)
    out = tmp_path / "run"
    draw = random.Random(1)
    moments = [during_training(out, draw.uniform(1, 6)) for _ in range(9)]
    moments += [during_a_checkpoint(out) for _ in range(4)]
    draw.shuffle(moments)
    assert kill_and_resume(out, photos, 30, moments) >= 10
    finish(uninterrupted)
    assert_same_run(out, tmp_path / "uninterrupted")
