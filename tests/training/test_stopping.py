"""Runs end at the right step or after a signal. A resumed run equals an uninterrupted one."""

import functools
import os
import shutil
import signal

import pytest
from short_runs import assert_same_run, epoch_rows, interrupted, progress_without_times, train

import ganzoo
from ganzoo import callbacks, cli, training
from ganzoo.training import length


@pytest.mark.parametrize(
    ("max_steps", "epochs", "steps"),
    [(6, 9, 6), *(pytest.param(*case, marks=pytest.mark.slow) for case in [(3, 2, 3), (99, 1, 4)])],
)
def test_training_ends_at_max_steps_or_after_the_last_epoch(
    photos, tmp_path, max_steps, epochs, steps
):
    outcome = train(photos, tmp_path / "run", max_steps=max_steps, epochs=epochs)
    assert outcome.step == steps
    assert int(ganzoo.load(tmp_path / "run").generator_optimizer.iterations) == steps
    assert [row["step"] for row in epoch_rows(tmp_path / "run")] == sorted({min(4, steps), steps})


def test_training_ends_after_the_given_minutes_which_a_resumed_run_counts(photos, tmp_path):
    out = tmp_path / "run"
    assert train(photos, out, epochs=None, minutes=1e-6).step == 1
    assert training.resume(out, verbose=False).step == 1
    assert training.resume(out, max_steps=6, minutes=60, verbose=False).step == 6


