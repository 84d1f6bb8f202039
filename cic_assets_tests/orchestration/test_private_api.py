"""What we use of Dagster that it does not document is still there, and is still called in the same way.

pyproject.toml takes any Dagster 1.x from 1.13 on: these tests say by name what a newer one has changed. What such a
name does is tested where it is used.
"""

import importlib
import inspect
from typing import NamedTuple

import dagster
import pytest
from dagster._cli.dev import dev_command
from dagster._core.events import EngineEventData
from dagster._core.loader import LoadingContext
from dagster._core.log_manager import LOG_RECORD_METADATA_ATTR, DagsterLogRecordMetadata
from dagster._core.storage.asset_check_execution_record import COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import MAX_RETRIES_TAG

from cic_assets.defs.executors import PRELOADED
from cic_assets.orchestration.metrics.of_runs import ASSETS, ENDED, UNDER_WAY
from cic_assets.orchestration.metrics.recorded import EVALUATED


class Use(NamedTuple):
    """A name that we use, and the file of ours that breaks without it.

    Attributes:
        by: below `cic_assets/`.
        module: where the name is.
        name: dotted, for what a class has.
        called_with: parameters that our calls name or rely on the order of; empty for what is not called.
    """

    by: str
    module: str
    name: str
    called_with: tuple[str, ...] = ()


STALENESS, RECOVERY = "orchestration/staleness.py", "orchestration/run_recovery.py"
FAN_IN = "defs/fan_in.py"
EXECUTORS, ACTIVE = "defs/executors.py", "dagster._core.execution.plan.active"
SQLITE, EVENTS = "orchestration/sqlite_storage.py", "dagster._core.storage.event_log"
HOME, POOL_SAFE = "orchestration/home_instance.py", "orchestration/pool_safe.py"
CONCERNS = "defs/concerns.py"
POSTGRES = "orchestration/postgres_storage.py"
PROJECT, CHECKS = "orchestration/project_instance.py", "defs/asset_checks/scraping.py"
RECORDED, TICKS = "orchestration/metrics/recorded.py", "orchestration/metrics/of_automation.py"
EXPORTER, OF_RUNS = "orchestration/metrics/exporter.py", "orchestration/metrics/of_runs.py"
WATCHED = "orchestration/metrics/watched.py"
RUN, MESSAGES = "orchestration/run_graph.py", "defs/failure_messages.py"
VERSIONS = "dagster._core.definitions.data_version"
JOB_ASSETS = "dagster._core.definitions.assets.job.asset_layer"
GRAPH = "dagster._core.definitions.assets.graph.asset_graph"
JOB_NAMES = "dagster._core.definitions.assets.job.asset_job"
FAILURES = "dagster._core.execution.plan.objects"
RAY, K8S, ELSEWHERE = "defs/ray_executor.py", "defs/k8s_executor.py", "defs/steps_elsewhere.py"
DELEGATING = "dagster._core.executor.step_delegating"

