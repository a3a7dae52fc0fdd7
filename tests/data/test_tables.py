"""Read the labels of a folder from a CSV file."""

import numpy as np
import pytest
import tiny

from ganzoo import data

ROWS = ["a/000.png,42,cat", "a/001.png,7.5,dog", "b/000.png,-1,cat", "b/001.png,3e1,dog"]


@pytest.fixture
def folder(tmp_path):
    return tiny.write_folder(tmp_path / "photos", num_images=2, classes=("a", "b"))


def write(folder, lines, name="labels.csv", encoding="utf-8"):
    (folder / name).write_text("\n".join(lines), encoding=encoding)


def load(folder, rows=ROWS, header="file,age,kind", labels="labels.csv"):
    write(folder, [header, *rows])
    return data.load_arrays(folder, labels=labels)


def test_numbers_stay_numbers_and_text_becomes_classes(folder):
    found = load(folder)
    age, kind = found.conditions
    assert (age.name, kind.name, kind.class_names) == ("age", "kind", ["cat", "dog"])
    numbers = [42, 7.5, -1, 30]
    assert (age.mean, age.std) == pytest.approx((np.mean(numbers), np.std(numbers)))
    assert (age.low, age.high) == (-1, 42)
    assert found.labels["age"].tolist() == numbers
    assert found.labels["kind"].tolist() == [0, 1, 0, 1]
    assert (found.num_classes, found.class_names) == (None, None)
    assert found.fingerprint.describe() == "4 images of 8 x 8 x 1 with age, kind"
    half = found.take(slice(2, None))
    assert (half.conditions, half.labels["age"].tolist()) == (found.conditions, [-1, 30])


def test_batches_hold_a_dict_of_labels_beside_their_images(folder):
    whole = load(folder)
    dataset = data.load(folder, labels="labels.csv", batch_size=2, seed=3)
    assert dataset.conditions == whole.conditions
    for images, labels in dataset:
        assert {name: t.dtype.name for name, t in labels.items()} == {
            "age": "float32",
            "kind": "int32",
        }
        for image, age in zip(images.numpy(), labels["age"].numpy(), strict=True):
            index = whole.labels["age"].tolist().index(age)
            np.testing.assert_allclose((image + 1) * 127.5, whole.pixels[index], atol=1e-3)


def test_one_column_of_text_is_like_class_folders(folder):
    rows = ["b/001.png,x2", "b/000.png,x10", "a/000.png,x10", "a/001.png,x2"]
    one = load(folder, rows, "file,kind")
    assert (one.num_classes, one.class_names, one.conditions) == (2, ["x2", "x10"], None)
    assert one.labels.tolist() == [1, 0, 1, 0]
    assert one.fingerprint.class_counts == [2, 2]


@pytest.mark.parametrize("form", ["semicolons", "tabs", "quotes", "mark", "windows", "elsewhere"])
def test_other_forms_of_the_same_file_give_the_same_labels(form, folder, tmp_path):
    expected = load(folder)
    lines, place, encoding = ["file,age,kind", *ROWS], folder / "labels.csv", "utf-8"
    if form in ("semicolons", "tabs"):
        lines = [line.replace(",", ";" if form == "semicolons" else "\t") for line in lines]
    elif form == "quotes":
        lines = [line.replace("cat", '"cat"').replace(",", " , ") for line in lines] + [""]
        lines = [line.replace(' , "', ',"') for line in lines]
    elif form == "mark":
        encoding = "utf-8-sig"
    elif form == "windows":
        lines = [f".\\{line}".replace("/", "\\") if "/" in line else line for line in lines]
        lines = [f"{line}\r" for line in lines]
    elif form == "elsewhere":
        place.unlink()
        place = tmp_path / "other.csv"
    write(place.parent, lines, place.name, encoding)
    found = data.load_arrays(folder, labels=place.name if place.parent == folder else place)
    assert found.conditions == expected.conditions
    assert found.fingerprint == expected.fingerprint


