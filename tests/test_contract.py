"""Contract of every registered family and every preset."""

import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow

import ganzoo
from ganzoo import registry
from ganzoo.metrics.classifiers import CLASSIFIERS
from ganzoo.saving import loading, weights

CASES = [pytest.param(family, {}, id=family.name) for family in registry.families()]
GENERATING = [family for family in registry.families() if family.task == "generation"]
# Its dropout has random states, and its optimizers have schedules.
PAPER = [
    pytest.param(registry.get_family("vanilla"), {"recipe": "paper"}, id="vanilla-paper"),
]


def cases(*default):
    """Return a case of each family and of `PAPER`. By default only some of them run."""
    return [
        pytest.param(*case.values, id=case.id, marks=[] if case.id in default else pytest.mark.slow)
        for case in CASES + PAPER
    ]


def compile_for_test(model, run_eagerly):
    """Compile with the recommended arguments and higher rates, so that few steps change much."""
    recipe = model.recommended()
    for player in ("generator_optimizer", "discriminator_optimizer"):
        optimizer = recipe[player]
        if isinstance(optimizer.learning_rate, keras.Variable):
            optimizer.learning_rate = 0.01
    model.compile(**recipe, run_eagerly=run_eagerly)


def pipeline(data, batch_size=4):
    arrays = data if len(data) > 1 else data[0]
    return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)


def fit(model, data):
    model.fit(pipeline(data), verbose=0)


def part(data, start, stop):
    return tuple(array[start:stop] for array in data)


def state_of(model):
    """Return everything that training changes, by name."""
    state = {f"weight {i} {v.path}": v for i, v in enumerate(model.variables)}
    for player in ("generator_optimizer", "discriminator_optimizer"):
        for index, variable in enumerate(getattr(model, player).variables):
            state[f"{player} {index} {variable.path}"] = variable
    return state


def assert_same_state(left, right):
    assert len(left) == len(right)
    for (name, one), other in zip(left.items(), right.values(), strict=True):
        one, other = tiny.copy_of([one, other])
        np.testing.assert_array_equal(one, other, err_msg=name)


@pytest.mark.parametrize("family", registry.families(), ids=lambda f: f.name)
def test_config_round_trip(family):
    model = family.build_test_model(seed=4, dtype="mixed_float16")
    config = model.get_config()
    restored = type(model).from_config(json.loads(json.dumps(config)))
    assert json.dumps(restored.get_config()) == json.dumps(config)
    assert restored.seed == 4
    assert restored.dtype_policy.name == "mixed_float16"
    assert any(layer.compute_dtype == "float16" for layer in restored.generator.layers)
    assert keras.config.dtype_policy().name == "float32"
    assert [w.shape for w in restored.weights] == [w.shape for w in model.weights]


@pytest.mark.parametrize(("family", "overrides"), cases("dcgan", "lapgan"))
def test_a_step_and_a_resumed_one_equal_two(family, overrides, tmp_path):
    keras.utils.set_random_seed(1)
    whole = family.build_test_model(seed=5, **overrides)
    data = tiny.make_data(whole, 8)
    # Eager steps are faster than tracing. Runs that are resumed in tests/training are traced.
    compile_for_test(whole, run_eagerly=True)
    halfway = {}

    def save(batch, logs):
        if batch == 0:
            whole.save(tmp_path / "halfway.keras")
            halfway.update({k: tiny.copy_of([v])[0] for k, v in state_of(whole).items()})
            halfway["compile"] = json.dumps(whole.get_compile_config(), sort_keys=True)

    whole.fit(
        pipeline(data),
        callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=save)],
        verbose=0,
    )
    resumed = ganzoo.load(tmp_path / "halfway.keras")
    assert json.dumps(resumed.get_compile_config(), sort_keys=True) == halfway.pop("compile")
    assert_same_state(state_of(resumed), halfway)
    fit(resumed, part(data, 4, 8))
    assert int(resumed.generator_optimizer.iterations) == 2
    assert_same_state(state_of(resumed), state_of(whole))


