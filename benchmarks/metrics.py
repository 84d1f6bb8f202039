"""What an answer of `cic metrics` costs over the records of years: a hundred sources, 100,000 runs.

    python benchmarks/metrics.py [--runs 100000] [--sources 100] [--history 100] [--output FILE]

Two folders of a few made-up pictures are scraped and fingerprinted once by `cic run`. What Dagster recorded of that is
then put into its tables again and again under other names and times: so each row is as large as a real one. In SQLite,
or in an empty database of the PostgreSQL that CIC_POSTGRES_URL names. One process gives all answers: the first with
nothing known, the next ones as every minute's scrape.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice, product
from pathlib import Path
from typing import Any
from uuid import uuid4

import cv2
import numpy as np
import sqlalchemy as sql
import yaml
from dagster import AssetKey, DagsterInstance
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.schedules.schema import JobTickTable
from peers.environment import machine

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
SCRAPED = ("takedowns", "raw_images", "image_hashes")
OF_SOURCES = (*SCRAPED, "deduped_images", "resized_images", "image_features")
"""Those that were not run are told by the records of `image_hashes`, which are of their size."""
JOBS = ("rescrape", "check_takedowns", "find_duplicates", "prepare", "build_dataset", "train_all", "__ASSET_JOB")
STATUSES = ("SUCCESS",) * 18 + ("FAILURE", "CANCELED")
SCHEDULES, SENSORS = ("daily_rescrape", "takedown_check", "scheduled_training"), (
    "follow_new_data", "restore_removed", "alert_on_failure", "alert_on_concerns",
)  # fmt: skip
TICKS_OF_SENSOR = 7 * 24 * 120
"""A week of one each half a minute, which is for how long Dagster keeps them."""
AT_ONCE = 5000


def make_root(folder: Path) -> dict[str, str]:
    """Scrape two folders for real; returns the environment of commands."""
    random = np.random.default_rng(0)
    for source in ("s000", "s001"):
        (folder / source).mkdir()
        for number in range(20):
            small = random.integers(0, 255, (7, 9, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / source / f"{number}.png"), cv2.resize(small, (160, 120)))
    write_problem(folder, 2)
    ours = {"CIC_PROBLEM": folder / "problem.yaml", "CIC_DATA_ROOT": folder / "root", "HOME": folder}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CIC_", "DAGSTER"))}
    environment |= {name: str(value) for name, value in ours.items()}
    if url := os.environ.get("CIC_POSTGRES_URL"):
        environment["CIC_POSTGRES_URL"] = url
    command = [str(BIN / "cic"), "run", "--select", ",".join(SCRAPED)]
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True)
    return environment


def write_problem(folder: Path, sources: int) -> list[str]:
    """A question with so many sources; returns their names."""
    names = [f"s{number:03}" for number in range(sources)]
    half = len(names) // 2
    classes = {
        "dark": [f"folder:{name}" for name in names[:half]],
        "light": [f"folder:{name}" for name in names[half:]],
    }
    (folder / "problem.yaml").write_text(yaml.safe_dump({"name": "years", "classes": classes}))
    return names


def copies(connection: Any, table: sql.Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Put rows into a table; returns how many."""
    count, waiting = 0, iter(rows)
    while chunk := list(islice(waiting, AT_ONCE)):
        connection.execute(table.insert(), chunk)
        count += len(chunk)
    return count


def first_row(connection: Any, table: sql.Table, *where: Any) -> dict[str, Any]:
    """What was recorded for real, without its number."""
    row = connection.execute(sql.select(table).where(*where).limit(1)).mappings().one()
    return {name: value for name, value in row.items() if name != "id"}


def multiply_runs(instance: DagsterInstance, count: int) -> int:
    """Runs of all jobs, over two years."""
    with instance.run_storage.connect() as connection:
        real, now = first_row(connection, RunsTable), time.time()

        def rows() -> Iterable[dict[str, Any]]:
            for number in range(count):
                began = now - (count - number) * 600
                yield {
                    **real, "run_id": str(uuid4()), "pipeline_name": JOBS[number % len(JOBS)],
                    "status": STATUSES[number % len(STATUSES)], "start_time": began, "end_time": began + 60,
                }  # fmt: skip

        return copies(connection, RunsTable, rows())


