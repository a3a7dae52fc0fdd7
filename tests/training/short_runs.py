"""Train short runs, interrupt them, and compare their run folders."""

import contextlib
import json
import os
import signal

import pytest
import tiny

import ganzoo
from ganzoo import callbacks, registry, training


def make_recipe(folder, **changes):
    """Return a recipe of two epochs of four steps, with the smallest model of its family.

    Steps run eagerly: tracing takes longer than all steps of a short run.
    """
    family = registry.get_family(changes.get("family", "vanilla"))
    sizes = {k: v for k, v in family.test_config.items() if k not in ("image_shape", "num_classes")}
    fields = {
        "family": family.name,
        "data": str(folder),
        "epochs": 2,
        "batch_size": 5,
        "mixed_precision": False,
        "seed": 3,
        **changes,
        "model": {**sizes, **changes.get("model", {})},
        "compile": {"run_eagerly": True, **changes.get("compile", {})},
    }
    return training.Recipe(**fields)


def train(folder, out, **changes):
    return training.train(make_recipe(folder, **changes), out, verbose=False)


def epoch_rows(out):
    return json.loads((out / "metrics.json").read_text())["epochs"]


def snapshot(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def metrics_without_times(out):
    """Return the content of `metrics.json` except the times."""
    content = json.loads((out / "metrics.json").read_text())
    for row in content["epochs"]:
        del row["seconds"], row["images_per_second"]
    return content


def progress_without_times(out):
    """Return the progress in the last checkpoint except the times."""
    progress = callbacks.read_progress(callbacks.checkpoints(out / "checkpoints")[-1])
    progress["callbacks"]["MetricsFile"][1].clear()
    return progress


def assert_same_run(out, other):
    """Assert that two runs ended with the same files and models, bit for bit."""
    models = [ganzoo.load(folder) for folder in (out, other)]
    for holder in ("variables", "generator_optimizer", "discriminator_optimizer"):
        held = [getattr(model, holder) for model in models]
        tiny.assert_equal(*(getattr(one, "variables", one) for one in held))
    assert metrics_without_times(out) == metrics_without_times(other)
    assert progress_without_times(out) == progress_without_times(other)
    samples = [snapshot(folder / "samples") for folder in (out, other)]
    assert samples[0] == samples[1]
    assert {path.name for path in out.iterdir()} == {path.name for path in other.iterdir()}


@contextlib.contextmanager
def interrupted(step, interruption):
    """Send a signal or raise an exception after a step of every run in this context."""

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
