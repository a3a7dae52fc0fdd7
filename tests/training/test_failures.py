"""Runs that cannot continue end with an error of one line, and two runs never share a folder."""

import contextlib
import errno
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tiny
from cases import others_slow
from short_runs import assert_same_run, interrupted, make_recipe, snapshot, train

import ganzoo
from ganzoo import callbacks, cli, data, training
from ganzoo.training import run


class SetNaNWeightAtStep6(callbacks.StopAtStep):
    def on_train_batch_begin(self, batch, logs=None):
        if self.model.step == 5:
            bias = self.model.discriminator.weights[-1]
            bias.assign(np.full(bias.shape, np.nan))


@pytest.mark.parametrize("save_every", others_slow([None, 1], 1))
def test_a_loss_that_is_nan_stops_the_run_and_names_the_last_checkpoint(
    save_every, photos, tmp_path
):
    last = 5 if save_every else 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", SetNaNWeightAtStep6)
        with pytest.raises(
            FloatingPointError, match=rf"step 6: .*discriminator.*--float32.*step_0000000{last}"
        ):
            training.train(
                make_recipe(photos), tmp_path / "run", save_every=save_every, verbose=False
            )
    model = ganzoo.load(tmp_path / "run")
    assert model.step == last
    assert all(np.isfinite(value).all() for value in model.get_weights())


@contextlib.contextmanager
def full_disk(step):
    """Simulate a disk that is full after a step."""

    class FillDisk(callbacks.StopAtStep):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if self.model.step == step:
                patch.setattr(os, "fsync", fail)

    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", FillDisk)
        yield


def test_an_error_without_a_message_is_reported_by_its_class(photos, tmp_path):
    with (
        interrupted(6, OSError()),
        pytest.raises(training.FailedRunError, match=r"step 6: OSError\..*--resume"),
    ):
        train(photos, tmp_path / "run")


@pytest.mark.slow
def test_a_run_resumes_after_a_full_disk(finished, photos, tmp_path):
    out = tmp_path / "run"
    with full_disk(6), pytest.raises(training.FailedRunError) as caught:
        train(photos, out)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("step 8", "No space left on device", "step_00000004.keras", "--resume"):
        assert part in message
    training.resume(out, verbose=False)
    assert_same_run(out, finished.folder)


def test_a_full_disk_ends_the_command_with_code_1(photos, tmp_path, capsys):
    arguments = ["train", "vanilla", "--data", photos, "--batch-size", 5, "--out", tmp_path / "run"]
    arguments += ["--epochs", 2, "--compile", "run_eagerly=true", "--augment", "none"]
    with full_disk(4), pytest.raises(SystemExit) as stop:
        cli.main([*map(str, arguments)])
    assert stop.value.code == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ganzoo: " in line]
    assert "No space left on device" in line


@contextlib.contextmanager
def mounted(folder, options):
    """Mount a small file system. Skip the test if mounting is not permitted."""
    folder.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False
        ).returncode
    ):
        pytest.skip("file systems may not be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.slow
def test_a_full_file_system_keeps_the_last_valid_checkpoint(finished, photos, tmp_path):
    size = (finished.folder / "model.keras").stat().st_size
    # There is space for one checkpoint and the logs, but not for two checkpoints.
    with mounted(tmp_path / "small", f"size={size * 7 // 4}") as small:
        with pytest.raises(training.FailedRunError, match=r"No space left.*step_0.*keras"):
            train(photos, small / "run", epochs=9)
        model = ganzoo.load(small / "run")
        assert model.step in (4, 8)
        assert not list((small / "run").rglob(".*"))


def test_a_read_only_file_system_is_reported(photos, tmp_path):
    with (
        mounted(tmp_path / "fixed", "ro") as fixed,
        pytest.raises(OSError, match="Read-only file system"),
    ):
        train(photos, fixed / "run")


def test_a_command_that_cannot_write_ends_with_one_line_and_code_1(
    photos, tmp_path, monkeypatch, capsys
):
    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr(pathlib.Path, "mkdir", refuse)
    arguments = ["train", "vanilla", "--data", photos, "--batch-size", 5, "--out", tmp_path / "run"]
    with pytest.raises(SystemExit) as stop:
        cli.main([*map(str, arguments), "--epochs", "1"])
    assert stop.value.code == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ganzoo: " in line]
    assert "Read-only file system" in line
    assert "run" in line


@pytest.mark.slow
def test_photos_that_are_deleted_during_training_are_named(tmp_path, monkeypatch):
    # Without a cache, every epoch reads the photos, as if they did not fit into memory.
    monkeypatch.setattr(data.crops, "_CACHED_BYTES", 0)
    folder = tiny.write_folder(tmp_path / "photos", num_images=4, side=40)

    class DeletePhotos(callbacks.StopAtStep):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == 1:
                for path in folder.iterdir():
                    path.unlink()

    monkeypatch.setattr(callbacks, "StopAtStep", DeletePhotos)
    recipe = make_recipe(
        folder,
        family="srgan",
        image_size=32,
        batch_size=16,
        epochs=9,
        compile={"content_only": True},
    )
    with pytest.raises(
        training.FailedRunError, match=r"\d\.png.*last good checkpoint.*step_0"
    ) as caught:
        training.train(recipe, tmp_path / "run", verbose=False)
    assert "\n" not in str(caught.value)
    assert ganzoo.load(tmp_path / "run").step >= 4


def test_a_run_is_trained_by_one_process_at_a_time(finished, photos, tmp_path):
    out = shutil.copytree(finished.folder, tmp_path / "run")
    holder = subprocess.Popen(
        [sys.executable, pathlib.Path(__file__).parent / "hold_lock.py", out],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "holds\n"
    before = snapshot(out)
    with pytest.raises(ValueError, match=r"Another process is training in .*run"):
        training.resume(out, epochs=3, verbose=False)
    assert snapshot(out) == before
    # The operating system releases the lock of a process that is killed.
    holder.kill()
    holder.communicate()
    assert training.resume(out, epochs=3, verbose=False).step == 12


def test_a_folder_that_another_run_takes_while_the_data_load_is_refused(
    photos, tmp_path, monkeypatch
):
    out = tmp_path / "run"
    open_data = run.open_data

    def train_another_run_first(*arguments):
        monkeypatch.setattr(run, "open_data", open_data)
        train(photos, out, max_steps=1)
        return open_data(*arguments)

    monkeypatch.setattr(run, "open_data", train_another_run_first)
    with pytest.raises(ValueError, match="holds another run"):
        train(photos, out, max_steps=2)
    assert ganzoo.load(out).step == 1