def pixels_with_alpha():
    """Return images that are not square, whose left halves are transparent."""
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 12, 4), dtype="uint8")
    pixels[:, :, :6, 3] = 0
    return pixels


@pytest.mark.parametrize("family", others_slow(GENERATING, "dcgan", "lapgan"))
def test_images_that_are_not_square_and_have_alpha_are_trained_and_generated(family):
    model = family.build_test_model(image_shape=(8, 12, 4), seed=0)
    compile_for_test(model, run_eagerly=True)
    fit(model, (pixels_with_alpha(), np.arange(4) % 2)[: 2 if model.num_classes else 1])
    assert model.generate(2, seed=0).shape == (2, 8, 12, 4)


@pytest.mark.parametrize("family", others_slow(GENERATING, "vanilla"))
def test_colors_of_transparent_pixels_do_not_matter(family):
    hidden = pixels_with_alpha()
    hidden[:, :, :6, :3] = 7
    model = family.build_test_model(image_shape=(8, 12, 4), seed=0)
    trained = []
    for pixels in (pixels_with_alpha(), hidden):
        copy = type(model).from_config(model.get_config())
        copy.set_weights(model.get_weights())
        for ours, theirs in zip(random_states(copy), random_states(model), strict=True):
            ours.assign(keras.ops.convert_to_numpy(theirs))
        compile_for_test(copy, run_eagerly=True)
        fit(copy, (pixels, np.arange(4) % 2)[: 2 if model.num_classes else 1])
        trained.append(state_of(copy))
    assert_same_state(*trained)


def random_states(model):
    """Return the states of latents and dropout, which two models of one seed do not share."""
    return [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]


@pytest.mark.parametrize(("family", "overrides"), cases("vanilla", "cgan"))
@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_an_optimizer_at_rate_0_keeps_its_network_bit_for_bit(family, overrides, still):
    model = family.build_test_model(**overrides)
    moving = {"generator": "discriminator", "discriminator": "generator"}[still]
    optimizers = {
        f"{still}_optimizer": keras.optimizers.SGD(0.0),
        f"{moving}_optimizer": keras.optimizers.Adam(0.01),
    }
    model.compile(**optimizers, run_eagerly=True)
    kept = getattr(model, still).trainable_variables
    moved = getattr(model, moving).trainable_variables
    values, others = tiny.copy_of(kept), tiny.copy_of(moved)
    fit(model, tiny.make_data(model, 4))
    tiny.assert_equal(kept, values)
    assert tiny.differ(moved, others)


@pytest.mark.parametrize(("family", "overrides"), cases("cgan", "lapgan"))
def test_the_first_step_changes_every_trainable_weight(family, overrides):
    """Every weight is in its optimizer's list and has a gradient."""
    model = family.build_test_model(**overrides)
    model.compile(run_eagerly=True)
    before = tiny.copy_of(model.trainable_variables)
    fit(model, tiny.make_data(model, 8))
    for variable, old in zip(model.trainable_variables, before, strict=True):
        assert tiny.differ([variable], [old]), variable.path


# Compilation takes up to half a minute. tests/base/test_precision.py compiles the smallest GAN.
@pytest.mark.slow
@pytest.mark.parametrize("family", registry.families(), ids=lambda f: f.name)
def test_every_family_compiles_under_xla(family):
    model = family.build_test_model()
    # A small graph compiles faster. The optimizers do not belong to the family.
    model.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    step = tf.function(model.train_step, jit_compile=True)
    data = tiny.make_data(model, 4)
    batch = tuple(tf.constant(array) for array in data)
    logs = step(batch if len(batch) > 1 else batch[0])
    assert all(np.isfinite(float(value)) for value in logs.values())


