"""The rules of a whole run, on a graph of the same names whose assets say in their data version what they are told."""

import pytest
from dagster import (
    AssetKey,
    DagsterInstance,
    DataVersion,
    Definitions,
    Failure,
    MaterializeResult,
    StaticPartitionsDefinition,
    asset,
)

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.config.environment import Environment
from cic_assets.defs.jobs import build_jobs
from cic_assets.defs.loggers import loggers_of
from cic_assets.defs.partitions import all_of
from cic_assets.domain.retraining import TrainingPlan
from cic_assets.orchestration.run_graph import RunFailedError, UnknownAssetError, Wanted, run_graph

KEYS = ("cars", "tanks")
PARENTS = {
    "takedowns": [],
    "raw_images": ["takedowns"],
    "image_hashes": ["raw_images"],
    "duplicates": [all_of("image_hashes")],
    "deduped_images": ["image_hashes", "duplicates"],
    "resized_images": ["deduped_images"],
    "image_features": ["resized_images"],
    "training_dataset": [all_of("resized_images"), all_of("image_features")],
    "dataset_audit": ["training_dataset", all_of("image_features")],
    "vgg_model": ["training_dataset"],
    "xception_model": ["training_dataset"],
    "evaluation_report": ["vgg_model", "xception_model", "training_dataset", "dataset_audit"],
    "adhoc_predictions": ["vgg_model"],
}
OF_SOURCES = {"takedowns", "raw_images", "image_hashes", "deduped_images", "resized_images", "image_features"}
TRAINED = {"vgg_model", "xception_model"}


class Graph:
    """What the assets say: `scraped` is the data version of everything, `failing` are asset and partition."""

    def __init__(self, instance):
        self.instance, self.scraped, self.failing, self.lines = instance, 1, set(), []
        assets = [self._asset(name, parents) for name, parents in PARENTS.items()]
        jobs = build_jobs(DagsterSettings())
        self.definitions = Definitions(assets=assets, jobs=jobs, loggers=loggers_of(Environment()))

    def _asset(self, name, parents):
        partitions = StaticPartitionsDefinition(KEYS) if name in OF_SOURCES else None
        group = "training" if name in TRAINED else "other"

        @asset(name=name, deps=parents, partitions_def=partitions, group_name=group, code_version="1")
        def made(context):
            if (name, context.partition_key if partitions else None) in self.failing:
                raise Failure("it is down")
            return MaterializeResult(data_version=DataVersion(str(self.scraped)))

        return made

    def run(self, *assets, train="always", due=()):
        """What one run made, by name."""
        before = {run.run_id for run in self.instance.get_runs()}
        self.lines.clear()
        plan = TrainingPlan([name.removesuffix("_model") for name in due], "because")
        wanted = Wanted(frozenset(assets), train, lambda: plan)
        say = self.lines.append
        try:
            run_graph(self.definitions, self.instance, KEYS, lambda _asset, _partition: False, say, say, wanted)
        finally:
            runs = [run.run_id for run in self.instance.get_runs() if run.run_id not in before]
            records = [one for run in runs for one in self.instance.get_records_for_run(run).records]
            events = [one.event_log_entry.dagster_event for one in records]
            self.made = {event.asset_key.path[-1] for event in events if event and event.is_step_materialization}
        return self.made


@pytest.fixture
def graph():
    with DagsterInstance.ephemeral() as instance:
        yield Graph(instance)


ALL = set(PARENTS) - {"adhoc_predictions"}
SCRAPED = {"takedowns", "raw_images"}


class TestASourceThatFails:
    def test_keeps_what_it_had_and_the_rest_goes_on_with_that(self, graph):
        assert graph.run() == ALL
        graph.scraped, graph.failing = 2, {("raw_images", "cars")}
        with pytest.raises(RunFailedError, match=r"^raw_images of cars: it is down$"):
            graph.run()
        assert graph.made == ALL

    def test_keeps_the_others_waiting_where_it_had_nothing(self, graph):
        graph.failing = {("raw_images", "cars")}
        with pytest.raises(RunFailedError, match=r"^raw_images of cars: it is down$"):
            graph.run()
        assert graph.made == SCRAPED

    def test_may_fail_at_any_stage_that_is_of_one_source(self, graph):
        graph.run()
        graph.scraped, graph.failing = 2, {("image_hashes", "cars"), ("resized_images", "tanks")}
        with pytest.raises(RunFailedError) as failed:
            graph.run()
        assert [line.split(":")[0] for line in failed.value.lines] == [
            "image_hashes of cars",
            "resized_images of tanks",
        ]
        assert graph.made == ALL

    @pytest.mark.parametrize(("name", "after"), [("duplicates", "deduped_images"), ("vgg_model", "evaluation_report")])
    def test_what_is_of_all_sources_stops_what_comes_after_it(self, graph, name, after):
        graph.run()
        graph.scraped, graph.failing = 2, {(name, None)}
        with pytest.raises(RunFailedError, match=f"^{name}: it is down$"):
            graph.run()
        assert after not in graph.made


class TestTraining:
    def test_that_is_due_is_done_and_said_why(self, graph):
        assert graph.run(train="when-due", due=TRAINED) == ALL
        assert "Training: because" in graph.lines

    def test_that_is_not_due_waits_and_the_report_with_it(self, graph):
        graph.run()
        graph.scraped = 2
        assert graph.run(train="when-due") == ALL - TRAINED - {"evaluation_report"}
        assert "Not training: because (see --train)" in graph.lines
        assert any(line.startswith("Not evaluating: ") for line in graph.lines)
        assert graph.run(train="always") == SCRAPED | TRAINED | {"evaluation_report"}

    def test_is_left_out(self, graph):
        assert graph.run(train="never") == ALL - TRAINED - {"evaluation_report"}
        assert "Not training: --train never" in graph.lines

    def test_is_not_spoken_of_where_nothing_changed(self, graph):
        graph.run()
        graph.run(train="when-due")
        graph.run(train="never")
        assert not any("raining" in line for line in graph.lines)


class TestSelected:
    def test_assets_alone_are_made(self, graph):
        assert graph.run("takedowns", "raw_images", "image_hashes") == SCRAPED | {"image_hashes"}
        assert graph.instance.get_latest_materialization_event(AssetKey("duplicates")) is None
        assert graph.run("duplicates") == {"duplicates"}
        assert graph.run("duplicates") == set()

    def test_names_that_are_not_known_are_told(self, graph):
        with pytest.raises(UnknownAssetError, match=r"^cars, dogs: expected names of assets, of adhoc_predictions, "):
            graph.run("dogs", "cars", "duplicates")
