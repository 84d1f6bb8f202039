import json
import subprocess
import sys

import pytest
from dagster import AllPartitionMapping, AssetKey, DagsterInstance

from cic_assets.config.problem_file import ProblemError
from cic_assets.defs.build import build_definitions
from cic_assets.domain.reddit import TERMS_POINTS
from cic_assets.domain.sources import SourceError

ASSETS = {
    "takedowns": "scraping",
    "raw_images": "scraping",
    "image_hashes": "deduplication",
    "duplicates": "deduplication",
    "deduped_images": "deduplication",
    "resized_images": "preparation",
    "image_features": "preparation",
    "training_dataset": "preparation",
    "dataset_audit": "preparation",
    "vgg_model": "training",
    "peetz_net_model": "training",
    "xception_model": "training",
    "evaluation_report": "evaluation",
    "adhoc_predictions": "prediction",
}
JOBS = (
    "check_takedowns", "rescrape", "find_duplicates", "prepare", "build_dataset", "train_all", "evaluate", "predict",
)  # fmt: skip
PARTITIONED = {"takedowns", "raw_images", "image_hashes", "deduped_images", "resized_images", "image_features"}


@pytest.fixture
def definitions(world):
    return build_definitions(world.environment)


@pytest.fixture
def graph(definitions):
    return definitions.resolve_asset_graph()


def test_assets_groups_and_partitions(graph):
    nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    assert {name: node.group_name for name, node in nodes.items()} == ASSETS
    assert {name for name, node in nodes.items() if node.is_partitioned} == PARTITIONED
    partitions = nodes["raw_images"].partitions_def.get_partition_keys()
    assert partitions == ["cars", "tanks", "boats"]


def test_every_asset_explains_itself(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key


def test_everything_that_can_be_started_or_turned_on_explains_itself(definitions):
    repository = definitions.get_repository_def()
    shown = [*repository.schedule_defs, *repository.sensor_defs, *map(definitions.resolve_job_def, JOBS)]
    assert [one.name for one in shown if not one.description] == []


def test_what_compares_sources_depends_on_all_of_them(graph):
    for parent, child in (
        ("image_hashes", "duplicates"),
        ("resized_images", "training_dataset"),
        ("image_features", "training_dataset"),
        ("image_features", "dataset_audit"),
    ):
        mapping = graph.get(AssetKey(child)).partition_mappings[AssetKey(parent)]
        assert isinstance(mapping, AllPartitionMapping)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('tank: [r/tanks]\n  boat: ["folder:boats"]', 'tank: ["folder:boats"]\n  boat: [r/tanks]'),
        ('boat: ["folder:boats"]', 'boat: ["folder:boats", "folder:more"]'),
    ],
)
def test_what_a_source_shows_is_a_setting_of_what_reads_it(world, graph, before, after):
    text = world.environment.problem.read_text()
    assert before in text
    world.environment.problem.write_text(text.replace(before, after))
    changed = build_definitions(world.environment).resolve_asset_graph()
    for name in ("duplicates", "training_dataset", "evaluation_report"):
        assert changed.get(AssetKey(name)).code_version != graph.get(AssetKey(name)).code_version


def test_in_how_many_folds_a_model_is_judged_is_a_setting_of_that_model_alone(world, graph):
    text = world.environment.problem.read_text()
    assert "\n  vgg: {" in text
    world.environment.problem.write_text(text.replace("\n  vgg: {", "\n  vgg: {folds: 3, "))
    changed = build_definitions(world.environment).resolve_asset_graph()
    versions = [
        {name: each.get(AssetKey(f"{name}_model")).code_version for name in ("vgg", "peetz_net", "xception")}
        for each in (graph, changed)
    ]
    assert [name for name in versions[0] if versions[0][name] != versions[1][name]] == ["vgg"]


POOLS = {
    "hosts": {"takedowns", "raw_images"},
    "decoding": {"image_hashes", "duplicates", "resized_images", "image_features", "training_dataset", "dataset_audit"},
    "gpu": {"vgg_model", "peetz_net_model", "xception_model"},
}


def test_what_takes_all_of_something_shares_a_pool(graph):
    """So that ten runs at once take it in turns: a limit of the executor holds within one run."""
    pools = {key.to_user_string(): graph.get(key).pools for key in graph.get_all_asset_keys()}
    assert {name: {asset for asset, of_asset in pools.items() if name in of_asset} for name in POOLS} == POOLS
    assert sum(map(len, pools.values())) == sum(map(len, POOLS.values()))


