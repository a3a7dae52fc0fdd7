"""Run folders: trained, interrupted, resumed."""

import contextlib
import dataclasses
import errno
import functools
import json
import os
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import callbacks, cli, data, registry, runs
from ganzoo.distribution import Site
from ganzoo.runs import fitting, starting
from ganzoo.runs.preparing import prepare


def make_recipe(folder, **changes):
    """Two epochs of four steps."""
    recipe = runs.Recipe(
        family="vanilla", data=str(folder), epochs=2, batch_size=5, mixed_precision=False, seed=3
    )
    return dataclasses.replace(recipe, **changes)


def train(folder, out, **changes):
    return runs.train(make_recipe(folder, **changes), out, verbose=0)


def rows(out):
    return json.loads((out / "metrics.json").read_text())["epochs"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tiny.write_folder(tmp_path_factory.mktemp("data") / "photos", num_images=20)


@pytest.fixture(scope="module")
def finished(photos, tmp_path_factory):
    """A run as it is when all went well; only to be read."""
    return train(photos, tmp_path_factory.mktemp("runs") / "finished")


# What a run leaves behind.


def test_a_run_folder_holds_what_is_promised(finished):
    out = finished.folder
    assert {path.name for path in out.iterdir()} == {
        "config.json",
        "checkpoints",
        "logs",
        "samples",
        "metrics.json",
        "model.keras",
    }
    assert [path.name for path in callbacks.checkpoints(out / "checkpoints")] == [
        "step_00000004.keras",
        "step_00000008.keras",
    ]
    assert {path.name for path in (out / "samples").iterdir()} == {
        "epoch_001.png",
        "epoch_002.png",
        "real.png",
    }
    assert list((out / "logs").rglob("events.out.tfevents.*"))
    assert finished.step == 8


def test_the_configuration_is_complete(finished, photos):
    config = json.loads((finished.folder / "config.json").read_text())
    assert config["recipe"] == dataclasses.asdict(make_recipe(photos))
    assert config["model"]["image_shape"] == [8, 8, 1]
    assert config["compile"]["loss"]["class_name"] == "NonSaturating"
    assert set(config["versions"]) >= {"ganzoo", "keras", "tensorflow"}
    assert runs.read_recipe(finished.folder) == make_recipe(photos)


def test_metrics_have_a_row_for_every_epoch(finished):
    found = rows(finished.folder)
    assert [(row["epoch"], row["step"]) for row in found] == [(1, 4), (2, 8)]
    names = {"generator_loss", "discriminator_loss", "real_score", "fake_score", "seconds"}
    for row in found:
        assert set(row) >= names
        assert 0 <= row["fake_score"] <= 1
    assert finished.logs == found[-1]


def test_the_grids_show_the_data_and_the_model(finished):
    with Image.open(finished.folder / "samples" / "real.png") as image:
        assert image.mode == "L"
        assert image.width >= 300  # Small images are enlarged.
    with (
        Image.open(finished.folder / "samples" / "epoch_001.png") as first,
        Image.open(finished.folder / "samples" / "epoch_002.png") as second,
    ):
        assert first.size == second.size
        assert first.tobytes() != second.tobytes()


def test_the_model_of_a_run_is_loaded_from_its_folder_and_file(finished):
    for path in (finished.folder, finished.folder / "model.keras", str(finished.folder)):
        model = ganzoo.load(path)
        tiny.assert_equal(model.weights, finished.model.weights)
        assert int(model.discriminator_optimizer.iterations) == 8


def test_the_same_recipe_gives_the_same_model_bit_for_bit(finished, photos, tmp_path):
    again = train(photos, tmp_path / "again")
    tiny.assert_equal(again.model.weights, finished.model.weights)


def test_another_seed_gives_another_model(finished, photos, tmp_path):
    other = train(photos, tmp_path / "other", seed=4, epochs=1, max_steps=1)
    assert tiny.differ(other.model.generator.weights, finished.model.generator.weights)


def test_the_default_batch_size_is_the_families_own(photos, tmp_path):
    with pytest.raises(ValueError, match="fewer than one batch of 64"):
        train(photos, tmp_path / "run", batch_size=None)
    with pytest.raises(ValueError, match="fewer than one batch of 100"):
        train(photos, tmp_path / "run", batch_size=None, recipe="paper")


def test_labels_reach_a_family_that_needs_them(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=4, classes=("a", "b"))
    outcome = train(folder, tmp_path / "run", family="cgan", batch_size=4, epochs=1)
    assert outcome.model.num_classes == 2
    assert outcome.step == 2
    assert int(ganzoo.load(tmp_path / "run").generator_optimizer.iterations) == 2


# Where a run ends.


@pytest.mark.parametrize(("max_steps", "epochs", "steps"), [(3, 2, 3), (6, 9, 6), (99, 1, 4)])
def test_training_ends_at_max_steps_or_with_the_epochs(photos, tmp_path, max_steps, epochs, steps):
    outcome = train(photos, tmp_path / "run", max_steps=max_steps, epochs=epochs)
    assert outcome.step == steps
    assert int(ganzoo.load(tmp_path / "run").generator_optimizer.iterations) == steps
    assert [row["step"] for row in rows(tmp_path / "run")] == sorted({min(4, steps), steps})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_step_end_and_the_run_goes_on(number, finished, photos, tmp_path):
    out = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", make_interrupting(6, number))
        with pytest.raises(runs.InterruptedRunError, match=r"step 6 of 8.*--resume") as caught:
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", make_interrupting(4, signal.SIGINT))
        with pytest.raises(runs.InterruptedRunError, match="step 4 of 8"):
            train(photos, tmp_path / "run")
    assert [row["step"] for row in rows(tmp_path / "run")] == [4]
    runs.resume(tmp_path / "run", verbose=0)
    assert_same_run(tmp_path / "run", finished.folder)


def without_times(out):
    """What is in `metrics.json` but for how long it took."""
    content = json.loads((out / "metrics.json").read_text())
    for row in content["epochs"]:
        del row["seconds"], row["images_per_second"]
    return content


def memory(out):
    """What the last checkpoint holds beside the model, but for how long it took."""
    progress = callbacks.read_progress(callbacks.checkpoints(out / "checkpoints")[-1])
    progress["callbacks"]["MetricsFile"][1].clear()
    return progress


def assert_same_run(out, straight):
    """That a run ended with all that another one did, bit for bit."""
    models = [ganzoo.load(folder) for folder in (out, straight)]
    for holder in ("variables", "generator_optimizer", "discriminator_optimizer"):
        held = [getattr(model, holder) for model in models]
        tiny.assert_equal(*(getattr(one, "variables", one) for one in held))
    assert without_times(out) == without_times(straight)
    assert memory(out) == memory(straight)
    samples = [snapshot(folder / "samples") for folder in (out, straight)]
    assert samples[0] == samples[1]
    assert {path.name for path in out.iterdir()} == {path.name for path in straight.iterdir()}


def make_interrupting(step, interruption):
    """`StopAtStep`, but that it sends a signal, or raises an exception, after a step."""

    class Interrupting(callbacks.StopAtStep):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if self.model.step == step and isinstance(interruption, signal.Signals):
                os.kill(os.getpid(), interruption)
            elif self.model.step == step:
                raise interruption

    return Interrupting


def test_a_run_killed_without_warning_goes_on_from_its_last_epoch(finished, photos, tmp_path):
    out = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", make_interrupting(6, SystemExit))
        with pytest.raises(SystemExit):
            train(photos, out)
    assert [p.stem for p in callbacks.checkpoints(out / "checkpoints")] == ["step_00000004"]
    assert runs.resume(out, verbose=0).step == 8
    assert_same_run(out, finished.folder)


def test_a_run_killed_in_its_first_epoch_starts_again_as_it_did(finished, photos, tmp_path):
    out = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", make_interrupting(2, SystemExit))
        with pytest.raises(SystemExit):
            train(photos, out)
    with pytest.raises(ValueError, match="has no model yet"):
        ganzoo.load(out)
    runs.resume(out, verbose=0)
    assert_same_run(out, finished.folder)


def test_a_finished_run_is_made_longer(photos, tmp_path):
    out = tmp_path / "run"
    train(photos, out, epochs=1)
    assert runs.resume(out, verbose=0).step == 4  # Nothing was left to do.
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


@pytest.mark.slow
def test_what_the_doctor_remembers_goes_on_with_the_run(photos, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "Doctor", functools.partial(callbacks.Doctor, every=3))
        train(photos, tmp_path / "straight")
        out = tmp_path / "run"
        for step in (2, 5):
            with pytest.MonkeyPatch.context() as inner:
                inner.setattr(callbacks, "StopAtStep", make_interrupting(step, signal.SIGINT))
                with pytest.raises(runs.InterruptedRunError):
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


# What cannot go on.


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


# Two at once.


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
    whole = starting.prepare

    def be_slower(*arguments):
        monkeypatch.setattr(starting, "prepare", whole)
        train(photos, out, max_steps=1)
        return whole(*arguments)

    monkeypatch.setattr(starting, "prepare", be_slower)
    with pytest.raises(ValueError, match="holds another run"):
        train(photos, out, max_steps=2)
    assert ganzoo.load(out).step == 1


# Starting from something trained.


def test_a_run_starts_from_the_weights_of_another(finished, photos):
    source = finished.model
    _, model = prepare(make_recipe(photos, seed=9, start_from=str(finished.folder)), Site())
    tiny.assert_equal(model.weights, source.weights)
    assert int(model.generator_optimizer.iterations) == 0


def test_a_run_starts_from_the_averaged_generator_of_a_preset(finished, photos, tmp_path):
    source = finished.model
    source.save_to_preset(tmp_path / "preset")
    recipe = make_recipe(photos, seed=9, start_from=str(tmp_path / "preset"))
    _, model = prepare(recipe, Site())
    tiny.assert_equal(model.generator.weights, source.ema_generator.weights)
    tiny.assert_equal(model.discriminator.weights, source.discriminator.weights)


def test_starting_from_other_networks_is_refused(finished, tmp_path):
    folder = tiny.write_folder(tmp_path / "larger", num_images=5, side=10)
    with pytest.raises(ValueError, match=r"VanillaGAN of \(8, 8, 1\).*\(10, 10, 1\)"):
        train(folder, tmp_path / "run", start_from=str(finished.folder))
    assert not (tmp_path / "run").exists()


# What is refused leaves nothing behind.


def test_the_folder_of_another_run_is_refused_and_left_as_it_was(finished, photos):
    before = snapshot(finished.folder)
    with pytest.raises(ValueError, match=r"holds another run.*--resume"):
        train(photos, finished.folder)
    assert snapshot(finished.folder) == before


def test_a_folder_that_holds_something_else_is_refused(photos, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="is not an empty folder"):
        train(photos, tmp_path)
    with pytest.raises(ValueError, match="is not an empty folder"):
        train(photos, tmp_path / "notes.txt")
    assert snapshot(tmp_path) == {"notes.txt": b"mine"}


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"data": "fashion_minst"}, "fashion_mnist"),
        ({"family": "vanila"}, "Did you mean 'vanilla'"),
        ({"recipe": "papers"}, "recipe='papers'"),
        ({"start_from": "nowhere"}, "nowhere"),
        ({"batch_size": 21}, "fewer than one batch of 21"),
        ({"family": "cgan"}, "needs labels"),
    ],
)
def test_a_wrong_recipe_is_named_and_leaves_no_folder(photos, tmp_path, changes, named):
    with pytest.raises(ValueError, match=named):
        train(photos, tmp_path / "run", **changes)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["epochs", "batch_size", "max_steps", "image_size"])