@pytest.mark.parametrize("family", others_slow(registry.families(), "dcgan", "r3gan"))
@pytest.mark.parametrize(
    "policy", others_slow(["mixed_float16", "mixed_bfloat16"], "mixed_float16")
)
def test_every_family_trains_in_half_precision(family, policy):
    model = family.build_test_model(dtype=policy)
    assert keras.config.dtype_policy().name == "float32"
    model.compile(run_eagerly=True)
    history = model.fit(pipeline(tiny.make_data(model, 4)), verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    half = policy.removeprefix("mixed_")
    for network in (model.generator, model.discriminator):
        assert half in {layer.compute_dtype for layer in network.layers}
        assert {output.dtype for output in network.outputs} == {"float32"}
    assert tiny.make_pixels(model, 2).dtype == "uint8"


@pytest.mark.parametrize("family", others_slow(GENERATING, "lapgan"))
def test_every_generating_family_trains_with_augmentation(family):
    model = family.build_test_model(seed=0)
    # Fast, because it has one group of transformations.
    ada = ganzoo.augment.ADA(probability=0.9, blit=0.0, geometry=0.0)
    model.compile(augment=ada, run_eagerly=True)
    seen = collections.Counter()
    augment_images = model.augment_images

    def count(images, level=0):
        seen[level] += 1
        return augment_images(images, level)

    model.augment_images = count
    history = model.fit(pipeline(tiny.make_data(model, 4)), verbose=0).history
    assert history["augment_probability"] == [pytest.approx(0.9)]
    assert all(np.isfinite(values).all() for values in history.values())
    # The discriminator of each level sees real and fake images.
    assert set(seen) == set(range(model.num_levels))
    assert min(seen.values()) >= 2


@pytest.mark.parametrize("family", others_slow(registry.families(), "vanilla"))
def test_a_saved_model_keeps_its_dtype_under_another_global_policy(family, tmp_path):
    family.build_test_model(dtype="mixed_float16").save(tmp_path / "a.keras")
    restored = ganzoo.load(tmp_path / "a.keras")
    assert restored.dtype_policy.name == "mixed_float16"
    assert any(layer.compute_dtype == "float16" for layer in restored.generator.layers)
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("family", GENERATING, ids=lambda f: f.name)
@pytest.mark.parametrize("recipe", others_slow(["default", "paper"], "default"))
def test_generate_gives_the_same_images_for_any_batch_size(family, recipe):
    model = family.build_test_model(recipe=recipe)
    labels = None if model.num_classes is None else np.arange(5) % model.num_classes
    pixels = model.generate(5, labels=labels, seed=3)
    assert pixels.dtype == "uint8"
    assert pixels.shape == (5, *model.image_shape)
    # Other batch sizes may round differently, by one level of 255 at most.
    for batch_size in (1, 3):
        again = model.generate(5, labels=labels, seed=3, batch_size=batch_size)
        assert np.abs(pixels.astype(int) - again).max() <= 1


@pytest.mark.parametrize("family", others_slow(registry.families(), "lapgan"))
def test_preset_round_trip(family, tmp_path):
    model = family.build_test_model(seed=2)
    # No constructor makes these weights, in any of the three networks.
    model.set_weights([w + 0.01 * i for i, w in enumerate(model.get_weights())])
    folder = tmp_path / "mine"
    model.save_to_preset(folder, card={"licence": "Apache-2.0"})
    files = {path.name for path in folder.iterdir()}
    assert files >= {"config.json", "model.weights.h5", "card.json"}
    assert json.loads((folder / "card.json").read_text()) == {"licence": "Apache-2.0"}
    assert json.loads((folder / "config.json").read_text())["family"] == family.name
    restored = family.load_class().from_preset(folder)
    assert type(restored) is type(model)
    assert not restored.compiled
    # Only the averaged generator is saved. Training from a preset starts with it.
    for network in (restored.ema_generator, restored.generator):
        tiny.assert_equal(network.weights, model.ema_generator.weights)
    tiny.assert_equal(restored.discriminator.weights, model.discriminator.weights)
    np.testing.assert_array_equal(tiny.make_pixels(model, 3), tiny.make_pixels(restored, 3))
    with pytest.raises(ValueError, match="not empty"):
        model.save_to_preset(folder)


@pytest.mark.parametrize("family", others_slow(registry.families(), "vanilla", "cgan"))
def test_a_preset_can_have_float16_weights_and_no_discriminator(family, tmp_path):
    model = family.build_test_model(seed=2)
    model.set_weights([w + 0.01 * i for i, w in enumerate(model.get_weights())])
    model.save_to_preset(tmp_path / "half", discriminator=False, half=True)
    with h5py.File(tmp_path / "half" / "model.weights.h5") as file:
        held = []
        file.visititems(lambda _, item: held.append(item) if hasattr(item, "dtype") else None)
        assert {item.dtype.name for item in held} <= {"float16", "uint32"}
        assert sum(item.size for item in held) < model.ema_generator.count_params() + 10
    restored = ganzoo.from_preset(tmp_path / "half")
    for weight, kept in zip(
        model.ema_generator.weights, restored.ema_generator.weights, strict=True
    ):
        assert kept.dtype == "float32"
        rounded = np.asarray(weight).astype("float16").astype("float32")
        np.testing.assert_array_equal(kept, rounded)


def test_weights_too_large_for_float16_are_refused(tmp_path):
    gan = tiny.build_gan()
    gan.ema_generator.weights[0].assign(gan.ema_generator.weights[0] + 1e5)
    with pytest.raises(ValueError, match="too large for float16"):
        gan.save_to_preset(tmp_path / "half", half=True)
    assert not list(tmp_path.iterdir())


def test_a_preset_of_another_family_is_refused(tmp_path):
    first, second = registry.families()[:2]
    first.build_test_model().save_to_preset(tmp_path / "first")
    with pytest.raises(ValueError, match=f"holds a {first.class_name}, not a {second.class_name}"):
        second.load_class().from_preset(tmp_path / "first")


def test_a_gan_of_any_two_networks_can_be_a_preset(tmp_path):
    gan = tiny.build_gan()
    gan.save_to_preset(tmp_path / "mine")
    tiny.assert_equal(ganzoo.from_preset(tmp_path / "mine").weights, gan.weights)


def test_damaged_preset_weights_are_refused(tmp_path):
    path = tmp_path / "model.weights.h5"
    path.write_bytes(b"tampered")
    with pytest.raises(ValueError, match="damaged"):
        weights.verify(path, registry.File(path.name, sha256="0" * 64, size=8))
    with pytest.raises(ValueError, match="missing"):
        weights.verify(tmp_path / "none", registry.File("none", sha256="0" * 64, size=8))


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_packaged_weights_that_were_changed_are_not_loaded(tmp_path, monkeypatch):
    shutil.copytree(weights.find_preset("vanilla_mnist"), tmp_path / "vanilla_mnist")
    monkeypatch.setattr(weights, "_PACKAGED", tmp_path)
    assert ganzoo.from_preset("vanilla_mnist").image_shape == (28, 28, 1)
    flip_a_bit(tmp_path / "vanilla_mnist" / "model.weights.h5")
    with pytest.raises(ValueError, match="damaged: its SHA-256"):
        ganzoo.from_preset("vanilla_mnist")
    # The classifiers that metrics use are verified, too.
    asset = CLASSIFIERS["mnist"].weights
    flip_a_bit(pathlib.Path(shutil.copy(weights.find_asset(asset), tmp_path)))
    monkeypatch.setattr(weights, "_ASSETS", tmp_path)
    with pytest.raises(ValueError, match="damaged: its SHA-256"):
        weights.find_asset(asset)


def test_a_subclass_cannot_be_saved_as_a_preset(tmp_path):
    """It would be loaded as another class: by its name, or as a generic model."""
    smallest = registry.get_family("vanilla").test_config
    for name in ("Mine", "VanillaGAN"):
        gan = type(name, (ganzoo.VanillaGAN,), {})(**smallest)
        with pytest.raises(ValueError, match=rf"{name}, whose changes .* lose.*gan.save"):
            gan.save_to_preset(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_a_name_means_the_registered_preset_and_a_path_the_folder(tmp_path, monkeypatch):
    """Names of data sets work the same. A run of that name does not hide the preset either."""
    monkeypatch.chdir(tmp_path)
    mine = registry.get_family("vanilla").build_test_model(seed=0)
    mine.save_to_preset("vanilla_mnist", card={"limits": "mine"})
    assert ganzoo.from_preset("vanilla_mnist").image_shape == (28, 28, 1)
    for folder in ("./vanilla_mnist", tmp_path / "vanilla_mnist"):
        assert ganzoo.from_preset(folder).image_shape == mine.image_shape
        assert loading.find_model(folder).image_shape == mine.image_shape
        assert loading.find_card(folder)["limits"] == "mine"
    assert loading.find_card("vanilla_mnist")["limits"] != "mine"
    # Without such a folder, the name can only mean the preset.
    assert weights.find_preset(pathlib.Path("dcgan_mnist")) == weights.find_preset("dcgan_mnist")


def test_an_unknown_preset_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="dcgan_imagenet"):
        ganzoo.from_preset("dcgan_imagenet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="is not a preset"):
        ganzoo.from_preset(tmp_path / "empty")


# By default, one preset of each family.
ONE_EACH = {family.name: name for name, (family, _) in registry.presets().items()}


@pytest.mark.parametrize("name", others_slow(ganzoo.list_presets(), *ONE_EACH.values()))
def test_every_preset_builds_and_verifies(name):
    family, preset = registry.get_preset(name)
    model = ganzoo.from_preset(name)
    assert type(model).__name__ == family.class_name
    config = model.get_config()
    assert {key: config[key] for key in preset.config} == preset.config
    assert weights.find_preset(name).joinpath(preset.weights.name).stat().st_size == (
        preset.weights.size
    )
    card = json.loads((weights.find_preset(name) / "card.json").read_text())
    assert card
    assert preset.recipe["data"]
    # The images of a trained model differ from each other.
    one_class = {} if model.num_classes is None else {"labels": 0}
    pixels = tiny.make_pixels(model, 8, **one_class)
    assert pixels.std(axis=0).mean() > 5


LOADERS = ["ganzoo.load", "keras.saving.load_model"]


def save_trained(folder, families):
    """Save a trained model of each family, and one of two networks."""
    models = {family.class_name: family.build_test_model(seed=1) for family in families}
    models["GAN"] = tiny.build_gan()
    for name, model in models.items():
        model.compile(loss="hinge", regularizer="r1", discriminator_steps=2, run_eagerly=True)
        model.train_on_batch(*tiny.make_data(model, 2))
        model.save(folder / f"{name}.keras")
        state = tiny.copy_of(state_of(model).values())
        np.savez(folder / f"{name}.npz", *state, images=tiny.make_pixels(model, 3))


# By default, a family with classes stands for all. Other tests load each in their own process.
@pytest.mark.parametrize("names", [["cgan"], pytest.param(None, marks=pytest.mark.slow)])
@pytest.mark.parametrize("loader", others_slow(LOADERS, "keras.saving.load_model"))
def test_a_fresh_process_loads_every_model_as_it_was(loader, names, tmp_path):
    families = [one for one in registry.families() if names is None or one.name in names]
    save_trained(tmp_path, families)
    program = pathlib.Path(__file__).parent / "load_saved.py"
    outcome = subprocess.run(
        [sys.executable, str(program), str(tmp_path), loader],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    expected = sorted(["GAN", *(family.class_name for family in families)])
    assert outcome.stdout.split() == expected


@pytest.mark.parametrize("family", registry.families(), ids=lambda f: f.name)
def test_the_record_of_a_family_agrees_with_its_class_and_the_readme(family):
    model_class = family.load_class()
    assert family.task == model_class.task
    assert family.paper.rpartition("arXiv:")[2] in model_class.__doc__
    readme = pathlib.Path(ganzoo.__file__).parents[1] / "README.md"
    page = f"[`ganzoo.{family.class_name}`](ganzoo/{family.name}/README.md)"
    assert f"| {page} | {family.conditioned_on} | {family.paper} |" in readme.read_text()
