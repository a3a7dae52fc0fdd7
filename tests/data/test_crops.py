"""Test random crops of photographs."""

import numpy as np
import pytest
import tensorflow as tf
import tiny
from cases import others_slow
from PIL import Image

from ganzoo import data, images
from ganzoo.data import crops as crops_module
from ganzoo.distribution import Shard


@pytest.fixture
def photos(tmp_path):
    """Write four photos of different sizes.

    The channels of a pixel are the index of the photo, its row and its column.
    """
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, (height, width) in enumerate([(40, 50), (64, 33), (32, 32), (47, 90)]):
        rows, columns = np.mgrid[:height, :width]
        pixels = np.stack([np.full_like(rows, index), rows, columns], axis=-1).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def test_crops_are_rotated_and_mirrored_squares_of_their_photos(photos):
    dataset = data.load_crops(photos, crop_size=32, batch_size=8, crops_per_image=20)
    assert len(dataset) == 4 * 20 // 8
    crops = images.to_pixels(tiny.gather(dataset)).astype(int)
    assert crops.shape == (80, 32, 32, 3)
    sizes = np.array([(40, 50), (64, 33), (32, 32), (47, 90)])
    kinds, corners = set(), set()
    for crop in crops:
        index = crop[0, 0, 0]
        rows, columns = crop[..., 1], crop[..., 2]
        corner = rows.min(), columns.min()
        # The crop is a square of the photo under one of the eight symmetries of a square.
        square = np.stack(np.mgrid[:32, :32], axis=-1) + corner
        turned = [np.rot90(square, turns) for turns in range(4)]
        turned += [image[::-1] for image in turned]
        (kind,) = [k for k, s in enumerate(turned) if np.array_equal(crop[..., 1:], s)]
        assert np.all(np.array(corner) + 32 <= sizes[index])
        kinds.add(kind)
        corners.add((index, *corner))
    assert kinds == set(range(8))
    assert len(corners) > 40
    assert {corner for corner in corners if corner[0] == 2} == {(2, 0, 0)}


def test_every_pass_has_new_crops_and_the_same_seed_repeats_them(photos):
    def load(seed):
        return data.load_crops(photos, crop_size=16, batch_size=4, crops_per_image=4, seed=seed)

    dataset = load(1)
    first, second = tiny.gather(dataset), tiny.gather(dataset)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(tiny.gather(load(1)), first)
    assert not np.array_equal(tiny.gather(load(2)), first)


def test_gray_photos_become_rgb(png_folder):
    crops = tiny.gather(data.load_crops(png_folder, crop_size=4, batch_size=4, crops_per_image=1))
    assert crops.shape == (20, 4, 4, 3)
    assert np.array_equal(crops[..., 0], crops[..., 2])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"crop_size": 33}, r"2\.png.* smaller than a crop: \(32, 32\)"),
        ({"crop_size": 0}, "crop_size=0"),
        ({"crop_size": 8, "batch_size": 65}, "4 images, too few for one batch of 65"),
        ({"name_or_dir": "sample"}, "28 x 28"),
    ],
)
def test_impossible_crops_are_refused(photos, arguments, named):
    with pytest.raises(ValueError, match=named):
        data.load_crops(**{"name_or_dir": photos, **arguments})


def test_unreadable_photos_are_named(photos):
    for name in ("8.png", "9.png"):
        (photos / name).write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"2 of \d+ images .* cannot be read: 8\.png, 9\.png\."):
        data.load_crops(photos, crop_size=32)


@pytest.mark.parametrize("start", others_slow([2, 9, 12], 9))
def test_a_resumed_data_set_continues_with_the_same_crops(photos, start):
    arguments = {"crop_size": 16, "batch_size": 4, "crops_per_image": 5, "seed": 2}
    straight = tiny.take(data.load_crops(photos, **arguments, start=0), 14)
    tf.random.set_seed(0)  # The global seed must not matter.
    resumed = tiny.take(data.load_crops(photos, **arguments, start=start), 14 - start)
    np.testing.assert_array_equal(resumed, straight[start:])


@pytest.mark.slow
def test_workers_share_the_crops_of_a_single_worker(photos):
    arguments = {"crop_size": 16, "batch_size": 8, "crops_per_image": 4, "seed": 1}
    whole = data.load_crops(photos, **arguments)
    shards = [data.load_crops(photos, **arguments, batch_shard=Shard(i, 2)) for i in (0, 1)]
    assert [len(shard) for shard in shards] == [len(whole)] * 2
    for batch, first, second in zip(whole, *shards, strict=True):
        np.testing.assert_array_equal(batch[0::2], first)
        np.testing.assert_array_equal(batch[1::2], second)
    # The first channel is the index of the photo.
    own = [
        tiny.gather(data.load_crops(photos, **arguments, data_shard=Shard(i, 2))) for i in (0, 1)
    ]
    assert [set(np.unique(images.to_pixels(crops)[..., 0])) for crops in own] == [{0, 2}, {1, 3}]


