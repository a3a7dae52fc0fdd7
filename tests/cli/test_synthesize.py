"""Test `ganzoo synthesize`."""

from ganzoo import registry


def test_synthesize_writes_class_folders_that_train_reads(ganzoo_command, tmp_path):
    model = registry.get_family("cgan").build_test_model(seed=0, class_names=["bag", "cat", "dog"])
    model.save(tmp_path / "cgan.keras")
    arguments = ["synthesize", tmp_path / "cgan.keras", "-n", 7, "--out", tmp_path / "made"]
    code, out, err = ganzoo_command(*arguments)
    assert code == 0, err
    assert "7 images of 3 classes" in out
    counts = {path.name: len(list(path.iterdir())) for path in (tmp_path / "made").iterdir()}
    assert counts == {"bag": 3, "cat": 2, "dog": 2}


def test_synthesize_needs_data_for_a_filter_and_classes(ganzoo_command, model_file, tmp_path):
    arguments = ["synthesize", model_file, "--out", tmp_path / "made"]
    code, _, err = ganzoo_command(*arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert "no classes" in err
    code, _, err = ganzoo_command(*arguments, "--keep", 0.5)
    assert (code, err.count("\n")) == (2, 1)
    assert "--data" in err
