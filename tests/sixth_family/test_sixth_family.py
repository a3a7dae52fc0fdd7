"""A family from outside of the package goes the whole way from the command line."""

import json

import numpy as np
import pytest
import tiny

import ganzoo
from ganzoo import cli, registry, training


@pytest.fixture(scope="module", autouse=True)
def registered():
    """Register the family for these tests only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))
        import wgan_gp  # noqa: F401

        yield


def command(*arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main([str(argument) for argument in arguments])
    return stop.value.code


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return tiny.write_folder(tmp_path_factory.mktemp("data") / "photos", num_images=64)


@pytest.fixture(scope="module")
def run(registered, photos, tmp_path_factory):
    """A run of 3 steps: 2 from the command line with own arguments, 1 after `--resume`."""
    out = tmp_path_factory.mktemp("runs") / "wgan_gp"
    own = ["--model", "filters=4", "--model", "latent_dim=6"]
    own += ["--compile", "discriminator_steps=2", "--compile", "regularizer.weight=5"]
    own += ["--compile", "generator_optimizer.learning_rate=1e-3"]
    own += ["--compile", "run_eagerly=true", "--augment", "none"]  # Tracing takes seconds.
    data = ["--data", photos, "--batch-size", 16]
    assert command("train", "wgan_gp", *data, "--max-steps", 2, *own, "--out", out) == 0
    assert command("train", "wgan_gp", "--resume", "--max-steps", 3, "--out", out) == 0
    return out


@pytest.mark.slow
def test_its_own_arguments_reach_the_model(run):
    gan = ganzoo.load(run)
    assert (gan.filters, gan.latent_dim, gan.step) == (4, 6, 3)
    assert (gan.discriminator_steps, gan.regularizer.weight) == (2, 5)
    assert float(gan.generator_optimizer.learning_rate) == pytest.approx(1e-3)
    assert int(gan.discriminator_optimizer.iterations) == 6


def test_it_is_listed_with_its_arguments(capsys):
    assert command("list") == 0
    assert "wgan_gp" in capsys.readouterr().out
    assert command("train", "wgan_gp", "--help") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "filters" in printed
    assert "Filters of all convolutions." in printed


@pytest.mark.slow
def test_it_is_sampled_measured_and_exported(run, photos, tmp_path, capsys):
    assert command("sample", run, "-n", 4, "--out", tmp_path / "grid.png") == 0
    capsys.readouterr()
    arguments = ["--data", photos, "--extractor", "mnist", "--metrics", "fid", "-n", 100, "--json"]
    assert command("evaluate", run, *arguments) == 0
    assert json.loads(capsys.readouterr().out)["results"]["fid"]["num_fake"] == 100
    assert command("export", run, "--out", tmp_path / "model.onnx") == 0


@pytest.mark.slow
def test_its_preset_is_loaded_and_reproduced(run, photos, tmp_path):
    gan = ganzoo.load(run)
    gan.save_to_preset(tmp_path / "preset", card=ganzoo.find_card(run))
    preset = ganzoo.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(preset.generate(3, seed=1), gan.generate(3, seed=1))
    out = tmp_path / "again"
    given = ["--data", photos, "--out", out]
    assert command("reproduce", tmp_path / "preset", *given) == 0
    recipes = [training.read_recipe(folder) for folder in (run, out)]
    assert recipes[0].compile == recipes[1].compile
    again = ganzoo.load(out)
    # The same recipe gives the same weights on the same machine.
    tiny.assert_equal(again.generator.weights, gan.generator.weights)
