"""Test edits of photographs: reading them, finding their latents and changing these."""

import numpy as np
import pytest
from PIL import Image

import ganzoo
from ganzoo import registry, sampling

FAST = {"num_steps": 2, "num_starts": 1, "features": None}


@pytest.fixture(scope="module")
def cgan():
    return registry.get_family("cgan").build_test_model(seed=0)


def photo_of(gan, label, seed=5):
    return gan.generate(1, labels=[label], seed=seed)[0]


def test_a_picture_is_cut_out_of_the_middle_and_gets_the_models_channels(tmp_path):
    pixels = np.zeros((10, 30, 3), "uint8")
    pixels[:, 10:20] = (255, 0, 0)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    gray = sampling.read_picture(tmp_path / "wide.png", (10, 10, 1))
    # The luma of pure red is 0.299.
    np.testing.assert_array_equal(gray, np.full((10, 10, 1), 76))
    assert sampling.read_picture(tmp_path / "wide.png", (8, 8, 4)).shape == (8, 8, 4)


def test_transparent_parts_of_a_picture_are_white_for_a_model_without_alpha(tmp_path):
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert sampling.read_picture(tmp_path / "clear.png", (8, 8, 3)).min() == 255


def test_the_labels_of_a_photograph_are_those_that_reproduce_it_best(cgan, monkeypatch):
    def invert(targets, labels, **search):
        errors = np.abs(np.asarray(labels) - 1.2)  # Class 1 has the smallest.
        return np.zeros((len(targets), cgan.latent_dim), "float32"), errors

    monkeypatch.setattr(cgan, "invert", invert)
    assert sampling.find_latents(cgan, photo_of(cgan, 2)).labels == 1


def test_relabeling_decodes_the_found_latents_under_each_label(cgan):
    found = sampling.find_latents(cgan, photo_of(cgan, 1), 1, **FAST)
    edit = sampling.relabel(cgan, found, ["2", "0"])
    expected = cgan.decode(np.stack([found.latents] * 3), [1, 2, 0])
    np.testing.assert_array_equal(edit.columns[0], found.pixels)
    np.testing.assert_array_equal(edit.columns[1:], expected)
    assert edit.captions == ["photo", "found: 1", "2", "0"]
    # The animation passes through the same images.
    np.testing.assert_array_equal(edit.frames[[0, 12, 24]], expected)


def test_columns_of_labels_that_are_left_out_stay_as_they_were_found():
    gan = ganzoo.CGAN(
        image_shape=(8, 8, 1),
        conditions=[
            {"name": "age", "mean": 40.0, "std": 20.0},
            {"name": "kind", "class_names": ["a", "b"]},
        ],
        base_filters=2,
        latent_dim=4,
    )
    photo = np.zeros((8, 8, 1), "uint8")
    found = sampling.find_latents(gan, photo, {"age": 30, "kind": "b"}, **FAST)
    edit = sampling.relabel(gan, found, {"age": ["20", "60"]})
    expected = gan.decode(np.stack([found.latents] * 2), {"age": [20, 60], "kind": ["b", "b"]})
    np.testing.assert_array_equal(edit.columns[2:], expected)
    assert edit.captions == ["photo", "found: age 30, b", "age 20, b", "age 60, b"]


def test_moving_along_a_direction_adds_it_to_the_latents(cgan):
    found = sampling.find_latents(cgan, photo_of(cgan, 1), 1, **FAST)
    direction = np.eye(cgan.latent_dim, dtype="float32")[0]
    edit = sampling.move(cgan, found, direction, -3, 3)
    ends = np.stack([found.latents - 3 * direction, found.latents, found.latents + 3 * direction])
    np.testing.assert_array_equal(edit.columns[[1, 4, 7]], cgan.decode(ends, 1))
    np.testing.assert_array_equal(edit.frames[[0, 12, 24]], cgan.decode(ends, 1))
    assert edit.captions[1:] == ["-3", "-2", "-1", "+0", "+1", "+2", "+3"]


@pytest.mark.parametrize("family", ["vanilla", "cgan", "dcgan", "lapgan", "r3gan"])
def test_a_walk_between_two_photographs_starts_and_ends_with_their_reconstructions(family, eager):
    gan = registry.get_family(family).build_test_model(seed=0)
    labels = [0, 1] if gan.conditions else [None, None]
    pixels = gan.generate(2, seed=1)
    ends = [sampling.find_latents(gan, *pair, **FAST) for pair in zip(pixels, labels, strict=True)]
    edit = sampling.blend(gan, *ends)
    for found, column, photo in zip(ends, (1, -2), (0, -1), strict=True):
        expected = gan.decode(found.latents[None], found.labels)[0].astype(int)
        # Lengths and angles of latents round.
        assert np.abs(edit.columns[column] - expected).max() <= 1
        np.testing.assert_array_equal(edit.columns[photo], found.pixels)


def test_labels_are_refused_by_a_model_without_classes():
    gan = registry.get_family("dcgan").build_test_model(seed=0)
    found = sampling.find_latents(gan, gan.generate(1, seed=0)[0], **FAST)
    with pytest.raises(ValueError, match="not conditioned on classes"):
        sampling.relabel(gan, found, ["0"])
