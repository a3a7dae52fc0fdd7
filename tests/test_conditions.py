"""Find the class ids of names."""

import numpy as np
import pytest

from ganzoo.conditions import check_class_names, class_ids

CLOTHES = ["T-shirt/top", "Shirt", "Bag", "Ankle boot"]


def test_names_are_found_whatever_their_capitals_and_ids_stay():
    labels = ["bag", "SHIRT", "Ankle boot", " t-shirt/top "]
    assert class_ids(labels, CLOTHES).tolist() == [2, 1, 3, 0]
    assert class_ids(np.array([b"Bag"]), CLOTHES).tolist() == [2]
    assert class_ids([3, 0], CLOTHES).tolist() == [3, 0]
    assert class_ids("bag", CLOTHES).shape == ()


def test_capitals_matter_if_names_differ_only_by_them():
    assert class_ids(["US", "us"], ["us", "US"]).tolist() == [1, 0]
    with pytest.raises(ValueError, match="could be 'us', 'US'"):
        class_ids("Us", ["us", "US"])


def test_text_that_is_a_number_is_an_id_unless_classes_are_called_by_numbers():
    assert class_ids(["3", "bag"], CLOTHES).tolist() == [3, 2]
    assert class_ids("3", None).tolist() == 3
    assert class_ids(["10", "2"], ["2", "10"]).tolist() == [1, 0]
    with pytest.raises(ValueError, match="Unknown class: '0'"):
        class_ids("0", ["2", "10"])


def test_an_unknown_name_gives_one_line_with_the_nearest_names():
    with pytest.raises(
        ValueError, match=r"'t-shrt'\. Did you mean 'Shirt' or 'T-shirt/top'"
    ) as error:
        class_ids("t-shrt", CLOTHES)
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="Did you mean 'Ankle boot'"):
        class_ids(["bag", "boot"], CLOTHES)
    with pytest.raises(ValueError, match=r"Known: 0, .*, 9, \.\.\.\.$"):
        class_ids("x", [str(index) for index in range(1000)])
    with pytest.raises(ValueError, match="knows no class names"):
        class_ids("bag", None)


@pytest.mark.parametrize(
    ("names", "num_classes", "problem"),
    [
        (["a", "b"], None, "num_classes=2"),
        (["a", "a"], 2, "2 names, of which 1 differ"),
        (["a"], 2, "2 different names"),
        (["a", 1], 2, "list of texts"),
        ("ab", 2, "list of texts"),
    ],
)
def test_names_that_are_not_one_text_for_each_class_are_refused(names, num_classes, problem):
    with pytest.raises(ValueError, match=problem):
        check_class_names(names, num_classes)
