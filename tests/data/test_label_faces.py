"""Test the script that writes labels for a folder of faces."""

import label_faces
import numpy as np
import tiny

from ganzoo import data


def test_age_groups_and_genders_of_all_splits_become_labels(tmp_path, monkeypatch):
    for split in ("train", "val"):
        tiny.write_folder(tmp_path / "faces" / split, 1, classes=("00-09", "60+"))
        table = "file,age_bin,gender\n00-09/000.png,3-9,Female\n60+/000.png,70+,Male\n"
        (tmp_path / "faces" / split / "labels.csv").write_text(table)
    out = tmp_path / "labels.csv"
    monkeypatch.setattr("sys.argv", ["label_faces", str(tmp_path / "faces"), str(out)])
    label_faces.main()
    loaded = data.load_arrays(tmp_path / "faces", "train+test", labels=out)
    columns = {one.name: one.class_names for one in loaded.conditions}
    assert columns == {"age": ["00-09", "60+"], "gender": ["female", "male"]}
    assert len(loaded.pixels) == 4
    # The first face is a girl, and the last one an old man.
    np.testing.assert_array_equal(np.sort(loaded.labels["age"]), [0, 0, 1, 1])
    np.testing.assert_array_equal(loaded.labels["age"], loaded.labels["gender"])