def test_the_order_of_rows_does_not_matter_and_labels_are_part_of_the_fingerprint(folder):
    expected = load(folder)
    shuffled = load(folder, ROWS[::-1])
    assert shuffled.fingerprint == expected.fingerprint
    np.testing.assert_array_equal(shuffled.labels["age"], expected.labels["age"])
    changed = load(folder, [ROWS[0].replace("42", "41"), *ROWS[1:]])
    assert changed.fingerprint != expected.fingerprint


def test_images_without_a_row_are_left_out_and_counted(folder):
    with pytest.warns(UserWarning, match=r"images without a row in labels.csv \(1: b/001.png\)"):
        found = load(folder, ROWS[:3])
    assert (len(found.pixels), found.fingerprint.num_images) == (3, 3)
    assert found.labels["kind"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("rows", "header", "problem"),
    [
        ([*ROWS, "b/9.png,1,cat"], "file,age,kind", r"names 1 of 5 files .*b/9.png \(line 6\)"),
        ([*ROWS, ROWS[0]], "file,age,kind", r"line 6: 'a/000.png' has a row already, in line 2"),
        (
            ["a/000.png,,cat", *ROWS[1:]],
            "file,age,kind",
            r"'age': 1 of 4 values are missing: a/000",
        ),
        (["a/000.png,nan,cat", *ROWS[1:]], "file,age,kind", "1 of 4 values are missing"),
        (["a/000.png,old,cat", *ROWS[1:]], "file,age,kind", r"mixed: 1 of 4 .*a/000.png \(line 2"),
        (["a/000.png,42", *ROWS[1:]], "file,age,kind", "line 2: 3 values are needed.*Received: 2"),
        ([row[:-3] + "cat" for row in ROWS], "file,age,kind", "'kind': all values are 'cat'"),
        (ROWS, "image,age,kind", "one of them 'file'. Received: 'image,age,kind'"),
        (ROWS, "file,age,age", "others of different names"),
        (ROWS, "file,seed,kind", "are not images, latents, num_images, seed"),
        ([], "file,age,kind", "needs a row for each image"),
    ],
)
def test_a_file_that_does_not_fit_the_images_gives_one_line(rows, header, problem, folder):
    with pytest.raises(ValueError, match=problem) as error:
        load(folder, rows, header)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_data_sets_with_their_own_labels_are_refused(folder):
    with pytest.raises(ValueError, match=r"'lables.csv', which is neither a file in"):
        data.load_arrays(folder, labels="lables.csv")
    with pytest.raises(ValueError, match=r"labels='labels\.csv' for 'sample'"):
        data.load("sample", labels="labels.csv")
    write(folder, ["file,kind", "a/000.png,\xe9"], encoding="latin-1")
    with pytest.raises(ValueError, match="must be UTF-8"):
        data.load_arrays(folder, labels="labels.csv")


def test_both_splits_of_a_folder_have_the_same_conditions(tmp_path):
    folder = tiny.write_folder(tmp_path / "photos", num_images=120)
    rows = [f"{index:03d}.png,{index},{'ab'[index % 2]}" for index in range(120)]
    write(folder, ["file,age,kind", *rows])
    train, test, both = (
        data.load_arrays(folder, split, labels="labels.csv")
        for split in ("train", "test", "train+test")
    )
    assert train.conditions == test.conditions == both.conditions
    assert both.labels["age"].tolist() == list(range(120))
    assert train.fingerprint.num_held_out == len(test.pixels) > 0
    ages = [*train.labels["age"], *test.labels["age"]]
    assert sorted(ages) == list(range(120))
    for part in (train, test):
        chosen = part.labels["age"].astype(int)
        np.testing.assert_array_equal(part.pixels, both.pixels[chosen])
        np.testing.assert_array_equal(part.labels["kind"], chosen % 2)
