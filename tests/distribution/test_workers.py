"""Test two workers on this machine, which the command line starts."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import callbacks

WORKER = pathlib.Path(__file__).parent / "worker.py"


def free_ports(count):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def run_workers(folder, *commands, dies_at=0):
    """Run a command on each worker. Return `[(exit code, stdout, stderr), ...]`.

    The last worker kills itself after the step `dies_at`.
    """
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(len(commands))]}
    started = []
    for index, arguments in enumerate(commands):
        config = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        extra = {"DIES_AT": str(dies_at)} if arguments is commands[-1] else {}
        process = subprocess.Popen(
            [sys.executable, WORKER, folder / f"worker_{index}.npz", *arguments],
            env={**os.environ, "TF_CONFIG": json.dumps(config), **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
    outcomes = []
    for process in started:
        try:
            out, err = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            for other in started:
                other.kill()
            raise
        outcomes.append((process.returncode, out, err))
    return outcomes


def last_weights(folder):
    """Return the weights of both workers at the end of training."""
    found = []
    for index in range(2):
        with np.load(folder / f"worker_{index}.npz") as arrays:
            found.append([arrays[name] for name in arrays])
    return found


def steps_of(run):
    return [row["step"] for row in json.loads((run / "metrics.json").read_text())["epochs"]]


@pytest.mark.slow
def test_two_workers_hold_the_same_weights_and_resume_after_one_was_killed(tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=20)
    run, unwritten = tmp_path / "run", tmp_path / "unwritten"
    command = ["train", "vanilla", "--distribute", "multi_worker"]
    command += ["--data", str(photos), "--batch-size", "4", "--epochs", "2", "--float32"]
    commands = [[*command, "--out", str(out)] for out in (run, unwritten)]
    chief, other = run_workers(tmp_path, *commands, dies_at=7)
    assert other[0] == -9, (chief, other)
    assert chief[0] == 1, chief
    assert "2 replicas on 2 workers, which share each batch (sharding by element)" in chief[2]
    (line,) = [line for line in chief[2].splitlines() if line.startswith("ganzoo: ")]
    assert "--resume" in line
    assert not unwritten.exists()
    assert [path.stem for path in callbacks.checkpoints(run / "checkpoints")] == ["step_00000005"]
    assert steps_of(run) == [5]

    resume = ["train", "vanilla", "--out", str(run), "--resume"]
    chief, other = run_workers(tmp_path, resume, [*resume])
    assert (chief[0], other[0]) == (0, 0), (chief, other)
    assert "Done: 10 steps" in chief[1]
    assert other[1] == f"Done: 10 steps. The chief writes {run}.\n"
    ours, theirs = last_weights(tmp_path)
    tiny.assert_equal(ours, theirs)
    tiny.assert_equal(ganzoo.load(run).get_weights(), ours)
    assert steps_of(run) == [5, 10]
    cluster = json.loads((run / "config.json").read_text())["cluster"]
    assert cluster == {"replicas": 2, "workers": 2, "sharding": "element"}
    # The chief writes one file per start, and the other worker writes none.
    assert len(list((run / "logs" / "train").iterdir())) == 2


@pytest.mark.slow
def test_two_workers_that_share_the_data_hold_the_same_weights(tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=20)
    run = tmp_path / "run"
    command = ["train", "vanilla", "--data", str(photos), "--batch-size", "4", "--epochs", "1"]
    command += ["--sharding", "file", "--sync-batch-norm", "--float32", "--out", str(run)]
    chief, other = run_workers(tmp_path, command, [*command])
    assert (chief[0], other[0]) == (0, 0), (chief, other)
    assert "which share the data (sharding by file)" in chief[2]
    tiny.assert_equal(*last_weights(tmp_path))
    assert steps_of(run) == [5]


@pytest.mark.slow
def test_workers_with_gray_and_with_color_images_are_refused(tmp_path):
    photos = tiny.write_folder(tmp_path / "photos", num_images=20)
    Image.new("RGB", (8, 8)).save(photos / "001.png")
    command = ["train", "vanilla", "--data", str(photos), "--batch-size", "4", "--epochs", "1"]
    command += ["--sharding", "file", "--float32", "--out", str(tmp_path / "run")]
    for code, _, err in run_workers(tmp_path, command, [*command]):
        assert code == 2
        assert "Workers must come to the same" in err
    assert not (tmp_path / "run").exists()