def multiply_events(instance: DagsterInstance, sources: Sequence[str], history: int) -> tuple[int, int]:
    """Materializations and evaluations of checks, of all sources."""
    event, check = SqlEventLogStorageTable, AssetCheckExecutionsTable
    with instance.event_log_storage.index_connection() as connection:
        made = {
            asset: first_row(
                connection, event, event.c.asset_key == AssetKey(asset).to_string(),
                event.c.dagster_event_type == "ASSET_MATERIALIZATION",
            )
            for asset in SCRAPED
        }  # fmt: skip
        events = (
            {**made.get(asset, made["image_hashes"]), "asset_key": AssetKey(asset).to_string(), "partition": source}
            for _, asset, source in product(range(history), OF_SOURCES, sources)
        )
        of_source = first_row(connection, check, check.c.check_name == "most_media_gave_a_picture")
        of_all = first_row(connection, check, check.c.check_name == "no_source_is_stale")
        checks = (
            {**row, "run_id": str(uuid4()), "partition": source if row["partition"] else None}
            for _, source, row in product(range(history), sources, (of_source, of_all))
        )
        return copies(connection, event, events), copies(connection, check, checks)


def multiply_ticks(instance: DagsterInstance) -> int:
    """Three months of schedules, a week of sensors."""
    count = 0
    for name in (*SCHEDULES, *SENSORS):
        is_schedule = name in SCHEDULES
        kind = InstigatorType.SCHEDULE if is_schedule else InstigatorType.SENSOR
        origin = RemoteInstigatorOrigin(
            RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("cic_assets"), "__repository__"), name
        )
        data = ScheduleInstigatorData("0 5 * * *", None) if is_schedule else SensorInstigatorData(min_interval=30)
        state = InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)
        instance.add_instigator_state(state)
        now, step = time.time(), 86400.0 if is_schedule else 30.0
        status = TickStatus.SUCCESS if is_schedule else TickStatus.SKIPPED
        told = {"run_ids": ["a"]} if is_schedule else {"skip_reason": "nothing is new"}
        tick = TickData(origin.get_id(), name, kind, status, now, selector_id=state.selector_id, **told)
        instance.create_tick(tick)
        with instance.schedule_storage.connect() as connection:
            real = first_row(connection, JobTickTable, JobTickTable.c.selector_id == state.selector_id)
            times = range(1, 90 if is_schedule else TICKS_OF_SENSOR)
            rows = ({**real, "timestamp": datetime.fromtimestamp(now - step * number, UTC)} for number in times)
            count += copies(connection, JobTickTable, rows)
    return count


MEASURED = """
import json, os, resource, sys, time
from pathlib import Path
from cic_assets.config.environment import Environment
from cic_assets.orchestration.metrics import Exporter

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

exporter = Exporter([Environment.from_variables()], Path(sys.argv[1]))
told = {"start": cpu(), "answers": []}
for _ in range(6):
    began, before = time.perf_counter(), cpu()
    text = exporter.text()
    told["answers"].append((time.perf_counter() - began, cpu() - before))
told |= {"bytes": len(text), "lines": text.count(b"\\n")}
told["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps(told))
"""


def measure(environment: Mapping[str, str], home: Path) -> dict[str, Any]:
    """Six answers of a process."""
    command = [sys.executable, "-c", MEASURED, str(home)]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--sources", type=int, default=100)
    parser.add_argument("--history", type=int, default=100)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "metrics.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = make_root(folder)
        sources = write_problem(folder, arguments.sources)
        home = folder / "root" / "dagster"
        with DagsterInstance.from_config(str(home)) as instance:
            runs = multiply_runs(instance, arguments.runs)
            events, checks = multiply_events(instance, sources, arguments.history)
            ticks = multiply_ticks(instance)
        size = sum(path.stat().st_size for path in home.rglob("*.db*"))
        told = measure(environment, home)
    text = report(
        arguments, told, f"{runs:,} runs, {events:,} materializations, {checks:,} checks, {ticks:,} ticks", size
    )
    arguments.output.write_text(f"# An answer to Prometheus, over years of records\n{text}")
    print(text)


def report(arguments: argparse.Namespace, told: Mapping[str, Any], records: str, size: int) -> str:
    """A section of the results."""
    where = "PostgreSQL" if os.environ.get("CIC_POSTGRES_URL") else f"SQLite, {size / 1e6:,.0f} MB"
    first, *others = told["answers"]
    wall, cpu = (sorted(one[index] for one in others)[len(others) // 2] for index in (0, 1))
    command = f"python benchmarks/metrics.py --runs {arguments.runs} --sources {arguments.sources}"
    return f"""
## {where}

`{command} --history {arguments.history}`, {datetime.now(UTC):%Y-%m-%d}; {machine()}.

{records}; {arguments.sources} sources.

| | seconds | processor seconds |
|---|---:|---:|
| to start: imports, the graph | | {told["start"]:.2f} |
| the first answer | {first[0]:.2f} | {first[1]:.2f} |
| each after it (median of {len(others)}) | {wall:.2f} | {cpu:.2f} |

{told["lines"]:,} lines, {told["bytes"] / 1e3:,.0f} kB; the process had {told["peak"] / 1e6:,.0f} MB at most.
"""


if __name__ == "__main__":
    main()
