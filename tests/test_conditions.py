"""Describe conditions, and find the class ids of names."""

import numpy as np
import pytest

from ganzoo.conditions import Condition, by_name, check_class_names, class_ids, examples, resolve

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


AGE = Condition("age", mean=40.0, std=20.0, low=25.0, high=99.0)
KIND = Condition("kind", class_names=["cat", "dog"])


@pytest.mark.parametrize("condition", [AGE, KIND, Condition("x", num_classes=3)])
def test_a_condition_is_rebuilt_from_its_fields(condition):
    assert Condition.from_fields(condition.to_fields()) == condition


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "age"},
        {"name": "age", "mean": 1.0, "std": 0.0},
        {"name": "age", "mean": float("nan"), "std": 1.0},
        {"name": "age", "mean": "1", "std": 1.0},
        {"name": "kind", "class_names": ["cat"]},
        {"name": "kind", "class_names": ["cat", "dog"], "mean": 1.0},
        {"name": "kind", "class_names": 2},
        {"name": " ", "num_classes": 2},
        {"name": "kind", "classes": 2},
        {"num_classes": 2},
        "kind",
    ],
)
def test_fields_that_describe_no_condition_are_refused(fields):
    with pytest.raises(ValueError, match=r"[Cc]ondition|class_names"):
        Condition.from_fields(fields)


def test_conditions_replace_the_number_of_classes_and_need_different_names():
    assert resolve(3, ["a", "b", "c"], None)[0].class_names == ["a", "b", "c"]
    assert resolve(None, None, [AGE, KIND.to_fields()]) == (AGE, KIND)
    with pytest.raises(ValueError, match="Remove them"):
        resolve(3, None, [AGE])
    for name in ("age", "latents"):
        with pytest.raises(ValueError, match="different names"):
            resolve(None, None, [AGE, Condition(name, num_classes=2)])


def test_the_labels_of_one_condition_may_come_alone():
    for labels in (3, {"age": 3}, {"other": 3}):
        assert by_name(labels, (AGE,)) == {"age": 3}
    with pytest.raises(ValueError, match="dict with 'age', 'kind'"):
        by_name(3, (AGE, KIND))


def test_numbers_are_read_from_text_and_others_refused():
    np.testing.assert_array_equal(AGE.to_array(["42", "1e1"]), [42, 10])
    assert KIND.to_array(["dog", "CAT"]).tolist() == [1, 0]
    for wrong in ("old", [1, float("inf")], None, {}):
        with pytest.raises(ValueError, match="'age' must be a number"):
            AGE.to_array(wrong)


def test_random_numbers_are_normal_in_the_range_of_training():
    free = Condition("age", mean=40.0, std=20.0).draw(np.random.default_rng(0), 10_000)
    # Allow five standard errors.
    assert abs(free.mean() - 40) < 5 * 20 / 100
    assert abs(free.std() - 20) < 5 * 20 / 141
    drawn = AGE.draw(np.random.default_rng(0), 10_000)
    np.testing.assert_array_equal(drawn, np.clip(free, 25, 99))


def test_examples_combine_all_conditions_up_to_twenty():
    assert [tuple(row.values()) for row in examples((AGE, KIND))] == [
        (25, 0), (25, 1), (40, 0), (40, 1), (60, 0), (60, 1)
    ]  # fmt: skip
    many = examples((AGE, Condition("x", num_classes=100)))
    assert len(many) == 20
    assert (many[0]["age"], many[-1]["age"], many[-1]["x"]) == (25, 60, 99)
    assert len(examples((Condition("x", num_classes=100),))) == 100
