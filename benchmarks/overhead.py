"""What the graph itself costs: loading it, and steps that find nothing new, in a command and as the UI runs them.

    python benchmarks/overhead.py [--rounds 5] [--output benchmarks/results/overhead.md]

Two folders of a few made-up pictures and one tiny net go through the whole graph once. After that nothing is new: what
is measured is Dagster, our tables and processes. Seconds are those of the fastest round. Python keeps the bytecode of
what it imports, as it does unless told otherwise: compiling it anew would add two seconds to each process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from dagster import DagsterEventType, DagsterInstance
from peers.environment import machine

HERE = Path(__file__).resolve().parent
BIN = Path(sys.executable).parent
SOURCES = ("dark", "light")
PICTURES = 40
PROBLEM = """
name: overhead
classes: {dark: ["folder:dark"], light: ["folder:light"]}
dataset: {side: 72, min_per_class: 5}
models: {vgg: {width: 0.05, input_size: 32, epochs: 1}, peetz_net: null, xception: null}
"""
LOAD = (sys.executable, "-c", "import cic_assets.definitions")
RUN = (str(BIN / "cic"), "run")
JOBS = {"rescrape": SOURCES[0], "find_duplicates": None, "prepare": SOURCES[0], "build_dataset": None}
"""Jobs as the UI runs them, each with the partition that it is run for."""

MOST_TO_LOAD = 4.0
MOST_A_STEP = 2.0
"""Seconds that we aim at."""


@dataclass(frozen=True)
class Cost:
    """Wall and processor seconds of a process and its children."""

    wall: float
    processor: float


@dataclass(frozen=True)
class Step:
    """A step in a process of its own.

    Attributes:
        name: the asset's.
        seconds: from the end of the step before, or the beginning of the run, to its own end.
        work: of these, those in which its code ran.
    """

    name: str
    seconds: float
    work: float


def make_world(folder: Path) -> dict[str, str]:
    """A problem with its pictures; returns the environment for commands."""
    random = np.random.default_rng(0)
    for source, offset in zip(SOURCES, (0, 128), strict=True):
        (folder / source).mkdir()
        for number in range(PICTURES):
            small = random.integers(offset, offset + 127, (7, 9, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / source / f"{number}.png"), cv2.resize(small, (160, 120)))
    (folder / "problem.yaml").write_text(PROBLEM)
    ours = {"CIC_PROBLEM": folder / "problem.yaml", "CIC_DATA_ROOT": folder / "root"}
    ours |= {"DAGSTER_HOME": folder / "root" / "dagster", "HOME": folder}
    (folder / "root" / "dagster").mkdir(parents=True)
    (folder / "root" / "dagster" / "dagster.yaml").write_bytes((HERE.parent / "deploy" / "dagster.yaml").read_bytes())
    outer = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return outer | {name: str(value) for name, value in ours.items()}


def cost_of(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, env=environment, cwd=environment["HOME"], check=True, capture_output=True)
    wall, after = time.perf_counter() - start, os.times()
    return Cost(wall, after.children_user + after.children_system - before.children_user - before.children_system)


def fastest(command: Sequence[str], environment: Mapping[str, str], rounds: int) -> Cost:
    """The fastest of some rounds."""
    return min((cost_of(command, environment) for _ in range(rounds)), key=lambda cost: cost.wall)


def job_command(job: str, partition: str | None) -> list[str]:
    """A run of a job as its worker does it: each step in a process of its own."""
    command = [sys.executable, "-m", "dagster", "job", "execute", "-m", "cic_assets.definitions", "-j", job]
    return command if partition is None else [*command, "--tags", json.dumps({"dagster/partition": partition})]


def steps_of_last_run(instance: DagsterInstance) -> list[Step]:
    """The steps of the last run, one after the other."""
    (record,) = instance.get_run_records(limit=1)
    steps, began, before = [], 0.0, record.start_time or 0.0
    for entry in instance.all_logs(record.dagster_run.run_id):
        if entry.is_dagster_event and entry.dagster_event_type is DagsterEventType.STEP_START:
            began = entry.timestamp
        elif entry.is_dagster_event and entry.dagster_event_type is DagsterEventType.STEP_SUCCESS:
            steps.append(Step(str(entry.step_key), entry.timestamp - before, entry.timestamp - began))
            before = entry.timestamp
    return steps


def measure_jobs(environment: Mapping[str, str], rounds: int) -> dict[str, tuple[Cost, list[Step]]]:
    """The fastest round of each job, with its steps."""
    measured = {}
    with DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
        for job, partition in JOBS.items():
            tries = [
                (cost_of(job_command(job, partition), environment), steps_of_last_run(instance)) for _ in range(rounds)
            ]
            measured[job] = min(tries, key=lambda one: one[0].wall)
    return measured


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "overhead.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = make_world(Path(folder))
        first = cost_of(RUN, environment)
        load = fastest(LOAD, environment, arguments.rounds)
        again = fastest(RUN, environment, arguments.rounds)
        jobs = measure_jobs(environment, arguments.rounds)
    text = report(
        arguments.rounds, {"the first `cic run`": first, "loading the graph": load, "`cic run` again": again}, jobs
    )
    arguments.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def report(rounds: int, commands: Mapping[str, Cost], jobs: Mapping[str, tuple[Cost, list[Step]]]) -> str:
    """The result as Markdown."""
    again, load = commands["`cic run` again"], commands["loading the graph"]
    each = (again.wall - load.wall) / (2 * len(SOURCES))
    later = max(step.seconds for _, steps in jobs.values() for step in steps[1:])
    whole = [f"| {name} | {cost.wall:.1f} | {cost.processor:.1f} |" for name, cost in commands.items()]
    whole += [f"| the job `{name}` | {cost.wall:.1f} | {cost.processor:.1f} |" for name, (cost, _) in jobs.items()]
    steps = [
        f"| `{name}` | `{step.name}` | {step.seconds:.2f} | {step.work:.2f} |"
        for name, (_, steps) in jobs.items()
        for step in steps
    ]
    return f"""# What the graph itself costs

`python benchmarks/overhead.py --rounds {rounds}`, {time.strftime("%Y-%m-%d")}; {machine()}.
The fastest of {rounds} rounds; the first run once.

{len(SOURCES)} folders of {PICTURES} pictures. After the first run nothing is new.

| | seconds | processor seconds |
|---|---:|---:|
{chr(10).join(whole)}

The processor seconds of a job leave out those of its steps, whose processes are a fork server's.

`cic run` again has {2 * len(SOURCES)} steps, which look for take-downs and scrape each folder: **{each:.2f} s a step**
over loading the graph, with all questions about what is out of date.

| aim | measured | |
|---|---:|---|
| the graph loads in less than {MOST_TO_LOAD:g} s | {load.wall:.1f} s | {_verdict(load.wall < MOST_TO_LOAD)} |
| a step of `cic run` doing nothing new: {MOST_A_STEP:g} s at most | {each:.2f} s | {_verdict(each <= MOST_A_STEP)} |
| the same in the UI, after the first of a run | {later:.2f} s | {_verdict(later <= MOST_A_STEP)} |

As the UI runs them, a run has a process, and each step one of its own. From the end of the step before, or from the
beginning of the run:

| job | step | seconds | of these in its own code |
|---|---|---:|---:|
{chr(10).join(steps)}

The first step of a run waits for the fork server, which loads the graph once for the processes of all steps; the run's
own process loaded it before. These two are nearly all that a run costs.
"""


def _verdict(is_kept: bool) -> str:
    return "kept" if is_kept else "**missed**"


if __name__ == "__main__":
    main()
