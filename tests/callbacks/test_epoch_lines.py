"""Test the lines that `ganzoo train` prints."""

import io
import math
import types

import rich.console

from ganzoo import callbacks
from ganzoo.callbacks import epoch_lines

LOGS = {
    "generator_loss": 0.8321,
    "discriminator_loss": 1.3111,
    "real_score": 0.55,
    "fake_score": 0.444,
    "level_1_generator_loss": 3.0,
}


def run(clock, measured=None, num_epochs=3, seconds_left=math.inf):
    """Train 5 steps of 2 seconds in epochs of 2 steps, and return what is printed."""
    model = types.SimpleNamespace(step=0, metrics=[types.SimpleNamespace(name=n) for n in LOGS])
    row = {"epoch": 0, "step": 0, "images_per_second": 511.7}
    metrics = types.SimpleNamespace(epochs=[row])
    stop = types.SimpleNamespace(max_steps=5, seconds_left=seconds_left)
    console = rich.console.Console(file=io.StringIO(), width=80)
    with callbacks.EpochLines(stop, 2, num_epochs, metrics, console) as lines:
        lines.set_model(model)
        lines.on_train_begin()
        for step in range(1, 6):
            if step % 2:
                lines.on_epoch_begin(step // 2)
            clock.now += 2.0
            model.step = row["step"] = step
            lines.on_train_batch_end(0)
            if step % 2 == 0 or step == 5:
                row["epoch"] = (step + 1) // 2
                lines.on_epoch_end((step - 1) // 2, {**LOGS, **(measured or {})})
    return console.file.getvalue().splitlines()


def clock_of(monkeypatch):
    clock = types.SimpleNamespace(now=0.0)
    monkeypatch.setattr(epoch_lines.time, "perf_counter", lambda: clock.now)
    return clock


def test_each_epoch_is_one_line_with_speed_time_left_and_logs(monkeypatch):
    lines = run(clock_of(monkeypatch))
    assert all(len(line) <= 80 for line in lines)
    names, kinds, *epochs = [line.split() for line in lines]
    assert names[:4] == ["epoch", "step", "images/s", "left"]
    assert names[4:] == ["generator", "discriminator", "real", "fake"]
    assert kinds == ["loss", "loss", "score", "score"]
    assert epochs[0] == ["1/3", "2", "512", "0:00:06", "0.832", "1.311", "0.550", "0.444"]
    assert epochs[2][:4] == ["3/3", "5", "512", "0:00:00"]  # The last epoch is shorter.


def test_a_measurement_follows_the_columns(monkeypatch):
    assert run(clock_of(monkeypatch), measured={"fid": 12.345})[2].endswith("0.444  fid 12.35")


def test_a_long_first_epoch_without_a_bar_shows_an_estimate(monkeypatch):
    monkeypatch.setattr(epoch_lines, "_SECONDS_TO_ESTIMATE", 1)
    assert run(clock_of(monkeypatch))[0] == "Step 2, 0:00:06 left."


def test_a_limit_in_minutes_shortens_the_time_left(monkeypatch):
    lines = run(clock_of(monkeypatch), num_epochs=None, seconds_left=3)
    assert [line.split()[0] for line in lines[2:]] == ["1", "2", "3"]
    assert [line.split()[3] for line in lines[2:]] == ["0:00:03", "0:00:02", "0:00:00"]


def test_a_terminal_shows_a_bar_and_the_same_lines(monkeypatch):
    monkeypatch.setattr(rich.console.Console, "is_terminal", True)
    lines = run(clock_of(monkeypatch))
    assert any("training" in line and "1/1" in line for line in lines)
    assert sum("512" in line for line in lines) == 3
