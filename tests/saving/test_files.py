"""Files and folders appear complete or not at all."""

import json
import os
import pathlib

import pytest

from ganzoo.saving import files


def test_a_new_file_appears_only_when_it_is_complete(tmp_path):
    path = tmp_path / "made" / "it.txt"
    with files.new_file(path) as partial:
        partial.write_text("whole")
        assert partial.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "it.txt"
    path.write_text("old")
    with pytest.raises(OSError, match="disk"), files.new_file(path) as partial:
        partial.write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_object_that_json_cannot_represent_leaves_the_old_file(tmp_path):
    path = tmp_path / "it.json"
    files.write_json(path, {"a": [1, 2]})
    with pytest.raises(TypeError):
        files.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": [1, 2]}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_into_a_new_folder_leaves_no_folder(tmp_path):
    with pytest.raises(OSError, match="disk"), files.new_folder(tmp_path / "it") as partial:
        (partial / "half.txt").write_text("half")
        raise OSError("disk full")
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_that_cannot_be_renamed_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "it"
    path.mkdir()
    (path / "old.txt").write_text("old")
    rename = pathlib.Path.rename

    def fail_for_the_new_folder(self, target):
        if (self / "new.txt").exists():
            raise OSError("no such luck")
        return rename(self, target)

    monkeypatch.setattr(pathlib.Path, "rename", fail_for_the_new_folder)
    with pytest.raises(OSError, match="luck"), files.new_folder(path, replace=True) as partial:
        (partial / "new.txt").write_text("new")
    assert [entry.name for entry in path.iterdir()] == ["old.txt"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_replaced_folder_keeps_none_of_its_old_files(tmp_path):
    path = tmp_path / "it"
    for name in ("old.txt", "new.txt"):
        with files.new_folder(path, replace=True) as partial:
            (partial / name).touch()
        assert [entry.name for entry in path.iterdir()] == [name]
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_a_folder_is_followed(tmp_path):
    """A user who links to another disk wants the files on that disk."""
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    with files.new_folder(tmp_path / "link") as partial:
        (partial / "new.txt").touch()
    assert (tmp_path / "link").is_symlink()
    assert [entry.name for entry in (tmp_path / "target").iterdir()] == ["new.txt"]
    assert {entry.name for entry in tmp_path.iterdir()} == {"link", "target"}


@pytest.mark.parametrize("path", [".", "/"])
def test_the_working_folder_and_the_root_folder_are_refused(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="new folder in it"), files.new_folder(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    (tmp_path / "old.txt").touch()
    with pytest.raises(ValueError, match="not empty"), files.new_folder(tmp_path):
        pass


# 75 Chinese characters are 225 bytes, and most disks allow 255.
@pytest.mark.parametrize("name", ["画" * 84 + ".py", "a" * 251 + ".txt", os.fsdecode(b"caf\xe9.a")])
def test_names_that_the_disk_can_hold_are_written(name, tmp_path):
    with files.new_file(tmp_path / name) as partial:
        partial.write_text("it")
        assert partial.suffix == pathlib.Path(name).suffix
    assert (tmp_path / name).read_text() == "it"
    files.remove_partials(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if name.startswith("画"):
        with files.new_folder(tmp_path / f"{name[1:]}k") as partial:
            (partial / "a").touch()
        assert (tmp_path / f"{name[1:]}k" / "a").exists()


def test_a_killed_process_leaves_temporary_files_that_are_found(tmp_path):
    path = tmp_path / ("画" * 84)
    with files.new_file(path) as partial:
        partial.touch()
        files.remove_partials(tmp_path)
        assert not partial.exists()
        partial.touch()
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["made/", "folder", "a" * 256])
def test_a_path_that_cannot_be_a_file_is_refused(name, tmp_path):
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(ValueError, match=r"not a folder|too long a name"),
        files.new_file(f"{tmp_path}/{name}"),
    ):
        pass
    assert [found.name for found in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("name", ["model.h5", "a.KERAS", "grid.png", "file", "a" * 256, "\udce9"])
def test_a_path_that_cannot_be_a_folder_is_refused(name, tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(ValueError, match=r"not a file|too long a name|not valid UTF-8"),
        files.new_folder(tmp_path / name),
    ):
        pass
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_folder_may_have_a_dot_in_its_name(tmp_path):
    for name in ("v1.0", "2024.01", "model.savedmodel"):
        files.check_folder_path(tmp_path / name)
    (tmp_path / "old.keras").mkdir()
    files.check_folder_path(tmp_path / "old.keras")


def test_a_new_folder_is_found_by_the_path_that_was_given(tmp_path):
    given = tmp_path / "not_yet" / ".." / "made"
    with files.new_folder(given) as partial:
        (partial / "a.txt").write_text("a")
    assert (given / "a.txt").read_text() == "a"


@pytest.mark.parametrize("name", ["a.tflite", "a.ONNX", "a.tflite.", "a.onnx . "])
def test_dots_and_spaces_at_the_end_do_not_hide_the_suffix_of_a_file(name):
    assert files.names_file(name)
    assert not files.names_file(f"{name}_folder")
