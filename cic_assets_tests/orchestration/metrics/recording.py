"""An instance with what runs leave in it, and what is told of that."""

import time

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    AssetMaterialization,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    MetadataValue,
    TableRecord,
)
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.test_utils import create_run_for_test
from dagster._utils.error import SerializableErrorInfo
from prometheus_client.parser import text_string_to_metric_families

from cic_assets.orchestration.instance import ensure_home, make_instance
from cic_assets.orchestration.metrics import Exporter

ENDS = {
    DagsterRunStatus.SUCCESS: DagsterEventType.RUN_SUCCESS,
    DagsterRunStatus.FAILURE: DagsterEventType.RUN_FAILURE,
    DagsterRunStatus.CANCELED: DagsterEventType.RUN_CANCELED,
}
_WITH_TICK = {
    TickStatus.SUCCESS: {"run_ids": ["a run"]},
    TickStatus.FAILURE: {"error": SerializableErrorInfo("no such source", [], "ValueError")},
}


class Told(dict):
    """Values by name and labels, out of the text, by the reader of Prometheus' own library."""

    @classmethod
    def of(cls, text):
        told = cls()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                key = (sample.name, frozenset((name, value) for name, value in sample.labels.items() if value))
                assert key not in told, f"{key} is told twice"
                told[key] = sample.value
        return told

    def at(self, name, /, **labels):
        """The value with just these labels; None where there is none."""
        return self.get((name, frozenset(labels.items())))

    def of_name(self, name, /, **labels):
        """All values of a name that have these labels among theirs, by what else they have."""
        wanted = frozenset(labels.items())
        return {
            tuple(sorted(value for _, value in found - wanted)): value
            for (one, found), value in self.items()
            if one == name and wanted <= found
        }


class Recorded:
    """The instance of a problem, what is told of it, and ways to record something."""

    def __init__(self, *environments):
        from cic_assets.config.problem_file import load_problem
        from cic_assets.storage import DataRoot

        self.environments = environments
        first = environments[0]
        self.root = DataRoot(first.root_url)
        self.home = ensure_home(self.root, load_problem(first.problem).dagster)
        self.instance: DagsterInstance = make_instance(self.home)
        self.exporter = Exporter(environments, self.home)

    def told(self):
        return Told.of(self.exporter.text().decode())

    def run(self, job, *, end=None, seconds=0.0):
        """A run that was started, and has ended if `end` says how."""
        run = create_run_for_test(self.instance, job_name=job)
        now = time.time() - seconds
        self.report(run, DagsterEventType.RUN_START, now)
        if end:
            self.report(run, ENDS[end], now + seconds)
        return run

    def report(self, run, kind, when, told=None):
        """What Dagster's own processes report, at a time."""
        event = DagsterEvent(kind.value, run.job_name, event_specific_data=told, message="")
        self.instance.report_dagster_event(event, run.run_id, timestamp=when)

    def queue(self, job):
        origin = RemoteJobOrigin(_repository("cic_assets"), job)
        return create_run_for_test(
            self.instance, job_name=job, status=DagsterRunStatus.QUEUED, remote_job_origin=origin
        )

    def made(self, asset, source=None, **metadata):
        told = {name.replace("_", " "): value for name, value in metadata.items()}
        self.instance.report_runless_asset_event(AssetMaterialization(AssetKey(asset), partition=source, metadata=told))

    def scraped(self, source, **outcomes):
        rows = [TableRecord({"outcome": name, "count": count}) for name, count in outcomes.items()]
        self.made("raw_images", source, images=outcomes.get("ok", 0), outcomes=MetadataValue.table(rows or _NONE))

    def checked(self, check, asset, source=None, *, passed, severity=AssetCheckSeverity.WARN, run=None):
        """By a run of its own, unless one is given."""
        run = run or create_run_for_test(self.instance, job_name="rescrape")
        told = AssetCheckEvaluation(AssetKey(asset), check, passed, {}, severity=severity, partition=source)
        self.report(run, DagsterEventType.ASSET_CHECK_EVALUATION, time.time(), told)
        return run

    def switch(
        self, name, kind=InstigatorType.SCHEDULE, status=InstigatorStatus.RUNNING, location="cic_assets", since=None
    ):
        """Switch a schedule or sensor on or off; returns its state."""
        origin = RemoteInstigatorOrigin(_repository(location), name)
        data = (
            ScheduleInstigatorData("0 5 * * *", since)
            if kind is InstigatorType.SCHEDULE
            else SensorInstigatorData(min_interval=30)
        )
        state = InstigatorState(origin, kind, status, data)
        if self.instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id()):
            self.instance.update_instigator_state(state)
        else:
            self.instance.add_instigator_state(state)
        return state

    def tick(self, state, when, status=TickStatus.SUCCESS):
        self.instance.create_tick(
            TickData(
                state.instigator_origin_id, state.instigator_name, state.instigator_type, status, when,
                selector_id=state.selector_id, **_WITH_TICK[status],
            )
        )  # fmt: skip

    def close(self):
        self.exporter.close()
        self.instance.dispose()


def _repository(location):
    return RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(location), "__repository__")


_NONE = [TableRecord({"outcome": "ok", "count": 0})]
