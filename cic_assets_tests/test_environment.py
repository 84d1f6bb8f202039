from pathlib import Path

import pytest

from cic_assets.environment import Environment, EnvironmentVariableError


def test_what_is_not_set_has_its_default():
    environment = Environment.from_variables({"CIC_DATA_ROOT": "", "CIC_PRESET": "demo"})
    assert environment.data_root == "data"
    assert environment.preset == "demo"
    assert environment.problem == Path("data/problem.yaml")


def test_variables_lead_back_to_the_same_environment(tmp_path):
    environment = Environment(
        problem=tmp_path / "p.yaml", archive="sample", data_root="s3://bucket/x", allow_random_weights=True
    )
    assert Environment.from_variables(environment.variables()) == environment


def test_paths_mean_the_same_place_in_another_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = Environment(data_root="here", problem=Path("p.yaml"), archive="a", xception_weights="x.h5")
    variables = environment.variables()
    assert variables["CIC_DATA_ROOT"] == str(tmp_path / "here")
    assert variables["CIC_PROBLEM"] == str(tmp_path / "p.yaml")
    assert variables["CIC_ARCHIVE"] == str(tmp_path / "a")
    assert variables["CIC_XCEPTION_WEIGHTS"] == str(tmp_path / "x.h5")


def test_words_that_are_no_paths_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = Environment(data_root="s3://bucket/x", archive="sample").variables()
    assert variables["CIC_DATA_ROOT"] == "s3://bucket/x"
    assert variables["CIC_ARCHIVE"] == "sample"
    assert variables["CIC_XCEPTION_WEIGHTS"] == ""


def test_a_wrong_value_is_one_line_that_names_the_variable():
    with pytest.raises(
        EnvironmentVariableError, match=r"^CIC_ALLOW_RANDOM_WEIGHTS: found 'maybe', expected a valid boolean$"
    ):
        Environment.from_variables({"CIC_ALLOW_RANDOM_WEIGHTS": "maybe"})
