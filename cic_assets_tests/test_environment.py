from pathlib import Path

from cic_assets.environment import Environment


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
    variables = Environment(data_root="here", problem=Path("p.yaml")).variables()
    assert variables["CIC_DATA_ROOT"] == str(tmp_path / "here")
    assert variables["CIC_PROBLEM"] == str(tmp_path / "p.yaml")
