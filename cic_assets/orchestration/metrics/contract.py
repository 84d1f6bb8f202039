"""The metrics that there are: names and labels that people's dashboards and alerts rely on.

A name that is here stays, with its labels and its unit; what is new gets a new one. No label has text that was scraped:
each is a name of the problem file, of the graph, or a word from a short list.
"""

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """One of them.

    Attributes:
        name: as Prometheus has it, with its unit at the end.
        kind: a counter only grows, but for what somebody deletes.
        labels: names, in the order in which a sample gives their values.
        meaning: one line.
    """

    name: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    meaning: str


class Sample(NamedTuple):
    """A value of a metric; an empty label is one that there is not."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


def _gauge(name: str, labels: str, meaning: str) -> Metric:
    return Metric(name, "gauge", tuple(labels.split()), meaning)


def _counter(name: str, labels: str, meaning: str) -> Metric:
    return Metric(name, "counter", tuple(labels.split()), meaning)


BUILD = _gauge("cic_build_info", "version dagster", "1; by which versions this was read")
READ_SECONDS = _gauge("cic_metrics_read_seconds", "", "how long it took to read all this")
READ_AT = _gauge("cic_metrics_read_timestamp_seconds", "", "when all this was read: an answer is kept for some seconds")

RUNS_ENDED = _counter("cic_runs_ended_total", "job_name status", "runs that ended, by success, failure or canceled")
RUN_SECONDS = _counter("cic_run_seconds_total", "job_name status", "what those took, from their start to their end")
RUN_ENDED_AT = _gauge("cic_run_last_end_timestamp_seconds", "job_name status", "when the last of those ended")
RUNS_UNDER_WAY = _gauge(
    "cic_runs_under_way",
    "job_name status",
    "runs that did not end yet: not_started, queued, starting, started, canceling",
)
RUN_WAITING_SINCE = _gauge(
    "cic_run_oldest_under_way_timestamp_seconds", "job_name status", "when the oldest of those was asked for"
)
POOL_LIMIT = _gauge("cic_pool_limit", "pool", "steps that may be at work at once in a pool")
POOL_STEPS = _gauge("cic_pool_steps", "pool state", "steps of a pool, running or waiting for a place")

MADE_AT = _gauge("cic_asset_materialized_timestamp_seconds", "problem asset source", "when an asset was last made")
SECONDS = _gauge("cic_asset_seconds", "problem asset source", "how long its step took then")
CPU_SECONDS = _gauge(
    "cic_asset_cpu_seconds", "problem asset source", "processor time of its step then, on the machine where it ran"
)
ROWS = _gauge("cic_asset_rows", "problem asset source", "rows of its table then")
LEFT_OUT = _gauge(
    "cic_asset_pictures_left_out", "problem asset source", "pictures that its step could not read, and went on without"
)

CHECK_PASSED = _gauge(
    "cic_check_passed",
    "problem asset source check severity",
    "1 where a check's latest evaluation passed, 0 where it failed; severity is warn or error",
)
CHECKED_AT = _gauge("cic_check_timestamp_seconds", "problem asset source check", "when that was")

SOURCES = _gauge("cic_sources", "problem state", "sources of a problem: fresh, stale or never_scraped")
STALE_AFTER = _gauge(
    "cic_source_stale_after_seconds", "problem", "the age from which a source is stale (routine.stale_after_days)"
)
STALE = _gauge("cic_source_stale", "problem source", "1 where a source was scraped once, but not for so long")
MEDIA = _gauge("cic_source_media", "problem source outcome", "media of a source, by what became of them")
POSTS = _gauge("cic_source_posts", "problem source", "posts of a source")
PICTURES = _gauge("cic_source_pictures", "problem source", "media of a source that gave a picture")
NEW_MEDIA = _gauge("cic_source_new_media", "problem source", "media that its last scrape found new")
FETCHED = _gauge("cic_source_fetched_bytes", "problem source", "bytes that its last scrape fetched")
ASKED = _gauge("cic_source_posts_asked_about", "problem source", "posts whose take-down was asked about last time")

GROUPS = _gauge("cic_duplicate_groups", "problem", "groups of pictures that are the same picture")
DROPPED = _gauge("cic_duplicate_pictures_dropped", "problem", "pictures left out, of which another copy is kept")
CONFLICTS = _gauge("cic_duplicate_groups_in_two_classes", "problem", "groups whose pictures are in several classes")
DATASET = _gauge("cic_dataset_pictures", "problem class split", "pictures of the data set")
LABEL_ERRORS = _gauge("cic_dataset_likely_label_errors", "problem", "pictures whose class is likely another one")
OFF_TOPIC = _gauge("cic_dataset_pictures_of_no_class", "problem", "pictures that look like none of the classes")

ACCURACY = _gauge(
    "cic_model_accuracy_ratio",
    "problem model measured_on",
    "accuracy of the latest training, 0 to 1, on the pictures of validation or test, or out_of_fold on all",
)
TRAINING = _gauge("cic_model_train_seconds", "problem model", "how long the latest training took")
TRAINING_CPU = _gauge("cic_model_train_cpu_seconds", "problem model", "its processor time")
MEMORY = _gauge("cic_model_peak_memory_bytes", "problem model", "the most memory that it took")
GPU_MEMORY = _gauge("cic_model_peak_gpu_memory_bytes", "problem model", "the most memory of a GPU that it took")
MODEL_SIZE = _gauge("cic_model_size_bytes", "problem model", "the model's size on disk")

AUTOMATION_ON = _gauge("cic_automation_on", "problem kind name", "1 where a schedule or sensor is switched on")
TICKED_AT = _gauge(
    "cic_automation_last_tick_timestamp_seconds", "problem kind name", "the time of its last tick; kind says which"
)
TICK_FAILED = _gauge("cic_automation_last_tick_failed", "problem kind name", "1 where that tick failed")
DUE_AT = _gauge(
    "cic_schedule_due_timestamp_seconds",
    "problem name",
    "when a schedule that is on is due after its last tick: long past, where ticks are missed",
)
HEARTBEAT = _gauge(
    "cic_daemon_heartbeat_timestamp_seconds", "daemon", "when a part of Dagster's daemon last said that it is there"
)

DISK_FREE = _gauge(
    "cic_disk_free_bytes", "problem place", "room on the disk of a place: data_root, where it is no bucket, or home"
)
DISK_SIZE = _gauge("cic_disk_size_bytes", "problem place", "size of that disk")

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order in which they are shown."""
