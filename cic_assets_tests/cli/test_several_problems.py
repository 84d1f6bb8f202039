"""Two problems in one Dagster UI: a code location each, with its own data root, and one history."""

import signal
import time

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""
ASSETS = "{ assetNodes { assetKey { path } repository { location { name } } } }"
DONE = "{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { timestamp } } }"
RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


@pytest.fixture
def ask(tmp_path, cic, commands, jpeg, serving):
    """Two problems of two folders of five pictures, made by `cic new`, in one UI; asks it by GraphQL."""
    for index, folder in enumerate(("cats", "dogs", "cars", "tanks")):
        (tmp_path / folder).mkdir()
        for number in range(5):
            (tmp_path / folder / f"{number}.jpg").write_bytes(jpeg([index, number]))
    for name, classes in (("pets", ("cats", "dogs")), ("big-things", ("cars", "tanks"))):
        given = [part for klass in classes for part in ("--class", f"{klass}=folder:{klass}")]
        assert cic("new", name, *given).returncode == 0
    problems = [part for name in ("pets", "big-things") for part in ("--problem", f"problems/{name}/problem.yaml")]
    with serving("dev", *problems, folder=tmp_path, variables=commands.variables) as server:
        server.wait()
        yield server.ask
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0, server.said


def launch(ask, location, partition):
    """Scrape a source from the UI; gives the run's last state."""
    selector = {"repositoryLocationName": location, "repositoryName": "__repository__", "jobName": "rescrape"}
    tags = {"tags": [{"key": "dagster/partition", "value": partition}]}
    launched = ask(LAUNCH, params={"selector": selector, "runConfigData": {}, "executionMetadata": tags})["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    end = time.monotonic() + 300
    while time.monotonic() < end:
        status = ask(RUN, id=launched["run"]["runId"])["runOrError"]["status"]
        if status in ("SUCCESS", "FAILURE", "CANCELED"):
            return status
        time.sleep(1)
    return "TIMEOUT"


def test_each_is_a_location_with_its_own_assets_and_data(ask, tmp_path, cic):
    nodes = ask(ASSETS)["assetNodes"]
    shown = {(node["repository"]["location"]["name"], node["assetKey"]["path"][0]) for node in nodes}
    assert shown == {("pets", "pets"), ("big_things", "big_things")}
    assert launch(ask, "big_things", "tanks") == "SUCCESS"
    assert (tmp_path / "problems" / "big-things" / "data" / "tables" / "raw_images" / "tanks.parquet").exists()
    assert not (tmp_path / "problems" / "pets" / "data" / "tables").exists()
    # A command beside the UI writes the same history: what it did the UI knows.
    result = cic("run", "--problem", "problems/pets/problem.yaml")
    assert "failed training_dataset: class cats has 5 pictures" in result.stderr
    done = {"/".join(node["assetKey"]["path"]) for node in ask(DONE)["assetNodes"] if node["assetMaterializations"]}
    assert {"pets/raw_images", "pets/resized_images", "big_things/raw_images"} <= done
    assert "big_things/duplicates" not in done