@pytest.mark.slow
def test_crops_of_tfds_pairs_come_from_the_high_resolution_images(tfds_folder):
    """The data set is like DIV2K in TFDS: `lr` beside `hr`, images of any size."""
    import tensorflow_datasets as tfds

    def make_pairs():
        for index in range(3):
            size = (20, 24 + 4 * index, 3)
            low_res = np.full(size, 10, "uint8")
            yield {"lr": low_res, "hr": np.full((40, 2 * size[1], 3), 200 + index, "uint8")}

    shapes = dict.fromkeys(("lr", "hr"), tf.TensorSpec((None, None, 3), "uint8"))
    tfds.dataset_builders.store_as_tfds_dataset(
        name="pairs_of_photos",
        version="1.0.0",
        data_dir=tfds_folder,
        features=tfds.features.FeaturesDict({name: tfds.features.Image() for name in shapes}),
        split_datasets={
            "train": tf.data.Dataset.from_generator(make_pairs, output_signature=shapes)
        },
    )
    crops = tiny.gather(data.load_crops("pairs_of_photos", crop_size=32, batch_size=6))
    assert crops.shape == (48, 32, 32, 3)
    assert sorted(np.unique(images.to_pixels(crops))) == [200, 201, 202]
    shards = [
        data.load_crops("pairs_of_photos", crop_size=32, batch_size=4, data_shard=Shard(index, 3))
        for index in range(3)
    ]
    colors = [set(np.unique(images.to_pixels(tiny.gather(shard)))) for shard in shards]
    assert sorted(colors, key=min) == [{200}, {201}, {202}]
    with pytest.raises(ValueError, match=r"smaller than a crop of 41.*--image-size"):
        data.load_crops("pairs_of_photos", crop_size=41)


def test_photographs_that_do_not_fit_into_memory_are_decoded_one_by_one(tmp_path, monkeypatch):
    """The shuffle buffer holds names, not decoded photographs."""
    folder = tiny.write_folder(tmp_path / "photos", num_images=400, side=8)
    monkeypatch.setattr(crops_module, "_CACHED_BYTES", 0)
    read, read_photo = [], crops_module.photos.read_photo
    monkeypatch.setattr(
        crops_module.photos, "read_photo", lambda path: read.append(path) or read_photo(path)
    )
    next(iter(data.load_crops(folder, crop_size=8, batch_size=4, crops_per_image=1)))
    # The buffer of crops holds 64.
    assert 64 < len(read) < 200


def test_a_data_set_that_does_not_fit_into_memory_gives_the_same_crops(photos, monkeypatch):
    arguments = {"crop_size": 16, "batch_size": 4, "crops_per_image": 4, "seed": 1}
    cached = tiny.gather(data.load_crops(photos, **arguments))
    monkeypatch.setattr(crops_module, "_CACHED_BYTES", 0)
    dataset = data.load_crops(photos, **arguments)
    np.testing.assert_array_equal(tiny.gather(dataset), cached)


def write_low_res(photos, folder, scale=2):
    """Write for each photo, cut to multiples of the scale, the first pixel of every block."""
    folder.mkdir()
    for path in photos.iterdir():
        pixels = np.asarray(Image.open(path))
        height, width = (side - side % scale for side in pixels.shape[:2])
        Image.fromarray(pixels[:height, :width]).save(path)
        Image.fromarray(pixels[:height:scale, :width:scale]).save(folder / path.name)
    return folder


def test_crops_of_pairs_show_the_same_place(photos, tmp_path):
    low_res = write_low_res(photos, tmp_path / "low")
    dataset = data.load_crops(
        photos, crop_size=16, batch_size=8, crops_per_image=20, low_res=low_res, scale=2
    )
    low, high = (images.to_pixels(np.concatenate(parts)) for parts in zip(*dataset, strict=True))
    assert low.shape == (80, 8, 8, 3)
    assert high.shape == (80, 16, 16, 3)
    # The channels are the photo, the row and the column. The pixel of a block with the smallest
    # row and column is that of the low-resolution image, also in rotated crops.
    blocks = high.reshape(80, 8, 2, 8, 2, 3)
    np.testing.assert_array_equal(blocks.min(axis=(2, 4)), low)
    assert len({tuple(crop[0, 0]) for crop in low}) > 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda low: (low / "1.png").unlink(), r"lacks 1 image of .*: 1\.png"),
        (lambda low: Image.new("RGB", (24, 20)).save(low / "0.png"), "50 x 40 and 24 x 20"),
        (lambda low: (low / "2.png").write_bytes(b""), r"2\.png' cannot be read"),
        (lambda low: low.rename(low.with_name("other")), "no folder"),
    ],
    ids=["missing", "size", "damaged", "folder"],
)
def test_pairs_that_do_not_fit_are_refused_in_one_line(change, message, photos, tmp_path):
    low_res = write_low_res(photos, tmp_path / "low")
    change(low_res)
    with pytest.raises(ValueError, match=message) as caught:
        data.load_crops(photos, crop_size=16, batch_size=4, low_res=low_res, scale=2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("more", [{"degrade": True}, {"crop_size": 15}])
def test_pairs_exclude_degradation_and_need_crops_that_the_scale_divides(more, photos, tmp_path):
    low_res = write_low_res(photos, tmp_path / "low")
    arguments = {"crop_size": 16, "batch_size": 4, "low_res": low_res, "scale": 2, **more}
    with pytest.raises(ValueError, match=r"exclude each other|multiple of 2"):
        data.load_crops(photos, **arguments)
