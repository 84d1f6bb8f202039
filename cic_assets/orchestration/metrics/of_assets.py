"""Assets, checks and sources of a problem: when each was made, by what it took, and what it told of itself."""

import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dagster import AssetCheckKey

from cic_assets.defs.measuring import STEP_CPU_SECONDS, STEP_SECONDS
from cic_assets.domain.media import Outcome
from cic_assets.orchestration.metrics import contract
from cic_assets.orchestration.metrics.contract import Metric, Sample
from cic_assets.orchestration.metrics.recorded import Evaluation, Made, Part
from cic_assets.orchestration.metrics.watched import Watched

_DAY = 86400.0


class _Told(NamedTuple):
    """A number of an asset's metadata, and the metric that it is.

    Attributes:
        key: its name in the metadata.
        metric: what it is called here.
        labels: the last ones of the metric, after those that say whose it is.
    """

    key: str
    metric: Metric
    labels: tuple[str, ...] = ()


_OF_ANY = (
    _Told(STEP_SECONDS, contract.SECONDS),
    _Told(STEP_CPU_SECONDS, contract.CPU_SECONDS),
    _Told("dagster/row_count", contract.ROWS),
    _Told("left out", contract.LEFT_OUT),
)
_OF_SOURCES: Mapping[str, tuple[_Told, ...]] = {
    "raw_images": (
        _Told("posts", contract.POSTS),
        _Told("images", contract.PICTURES),
        _Told("new rows", contract.NEW_MEDIA),
        _Told("fetched bytes", contract.FETCHED),
    ),
    "takedowns": (_Told("posts asked about", contract.ASKED),),
}
_OF_ALL_SOURCES: Mapping[str, tuple[_Told, ...]] = {
    "duplicates": (
        _Told("groups", contract.GROUPS),
        _Told("dropped", contract.DROPPED),
        _Told("label conflicts", contract.CONFLICTS),
    ),
    "dataset_audit": (
        _Told("likely label errors", contract.LABEL_ERRORS),
        _Told("pictures of no class", contract.OFF_TOPIC),
    ),
}
_OF_MODELS = (
    _Told("validation accuracy", contract.ACCURACY, ("validation",)),
    _Told("test accuracy", contract.ACCURACY, ("test",)),
    _Told("out-of-fold accuracy", contract.ACCURACY, ("out_of_fold",)),
    _Told("train seconds", contract.TRAINING),
    _Told("CPU seconds", contract.TRAINING_CPU),
    _Told("peak memory, bytes", contract.MEMORY),
    _Told("peak GPU memory, bytes", contract.GPU_MEMORY),
    _Told("size on disk, bytes", contract.MODEL_SIZE),
)


def samples_of_assets(watched: Watched, latest: Mapping[Part, Made]) -> Iterator[Sample]:
    """What the latest materializations told; parts that the problem has no more are left out."""
    problem = watched.problem.name
    models = {f"{name}_model": name for name in watched.problem.models}
    for (key, source), made in sorted(latest.items(), key=lambda one: (one[0][0].path, one[0][1])):
        asset = key.path[-1]
        if not _is_part(watched, (key, source)):
            continue
        of_part = (problem, asset, source)
        yield Sample(contract.MADE_AT, made.at, of_part)
        yield from _numbers(made, _OF_ANY, of_part)
        yield from _numbers(made, _OF_SOURCES.get(asset, ()), (problem, source))
        yield from _numbers(made, _OF_ALL_SOURCES.get(asset, ()), (problem,))
        if asset in models:
            yield from _numbers(made, _OF_MODELS, (problem, models[asset]))
        yield from _media(problem, source, made) if asset == "raw_images" else ()
        yield from _pictures(watched, made) if asset == "training_dataset" else ()


def _is_part(watched: Watched, part: Part) -> bool:
    key, source = part
    return source in watched.problem.partitions if watched.assets[key] else not source


def _numbers(made: Made, wanted: tuple[_Told, ...], labels: tuple[str, ...]) -> Iterator[Sample]:
    for one in wanted:
        if one.key in made.numbers:
            yield Sample(one.metric, made.numbers[one.key], (*labels, *one.labels))


def _media(problem: str, source: str, made: Made) -> Iterator[Sample]:
    """Of all outcomes, so that a first one of its kind is seen as one more than none."""
    counts = {row["outcome"]: row["count"] for row in made.tables.get("outcomes", ())}
    for outcome in Outcome if counts else ():
        yield Sample(contract.MEDIA, counts.get(outcome, 0), (problem, source, outcome))


def _pictures(watched: Watched, made: Made) -> Iterator[Sample]:
    for row in made.tables.get("pictures by class and split", ()):
        if row["class"] in watched.problem.classes:
            for split, count in row.items():
                if split != "class" and count is not None:
                    yield Sample(contract.DATASET, count, (watched.problem.name, row["class"], split))


def samples_of_sources(watched: Watched, latest: Mapping[Part, Made]) -> Iterator[Sample]:
    """Which sources are stale; of one that nobody has begun with, nothing is late."""
    problem, key = watched.problem, watched.key("raw_images")
    allowed = problem.routine.stale_after_days * _DAY
    made = {source: latest.get((key, source)) for source in problem.partitions}
    stale = {source: time.time() - one.at > allowed for source, one in made.items() if one}
    yield Sample(contract.STALE_AFTER, allowed, (problem.name,))
    states = {
        "fresh": len(stale) - sum(stale.values()),
        "stale": sum(stale.values()),
        "never_scraped": len(made) - len(stale),
    }
    for state, count in states.items():
        yield Sample(contract.SOURCES, count, (problem.name, state))
    for source, is_stale in stale.items():
        yield Sample(contract.STALE, is_stale, (problem.name, source))


def samples_of_checks(watched: Watched, latest: Mapping[tuple[AssetCheckKey, str], Evaluation]) -> Iterator[Sample]:
    """What the latest evaluations said."""
    for (key, source), one in sorted(latest.items(), key=lambda one: (one[0][0].name, one[0][1])):
        if source and source not in watched.problem.partitions:
            continue
        labels = (watched.problem.name, key.asset_key.path[-1], source, key.name)
        yield Sample(contract.CHECK_PASSED, one.passed, (*labels, one.severity))
        yield Sample(contract.CHECKED_AT, one.at, labels)
