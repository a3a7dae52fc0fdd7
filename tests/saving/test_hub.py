"""Test presets of the Hugging Face Hub with a local server that has its HTTP API."""

import json
import os
import subprocess
import sys
import threading

import hub_server
import numpy as np
import pytest
import yaml

import ganzoo
from ganzoo import registry
from ganzoo.saving import downloads, loading, model_card

hf = pytest.importorskip("huggingface_hub")

CARD = {"licence": "Apache-2.0", "limits": "Draws | 28 x 28 pixels.", "metrics": {"fid": 1.25}}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Start a hub, log in, and use an empty cache."""
    from huggingface_hub import constants

    server = hub_server.HubServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # The library reads HF_ENDPOINT and HF_HUB_CACHE when it is imported, which Keras may have done.
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """Return the files of a preset of a vanilla GAN."""
    folder = tmp_path_factory.mktemp("preset") / "mine"
    registry.get_family("vanilla").build_test_model().save_to_preset(folder, CARD)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pushed_model_generates_the_same_images_after_loading(hub):
    gan = registry.get_family("cgan").build_test_model()
    assert gan.push_to_hub("user/clothes", CARD) == f"{hub.url}/user/clothes"
    loaded = ganzoo.from_preset("hf://user/clothes")
    expected = gan.generate(4, labels=[0, 1, 1, 0], seed=3)
    np.testing.assert_array_equal(loaded.generate(4, labels=[0, 1, 1, 0], seed=3), expected)
    assert loading.find_card("hf://user/clothes") == CARD
    assert loading.find_origin("hf://user/clothes")[0] == "cgan"
    # The command line accepts addresses wherever it accepts presets.
    assert type(loading.find_model("hf://user/clothes")) is type(gan)


def test_the_readme_of_a_repository_has_a_yaml_header(hub):
    registry.get_family("vanilla").build_test_model().push_to_hub("user/digits", CARD)
    readme = hub.repositories["user/digits"]["README.md"].decode()
    _, header, body = readme.split("---\n", 2)
    assert yaml.safe_load(header) == {
        "library_name": "keras",
        "license": "apache-2.0",
        "tags": ["gan", "ganzoo", "vanilla"],
        "pipeline_tag": "unconditional-image-generation",
    }
    assert 'gan = ganzoo.from_preset("hf://user/digits")' in body
    assert "| Limits | Draws \\| 28 x 28 pixels. |" in body
    assert "| fid | 1.25 |" in body


def test_every_preset_of_the_package_has_a_readme():
    for name in ganzoo.list_presets():
        folder = loading.weights.find_description(name)
        config = json.loads((folder / "config.json").read_text())
        readme = model_card.write_readme(f"hf://user/{name}", config, loading.find_card(name), True)
        header = yaml.safe_load(readme.split("---\n")[1])
        assert header["license"] == "apache-2.0"
        is_upscaling = registry.get_preset(name)[0].task == "super_resolution"
        assert (header.get("pipeline_tag") == "image-to-image") == is_upscaling


def test_an_unknown_license_is_written_with_its_name():
    readme = model_card.write_readme("hf://a/b", {"family": "dcgan"}, {"license": "My: own"}, False)
    header = yaml.safe_load(readme.split("---\n")[1])
    assert (header["license"], header["license_name"]) == ("other", "My: own")


def test_a_cached_preset_loads_without_a_network(hub, preset):
    hub.repositories["user/digits"] = preset
    ganzoo.from_preset("hf://user/digits")
    hub.shutdown()
    hub.server_close()
    assert ganzoo.from_preset("hf://user/digits").image_shape == (4, 4, 1)


def test_only_the_files_of_a_preset_are_downloaded(hub, preset):
    hub.repositories["user/digits"] = {**preset, "huge.bin": b"1", "run.py": b"raise SystemExit"}
    ganzoo.from_preset("hf://user/digits")
    assert not any(path.endswith(("huge.bin", "run.py")) for _, path in hub.requests)


def test_a_tampered_file_is_refused(hub, preset):
    weights = bytearray(preset["model.weights.h5"])
    weights[-1] ^= 1
    hub.repositories["user/digits"] = {**preset, "model.weights.h5": bytes(weights)}
    with pytest.raises(ValueError, match=r"is damaged: its SHA-256 is \w+, not \w+\. Copy or"):
        ganzoo.from_preset("hf://user/digits")


def test_classes_that_are_not_known_are_refused(hub, preset):
    config = json.loads(preset["config.json"])
    config["family"] = None
    network = {"module": "os", "class_name": "system", "config": {}, "registered_name": "system"}
    config["config"] = {"generator": network, "discriminator": network}
    content = json.dumps(config).encode()
    hub.repositories["user/digits"] = {**preset, "config.json": content}
    with pytest.raises(ValueError, match="cannot be loaded"):
        ganzoo.from_preset("hf://user/digits")


def test_a_repository_without_a_preset_is_refused(hub, preset):
    hub.repositories["user/digits"] = {"config.json": preset["config.json"]}
    with pytest.raises(ValueError, match="'hf://user/digits' is not a preset"):
        ganzoo.from_preset("hf://user/digits")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://user/missing", "'hf://user/missing' is not found. Check the name."),
        ("hf://user/digits@v9", "'hf://user/digits@v9' has no such revision."),
        ("hf://digits", "must be 'hf://user/name' or 'hf://user/name@revision'. Received"),
        ("hf://user/../digits", "must be 'hf://user/name'"),
        ("hf://user/a--b", "is not a valid name of a repository"),
    ],
)
def test_an_address_without_a_repository_is_an_error_of_one_line(hub, preset, address, message):
    hub.repositories["user/digits"] = preset
    with pytest.raises(ValueError, match=message) as caught:
        ganzoo.from_preset(address)
    assert "\n" not in str(caught.value)


def test_a_missing_network_is_an_error_of_one_line(hub):
    hub.shutdown()
    hub.server_close()
    pattern = "'hf://user/digits' cannot be reached .* Check the network connection"
    with pytest.raises(downloads.DownloadError, match=pattern) as caught:
        ganzoo.from_preset("hf://user/digits")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "hf_other"])
def test_pushing_without_the_right_token_is_an_error_of_one_line(hub, monkeypatch, token):
    monkeypatch.setenv("HF_TOKEN", token)
    gan = registry.get_family("vanilla").build_test_model()
    with pytest.raises(ValueError, match=r"access token.*hf auth login") as caught:
        gan.push_to_hub("user/digits")
    assert "\n" not in str(caught.value)
    assert hub.repositories == {}


def test_a_missing_package_is_an_error_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    gan = registry.get_family("vanilla").build_test_model()
    message = r"Install it with `pip install 'keras-ganzoo\[hub\]'`"
    with pytest.raises(ValueError, match=message):
        ganzoo.from_preset("hf://user/digits")
    with pytest.raises(ValueError, match=message):
        gan.push_to_hub("user/digits")


def test_the_command_line_prints_the_card_of_a_repository(hub, preset, tmp_path):
    hub.repositories["user/digits"] = preset
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [sys.executable, "-m", "ganzoo", "info", "hf://user/digits"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Draws | 28 x 28 pixels." in done.stdout
