"""Untrusted files are read as data, within limits, or refused with an error of one line."""

import io
import json
import pathlib
import shutil
import zipfile
import zlib

import h5py
import keras
import numpy as np
import pytest
import tiny
from PIL import Image

import ganzoo
from ganzoo import data, registry
from ganzoo.images import photos
from ganzoo.saving import untrusted

VANILLA = registry.get_family("vanilla")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Return a saved model. Tests must not change it."""
    path = tmp_path_factory.mktemp("model") / "model.keras"
    VANILLA.build_test_model(seed=0).save(path)
    return path


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "preset"
    VANILLA.build_test_model(seed=0).save_to_preset(folder)
    # Without the record of the weights, as in presets of older versions. Strangers can remove it.
    change_config(folder, lambda config: config.pop("weights"))
    return folder


def rewrite(file, path, config=None, weights=None, more=(), compression=zipfile.ZIP_STORED):
    """Copy a `.keras` file with changed parts."""
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(path, "w", compression) as new:
        parts = {name: old.read(name) for name in old.namelist()}
        if config:
            parts["config.json"] = json.dumps(config(json.loads(parts["config.json"])))
        if weights:
            content = io.BytesIO(parts["model.weights.h5"])
            with h5py.File(content, "r+") as opened:
                weights(opened)
            parts["model.weights.h5"] = content.getvalue()
        for name, value in [*parts.items(), *more]:
            new.writestr(name, value)
    return path


def assert_refused(path, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        ganzoo.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# `.keras` files.


@pytest.mark.parametrize(
    "name", ["../../stolen", "/etc/stolen", "assets/../../stolen", "script.py", "model.weights.npz"]
)
def test_an_archive_with_files_that_belong_to_no_model_is_refused(name, file, tmp_path):
    path = rewrite(file, tmp_path / "b.keras", more=[(name, "x")])
    assert_refused(path, "belongs to no model")
    assert [entry.name for entry in tmp_path.iterdir()] == ["b.keras"]


def test_a_link_in_an_archive_is_refused(file, tmp_path):
    link = zipfile.ZipInfo("config.json")
    link.external_attr = 0o120777 << 16
    path = tmp_path / "b.keras"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(path, "w") as new:
        new.writestr(link, "/etc/passwd")
        new.writestr("model.weights.h5", old.read("model.weights.h5"))
    assert_refused(path, "cannot be loaded")


def test_a_compressed_archive_is_refused(file, tmp_path):
    """Keras does not compress archives. Compressed parts could expand to exhaust the memory."""
    packed = {"compression": zipfile.ZIP_DEFLATED}
    path = rewrite(file, tmp_path / "b.keras", more=[("progress.json", " " * 10**7)], **packed)
    assert_refused(path, "its parts are packed")


def insert_lambda(config):
    code = keras.layers.Lambda(lambda x: x).get_config()
    layer = {"module": "keras.layers", "class_name": "Lambda", "config": code}
    config["config"]["generator"] = layer
    return {**config, "class_name": "GAN", "registered_name": "ganzoo>GAN"}


def name_class(module, name, registered=None):
    def change(config):
        return {"module": module, "class_name": name, "config": {}, "registered_name": registered}

    return change


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (insert_lambda, "[Ll]ambda"),
        (name_class("stranger", "run"), "cannot be loaded"),
        (name_class("os", "system"), "cannot be loaded"),
        (name_class("builtins", "eval"), "cannot be loaded"),
        (name_class("subprocess", "Popen"), "cannot be loaded"),
        (name_class("keras.utils", "get_file"), "cannot be loaded"),
        (name_class("keras.models", "Sequential"), "cannot be loaded"),
        (lambda config: {}, "cannot be loaded"),
        (lambda config: [config], "cannot be loaded"),
    ],
)
def test_code_and_unknown_classes_in_a_configuration_are_refused(
    config, reason, file, tmp_path, monkeypatch
):
    # This module creates a file when it is imported or called.
    marker = tmp_path / "code was run"
    code = f"open({str(marker)!r}, 'w').close()\ndef run(**_): open({str(marker)!r}, 'w').close()"
    (tmp_path / "stranger.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert_refused(rewrite(file, tmp_path / "b.keras", config=config), reason)
    assert not marker.exists()


class Unknown(keras.layers.Layer):
    def call(self, inputs):
        return inputs


def not_registered(inputs):
    return inputs


@pytest.mark.parametrize(
    ("layer", "known"),
    [
        (Unknown(), {"Unknown": Unknown}),
        (keras.layers.Dense(2, activation=not_registered), {"not_registered": not_registered}),
    ],
)
def test_an_unknown_class_or_function_is_named_and_loads_once_it_is_known(layer, known, tmp_path):
    (name,) = known
    images = keras.Input(tiny.IMAGE_SHAPE)
    hidden = layer(keras.layers.Flatten()(images))
    discriminator = keras.Model(images, keras.layers.Dense(1)(hidden))
    gan = ganzoo.GAN(tiny.build_generator(), discriminator)
    gan.save(tmp_path / "a.keras")
    gan.save_to_preset(tmp_path / "preset")
    for path in (tmp_path / "a.keras", tmp_path / "preset"):
        assert_refused(path, f"'{name}' is a .* not known here.*register_keras_serializable")
        with keras.saving.custom_object_scope(known):
            ganzoo.load(path)


def with_argument(name, value):
    def change(config):
        config["config"][name] = value
        return config

    return change


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("latent_dim", 10**9, "numbers .* is asked for by a file"),
        ("latent_dim", 10**30, "cannot be"),
        ("latent_dim", -1, "at least 1"),
        ("latent_dim", "many", "cannot be"),
        ("latent_dim", None, "cannot be"),
        ("image_shape", [10**5, 10**5, 3], "numbers .* is asked for by a file"),
        ("image_shape", [10**12, 10**12, 10**12], "cannot be"),
        ("image_shape", [], "`image_shape` must be"),
        ("image_shape", "large", "cannot be"),
    ],
)
def test_a_configuration_with_absurd_sizes_is_refused(name, value, reason, file, tmp_path):
    assert_refused(rewrite(file, tmp_path / "b.keras", config=with_argument(name, value)), reason)


def test_a_configuration_that_is_too_long_is_refused(file, preset, tmp_path, monkeypatch):
    monkeypatch.setattr(untrusted, "_CONFIG_BYTES", 100)
    path = pathlib.Path(shutil.copy(file, tmp_path))
    assert_refused(path, "config.json has more than 100 bytes")
    with pytest.raises(ValueError, match="more than 100"):
        ganzoo.from_preset(preset)


def test_a_model_of_images_that_are_too_large_is_refused(file, tmp_path, monkeypatch):
    monkeypatch.setattr(untrusted, "_IMAGE_VALUES", 3)
    assert_refused(
        pathlib.Path(shutil.copy(file, tmp_path)), r"its images of shape \(.*\) are too large"
    )


def test_a_model_too_large_for_its_file_is_refused_before_it_is_built(preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "preset")
    change_config(folder, lambda config: config["config"].update(latent_dim=10**8))
    with pytest.raises(ValueError, match=r"preset.*numbers .* is asked for by a file of [0-9,]+ b"):
        ganzoo.from_preset(folder)


@pytest.mark.slow
def test_a_network_of_too_many_layers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(untrusted, "_VARIABLES", 300)
    registry.get_family("srgan").build_test_model(seed=0).save_to_preset(tmp_path / "preset")
    change_config(
        tmp_path / "preset", lambda config: config["config"].update(num_blocks=10**9, filters=1)
    )
    with pytest.raises(ValueError, match="300 variables"):
        ganzoo.from_preset(tmp_path / "preset")


def link_outside(weights):
    weights["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")


def link_softly(weights):
    weights["elsewhere"] = h5py.SoftLink("/layers")


def store_outside(weights):
    weights.create_dataset("outside", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def refer_to_other_file(weights):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    weights.create_virtual_dataset("borrowed", layout)


def declare_huge_array(weights):
    weights.create_dataset("large", (10**6, 10**6), "f4", chunks=(1000, 1000))


def insert_text(weights):
    weights.create_dataset("text", data=["code"], dtype=h5py.string_dtype())


@pytest.mark.parametrize(
    "weights",
    [
        link_outside,
        link_softly,
        store_outside,
        refer_to_other_file,
        declare_huge_array,
        insert_text,
    ],
)
def test_weights_may_only_hold_arrays_of_numbers_inside_the_file(weights, file, preset, tmp_path):
    path = rewrite(file, tmp_path / "b.keras", weights=weights)
    assert_refused(path, "in its weights '")
    folder = shutil.copytree(preset, tmp_path / "preset")
    with h5py.File(folder / "model.weights.h5", "r+") as opened:
        weights(opened)
    with pytest.raises(ValueError, match="in its weights '"):
        ganzoo.from_preset(folder)


def test_no_module_unpickles_files():
    """No module calls pickle, lets NumPy call it, or tells Keras to trust a file."""
    for path in pathlib.Path(ganzoo.__file__).parent.rglob("*.py"):
        text = path.read_text()
        for word in ("import pickle", "allow_pickle=True", "safe_mode=False", "unsafe_deser"):
            assert word not in text, path
        assert text.count("np.load(") == text.count("allow_pickle=False"), path


# Preset folders.


def change_config(folder, change):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.update(family="vanila"), "Did you mean 'vanilla'"),
        (lambda c: c.update(family=["vanilla"]), "no 'family'"),
        (lambda c: c.update(family="dcgan"), "cannot be loaded"),
        (lambda c: c.pop("config"), "no 'config'"),
        (lambda c: c.update(config=[]), "no 'config'"),
        (lambda c: c.update(networks=["generator", "__class__"]), "__class__"),
        (lambda c: c.update(networks="generator"), "no 'networks'"),
        (lambda c: c.update(format=2, ganzoo_version="9.9"), "format 2.*'9.9'.*newer ganzoo"),
        (lambda c: c.update(format="new"), "format 'new'"),
        (lambda c: c["config"].update(cost=3), "cost"),
        (lambda c: c.update(weights=[1]), "config.json' cannot be loaded"),
        (lambda c: c.update(weights={"name": "a", "sha256": "b", "size": 3}), "is damaged"),
    ],
)
def test_a_wrong_preset_configuration_is_refused_with_its_reason(change, reason, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "preset")
    change_config(folder, change)
    with pytest.raises(ValueError, match=reason) as caught:
        ganzoo.from_preset(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", "[" * 10**5, '{"family": "vanilla"}'])
def test_an_invalid_configuration_file_is_refused(content, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "preset")
    (folder / "config.json").write_text(content)
    with pytest.raises(ValueError, match="preset"):
        ganzoo.from_preset(folder)


@pytest.mark.parametrize("size", [0, 100, 5000])
def test_truncated_weights_are_refused(size, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "preset")
    path = folder / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match="cannot be loaded"):
        ganzoo.from_preset(folder)


@pytest.mark.parametrize("part", ["generator", "discriminator", "generator/layers/dense/vars"])
def test_missing_weights_are_refused_and_not_replaced_by_random_ones(part, preset, tmp_path):
    folder = shutil.copytree(preset, tmp_path / "preset")
    with h5py.File(folder / "model.weights.h5", "r+") as weights:
        del weights[part]
    with pytest.raises(ValueError, match="cannot be loaded"):
        ganzoo.from_preset(folder)


def test_a_model_that_is_not_a_gan_is_refused(tmp_path):
    tiny.build_generator().save(tmp_path / "a.keras")
    assert_refused(tmp_path / "a.keras", "Sequential, which is not a GAN")


def test_weights_of_another_model_are_refused(preset, tmp_path):
    tiny.build_gan().save_to_preset(tmp_path / "other")
    shutil.copytree(preset, tmp_path / "preset")
    shutil.copy(tmp_path / "other" / "model.weights.h5", tmp_path / "preset")
    with pytest.raises(ValueError, match="cannot be loaded") as caught:
        ganzoo.from_preset(tmp_path / "preset")
    assert "\n" not in str(caught.value)


# Images.


def decompression_bomb():
    """Return a PNG file of a few bytes whose header says 40,000 x 40,000 pixels."""
    content = io.BytesIO()
    Image.new("1", (8, 8)).save(content, "PNG")
    content = bytearray(content.getvalue())
    content[16:24] = (40_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def encode(image, kind, **options):
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


RGB = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8"))


@pytest.mark.parametrize(
    "content",
    [
        decompression_bomb(),
        encode(RGB, "PNG")[:-200],
        encode(RGB, "JPEG")[:300],
        encode(RGB, "WEBP")[:90],
        b"GIF89a" + b"\xff" * 50,
        b"%PDF-1.4 not an image",
        b"",
    ],
    ids=[
        "decompression-bomb",
        "truncated-png",
        "truncated-jpeg",
        "truncated-webp",
        "damaged-gif",
        "pdf",
        "empty",
    ],
)
def test_an_invalid_image_is_named_by_every_reader(content, tmp_path):
    tiny.write_folder(tmp_path / "photos", num_images=4, side=20)
    (tmp_path / "photos" / "bad.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.png"):
        photos.read_photo(tmp_path / "photos" / "bad.png")
    with pytest.raises(ValueError, match=r"1 of 5 images .*bad\.png"):
        data.load(tmp_path / "photos", image_size=8, batch_size=2)
    with pytest.raises(Exception, match=r"bad\.png"):
        list(data.load_crops(tmp_path / "photos", crop_size=8, batch_size=2))


def test_images_of_every_kind_are_read_even_with_a_wrong_extension(tmp_path):
    frames = [Image.new("L", (30, 20), value) for value in (10, 90)]
    deep = Image.fromarray(np.full((20, 30), 40_000, "uint16"))
    files = {
        "cmyk.jpg": encode(RGB.convert("CMYK"), "JPEG"),
        "mislabelled.png": encode(RGB, "JPEG"),
        "animated.gif": encode(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "animated.webp": encode(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "deep.png": encode(deep, "PNG"),
        "clear.png": encode(RGB.convert("RGBA"), "PNG"),
        "strip.png": encode(Image.new("RGB", (100_000, 1)), "PNG"),
        "tower.png": encode(Image.new("L", (1, 100_000)), "PNG"),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = data.load_arrays(tmp_path, image_size=8)
    assert found.pixels.shape == (len(files), 8, 8, 3)
    index = sorted(files).index("deep.png")
    # The value 40,000 of 65,535 is scaled to 156 of 255, and not clipped.
    assert np.all(found.pixels[index] == 156)
