"""What cannot go on, and two runs at once."""

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
from trying import (
    SmallSRGAN,
    assert_same_run,
    make_recipe,
    snapshot,
    train,
)

import ganzoo
from ganzoo import callbacks, cli, data, registry, runs
from ganzoo.runs import starting


class BreakingAtStep6(callbacks.StopAtStep):
    def on_train_batch_begin(self, batch, logs=None):
        if self.model.step == 5:
            bias = self.model.discriminator.weights[-1]
            bias.assign(np.full(bias.shape, np.nan))


@pytest.mark.parametrize("save_every", [None, 1])
def test_a_loss_that_is_not_finite_names_the_last_checkpoint(save_every, photos, tmp_path):
    last = 5 if save_every else 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", BreakingAtStep6)
        with pytest.raises(
            FloatingPointError, match=rf"step 6: .*discriminator.*--float32.*step_0000000{last}"
        ):
            runs.train(make_recipe(photos), tmp_path / "run", save_every=save_every, verbose=0)
    model = ganzoo.load(tmp_path / "run")
    assert model.step == last
    assert all(np.isfinite(value).all() for value in model.get_weights())


@contextlib.contextmanager
def full_disk(step):
    """A disk that takes no file any more once a step is done."""

    class Filling(callbacks.StopAtStep):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if self.model.step == step:
                patch.setattr(os, "fsync", fail)

    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", Filling)
        yield


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(finished, photos, tmp_path):
    out = tmp_path / "run"
    with full_disk(6), pytest.raises(runs.FailedRunError) as caught:
        train(photos, out)
    message = str(caught.value)
    assert "\n" not in message
    for part in ("step 8", "No space left on device", "step_00000004.keras", "--resume"):
        assert part in message
    runs.resume(out, verbose=0)
    assert_same_run(out, finished.folder)


def test_a_full_disk_ends_the_command_with_code_1(photos, tmp_path, capsys):
    arguments = ["train", "vanilla", "--data", photos, "--batch-size", 5, "--out", tmp_path / "run"]
    with full_disk(4), pytest.raises(SystemExit) as stop:
        cli.main([*map(str, arguments), "--epochs", "2"])
    assert stop.value.code == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "ganzoo: " in line]
    assert "No space left on device" in line


@contextlib.contextmanager
def mounted(folder, options):
    """A small file system of its own, where the system lets us have one."""
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


def test_a_disk_that_is_truly_full_keeps_the_last_good_checkpoint(finished, photos, tmp_path):
    size = (finished.folder / "model.keras").stat().st_size
    # Room for one checkpoint and for the logs, not for two.
    with mounted(tmp_path / "small", f"size={size * 7 // 4}") as small:
        with pytest.raises(runs.FailedRunError, match=r"No space left.*step_0.*keras"):
            train(photos, small / "run", epochs=9)
        model = ganzoo.load(small / "run")
        assert model.step in (4, 8)
        assert not list((small / "run").rglob(".*"))


def test_a_folder_that_may_not_be_written_is_one_line(photos, tmp_path):
    with (
        mounted(tmp_path / "fixed", "ro") as fixed,
        pytest.raises(OSError, match="Read-only file system"),
    ):
        train(photos, fixed / "run")


def test_a_command_that_may_not_write_ends_in_one_line_and_code_1(
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


def test_photos_that_vanish_are_named_and_the_last_checkpoint_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.Family, "load_class", lambda family: SmallSRGAN)
    monkeypatch.setattr(
        data.crops, "_CACHED_BYTES", 0
    )  # As with photos that do not fit into memory.
    folder = tiny.write_folder(tmp_path / "photos", num_images=4, side=40)

    class Vanishing(callbacks.StopAtStep):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == 1:
                for path in folder.iterdir():
                    path.unlink()

    monkeypatch.setattr(callbacks, "StopAtStep", Vanishing)
    recipe = runs.Recipe(
        "srgan", str(folder), image_size=32, batch_size=16, epochs=9, scale=2, content_only=True
    )
    with pytest.raises(
        runs.FailedRunError, match=r"\d\.png.*last good checkpoint.*step_0"
    ) as caught:
        runs.train(recipe, tmp_path / "run", verbose=0)
    assert "\n" not in str(caught.value)
    assert ganzoo.load(tmp_path / "run").step >= 4


def test_a_run_is_trained_by_one_process_at_a_time(finished, photos, tmp_path):
    out = shutil.copytree(finished.folder, tmp_path / "run")
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from ganzoo import files\n"
            "with files.locked(sys.argv[1], 'held'): print('holds', flush=True); sys.stdin.read()",
            str(out),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == "holds\n"
    before = snapshot(out)
    with pytest.raises(ValueError, match=r"Another process is training in .*run"):
        runs.resume(out, epochs=3, verbose=0)
    assert snapshot(out) == before
    holder.kill()  # What it held is free, though it could not let go of it.
    holder.communicate()
    assert runs.resume(out, epochs=3, verbose=0).step == 12


def test_of_two_that_begin_in_one_folder_the_second_is_refused(photos, tmp_path, monkeypatch):
    out = tmp_path / "run"
    whole = starting.open_data

    def be_slower(*arguments):
        monkeypatch.setattr(starting, "open_data", whole)
        train(photos, out, max_steps=1)
        return whole(*arguments)

    monkeypatch.setattr(starting, "open_data", be_slower)
    with pytest.raises(ValueError, match="holds another run"):
        train(photos, out, max_steps=2)
    assert ganzoo.load(out).step == 1
