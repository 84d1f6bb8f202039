from pathlib import Path

import pytest

from cic_assets.config.environment import SAMPLE_PROBLEM, Environment, EnvironmentVariableError


def test_what_is_not_set_has_its_default():
    environment = Environment.from_variables({"CIC_DATA_ROOT": "", "CIC_PRESET": "demo"})
    assert environment.root_url == str(Path("data").resolve())
    assert environment.preset == "demo"
    assert environment.problem == Path("data/problem.yaml")


def test_variables_lead_back_to_the_same_environment(tmp_path):
    environment = Environment(
        problem=tmp_path / "p.yaml",
        archive="sample",
        data_root="s3://bucket/x",
        allow_random_weights=True,
        device="cpu",
        sensor_seconds=5,
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


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("CIC_ALLOW_RANDOM_WEIGHTS", "maybe", "a valid boolean"),
        ("CIC_DEVICE", "tpu", "'auto', 'cpu' or 'gpu'"),
        ("CIC_SENSOR_SECONDS", "often", "a valid integer"),
        ("CIC_SENSOR_SECONDS", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_variable(variable, value, expected):
    with pytest.raises(EnvironmentVariableError, match=f"^{variable}: found '{value}', expected {expected}$"):
        Environment.from_variables({variable: value})


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/runs",
        "postgresql://me:secret@host",
        "postgresql://me:secret@host:port/runs",
        "postgresql://me:x@secret@host/runs",
        "secret",
    ],
)
def test_what_names_no_database_is_not_repeated_as_it_may_have_a_password(url):
    expected = "^CIC_POSTGRES_URL: found what is none, expected postgresql:"
    with pytest.raises(EnvironmentVariableError, match=expected) as it:
        Environment.from_variables({"CIC_POSTGRES_URL": url})
    assert "secret" not in str(it.value)


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/runs", "postgres:///runs?host=/run/postgresql"])
def test_a_database_is_taken_and_not_shown(url):
    environment = Environment.from_variables({"CIC_POSTGRES_URL": url})
    assert environment.postgres_url == url
    assert url not in repr(environment)


@pytest.mark.parametrize(
    ("problem", "root"),
    [
        ("data/problem.yaml", "data"),
        ("problem.yaml", "data"),
        ("other.yaml", "data"),
        ("problems/pets/problem.yaml", "problems/pets/data"),
        ("pets/data/problem.yaml", "pets/data"),
    ],
)
def test_the_data_root_follows_from_the_place_of_the_problem(tmp_path, monkeypatch, problem, root):
    monkeypatch.chdir(tmp_path)
    assert Environment(problem=Path(problem)).root_url == str(tmp_path / root)
    assert Environment(problem=Path(problem)).variables()["CIC_DATA_ROOT"] == str(tmp_path / root)
    assert Environment(problem=Path(problem), data_root="s3://bucket").root_url == "s3://bucket"


def test_a_problem_in_the_folder_data_itself_is_at_home_there(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    assert Environment(problem=Path("problem.yaml")).root_url == str(tmp_path / "data")


def test_another_problem_has_another_data_root(tmp_path):
    one = Environment(problem=tmp_path / "one" / "p.yaml", data_root="given", archive="sample")
    other = one.of_problem(tmp_path / "other" / "p.yaml")
    assert other.root_url == str(tmp_path / "other" / "data")
    assert other.archive == "sample"


def test_the_embedded_problem_writes_nothing_beside_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Environment(problem=SAMPLE_PROBLEM).root_url == str(tmp_path / "data" / "demo")
    assert Environment(problem=SAMPLE_PROBLEM).variables()["CIC_DATA_ROOT"] == str(tmp_path / "data" / "demo")


@pytest.mark.parametrize(
    "value", ["http://proxy:3128", "http://a:b@10.0.0.1:1/", "http://[::1]:8080", "http://me:%3F%23%2F@p:1"]
)
def test_a_proxy_is_a_url(value):
    assert Environment.from_variables({"CIC_PROXY": value}).proxy == value


@pytest.mark.parametrize(
    "value",
    [
        "proxy:3128",
        "https://proxy:1",
        "http://me:secret@proxy",
        "http://p:1/x",
        "http://proxy:99999",
        "http://proxy:0",
        "http://-x:80",
        "http://me:secret?x@proxy:80",
        "http://me:12#secret@proxy:80",
        "http://me:12/secret@proxy:80",
        "http://[::1:80",
        "http://[fe80::1%25eth0]:80",
    ],
)
def test_what_is_no_proxy_is_told_without_its_password(value):
    with pytest.raises(
        EnvironmentVariableError, match=r"^CIC_PROXY: found what is none, expected http://HOST:PORT"
    ) as told:
        Environment.from_variables({"CIC_PROXY": value})
    assert "secret" not in str(told.value)
    assert not told.value.__cause__


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", None),
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        ("[::1]:80", ("::1", 80)),
        ("host.example:1", ("host.example", 1)),
    ],
)
def test_metrics_are_at_a_port_of_a_host(text, place):
    assert Environment.from_variables({"CIC_METRICS": text}).metrics_at == place


@pytest.mark.parametrize("text", ["yes", "0", "65536", "host", "host:", ":9464", "me@host:1", "http://host:1", "::1:2"])
def test_a_place_that_is_none_is_told(text):
    with pytest.raises(
        EnvironmentVariableError, match=r"^CIC_METRICS: found '.*', expected PORT or HOST:PORT, such as"
    ):
        Environment.from_variables({"CIC_METRICS": text})