USES = [
    Use(STALENESS, VERSIONS, "CachingStaleStatusResolver", ("instance", "asset_graph", "loading_context")),
    Use(STALENESS, VERSIONS, "CachingStaleStatusResolver.get_status", ("self", "key", "partition_key")),
    Use(STALENESS, VERSIONS, "StaleStatus.FRESH"),
    Use(STALENESS, GRAPH, "AssetNode.partition_mappings"),
    Use(STALENESS, GRAPH, "AssetNode.partitions_def"),
    Use(FAN_IN, "dagster", "DagsterInstance.event_log_storage"),
    Use(
        FAN_IN,
        "dagster._core.storage.event_log.base",
        "EventLogStorage.get_latest_tags_by_partition",
        ("self", "asset_key", "event_type", "tag_keys"),
    ),
    Use(RECOVERY, "dagster._core.storage.runs", "SqliteRunStorage"),
    Use("orchestration/instance.py", "dagster._core.storage.runs", "SqliteRunStorage"),
    Use(RECOVERY, "dagster", "DagsterInstance.run_storage"),
    Use(RECOVERY, "dagster", "DagsterInstance.report_run_failed", ("self", "dagster_run", "message")),
    Use(RECOVERY, "dagster", "DagsterInstance.all_logs", ("self", "run_id", "of_type")),
    Use(RECOVERY, "dagster", "EventLogEntry.get_dagster_event", ("self",)),
    Use(RECOVERY, "dagster", "DagsterEvent.engine_event_data"),
    Use(PROJECT, "dagster._core.instance.ref", "InstanceRef.config_defaults", ("base_dir",)),
    Use(HOME, "dagster._core.instance.ref", "InstanceRef.config_defaults", ("base_dir",)),
    Use(
        HOME,
        "dagster",
        "DagsterInstance.report_engine_event",
        ("self", "message", "dagster_run", "engine_event_data"),
    ),
    Use(HOME, "dagster._core.events", "EngineEventData", ("metadata",)),
    Use(PROJECT, "dagster._core.instance.ref", "InstanceRef.custom_instance_class"),
    Use(EXECUTORS, "dagster._core.executor.multiprocess", "ActiveExecution"),
    Use(EXECUTORS, ACTIVE, "ActiveExecution.get_steps_to_execute", ("self", "limit")),
    Use(EXECUTORS, ACTIVE, "ActiveExecution.has_in_flight_steps"),
    Use(EXECUTORS, ACTIVE, "ActiveExecution.is_complete"),
    Use(SQLITE, "dagster._core.instance.ref", "InstanceRef.config_defaults", ("base_dir",)),
    Use(SQLITE, "dagster._core.storage.sqlite_storage", "DagsterSqliteStorage", ("base_dir", "inst_data")),
    Use(SQLITE, EVENTS, "SqliteEventLogStorage", ("base_dir",)),
    Use(POSTGRES, f"{EVENTS}.schema", "ConcurrencyLimitsTable.c.concurrency_key"),
    Use(POSTGRES, "dagster._core.storage.runs.schema", "KeyValueStoreTable.c.key"),
    *(
        Use(
            POSTGRES,
            "dagster_postgres",
            name,
            ("postgres_url", "should_autocreate_tables", "inst_data", "token_provider"),
        )
        for name in (
            "DagsterPostgresStorage",
            "PostgresEventLogStorage",
            "PostgresRunStorage",
            "PostgresScheduleStorage",
        )
    ),
    Use(POSTGRES, "dagster_postgres", "PostgresRunStorage.connect", ("self",)),
    Use(POSTGRES, "dagster_postgres", "PostgresScheduleStorage.connect", ("self", "run_id")),
    Use(POSTGRES, "dagster_postgres", "PostgresEventLogStorage._connect", ("self",)),
    Use(
        POSTGRES,
        "dagster_postgres",
        "PostgresEventLogStorage._allocate_concurrency_slots",
        ("self", "conn", "concurrency_key", "num"),
    ),
    Use(POSTGRES, "dagster_postgres", "PostgresEventLogStorage.get_pool_limits", ("self",)),
    Use(POSTGRES, "dagster_postgres.utils", "create_pg_engine", ("postgres_url", "token_provider", "engine_kwargs")),
    Use(POSTGRES, "dagster_postgres.utils", "get_token_provider_from_config", ("config_value",)),
    Use(POSTGRES, "dagster_postgres.utils", "pg_url_from_config", ("config_value",)),
    *(
        Use(POOL_SAFE, EVENTS, f"SqlEventLogStorage.{name}", ("self", *called_with))
        for name, *called_with in (
            ("initialize_concurrency_limit_to_default", "concurrency_key"),
            ("set_concurrency_slots", "concurrency_key", "num"),
            ("delete_concurrency_limit", "concurrency_key"),
            ("claim_concurrency_slot", "concurrency_key", "run_id", "step_key", "priority"),
            ("free_concurrency_slots_for_run", "run_id"),
            ("free_concurrency_slot_for_step", "run_id", "step_key"),
            ("has_unassigned_slots", "concurrency_key"),
            ("assign_pending_steps", "concurrency_keys"),
        )
    ),
    Use(POOL_SAFE, "dagster._utils.concurrency", "ConcurrencyClaimStatus.with_sleep_interval", ("self", "interval")),
    Use(RUN, "dagster", "DagsterEvent.step_failure_data"),
    Use(RUN, "dagster", "DagsterEvent.job_failure_data"),
    Use(RUN, "dagster._core.events", "JobFailureData.error"),
    Use(RUN, "dagster", "ExecuteInProcessResult.get_step_failure_events", ("self",)),
    Use(RUN, "dagster", "ExecuteInProcessResult.filter_events", ("self", "event_filter")),
    Use(RUN, "dagster", "JobDefinition.asset_layer"),
    Use(RUN, JOB_ASSETS, "AssetLayer.executable_asset_keys"),
    Use(RUN, GRAPH, "AssetGraph.toposorted_asset_keys"),
    Use(CHECKS, "dagster", "AssetCheckExecutionContext.partition_key"),
    Use(CHECKS, "dagster", "AssetCheckEvaluation.partition"),
    Use(CHECKS, "dagster", "DagsterInstance.get_latest_storage_id_by_partition", ("self", "asset_key", "event_type")),
    Use(
        CONCERNS,
        "dagster._utils.schedules",
        "cron_string_iterator",
        ("start_timestamp", "cron_string", "execution_timezone"),
    ),
    Use(CONCERNS, "dagster", "DagsterInstance.get_ticks", ("self", "origin_id", "selector_id")),
    Use(CONCERNS, "dagster", "DagsterInstance.all_instigator_state", ("self",)),
    Use(
        CONCERNS,
        "dagster._core.storage.event_log.base",
        "EventLogStorage.get_asset_check_execution_history",
        ("self", "check_key", "limit"),
    ),
    Use(CONCERNS, "dagster._core.scheduler.instigation", "InstigatorState.instigator_origin_id"),
    Use(CONCERNS, "dagster._core.storage.asset_check_execution_record", "AssetCheckExecutionRecordStatus.FAILED"),
    *(
        Use(RECORDED, "dagster._core.storage.runs.schema", f"RunsTable.c.{name}")
        for name in ("pipeline_name", "status", "start_time", "end_time", "create_timestamp")
    ),
    *(
        Use(RECORDED, f"{EVENTS}.schema", f"SqlEventLogStorageTable.c.{name}")
        for name in ("id", "asset_key", "partition", "dagster_event_type", "event")
    ),
    *(
        Use(RECORDED, f"{EVENTS}.schema", f"AssetCheckExecutionsTable.c.{name}")
        for name in ("id", "asset_key", "check_name", "partition", "execution_status", "evaluation_event")
    ),
    Use(RECORDED, f"{EVENTS}.schema", "AssetKeyTable.c.wipe_timestamp"),
    Use(RECORDED, f"{EVENTS}.schema", "AssetCheckExecutionsTable.c.evaluation_event_storage_id"),
    Use(RECORDED, "dagster._core.storage.dagster_run", "FINISHED_STATUSES"),
    *(
        Use(RECORDED, "dagster._core.storage.schedules.schema", f"JobTickTable.c.{name}")
        for name in ("id", "selector_id", "status", "timestamp")
    ),
    Use(RECORDED, "dagster._core.storage.schedules", "SqlScheduleStorage.connect", ("self",)),
    Use(RECORDED, "dagster", "DagsterInstance.schedule_storage"),
    Use(RECORDED, EVENTS, "SqlEventLogStorage.index_connection", ("self",)),
    Use(RECORDED, "dagster._core.storage.runs", "SqlRunStorage.connect", ("self",)),
    Use(RECORDED, "dagster", "EventLogEntry.asset_materialization"),
    Use(RECORDED, "dagster", "DagsterEvent.asset_check_evaluation_data"),
    Use(OF_RUNS, EVENTS, "SqlEventLogStorage.get_concurrency_infos", ("self", "concurrency_keys")),
    Use(OF_RUNS, "dagster._utils.concurrency", "ConcurrencyKeyInfo.active_slot_count"),
    Use(OF_RUNS, "dagster._utils.concurrency", "ConcurrencyKeyInfo.pending_step_count"),
    Use(OF_RUNS, "dagster", "DagsterInstance.get_daemon_heartbeats", ("self",)),
    Use(
        EXPORTER,
        "dagster",
        "DagsterInstance.optimize_for_webserver",
        ("self", "statement_timeout", "pool_recycle", "max_overflow"),
    ),
    Use(WATCHED, "dagster", "RepositoryDefinition.asset_graph"),
    Use(WATCHED, GRAPH, "AssetGraph.get_all_asset_keys", ("self",)),
    Use(WATCHED, GRAPH, "AssetGraph.asset_check_keys"),
    Use(TICKS, "dagster._core.remote_origin", "RemoteInstigatorOrigin.location_name"),
    Use(TICKS, "dagster._core.scheduler.instigation", "InstigatorState.selector_id"),
    Use(MESSAGES, FAILURES, "StepFailureData.user_failure_data"),
    Use(MESSAGES, FAILURES, "StepFailureData.error"),
    Use(MESSAGES, FAILURES, "UserFailureData.description"),
    Use(ELSEWHERE, DELEGATING, "StepDelegatingExecutor", ("step_handler", "retries")),
    Use(
        ELSEWHERE,
        DELEGATING,
        "StepDelegatingExecutor.log_failure_or_retry_event_after_error",
        ("self", "step_context", "err_info", "known_state"),
    ),
    Use(ELSEWHERE, DELEGATING, "StepHandler.launch_step", ("self", "step_handler_context")),
    Use(ELSEWHERE, DELEGATING, "StepHandler.check_step_health", ("self", "step_handler_context")),
    Use(ELSEWHERE, DELEGATING, "StepHandler.terminate_step", ("self", "step_handler_context")),
    Use(ELSEWHERE, FAILURES, "StepRetryData", ("error", "seconds_to_wait")),
    Use(ELSEWHERE, "dagster", "DagsterEvent.step_retry_event", ("step_context", "step_retry_data")),
    Use(ELSEWHERE, "dagster._core.execution.plan.state", "KnownExecutionState.get_retry_state", ("self",)),
    Use(ELSEWHERE, "dagster._core.execution.retries", "RetryState.get_attempt_count", ("self", "key")),
    Use(RAY, "dagster_ray.core.executor", "RayStepHandler"),
    Use(RAY, "dagster._core.definitions.executor_definition", "multiple_process_executor_requirements"),
    Use(K8S, DELEGATING, "StepHandlerContext.step_tags"),
    Use(K8S, DELEGATING, "StepHandlerContext.get_step_context", ("self", "step_key")),
    Use(K8S, "dagster_k8s.client", "DagsterKubernetesClient.get_job_status", ("self", "job_name", "namespace")),
    Use(K8S, "dagster_k8s.client", "DagsterKubernetesClient.delete_job", ("self", "job_name", "namespace")),
    Use(
        K8S,
        "dagster_k8s.client",
        "DagsterKubernetesClient.create_namespaced_job_with_retries",
        ("self", "body", "namespace"),
    ),
    Use(K8S, "dagster_k8s.job", "construct_dagster_k8s_job", ("job_config", "args", "job_name")),
    Use(K8S, "dagster_k8s.job", "get_k8s_job_name", ("input_1", "input_2")),
    Use(K8S, "dagster_k8s.job", "get_user_defined_k8s_config", ("tags",)),
    Use(K8S, "dagster_k8s.container_context", "K8sContainerContext.merge", ("self", "other")),
]