def test_models_ask_for_a_gpu_in_the_form_that_dagster_ray_reads(graph, definitions):
    """Flat: what is nested deeper it ignores in silence."""
    tags = definitions.resolve_job_def("train_all").get_node_named("vgg_model").definition.tags
    assert json.loads(tags["dagster-ray/config"]) == {"num_cpus": 1, "num_gpus": 1, "memory": 8 * 2**30}


HEAVY = {
    "aiohttp", "apprise", "cleanlab", "dagster_k8s", "dagster_ray", "h5py", "imagehash", "jinja2", "kagglehub", "keras",
    "kubernetes", "matplotlib", "obstore", "praw", "prawcore", "ray", "requests", "scipy", "sklearn", "starlette",
    "tensorflow", "uvicorn",
}  # fmt: skip
"""What only some steps need: imported where it is used, not by everything that reads the definitions."""


@pytest.mark.parametrize(("changes", "seconds"), [({}, 30), ({"sensor_seconds": 2}, 2)])
def test_sensors_look_as_often_as_is_set(world, changes, seconds):
    sensors = build_definitions(world.environment.model_copy(update=changes)).get_repository_def().sensor_defs
    assert {sensor.name: sensor.minimum_interval_seconds for sensor in sensors} == {
        "follow_new_data": seconds,
        "restore_removed": 10 * seconds,
        "alert_on_failure": seconds,
        "alert_on_concerns": 10 * seconds,
    }


@pytest.mark.slow
def test_loading_imports_nothing_heavy(world):
    program = (
        "import sys; from cic_assets.definitions import defs; defs.resolve_asset_graph()\n"
        f"heavy = {HEAVY} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], env=world.environment.variables() | {"PATH": "/usr/bin"}, capture_output=True
    )
    assert result.returncode == 0, result.stderr.decode()


def test_a_wrong_problem_is_said_in_one_line(world):
    world.environment.problem.write_text("name: x\nclasses: {a: [r/aa]}\n")
    with pytest.raises(ProblemError, match="expected at least two classes"):
        build_definitions(world.environment)


def scrape_cars(world, instance):
    """A subreddit by Reddit itself, without a look at take-downs before."""
    definitions = build_definitions(world.environment.model_copy(update={"archive": ""}))
    return definitions.resolve_job_def("rescrape").execute_in_process(
        partition_key="cars", instance=instance, raise_on_error=False, asset_selection=[AssetKey("raw_images")]
    )


def test_without_credentials_a_subreddit_says_what_to_set(world, monkeypatch):
    monkeypatch.delenv("REDDIT_CLIENT_ID", raising=False)
    with DagsterInstance.ephemeral() as instance:
        result = scrape_cars(world, instance)
    failure = result.get_step_failure_events()[0].step_failure_data
    assert "set REDDIT_CLIENT_ID" in failure.user_failure_data.description
    assert not result.success


def test_with_credentials_and_without_agreeing_to_the_terms_reddit_is_not_asked(world, monkeypatch):
    for name in ("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "REDDIT_USERNAME"):
        monkeypatch.setenv(name, "somebody")
    definitions = build_definitions(world.environment.model_copy(update={"archive": ""}))
    with DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("rescrape").execute_in_process(
            partition_key="cars", instance=instance, raise_on_error=False
        )
    failure = result.get_step_failure_events()[0]
    assert failure.step_key == "raw_images"
    assert (
        "then set reddit: {terms_acknowledged: true} in the problem file"
        in failure.step_failure_data.user_failure_data.description
    )


def test_the_first_look_at_reddit_itself_tells_its_terms(world, monkeypatch):
    for name in ("REDDIT_CLIENT_ID", "REDDIT_CLIENT_SECRET", "REDDIT_USERNAME"):
        monkeypatch.setenv(name, "somebody")
    problem = world.environment.problem
    problem.write_text(problem.read_text() + "reddit: {terms_acknowledged: true}\n")

    def refused(*_: object, **__: object) -> None:
        raise SourceError("there is no Reddit in tests")

    monkeypatch.setattr("cic_assets.defs.assets.scraping.scrape", refused)
    with DagsterInstance.ephemeral() as instance:
        result = scrape_cars(world, instance)
        said = " ".join(entry.user_message for entry in instance.all_logs(result.run_id))
    assert all(point in said for point in TERMS_POINTS)


def test_without_pictures_to_classify_the_log_says_what_to_name(world, definitions):
    """A backfill of everything calls what was not materialized failed."""
    with DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("predict").execute_in_process(instance=instance)
        said = " ".join(entry.user_message for entry in instance.all_logs(result.run_id))
    assert len(result.get_asset_materialization_events()) == 1
    assert "name files, folders or URLs in the launchpad" in said
    assert not world.root.has_table("adhoc_predictions")