def test_numbers_below_1_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}=0"):
        runs.Recipe(family="vanilla", data="sample", **{name: 0})


def test_what_is_no_run_cannot_be_resumed(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ValueError, match="holds no run"):
            runs.resume(path)
    assert not (tmp_path / "none").exists()


def test_a_model_that_is_not_there_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("no model")
    for path in ("a.txt", "none.keras", "none"):
        with pytest.raises(ValueError, match=path):
            ganzoo.load(tmp_path / path)


@pytest.mark.parametrize(("recipe", "expected"), [("default", True), ("paper", False)])
def test_half_precision_is_chosen_for_ganzoos_own_recipe(
    recipe, expected, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(starting, "multiplies_bfloat16", lambda: True)
    train(photos, tmp_path / "run", recipe=recipe, mixed_precision=None, max_steps=1)
    assert runs.read_recipe(tmp_path / "run").mixed_precision is expected


def test_the_loss_reaches_the_model(photos, tmp_path):
    model = train(photos, tmp_path / "hinge", max_steps=1, loss="hinge").model
    assert isinstance(model.adversarial_loss, ganzoo.losses.Hinge)
    with pytest.raises(ValueError, match="Unknown loss: 'hing'"):
        train(photos, tmp_path / "wrong", loss="hing")
    assert not (tmp_path / "wrong").exists()


def test_the_regularizer_reaches_the_model(photos, tmp_path):
    assert train(photos, tmp_path / "default", max_steps=1).model.regularizer.weight == 0.01
    assert (
        train(photos, tmp_path / "none", max_steps=1, regularizer="none").model.regularizer is None
    )
    with pytest.raises(ValueError, match=r"'r3'.*Known: .*r1"):
        train(photos, tmp_path / "wrong", regularizer="r3")
    assert not (tmp_path / "wrong").exists()


def test_the_regularizers_settings_reach_the_model(photos):
    recipe = make_recipe(photos, regularizer="r1", regularizer_weight=0.5, regularizer_every=4)
    _, model = prepare(recipe, Site())
    assert (model.regularizer.weight, model.regularizer.every) == (0.5, 4)
    with pytest.raises(ValueError, match="given without its name"):
        prepare(make_recipe(photos, regularizer_every=4), Site())


def test_rates_fall_by_a_cosine_over_the_steps_that_are_asked_for(photos):
    _, model = prepare(make_recipe(photos, decay_steps=8), Site())
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        for step, rate in ((0, 1e-3), (4, 0.5e-3), (8, 0.0)):
            optimizer.iterations.assign(step)
            assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-9)
    with pytest.raises(ValueError, match=r"schedule of their own.*decay_steps=8"):
        prepare(make_recipe(photos, decay_steps=8, recipe="paper"), Site())


