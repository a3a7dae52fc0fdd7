"""Test the search for photos and the names of the results."""

import pytest

from ganzoo.images import photos, upscaling


def test_photos_in_files_and_folders_are_found_once(tmp_path):
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "c.webp", ".hidden.png", "below/d.png", "notes.txt"):
        (folder / name).touch()
    (folder / "folder.png").mkdir()
    (tmp_path / "other").touch()
    found = photos.find_photos([folder / "c.webp", str(folder), tmp_path / "other"])
    assert found == [
        folder / "c.webp",
        folder / "a.png",
        folder / "b.JPG",
        tmp_path / "other",
    ]


def test_missing_paths_and_empty_folders_are_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"none\.png: there is no such file"):
        photos.find_photos([tmp_path / "none.png"])
    with pytest.raises(ValueError, match="holds no images"):
        photos.find_photos([tmp_path])


def test_results_are_named_after_their_sources(tmp_path):
    names = ["a.png", "b.JPG", "c.jpeg", "d.webp", "e.tif", "f.gif", "g", "h.x.png", "i.tga"]
    results = upscaling.name_results(names, tmp_path, 4)
    assert [str(source) for source, _ in results] == names
    assert [target.name for _, target in results] == [
        "a_x4.png",
        "b_x4.JPG",
        "c_x4.jpeg",
        "d_x4.webp",
        "e_x4.tif",
        "f_x4.gif",
        "g_x4.png",
        "h.x_x4.png",
        "i_x4.png",
    ]
    assert {target.parent for _, target in results} == {tmp_path}


def test_results_that_would_overwrite_a_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a/p\.png and b/p\.png would both become .*p_x2\.png"):
        upscaling.name_results(["a/p.png", "b/p.png"], tmp_path, 2)
    with pytest.raises(ValueError, match=r"p\.tga and p\.png would both become"):
        upscaling.name_results(["p.tga", "p.png"], tmp_path, 2)
    sources = [tmp_path / "p.png", tmp_path / "p_x2.png"]
    with pytest.raises(ValueError, match=r"p_x2\.png, which is to be upscaled itself"):
        upscaling.name_results(sources, tmp_path / "below" / "..", 2)
    assert len(upscaling.name_results(sources, tmp_path, 4)) == 2
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="A folder is written here, not a file"):
        upscaling.name_results(["p.png"], tmp_path / "file", 2)
