"""Test that checkpoints are complete or absent, and that damaged ones are not used."""

import errno
import itertools
import json
import os
import shutil
import sys
import types
import zipfile

import keras
import numpy as np
import pytest
import tiny

import ganzoo
from ganzoo import callbacks, training
from ganzoo.saving import loading

IMAGES = tiny.make_images(12)


def fit(folder, gan=None, epochs=2, **options):
    """Train for epochs of three steps, with a `Checkpoint`."""
    gan = gan or make_gan()
    checkpoint = callbacks.Checkpoint(folder, **options)
    gan.fit(IMAGES, batch_size=4, epochs=epochs, callbacks=[checkpoint], verbose=0)
    return gan


def make_gan():
    gan = tiny.build_gan()
    gan.compile(run_eagerly=True)
    return gan


def names(folder):
    return [path.stem for path in callbacks.checkpoints(folder)]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Write checkpoints of steps 3 and 6, which tests do not change."""
    folder = tmp_path_factory.mktemp("checkpoints")
    fit(folder)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "checkpoints")


def test_the_last_two_checkpoints_are_kept(tmp_path):
    fit(tmp_path, epochs=3, every=1)
    assert names(tmp_path) == ["step_00000008", "step_00000009"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "step_00000008.keras",
        "step_00000009.keras",
        "newest.json",
    }


def test_saving_creates_no_optimizer(tmp_path):
    # Otherwise Keras would create one at each save, and TensorFlow would keep a kernel for each of
    # its names.
    gan = make_gan()
    callbacks.save_whole(gan, tmp_path / "first.keras")
    before = keras.optimizers.Optimizer(0.1).name
    callbacks.save_whole(gan, tmp_path / "second.keras")
    after = keras.optimizers.Optimizer(0.1).name
    numbers = [int(name.partition("_")[2] or 0) for name in (before, after)]
    assert numbers[1] == numbers[0] + 1


@pytest.fixture
def saved(monkeypatch):
    """Return a list that records the steps at which a checkpoint is due."""
    steps = []

    def note(self):
        steps.append(self.model.step)
        self._note_save()

    monkeypatch.setattr(callbacks.Checkpoint, "save", note)
    return steps


@pytest.mark.parametrize(
    ("every", "steps"), [(None, [3, 6]), (2, [2, 3, 5, 6]), ("2", [2, 3, 5, 6]), ("10m", [3, 6])]
)
def test_checkpoints_are_saved_every_n_steps_and_after_each_epoch(every, steps, saved, tmp_path):
    fit(tmp_path, every=every)
    assert saved == steps


def test_checkpoints_are_saved_every_n_minutes(saved, tmp_path, monkeypatch):
    # The clock is read once per step, and once at each save.
    minutes = itertools.count()
    clock = types.SimpleNamespace(monotonic=lambda: 60.0 * next(minutes))
    monkeypatch.setattr(sys.modules["ganzoo.callbacks.checkpoints"], "time", clock)
    fit(tmp_path, every="2m", epochs=1)
    assert saved == [2, 3]


@pytest.mark.parametrize("every", ["m", "0", 0, "-3", "0m", "ten", "10s", 1.5])
def test_invalid_checkpoint_intervals_are_refused(every):
    with pytest.raises(ValueError, match="500, or in minutes, such as 10m"):
        callbacks.Checkpoint("nowhere", every=every)


def test_the_newest_checkpoint_is_found_without_a_warning(folder, recwarn):
    assert callbacks.newest_whole(folder).stem == "step_00000006"
    assert not recwarn.list
    assert callbacks.newest_whole(folder / "none") is None


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip_a_bit(path):
    # The weights are most of the file.
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path):
    path.unlink()


DAMAGES = [truncate, empty, flip_a_bit, remove]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_and_the_previous_one_is_used(damage, folder):
    damage(folder / "step_00000006.keras")
    with pytest.warns(UserWarning, match=r"step_00000006\.keras.*Going back to 'step_00000003"):
        assert callbacks.newest_whole(folder).stem == "step_00000003"
    # Resumed training removes the damaged checkpoint, and keeps the other.
    gan = ganzoo.load(folder / "step_00000003.keras")
    gan.compile(run_eagerly=True)
    gan.generator_optimizer.iterations.assign(4)
    checkpoint = callbacks.Checkpoint(folder)
    checkpoint.set_model(gan)
    checkpoint.save()
    assert names(folder) == ["step_00000003", "step_00000004"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_error_is_raised_if_every_checkpoint_is_damaged(damage, folder):
    for path in callbacks.checkpoints(folder):
        damage(path)
    with pytest.raises(ValueError, match=r"step_00000006\.keras.*No checkpoint is left"):
        callbacks.newest_whole(folder)


def test_a_flipped_bit_is_detected_or_has_no_effect(folder):
    path = folder / "step_00000006.keras"
    content = path.read_bytes()
    expected = tiny.copy_of(ganzoo.load(path).weights)
    progress = callbacks.read_progress(path)
    detected = 0
    positions = np.random.default_rng(0).integers(0, 8 * len(content), 300)
    # The end of the file is its table of contents, which has no checksum.
    positions = [*positions, *range(8 * (len(content) - 500), 8 * len(content), 7)]
    for position in positions:
        flipped = bytearray(content)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        try:
            callbacks.check_whole(path)
        except ValueError:
            detected += 1
            continue
        # The bit lies outside of the data that are read.
        with zipfile.ZipFile(path) as archive:
            whole = archive.read("model.weights.h5"), archive.read("config.json")
        path.write_bytes(content)
        with zipfile.ZipFile(path) as archive:
            assert whole == (archive.read("model.weights.h5"), archive.read("config.json"))
    assert detected > 250
    path.write_bytes(content)
    tiny.assert_equal(ganzoo.load(path).weights, expected)
    assert callbacks.read_progress(path) == progress


def test_a_checkpoint_damaged_while_saving_replaces_no_other(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    save = keras.Model.save

    def save_half(self, path):
        save(self, path)
        flip_a_bit(path)

    monkeypatch.setattr(ganzoo.GAN, "save", save_half)
    with pytest.raises(OSError, match=r"not what is on the disk.*is damaged"):
        fit(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_full_disk_leaves_other_checkpoints_unchanged(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        fit(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def poison(gan, where):
    if where.endswith("optimizer"):
        variable = next(v for v in getattr(gan, where).variables if "momentum" in v.path)
    else:
        variable = getattr(gan, where).trainable_variables[0]
    value = np.array(variable)
    value.flat[0] = np.nan
    variable.assign(value)


@pytest.mark.parametrize(
    ("where", "network"),
    [
        ("generator", "generator"),
        ("discriminator", "discriminator"),
        ("generator_optimizer", "generator"),
        ("discriminator_optimizer", "discriminator"),
    ],
)
def test_nan_weights_are_not_saved(where, network, folder):
    """The losses may still be finite when a weight is NaN."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    gan = ganzoo.load(folder / "step_00000006.keras")
    checkpoint = callbacks.Checkpoint(folder)
    checkpoint.set_model(gan)
    poison(gan, where)
    with pytest.raises(
        FloatingPointError, match=rf"step 6: .* in the {network} \(.*\)\. Lower the"
    ):
        checkpoint.save()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_callback_progress_survives_json(tmp_path):
    gan = tiny.build_gan()
    gan.compile()
    watched = [callbacks.Doctor(every=2, num_images=10), callbacks.GameScalars(tmp_path, every=2)]
    checkpoint = callbacks.Checkpoint(tmp_path, every=5, watched=watched)
    gan.fit(IMAGES, batch_size=2, epochs=1, callbacks=[*watched, checkpoint], verbose=0)
    first, last = (callbacks.read_progress(path) for path in callbacks.checkpoints(tmp_path))
    for progress, step, observed in ((first, 5, [2, 4]), (last, 6, [2, 4, 6])):
        doctor, of_epoch = progress["callbacks"]["Doctor"]
        _, scalars = progress["callbacks"]["GameScalars"]
        assert [row["step"] for row in doctor["observations"]] == observed
        assert of_epoch["steps"] == scalars["steps"] == step
        again = callbacks.Doctor(every=2)
        again.set_progress(doctor, of_epoch)
        assert json.loads(json.dumps(again.get_progress())) == [doctor, of_epoch]