def test_several_passes_over_few_images_are_one_epoch(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(length, "_FEWEST_EPOCHS", 2)
    train(photos, tmp_path / "run", batch_size=20, epochs=7)
    rows = epoch_rows(tmp_path / "run")
    assert [(row["epoch"], row["step"]) for row in rows] == [(3, 3), (6, 6), (7, 7)]
    names = sorted(path.name for path in (tmp_path / "run" / "samples").glob("epoch_*"))
    assert names == ["epoch_003.png", "epoch_006.png", "epoch_007.png"]


@pytest.mark.slow
def test_a_run_with_ada_resumes_within_an_epoch(photos, tmp_path):
    ada = {"every": 3, "ramp_images": 100, "target": -0.9, "blit": 0.0, "geometry": 0.0}
    settings = {"augment": "ada", **{f"augment.{name}": value for name, value in ada.items()}}
    train(photos, tmp_path / "whole", compile=settings)
    train(photos, tmp_path / "run", compile=settings, max_steps=5)
    training.resume(tmp_path / "run", max_steps=8, verbose=False)
    assert_same_run(tmp_path / "run", tmp_path / "whole")
    # The means of steps 1 to 4 and 5 to 8. The probability rises at steps 3 and 6.
    probabilities = [row["augment_probability"] for row in epoch_rows(tmp_path / "run")]
    assert probabilities == pytest.approx([0.15 * 2 / 4, 0.15 + 0.15 * 3 / 4])


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_a_signal_stops_the_run_after_the_step_and_the_run_resumes(
    number, finished, photos, tmp_path
):
    out = tmp_path / "run"
    stopped = pytest.raises(training.InterruptedRunError, match=r"step 6 of 8.*--resume")
    with interrupted(6, number), stopped as caught:
        train(photos, out)
    assert caught.value.signum == number
    assert not (out / "model.keras").exists()
    assert [path.stem for path in callbacks.checkpoints(out / "checkpoints")] == [
        "step_00000004",
        "step_00000006",
    ]
    assert training.resume(out, verbose=False).step == 8
    assert_same_run(out, finished.folder)


@pytest.mark.slow
def test_a_signal_in_the_last_step_of_an_epoch_waits_for_its_metrics_and_images(
    finished, photos, tmp_path
):
    stopped = pytest.raises(training.InterruptedRunError, match="step 4 of 8")
    with interrupted(4, signal.SIGINT), stopped:
        train(photos, tmp_path / "run")
    assert [row["step"] for row in epoch_rows(tmp_path / "run")] == [4]
    training.resume(tmp_path / "run", verbose=False)
    assert_same_run(tmp_path / "run", finished.folder)


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_checkpoint(finished, photos, tmp_path):
    out = tmp_path / "run"
    with interrupted(6, SystemExit), pytest.raises(SystemExit):
        train(photos, out)
    assert [p.stem for p in callbacks.checkpoints(out / "checkpoints")] == ["step_00000004"]
    assert training.resume(out, verbose=False).step == 8
    assert_same_run(out, finished.folder)


@pytest.mark.slow
def test_a_run_killed_in_its_first_epoch_starts_again_with_the_same_result(
    finished, photos, tmp_path
):
    out = tmp_path / "run"
    with interrupted(2, SystemExit), pytest.raises(SystemExit):
        train(photos, out)
    with pytest.raises(ValueError, match="has no model yet"):
        ganzoo.load(out)
    training.resume(out, verbose=False)
    assert_same_run(out, finished.folder)


@pytest.mark.slow
def test_a_finished_run_can_be_extended(photos, tmp_path):
    out = tmp_path / "run"
    train(photos, out, epochs=1)
    assert training.resume(out, verbose=False).step == 4  # The run had reached its last step.
    with interrupted(6, SystemExit), pytest.raises(SystemExit):
        training.resume(out, epochs=2, save_every=1, verbose=False)
    # The new checkpoint replaces the model of the former last step.
    assert ganzoo.load(out).step > 4
    outcome = training.resume(out, epochs=3, max_steps=9, verbose=False)
    assert outcome.step == 9
    # The third epoch has only one row, although the run stopped within it and then resumed.
    assert training.resume(out, max_steps=11, verbose=False).step == 11
    assert [row["step"] for row in epoch_rows(out)] == [4, 8, 11]
    assert training.read_recipe(out).epochs == 3
    assert int(ganzoo.load(out).generator_optimizer.iterations) == 11
    uninterrupted = tmp_path / "uninterrupted"
    train(photos, uninterrupted, epochs=3, max_steps=11)
    assert_same_run(out, uninterrupted)


def test_a_run_resumes_without_the_model_that_it_started_from(finished, photos, tmp_path):
    source = shutil.copy(finished.folder / "model.keras", tmp_path)
    train(photos, tmp_path / "run", start_from=str(source), max_steps=1)
    (tmp_path / "model.keras").unlink()
    assert training.resume(tmp_path / "run", max_steps=2, verbose=False).step == 2


@pytest.mark.slow
def test_a_resumed_run_keeps_the_observations_of_the_doctor(photos, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "Doctor", functools.partial(callbacks.Doctor, every=3))
        train(photos, tmp_path / "uninterrupted")
        out = tmp_path / "run"
        for step in (2, 5):
            with interrupted(step, signal.SIGINT), pytest.raises(training.InterruptedRunError):
                training.resume(out, verbose=False) if out.exists() else train(photos, out)
        training.resume(out, verbose=False)
    assert len(progress_without_times(out)["callbacks"]["Doctor"][0]["observations"]) == 2
    assert_same_run(out, tmp_path / "uninterrupted")


def test_a_run_with_a_damaged_checkpoint_resumes_from_the_one_before(finished, photos, tmp_path):
    out = shutil.copytree(finished.folder, tmp_path / "run")
    (out / "model.keras").unlink()
    path = out / "checkpoints" / "step_00000008.keras"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.warns(UserWarning, match=r"step_00000008\.keras.*Going back to 'step_00000004"):
        training.resume(out, verbose=False)
    assert_same_run(out, finished.folder)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_command_that_is_stopped_ends_with_the_code_of_the_signal(
    number, code, photos, tmp_path, capsys
):
    arguments = ["train", "vanilla", "--data", photos, "--batch-size", 5, "--out", tmp_path / "run"]
    arguments += ["--epochs", 2, "--compile", "run_eagerly=true", "--augment", "none"]
    with interrupted(6, number), pytest.raises(SystemExit) as stop:
        cli.main([*map(str, arguments)])
    assert stop.value.code == code
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ganzoo: " in line]
    assert "Stopped at step 6 of 8" in line
    assert "--resume" in line


def test_a_second_signal_stops_the_run_immediately(photos, tmp_path):
    """After the first signal, the run still ends the step and writes a checkpoint."""

    class SendTwoSignals(callbacks.StopAtStep):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 5:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    # Processes that a shell starts in the background ignore SIGINT by default.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(callbacks, "StopAtStep", SendTwoSignals)
            train(photos, tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, before)
    names = [path.stem for path in callbacks.checkpoints(tmp_path / "run" / "checkpoints")]
    assert names == ["step_00000004"]