def test_a_run_measures_its_images_and_keeps_the_best(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "_EVALUATED_IMAGES", 64)
    recipe = runs.Recipe("vanilla", "sample", batch_size=5000, epochs=3, evaluate_every=1)
    runs.train(recipe, tmp_path / "run", verbose=0)
    epochs = json.loads((tmp_path / "run" / "metrics.json").read_text())["epochs"]
    distances = [epoch["fid"] for epoch in epochs]
    best = json.loads((tmp_path / "run" / "best.json").read_text())
    assert best["result"]["value"] == pytest.approx(min(distances))
    assert ganzoo.load(tmp_path / "run" / "best.keras").step == best["step"]


def test_mixed_precision_reaches_the_model(photos):
    _, model = prepare(make_recipe(photos, mixed_precision=True), Site())
    assert model.dtype_policy.name in ("mixed_bfloat16", "mixed_float16")
    assert keras.config.dtype_policy().name == "float32"


@keras.saving.register_keras_serializable(package="ganzoo_tests")
class SmallSRGAN(ganzoo.SRGAN):
    """What is trained in seconds under the family's name."""

    def __init__(self, **kwargs):
        super().__init__(**{"num_blocks": 1, "filters": 2, **kwargs})


def test_super_resolution_is_trained_in_two_phases(tmp_path, monkeypatch):
    monkeypatch.setattr(registry.Family, "load_class", lambda family: SmallSRGAN)
    folder = tiny.write_folder(tmp_path / "photos", num_images=2, side=40)
    first = {"data": str(folder), "image_size": 32, "batch_size": 4, "epochs": 1, "scale": 2}
    recipe = runs.Recipe("srgan", **first, content_only=True)
    outcome = runs.train(recipe, tmp_path / "srresnet", verbose=0)
    assert outcome.step == 2 * 16 // 4
    assert set(outcome.logs) >= {"content_loss", "psnr"}
    assert outcome.model.scale == 2
    assert (tmp_path / "srresnet" / "samples" / "epoch_001.png").is_file()
    recipe = runs.Recipe(
        "srgan", **first, content="vgg22", start_from=str(tmp_path / "srresnet"), max_steps=1
    )
    outcome = runs.train(recipe, tmp_path / "srgan", verbose=0)
    assert not outcome.model.content_only
    assert outcome.model.content == "vgg22"
    again = runs.resume(tmp_path / "srgan", max_steps=2, verbose=0)
    assert again.step == 2
    assert again.model.content == "vgg22"


@pytest.mark.parametrize("option", [{"content_only": True}, {"content": "pixel"}, {"scale": 2}])
def test_only_super_resolution_has_a_content_loss_and_a_scale(option, tmp_path):
    with pytest.raises(ValueError, match="'dcgan' does not restore images"):
        runs.train(runs.Recipe("dcgan", "sample", **option), tmp_path / "run")
    assert not (tmp_path / "run").exists()