class Watched(keras.callbacks.Callback):
    """A callback of another package that saves its progress."""

    def __init__(self):
        super().__init__()
        self.restored = None

    def get_progress(self):
        return {"steps": self.model.step}, None

    def set_progress(self, run, epoch):
        self.restored = run


class OwnDoctor(callbacks.Doctor):
    """A subclass of the doctor that a user has written."""


def save_with(folder, watched):
    """Train for five of six steps with watched callbacks, and return the progress."""
    gan = make_gan()
    checkpoint = callbacks.Checkpoint(folder, every=5, watched=watched)
    stop = callbacks.StopAtStep(5)
    gan.fit(IMAGES, batch_size=2, callbacks=[stop, *watched, checkpoint], verbose=0)
    return callbacks.read_progress(folder / "step_00000005.keras")


def restore_with(folder, watched, progress):
    """Continue training in the middle of the epoch, for one step."""
    gan = ganzoo.load(folder / "step_00000005.keras")
    checkpoint = callbacks.Checkpoint(folder / "again", watched=watched, progress=progress)
    watched = [callbacks.StopAtStep(6), *watched]
    gan.fit(IMAGES, batch_size=2, callbacks=[*watched, checkpoint], verbose=0)


def observed(doctor):
    return [seen.step for seen in doctor.observations]


