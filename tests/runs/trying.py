"""Short runs, and what one left behind beside what another did."""

import contextlib
import dataclasses
import json
import os
import signal

import keras
import pytest
import tiny

import ganzoo
from ganzoo import callbacks, runs


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


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


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


@contextlib.contextmanager
def interrupted(step, interruption):
    """A signal is sent, or an exception raised, after a step of the runs trained in it."""

    class Interrupting(callbacks.StopAtStep):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if self.model.step == step and isinstance(interruption, signal.Signals):
                os.kill(os.getpid(), interruption)
            elif self.model.step == step:
                raise interruption

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "StopAtStep", Interrupting)
        yield


@keras.saving.register_keras_serializable(package="ganzoo_tests")
class SmallSRGAN(ganzoo.SRGAN):
    """What is trained in seconds under the family's name."""

    def __init__(self, **kwargs):
        super().__init__(**{"num_blocks": 1, "filters": 2, **kwargs})
