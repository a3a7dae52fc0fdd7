"""Checkpoints: whole or not there, and the one before where the newest is damaged."""

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
from ganzoo import callbacks

IMAGES = tiny.make_images(12)


def fit(folder, gan=None, epochs=2, **options):
    """Three steps an epoch."""
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
    """Checkpoints of steps 3 and 6; only to be read."""
    folder = tmp_path_factory.mktemp("checkpoints")
    fit(folder)
    return folder


@pytest.fixture
def folder(written, tmp_path):
    return shutil.copytree(written, tmp_path / "checkpoints")


def test_the_last_two_are_kept(tmp_path):
    fit(tmp_path, epochs=3, every=1)
    assert names(tmp_path) == ["step_00000008", "step_00000009"]
    assert {path.name for path in tmp_path.iterdir()} == {
        "step_00000008.keras",
        "step_00000009.keras",
        "newest.json",
    }


def test_saving_makes_no_optimizer(tmp_path):
    # Keras would number one at each save, and TensorFlow keep a kernel for each of its names.
    gan = make_gan()
    callbacks.save_whole(gan, tmp_path / "first.keras")
    before = keras.optimizers.Optimizer(0.1).name
    callbacks.save_whole(gan, tmp_path / "second.keras")
    after = keras.optimizers.Optimizer(0.1).name
    numbers = [int(name.partition("_")[2] or 0) for name in (before, after)]
    assert numbers[1] == numbers[0] + 1


@pytest.fixture
def saved(monkeypatch):
    """Steps at which a checkpoint would have been saved."""
    steps = []

    def note(self):
        steps.append(self.model.step)
        self._note_save()

    monkeypatch.setattr(callbacks.Checkpoint, "save", note)
    return steps


@pytest.mark.parametrize(
    ("every", "steps"), [(None, [3, 6]), (2, [2, 3, 5, 6]), ("2", [2, 3, 5, 6]), ("10m", [3, 6])]
)
def test_checkpoints_come_every_so_many_steps_and_at_the_ends_of_epochs(
    every, steps, saved, tmp_path
):
    fit(tmp_path, every=every)
    assert saved == steps


def test_checkpoints_come_every_so_many_minutes(saved, tmp_path, monkeypatch):
    # The clock is looked at once a step, and once at each save.
    minutes = itertools.count()
    clock = types.SimpleNamespace(monotonic=lambda: 60.0 * next(minutes))
    monkeypatch.setattr(sys.modules["ganzoo.callbacks.checkpoints"], "time", clock)
    fit(tmp_path, every="2m", epochs=1)
    assert saved == [2, 3]


@pytest.mark.parametrize("every", ["m", "0", 0, "-3", "0m", "ten", "10s", 1.5])
def test_a_wrong_distance_of_checkpoints_is_refused(every):
    with pytest.raises(ValueError, match="500, or minutes, such as 10m"):
        callbacks.Checkpoint("nowhere", every=every)


def test_the_newest_is_taken_in_silence(folder, recwarn):
    assert callbacks.newest_whole(folder).stem == "step_00000006"
    assert not recwarn.list
    assert callbacks.newest_whole(folder / "none") is None


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip_a_bit(path):
    # In the middle of the weights, which are most of the file.
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path):
    path.unlink()


DAMAGES = [truncate, empty, flip_a_bit, remove]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_newest_gives_way_to_the_one_before_and_is_named(damage, folder):
    damage(folder / "step_00000006.keras")
    with pytest.warns(UserWarning, match=r"step_00000006\.keras.*Going back to 'step_00000003"):
        assert callbacks.newest_whole(folder).stem == "step_00000003"
    # Training that goes on takes the damaged one away, and not the whole one.
    gan = ganzoo.load(folder / "step_00000003.keras")
    gan.compile(run_eagerly=True)
    gan.generator_optimizer.iterations.assign(4)
    checkpoint = callbacks.Checkpoint(folder)
    checkpoint.set_model(gan)
    checkpoint.save()
    assert names(folder) == ["step_00000003", "step_00000004"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_without_a_whole_one_nothing_is_begun_anew(damage, folder):
    for path in callbacks.checkpoints(folder):
        damage(path)
    with pytest.raises(ValueError, match=r"step_00000006\.keras.*No checkpoint is left"):
        callbacks.newest_whole(folder)


def test_a_flipped_bit_anywhere_is_noticed_or_without_effect(folder):
    path = folder / "step_00000006.keras"
    content = path.read_bytes()
    expected = tiny.copy_of(ganzoo.load(path).weights)
    progress = callbacks.read_progress(path)
    noticed = 0
    places = np.random.default_rng(0).integers(0, 8 * len(content), 300)
    # The end of the file is its table of contents, which has no checksum.
    places = [*places, *range(8 * (len(content) - 500), 8 * len(content), 7)]
    for place in places:
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            callbacks.check_whole(path)
        except ValueError:
            noticed += 1
            continue
        # All that is read of the file is what it was.
        with zipfile.ZipFile(path) as archive:
            whole = archive.read("model.weights.h5"), archive.read("config.json")
        path.write_bytes(content)
        with zipfile.ZipFile(path) as archive:
            assert whole == (archive.read("model.weights.h5"), archive.read("config.json"))
    assert noticed > 250
    path.write_bytes(content)
    tiny.assert_equal(ganzoo.load(path).weights, expected)
    assert callbacks.read_progress(path) == progress


def test_a_checkpoint_that_did_not_arrive_whole_replaces_nothing(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    save = keras.Model.save

    def save_half(self, path):
        save(self, path)
        flip_a_bit(path)

    monkeypatch.setattr(ganzoo.GAN, "save", save_half)
    with pytest.raises(OSError, match=r"not what is on the disk.*is damaged"):
        fit(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_full_disk_replaces_nothing(folder, monkeypatch):
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
    ("where", "player"),
    [
        ("generator", "generator"),
        ("discriminator", "discriminator"),
        ("generator_optimizer", "generator"),
        ("discriminator_optimizer", "discriminator"),
    ],
)
def test_a_weight_that_is_no_number_is_not_saved(where, player, folder):
    """Whatever the losses were."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    gan = ganzoo.load(folder / "step_00000006.keras")
    checkpoint = callbacks.Checkpoint(folder)
    checkpoint.set_model(gan)
    poison(gan, where)
    with pytest.raises(FloatingPointError, match=rf"step 6: .* in the {player} \(.*\)\. Lower the"):
        checkpoint.save()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_callbacks_remember_goes_through_json(tmp_path):
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
