"""Where a run ends, and how it goes on."""

import functools
import os
import shutil
import signal

import pytest
from trying import (
    assert_same_run,
    interrupted,
    memory,
    rows,
    train,
)

import ganzoo
from ganzoo import callbacks, cli, runs


@pytest.mark.parametrize(("max_steps", "epochs", "steps"), [(3, 2, 3), (6, 9, 6), (99, 1, 4)])
def test_training_ends_at_max_steps_or_with_the_epochs(photos, tmp_path, max_steps, epochs, steps):
    outcome = train(photos, tmp_path / "run", max_steps=max_steps, epochs=epochs)
    assert outcome.step == steps
    assert int(ganzoo.load(tmp_path / "run").generator_optimizer.iterations) == steps
    assert [row["step"] for row in rows(tmp_path / "run")] == sorted({min(4, steps), steps})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_step_end_and_the_run_goes_on(number, finished, photos, tmp_path):
    out = tmp_path / "run"
    stopped = pytest.raises(runs.InterruptedRunError, match=r"step 6 of 8.*--resume")
    with interrupted(6, number), stopped as caught:
        train(photos, out)
    assert caught.value.signum == number
    assert not (out / "model.keras").exists()
    assert [path.stem for path in callbacks.checkpoints(out / "checkpoints")] == [
        "step_00000004",
        "step_00000006",
    ]
    assert runs.resume(out, verbose=0).step == 8
    assert_same_run(out, finished.folder)


def test_a_signal_at_the_end_of_an_epoch_waits_for_all_that_belongs_to_it(
    finished, photos, tmp_path
):
    stopped = pytest.raises(runs.InterruptedRunError, match="step 4 of 8")
    with interrupted(4, signal.SIGINT), stopped:
        train(photos, tmp_path / "run")
    assert [row["step"] for row in rows(tmp_path / "run")] == [4]
    runs.resume(tmp_path / "run", verbose=0)
    assert_same_run(tmp_path / "run", finished.folder)


def test_a_run_killed_without_warning_goes_on_from_its_last_epoch(finished, photos, tmp_path):
    out = tmp_path / "run"
    with interrupted(6, SystemExit), pytest.raises(SystemExit):
        train(photos, out)
    assert [p.stem for p in callbacks.checkpoints(out / "checkpoints")] == ["step_00000004"]
    assert runs.resume(out, verbose=0).step == 8
    assert_same_run(out, finished.folder)


def test_a_run_killed_in_its_first_epoch_starts_again_as_it_did(finished, photos, tmp_path):
    out = tmp_path / "run"
    with interrupted(2, SystemExit), pytest.raises(SystemExit):
        train(photos, out)
    with pytest.raises(ValueError, match="has no model yet"):
        ganzoo.load(out)
    runs.resume(out, verbose=0)
    assert_same_run(out, finished.folder)


def test_a_finished_run_is_made_longer(photos, tmp_path):
    out = tmp_path / "run"
    train(photos, out, epochs=1)
    assert runs.resume(out, verbose=0).step == 4  # Nothing was left to do.
    with interrupted(6, SystemExit), pytest.raises(SystemExit):
        runs.resume(out, epochs=2, save_every=1, verbose=0)
    assert ganzoo.load(out).step > 4  # No more the model of its former end.
    outcome = runs.resume(out, epochs=3, max_steps=9, verbose=0)
    assert outcome.step == 9
    # The third epoch has one row: it was cut short, and then gone on with.
    assert runs.resume(out, max_steps=11, verbose=0).step == 11
    assert [row["step"] for row in rows(out)] == [4, 8, 11]
    assert runs.read_recipe(out).epochs == 3
    assert int(ganzoo.load(out).generator_optimizer.iterations) == 11
    straight = tmp_path / "straight"
    train(photos, straight, epochs=3, max_steps=11)
    assert_same_run(out, straight)


def test_a_run_goes_on_without_the_model_that_it_started_from(finished, photos, tmp_path):
    source = shutil.copy(finished.folder / "model.keras", tmp_path)
    train(photos, tmp_path / "run", start_from=str(source), epochs=1)
    (tmp_path / "model.keras").unlink()
    assert runs.resume(tmp_path / "run", epochs=2, verbose=0).step == 8


@pytest.mark.slow
def test_what_the_doctor_remembers_goes_on_with_the_run(photos, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "Doctor", functools.partial(callbacks.Doctor, every=3))
        train(photos, tmp_path / "straight")
        out = tmp_path / "run"
        for step in (2, 5):
            with interrupted(step, signal.SIGINT), pytest.raises(runs.InterruptedRunError):
                runs.resume(out, verbose=0) if out.exists() else train(photos, out)
        runs.resume(out, verbose=0)
    assert len(memory(out)["callbacks"]["Doctor"][0]["observations"]) == 2
    assert_same_run(out, tmp_path / "straight")


def test_a_damaged_checkpoint_costs_only_the_steps_since_the_one_before(finished, photos, tmp_path):
    out = shutil.copytree(finished.folder, tmp_path / "run")
    (out / "model.keras").unlink()
    path = out / "checkpoints" / "step_00000008.keras"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.warns(UserWarning, match=r"step_00000008\.keras.*Going back to 'step_00000004"):
        runs.resume(out, verbose=0)
    assert_same_run(out, finished.folder)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_command_that_is_stopped_ends_with_the_signals_code(
    number, code, photos, tmp_path, capsys
):
    arguments = ["train", "vanilla", "--data", photos, "--batch-size", 5, "--out", tmp_path / "run"]
    with interrupted(6, number), pytest.raises(SystemExit) as stop:
        cli.main([*map(str, arguments), "--epochs", "2"])
    assert stop.value.code == code
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ganzoo: " in line]
    assert "Stopped at step 6 of 8" in line
    assert "--resume" in line


def test_a_second_signal_acts_at_once(photos, tmp_path):
    """Not after the step and its checkpoint, which a first one waits for."""

    class Impatient(callbacks.StopAtStep):
        def on_train_batch_begin(self, batch, logs=None):
            if self.model.step == 5:
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    # A shell that starts the tests in the background has them ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(callbacks, "StopAtStep", Impatient)
            train(photos, tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, before)
    names = [path.stem for path in callbacks.checkpoints(tmp_path / "run" / "checkpoints")]
    assert names == ["step_00000004"]