@pytest.mark.slow
def test_two_doctors_keep_their_own_progress(tmp_path):
    doctors = [callbacks.Doctor(every=every, num_images=10) for every in (2, 4)]
    progress = save_with(tmp_path, doctors)
    assert list(progress["callbacks"]) == ["Doctor", "Doctor:2"]
    again = [callbacks.Doctor(every=100) for _ in doctors]
    restore_with(tmp_path, again, progress)
    assert [observed(doctor) for doctor in again] == [[2, 4], [4]]


@pytest.mark.parametrize(
    ("saved", "restored"),
    [
        (callbacks.Doctor, OwnDoctor),
        pytest.param(OwnDoctor, callbacks.Doctor, marks=pytest.mark.slow),
    ],
)
def test_the_doctor_and_its_subclasses_restore_the_same_progress(saved, restored, tmp_path):
    progress = save_with(tmp_path, [saved(every=2, num_images=10)])
    doctor = restored(every=100)
    restore_with(tmp_path, [doctor], progress)
    assert observed(doctor) == [2, 4]


@pytest.mark.slow
def test_progress_of_other_callbacks_is_saved_under_their_class_name(tmp_path):
    progress = save_with(tmp_path, [callbacks.Doctor(every=2, num_images=10), Watched()])
    assert list(progress["callbacks"]) == ["Doctor", "Watched"]
    watched = Watched()
    # The doctor of the checkpoint is not in this run.
    restore_with(tmp_path, [watched], progress)
    assert watched.restored == {"steps": 5}


@pytest.mark.slow
def test_progress_of_older_versions_is_restored(tmp_path):
    """Older versions had other field names."""
    progress = save_with(tmp_path, [callbacks.Doctor(every=2, num_images=10)])
    (run, epoch) = progress["callbacks"]["Doctor"]
    run["observations"] = [{"step": 2, "real_score": 0.5, "memory": 0.9}]
    run["findings"] = [
        {"illness": "mode_collapse", "step": 2, "evidence": "12 %", "remedies": "another loss"}
    ]
    epoch["looked"] = epoch.pop("window_start")
    doctor, scalars = callbacks.Doctor(every=100), callbacks.GameScalars(tmp_path, every=2)
    progress["callbacks"]["GameScalars"] = [None, {"steps": 5, "looked": 4, "sums": {}}]
    restore_with(tmp_path, [doctor, scalars], progress)
    assert doctor.observations == [callbacks.Observation(2, real_score=0.5, held_out_auc=0.9)]
    (finding,) = doctor.findings
    assert (finding.failure_mode, finding.advice) == ("mode_collapse", "another loss")
    # The saved window began at step 4. The first step after step 5 completes it.
    assert scalars.get_progress()[1]["window_start"] == 6


def test_the_folder_of_checkpoints_loads_the_newest_whole_one(folder, tmp_path):
    """A program that calls `fit` itself has no run folder, only what `Checkpoint` wrote."""
    run = tmp_path / "run"
    shutil.copytree(folder, run / "checkpoints")
    for path in (folder, f"{folder}/", run):
        assert ganzoo.load(path).step == 6
    assert loading.find_model(str(folder)).step == 6
    (folder / "step_00000006.keras").write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="Going back to 'step_00000003"):
        gan = ganzoo.load(folder)
    assert gan.step == 3
    gan.fit(IMAGES, batch_size=4, initial_epoch=1, epochs=2, verbose=0)
    assert gan.step == 6
    with pytest.raises(ValueError, match=r"checkpoints of `fit`, but no run\. .*ganzoo\.load"):
        training.resume(run)


def test_a_folder_of_other_models_is_refused_with_their_names(folder, tmp_path):
    shutil.copy(folder / "step_00000006.keras", tmp_path / "mine.keras")
    shutil.rmtree(folder)
    with pytest.raises(ValueError, match=r"Load one of its files: mine\.keras\."):
        ganzoo.load(tmp_path)