@pytest.mark.parametrize("use", USES, ids=lambda use: use.name)
def test_a_name_that_we_use_is_there(use):
    lost = f"Dagster {dagster.__version__} has no {use.module}.{use.name}, which cic_assets/{use.by} uses"
    try:
        found = importlib.import_module(use.module)
    except ImportError:
        pytest.fail(lost)
    for part in use.name.split("."):
        assert hasattr(found, part), lost
        found = getattr(found, part)
    if use.called_with:
        parameters = list(inspect.signature(found).parameters.values())
        names = tuple(one.name for one in parameters)
        assert names[: len(use.called_with)] == use.called_with, (
            f"{use.name} takes {names}: cic_assets/{use.by} calls it"
        )
        more = [one.name for one in parameters[len(use.called_with) :] if one.default is one.empty]
        assert more == [], f"{use.name} wants {more}, which cic_assets/{use.by} does not give"


def test_what_staleness_implements_is_all_that_is_abstract():
    assert LoadingContext.__abstractmethods__ == {"instance", "loaders"}


def test_a_run_tells_its_process_under_the_name_that_run_recovery_reads():
    assert EngineEventData.in_process(42).metadata["pid"].value == "42"


def test_the_tag_that_keeps_dagster_from_starting_a_run_again():
    assert MAX_RETRIES_TAG == "dagster/max_retries"


@pytest.mark.parametrize("module", PRELOADED)
def test_what_steps_are_forked_with_is_there(module):
    """A fork server leaves out in silence what it cannot import, and each step pays for it."""
    importlib.import_module(module)


def test_log_records_carry_what_our_logger_reads():
    assert LOG_RECORD_METADATA_ATTR == "dagster_meta"
    assert {"dagster_event", "orig_message"} <= DagsterLogRecordMetadata.__annotations__.keys()


def test_dagster_dev_takes_the_options_that_cic_dev_gives():
    taken = {option for parameter in dev_command.params for option in parameter.opts}
    assert {"-h", "-p", "-w", "--log-format"} <= taken


def test_words_of_runs_and_checks_are_those_that_metrics_know():
    assert {status.value.lower() for status in dagster.DagsterRunStatus} == {*ENDED, *UNDER_WAY, "managed", "suspended"}
    assert {status.value for status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES} == set(EVALUATED)
    assert {status.value.lower() for status in FINISHED_STATUSES} == set(ENDED)
    assert ASSETS == importlib.import_module(JOB_NAMES).IMPLICIT_ASSET_JOB_NAME
